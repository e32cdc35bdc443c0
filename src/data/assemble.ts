/** From what a format's reader found to a data set at the size that was asked for. */
import { FathomError } from '../errors.ts';
import { shuffle, streamOf } from '../random.ts';
import type { Dataset, LabelledImages } from './dataset.ts';
import { resizeImages } from './resize.ts';
import { channelStatistics } from './statistics.ts';

/** What a format's reader gives; `test` is null where only training files were given. */
export interface ReadSet {
  id: string;
  title: string;
  classes: string[];
  channels: number;
  train: LabelledImages;
  test: LabelledImages | null;
}

/** Pictures at their final size may take this much; a larger set is refused before it is made. */
const MAX_PICTURE_BYTES = 2 ** 30;

/** Share of the training pictures that become the test set where no test files were given. */
const HELD_OUT = 1 / 6;
/** Which ones is the same for every experiment, whatever its own seed: their test errors can be compared. */
const HELD_OUT_SEED = 1;

/** Resizes pictures; throws a FathomError `pictures-too-large` rather than fill the memory. */
export async function fitPictures(
  file: string,
  pictures: LabelledImages,
  shape: { channels: number; height: number; width: number },
  size: number,
  report?: (done: number) => void,
): Promise<LabelledImages> {
  const bytes = pictures.count * shape.channels * size * size;
  if (bytes > MAX_PICTURE_BYTES) {
    throw new FathomError(
      'pictures-too-large',
      `${file}: ${pictures.count} pictures at ${size}×${size} take ${bytes} bytes; expected at most ${MAX_PICTURE_BYTES}`,
      { file, count: pictures.count, size, bytes, limit: MAX_PICTURE_BYTES },
    );
  }
  return { ...pictures, images: await resizeImages(pictures.images, shape, size, report) };
}

/** Completes a data set of size×size pictures: a test set, and statistics of the training set. */
export function assemble(read: ReadSet, size: number): Dataset {
  const { test, channels, ...rest } = read;
  const split = test ? { train: read.train, test } : holdOut(read.train);
  return {
    ...rest,
    ...split,
    title: test ? read.title : `${read.title} (test set: a sixth of the training files)`,
    channels,
    height: size,
    width: size,
    statistics: channelStatistics(split.train.images, channels, size * size),
  };
}

/** Splits pictures at random into training and test set; at least one stays on either side. */
function holdOut(all: LabelledImages): { train: LabelledImages; test: LabelledImages } {
  const order = Uint32Array.from({ length: all.count }, (_, i) => i);
  shuffle(order, HELD_OUT_SEED, streamOf('held-out test set'));
  const testCount = Math.max(1, Math.floor(all.count * HELD_OUT));
  return {
    test: pick(all, order.subarray(0, testCount)),
    train: pick(all, order.subarray(testCount)),
  };
}

function pick(from: LabelledImages, order: Uint32Array): LabelledImages {
  const bytes = from.images.length / from.count;
  const images = new Uint8Array(order.length * bytes);
  const labels = new Uint8Array(order.length);
  order.forEach((index, i) => {
    images.set(from.images.subarray(index * bytes, (index + 1) * bytes), i * bytes);
    labels[i] = from.labels[index] ?? 0;
  });
  return { count: order.length, images, labels };
}

/** Throws a FathomError `label-range` at the first label that names no class. */
export function checkLabels(file: string, labels: Uint8Array, classes: number): void {
  const record = labels.findIndex((label) => label >= classes);
  if (record < 0) return;
  const label = labels[record] ?? 0;
  throw new FathomError(
    'label-range',
    `${file}: expected labels 0…${classes - 1}, found ${label} at record ${record} (counted from 0)`,
    { file, highest: classes - 1, label, record },
  );
}

export function duplicate(file: string, other: string): FathomError {
  return new FathomError(
    'duplicate-files',
    `${file} and ${other} hold the same part of a data set: expected one of them`,
    { file, other },
  );
}

export function trainingFilesMissing(file: string): FathomError {
  return new FathomError(
    'training-files-missing',
    `${file} belongs to a test set: expected the training files beside it, found none`,
    { file },
  );
}
