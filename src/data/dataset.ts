/**
 * What every loader gives and every experiment takes: labelled pictures as bytes, with the statistics
 * of the training set.
 */

/** Labelled pictures of one size. */
export interface LabelledImages {
  /** Number of pictures N. */
  count: number;
  /** N×C×H×W bytes, 0…255, row-major. */
  images: Uint8Array;
  /** N class indices. */
  labels: Uint8Array;
}

/** Per channel, of the training set scaled to 0…1. */
export interface ChannelStatistics {
  mean: number[];
  /** Biased standard deviation (divides by the count). */
  std: number[];
}

export interface Dataset {
  /** Stable identifier: `builtin`, `cifar10`, `fashion-mnist`, `mnist`, `idx`. */
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
}

/** Reported while data is read: bytes or pictures, whichever the stage counts. */
export type LoadProgress = (
  stage: 'read' | 'decode' | 'resize' | 'generate',
  done: number,
  total: number,
) => void;
