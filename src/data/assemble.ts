/** From what a format's reader found to a data set at the size that was asked for. */
import { FathomError } from '../errors.ts';
import { shuffle, streamOf } from '../random.ts';
import { MAX_CLASSES } from './dataset.ts';
import type { Dataset, LabelledImages, Provenance } from './dataset.ts';
import type { LoadOptions } from './options.ts';
import { resizeImages } from './resize.ts';
import type { Extent } from './resize.ts';
import { channelStatistics, classCounts } from './statistics.ts';

/** What a format's reader gives; `test` is null where only training files were given. */
export interface ReadSet {
  id: string;
  title: string;
  classes: string[];
  channels: number;
  train: LabelledImages;
  test: LabelledImages | null;
  provenance: Provenance;
  unreadable?: string[];
}

/** Pictures at their final size may take this much; a larger set is refused before it is made. */
const MAX_PICTURE_BYTES = 2 ** 30;

/** Share of the training pictures that become the test set where no test files were given. */
const HELD_OUT = 1 / 6;
/** Which ones is the same for every experiment, whatever its own seed: their test errors can be compared. */
const HELD_OUT_SEED = 1;

/** Throws a FathomError `pictures-too-large` rather than fill the memory. */
export function checkPictureBytes(
  file: string,
  count: number,
  channels: number,
  size: number,
): void {
  const bytes = count * channels * size * size;
  if (bytes <= MAX_PICTURE_BYTES) return;
  throw new FathomError(
    'pictures-too-large',
    `${file}: ${count} pictures at ${size}×${size} take ${bytes} bytes; expected at most ${MAX_PICTURE_BYTES}`,
    { file, count, size, bytes, limit: MAX_PICTURE_BYTES },
  );
}

/** Resizes pictures, or only makes them square; throws a FathomError `pictures-too-large`. */
export async function fitPictures(
  file: string,
  pictures: LabelledImages,
  shape: Extent & { channels: number },
  size = Math.max(shape.height, shape.width),
  report?: (done: number) => void,
): Promise<LabelledImages> {
  checkPictureBytes(file, pictures.count, shape.channels, size);
  return { ...pictures, images: await resizeImages(pictures.images, shape, size, report) };
}

/**
 * Completes a data set of square pictures: a test set, and statistics of the training set.
 *
 * Throws a FathomError `too-few-pictures` where one of the two would be empty.
 */
export async function assemble(
  read: ReadSet,
  { seed = HELD_OUT_SEED, testShare = HELD_OUT }: LoadOptions,
): Promise<Dataset> {
  const { test, channels, unreadable, ...rest } = read;
  const count = read.train.count + (test?.count ?? 0);
  if (count < 2) throw tooFewPictures(read.title, count);
  const split = test
    ? { train: read.train, test }
    : holdOut(read.train, read.classes.length, testShare, seed);
  checkParts(read.title, split);
  const size = sideOf(read.train, channels);
  return {
    ...rest,
    ...split,
    ...(unreadable?.length ? { unreadable } : {}),
    title: test ? read.title : `${read.title} (test set: ${split.test.count} of the images)`,
    channels,
    height: size,
    width: size,
    statistics: await channelStatistics(split.train.images, channels, size * size),
  };
}

/** Height and width of square pictures. */
export function sideOf({ images, count }: LabelledImages, channels: number): number {
  return Math.sqrt(images.length / (count * channels));
}

/** Throws a FathomError `too-few-pictures` where one of the two parts is empty. */
export function checkParts(
  title: string,
  { train, test }: { train: LabelledImages; test: LabelledImages },
): void {
  if (train.count === 0 || test.count === 0) throw tooFewPictures(title, train.count + test.count);
}

function tooFewPictures(set: string, count: number): FathomError {
  return new FathomError(
    'too-few-pictures',
    `${set}: expected at least one picture to train on and one to test on, found ${count} in all`,
    { set, count },
  );
}

/**
 * Splits pictures at random into training and test set, stratified: of every class the same share is
 * held out, to within one picture. At least one picture stays on either side, and every class keeps one
 * to train on.
 */
function holdOut(
  all: LabelledImages,
  classes: number,
  share: number,
  seed: number,
): { train: LabelledImages; test: LabelledImages } {
  const order = Uint32Array.from({ length: all.count }, (_, i) => i);
  shuffle(order, seed, streamOf('held-out test set'));
  const quotas = quotasOf(classCounts(all.labels, classes), Math.floor(all.count * share));
  const test: number[] = [];
  const train: number[] = [];
  for (const index of order) {
    const label = all.labels[index] ?? 0;
    const left = quotas[label] ?? 0;
    (left > 0 ? test : train).push(index);
    quotas[label] = left - 1;
  }
  // Classes of one picture each have none to spare.
  if (test.length === 0) test.push(...train.splice(0, 1));
  return { train: pick(all, train), test: pick(all, test) };
}

/** `wanted` pictures shared out over classes in proportion to their counts, by largest remainder. */
function quotasOf(counts: number[], wanted: number): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const exact = counts.map((count) => (count * wanted) / total);
  const quotas = exact.map(Math.floor);
  const short = wanted - quotas.reduce((sum, quota) => sum + quota, 0);
  const byRemainder = counts
    .map((_, label) => label)
    .sort((a, b) => remainder(exact, b) - remainder(exact, a) || a - b);
  for (const label of byRemainder.slice(0, short)) quotas[label] = (quotas[label] ?? 0) + 1;
  return quotas.map((quota, label) => Math.min(quota, Math.max(0, (counts[label] ?? 0) - 1)));
}

const remainder = (values: number[], at: number) => (values[at] ?? 0) % 1;

/** The pictures of these indices, in their order. */
export function pick(from: LabelledImages, order: ArrayLike<number>): LabelledImages {
  const bytes = from.images.length / from.count;
  const images = new Uint8Array(order.length * bytes);
  const labels = new Uint8Array(order.length);
  const names: string[] = [];
  for (let i = 0; i < order.length; i++) {
    const index = order[i] ?? 0;
    images.set(from.images.subarray(index * bytes, (index + 1) * bytes), i * bytes);
    labels[i] = from.labels[index] ?? 0;
    if (from.names) names.push(from.names[index] ?? '');
  }
  return { count: order.length, images, labels, ...(from.names ? { names } : {}) };
}

/** Classes that have no names are called by their numbers. */
export function numberedClasses(...labels: (Uint8Array | undefined)[]): string[] {
  let highest = 1;
  for (const part of labels) {
    for (const label of part ?? []) highest = Math.max(highest, label);
  }
  return Array.from({ length: highest + 1 }, (_, label) => String(label));
}

/** Throws a FathomError `label-range` at the first label that names no class. */
export function checkLabels(file: string, labels: ArrayLike<number>, classes: number): void {
  for (let record = 0; record < labels.length; record++) {
    const label = labels[record] ?? 0;
    if (label >= 0 && label < classes && Number.isInteger(label)) continue;
    throw new FathomError(
      'label-range',
      `${file}: expected labels 0…${classes - 1}, found ${label} at record ${record} (counted from 0)`,
      { file, highest: classes - 1, label, record },
    );
  }
}

/** Throws a FathomError `too-many-classes`. */
export function checkClasses(file: string, count: number): void {
  if (count <= MAX_CLASSES) return;
  throw new FathomError(
    'too-many-classes',
    `${file}: expected at most ${MAX_CLASSES} classes, found ${count}`,
    { file, limit: MAX_CLASSES, found: count },
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
