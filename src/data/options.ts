/** What a person may choose when a set is read from files. */
import type { ImageDecoder } from './decode.ts';
import type { KnownId } from './known.ts';
import type { Fit } from './resize.ts';

export interface LoadOptions {
  /** Pictures become size×size. */
  size: number;
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
