/**
 * What every loader gives and every experiment takes: labelled pictures as bytes, with the statistics
 * of the training set, and where they come from.
 */

/** Labelled pictures of one size. */
export interface LabelledImages {
  /** Number of pictures N. */
  count: number;
  /** N×C×H×W bytes, 0…255, row-major. */
  images: Uint8Array;
  /** N class indices. */
  labels: Uint8Array;
  /** The N files they were read from, where each picture has one. */
  names?: string[];
}

/** The two parts of a set. */
export type Part = 'train' | 'test';

/** Per channel, of the training set scaled to 0…1. */
export interface ChannelStatistics {
  mean: number[];
  /** Biased standard deviation (divides by the count). */
  std: number[];
}

/** Where a set comes from, and what is known about it. */
export interface Provenance {
  /** Address of the authors' page, or the files it was read from. */
  source: string;
  /** In the authors' words, or that they state none. */
  licence?: string;
  citation?: string;
  /** Keys of `KNOWN_PROBLEMS` (known.ts). */
  problems?: string[];
}

export interface Dataset {
  /** Stable identifier: `builtin`, one of known.ts, or format and name of other files: `images:pets`. */
  id: string;
  /** What a person reads. */
  title: string;
  classes: string[];
  channels: number;
  height: number;
  width: number;
  train: LabelledImages;
  test: LabelledImages;
  statistics: ChannelStatistics;
  provenance?: Provenance;
  /** Picture files that could not be decoded and were left out. */
  unreadable?: string[];
}

/** More classes than labels of one byte can name are refused. */
export const MAX_CLASSES = 256;

/** Reported while data is read: bytes or pictures, whichever the stage counts. */
export type LoadProgress = (
  stage: 'download' | 'read' | 'decode' | 'resize' | 'generate',
  done: number,
  total: number,
) => void;
