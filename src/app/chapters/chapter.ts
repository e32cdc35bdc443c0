/** What a chapter is: one idea of the course as one screen. The frame around it is `ChapterPage.tsx`. */
import type { ComponentType } from 'react';
import type { z } from 'zod';
import type { LinkSchema } from './link.ts';

export const CHAPTER_IDS = [
  'depth',
  'normalization',
  'dropout',
  'activations',
  'initialization',
  'images',
  'regularization',
] as const;
export type ChapterId = (typeof CHAPTER_IDS)[number];

export interface InstrumentProps<State> {
  /** What stands in the link. */
  state: State;
  change: (part: Partial<State>) => void;
}

/** A chapter's texts are in `<id>/en.json` and `<id>/zh.json`; the names below are keys there. */
export interface Chapter<S extends LinkSchema = LinkSchema> {
  id: ChapterId;
  link: S;
  /** Typeset with KaTeX; `plain` stands there until it is loaded. */
  formula: { tex: string; plain: string };
  /**
   * Where an instrument has several views: the field of the link that names the view, and all views. What to try, to
   * predict and to see then differs from view to view: `guide.<view>.action` and so on.
   */
  views?: { field: string; names: readonly string[] };
  /** Prepared states to step through in class, the opening one first; captions are `states.<name>`. */
  states: readonly { name: string; state: Partial<z.output<S>> }[];
  /** Experiments that show the idea in training, by the query of their link; labels are `tries.<name>`. */
  tries: readonly { name: string; query: string }[];
  Instrument: ComponentType<InstrumentProps<z.output<S>>>;
}

/** Checks a chapter's types where it is written, and forgets those of its state. */
export function defineChapter<S extends LinkSchema>(chapter: Chapter<S>): Chapter {
  return chapter;
}
