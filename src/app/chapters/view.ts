/**
 * How a page is shown, as its link says: `present` for the projector, `embed` for the instrument alone in another
 * page, `hide` for parts that are left out. What is hidden is a control or a text, never a result.
 */
import { createContext, useContext } from 'react';

export interface View {
  present: boolean;
  embed: boolean;
  /** Names of parts: `text`, `formula`, `question`, `tries`, `controls`, or a single control's. */
  hide: readonly string[];
}

export function readView(query: string): View {
  const params = new URLSearchParams(query);
  return {
    present: params.get('present') === '1',
    embed: params.get('embed') === '1',
    hide: (params.get('hide') ?? '').split(',').filter(Boolean),
  };
}

/** The query with `present` on or off. */
export function writePresent(query: string, present: boolean): string {
  const params = new URLSearchParams(query);
  if (present) params.set('present', '1');
  else params.delete('present');
  return params.toString().replaceAll('%2C', ',');
}

export const ViewContext = createContext<View>({ present: false, embed: false, hide: [] });

export const useView = (): View => useContext(ViewContext);

/** Whether the link leaves this part out. */
export const useHidden = (part: string): boolean => useView().hide.includes(part);
