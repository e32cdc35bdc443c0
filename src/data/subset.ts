/** Sets made from others. The set that is given stays as it is; statistics are taken anew. */
import { normal, pcg4d, shuffle, streamOf, uniform } from '../random.ts';
import { checkParts, pick } from './assemble.ts';
import { inByteChunks } from './chunks.ts';
import type { Dataset, LabelledImages, Part } from './dataset.ts';
import { resizeImages } from './resize.ts';
import { channelStatistics } from './statistics.ts';

/** Only the pictures of some classes, which are numbered anew in the order given. */
export async function withClasses(dataset: Dataset, labels: readonly number[]): Promise<Dataset> {
  const newLabel = new Map(labels.map((label, i) => [label, i]));
  const part = (from: LabelledImages): LabelledImages => {
    const kept = pick(
      from,
      indicesWhere(from, (label) => newLabel.has(label)),
    );
    return { ...kept, labels: kept.labels.map((label) => newLabel.get(label) ?? 0) };
  };
  const classes = labels.map((label) => dataset.classes[label] ?? '');
  return recomputed({ ...dataset, classes, train: part(dataset.train), test: part(dataset.test) });
}

/**
 * At most `perClass` training pictures of every class, drawn by seed and kept in their order. A smaller
 * number draws a part of those that a larger one draws. The test set stays whole.
 */
export async function withPerClass(
  dataset: Dataset,
  perClass: number,
  seed: number,
): Promise<Dataset> {
  const { train } = dataset;
  const order = Uint32Array.from({ length: train.count }, (_, i) => i);
  shuffle(order, seed, streamOf('subset by number a class'));
  const taken = new Array<number>(dataset.classes.length).fill(0);
  const kept = order.filter((index) => {
    const label = train.labels[index] ?? 0;
    const before = taken[label] ?? 0;
    taken[label] = before + 1;
    return before < perClass;
  });
  return recomputed({ ...dataset, train: pick(train, kept.sort()) });
}

/**
 * Corrupts training labels: with probability `share`, a label is drawn anew among all classes, so that
 * it may by chance be the right one ("partially corrupted labels" of Zhang et al. 2017, Understanding
 * deep learning requires rethinking generalization, section 2.1). The test labels stay right. With the
 * same seed, a larger share corrupts the same labels in the same way, and more.
 */
export function withRandomLabels(dataset: Dataset, share: number, seed: number): Dataset {
  const { train, classes } = dataset;
  const [whether, which] = [streamOf('label corrupted'), streamOf('corrupted label')];
  const labels = train.labels.map((label, i) =>
    uniform(seed, whether, i) < share
      ? Math.floor(uniform(seed, which, i) * classes.length)
      : label,
  );
  return { ...dataset, train: { ...train, labels } };
}

/** Noise is picked from so many normal numbers, which is much faster than to make each one afresh. */
const NOISE_SAMPLES = 2 ** 16;

/**
 * Adds Gaussian noise to every value of all pictures and rounds to bytes; what leaves 0…255 is cut off.
 *
 * @param deviation of the noise, on the scale of 0…1 that statistics have
 */
export async function withNoise(
  dataset: Dataset,
  deviation: number,
  seed: number,
): Promise<Dataset> {
  const stream = streamOf('noise samples');
  const samples = Float32Array.from(
    { length: NOISE_SAMPLES },
    (_, i) => 255 * deviation * normal(seed, stream, i),
  );
  const part = async (name: Part): Promise<LabelledImages> => ({
    ...dataset[name],
    images: await noisy(dataset[name].images, samples, seed, streamOf(`noise ${name}`)),
  });
  const [train, test] = [await part('train'), await part('test')];
  return recomputed({ ...dataset, train, test });
}

/** Bytes that one hash gives noise for: four words, of two samples each. */
const PER_HASH = 8;

async function noisy(
  images: Uint8Array,
  samples: Float32Array,
  seed: number,
  stream: number,
): Promise<Uint8Array> {
  const out = new Uint8ClampedArray(images.length);
  const words = new Uint32Array(4);
  await inByteChunks(Math.ceil(images.length / PER_HASH), PER_HASH, (from, to) => {
    for (let i = from * PER_HASH; i < to * PER_HASH; i += PER_HASH) {
      pcg4d(seed, stream, i, 0, words);
      for (let j = i; j < Math.min(i + PER_HASH, images.length); j++) {
        const sample = ((words[(j - i) >> 1] ?? 0) >>> (16 * (j & 1))) % NOISE_SAMPLES;
        out[j] = (images[j] ?? 0) + (samples[sample] ?? 0);
      }
    }
  });
  return new Uint8Array(out.buffer);
}

/** The same pictures at another size, resampled by area. */
export async function withSize(dataset: Dataset, size: number): Promise<Dataset> {
  const part = async (from: LabelledImages): Promise<LabelledImages> => ({
    ...from,
    images: await resizeImages(from.images, dataset, size),
  });
  const [train, test] = [await part(dataset.train), await part(dataset.test)];
  return recomputed({ ...dataset, train, test, height: size, width: size });
}

function indicesWhere(
  { labels }: LabelledImages,
  keep: (label: number, index: number) => boolean,
): number[] {
  const kept: number[] = [];
  labels.forEach((label, index) => {
    if (keep(label, index)) kept.push(index);
  });
  return kept;
}

/** Throws a FathomError `too-few-pictures` where nothing is left to train or to test on. */
async function recomputed(dataset: Dataset): Promise<Dataset> {
  checkParts(dataset.title, dataset);
  const { train, channels, height, width } = dataset;
  const statistics = await channelStatistics(train.images, channels, height * width);
  return { ...dataset, statistics };
}
