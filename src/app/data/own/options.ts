import type { Fit } from '../../../data/resize.ts';

/** How images become a set. */
export interface SetOptions {
  name: string;
  /** Height and width. */
  size: (typeof SIZES)[number];
  fit: Fit;
  /** Share of every class that is held out, where no folder says what is. */
  testShare: (typeof TEST_SHARES)[number];
  /** Which of them. */
  seed: number;
}

export const SIZES = ['16', '32', '48', '64'] as const;
export const FITS = ['crop', 'fit', 'stretch'] as const;
/** In percent. */
export const TEST_SHARES = ['10', '20', '30', '50'] as const;

export const DEFAULTS: SetOptions = { name: '', size: '32', fit: 'crop', testShare: '20', seed: 1 };
