/**
 * Which page the address names, and its state: `#/normalization?method=group&groups=4`. The experiment is the page
 * without a name (`#/?seed=7`); what stands in its query is `link.ts`'s affair.
 */
import { useSyncExternalStore } from 'react';

export interface Route {
  /** Empty for the experiment. */
  page: string;
  /** What stands behind the question mark. */
  query: string;
}

export function parseRoute(hash: string): Route {
  const [, page = '', query = ''] = /^#\/([a-z-]+)(?:\?(.*))?$/.exec(hash) ?? [];
  return page ? { page, query } : { page: '', query: hash.replace(/^#?\/?\??/, '') };
}

export const formatRoute = ({ page, query }: Route): string =>
  `#/${page}${query ? `?${query}` : ''}`;

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('hashchange', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('hashchange', listener);
  };
}

/** The present page; components that use it follow the address. */
export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return parseRoute(hash);
}

/** Writes a page's state into the address. It makes no step in the history, and does not leave the page. */
export function replaceRoute(route: Route): void {
  const hash = formatRoute(route);
  if (hash === location.hash) return;
  history.replaceState(null, '', hash);
  for (const listener of listeners) listener();
}
