/** What a person may choose when a set is read from files. */
import type { ImageDecoder } from './decode.ts';
import type { KnownId } from './known.ts';
import type { Fit } from './resize.ts';

/** Encoded pictures of any size are kept at this one at most: no experiment here takes larger ones. */
export const OWN_SIZE = 64;

export interface LoadOptions {
  /** Pictures become size×size; without it they keep their own size, encoded ones up to {@link OWN_SIZE}. */
  size?: number | undefined;
  /** How decoded pictures become square; the middle of them by default. Arrays of pictures are stretched. */
  fit?: Fit;
  /** Which of CIFAR-100's labels: a hundred fine ones (default), or twenty coarse ones. */
  labels?: 'fine' | 'coarse';
  /** The set that the files hold, where they do not say. */
  known?: KnownId;
  /** Which pictures are held out as the test set, where the files have none. 1 by default. */
  seed?: number;
  /** How many of them: a sixth by default. */
  testShare?: number;
  /** Reads encoded pictures; the browser's by default. */
  decode?: ImageDecoder;
}

/** Options of readers that must know the size before the first picture. */
export interface SizedOptions extends LoadOptions {
  size: number;
}
