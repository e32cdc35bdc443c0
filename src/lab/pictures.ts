/**
 * What the chapter on images asks: the channels of a data set before and after normalization, and augmented pictures. The
 * kernels that make a training batch answer; where there is no WebGPU, their float64 reference.
 */
import type { ChannelStatistics, Dataset } from '../data/dataset.ts';
import { channelStatistics } from '../data/statistics.ts';
import { FathomError } from '../errors.ts';
import type { Gpu } from '../engine/gpu/gpu.ts';
import type { Dispatch } from '../engine/graph/lower.ts';
import { runAugmentation, runCrops, runGather } from '../engine/run_pictures.ts';
import type { BatchAugmentation } from '../engine/run_pictures.ts';
import { augmentPictures, resizeCrop } from '../reference/augmentation.ts';
import type { Crop, Draw } from '../reference/augmentation.ts';
import { tensor } from '../reference/tensor.ts';
import type { Tensor } from '../reference/tensor.ts';

/** Statistics are taken of so many training pictures at most. */
const COUNTED = 4000;
/** Bins of a histogram: of four of the 256 levels that a byte has, so that none catches more levels than another. */
const BINS = 64;

export type NormalizingStep = 'raw' | 'centred' | 'scaled';

/** What the histograms show. */
const RANGES: Record<NormalizingStep, readonly [number, number]> = {
  raw: [0, 1],
  centred: [-1, 1],
  scaled: [-3.5, 3.5],
};

export interface ShownPicture {
  /** [1, C, H, W], normalized. */
  x: Tensor;
  label: number;
}

export interface ChannelsAnswer {
  by: 'gpu' | 'reference';
  set: { id: string; title: string; classes: string[]; counted: number; pictures: number };
  /** Of the counted pictures, on 0…1: from exact sums of their bytes. */
  statistics: ChannelStatistics;
  /** The first bytes that were counted. */
  bytes: Tensor;
  /** Mean and deviation of each channel after the step, from the exact ones before it, in float64. */
  reference: { mean: number; deviation: number }[];
  /** What normalized the pictures; nothing where the reference did. */
  dispatches: readonly Dispatch[];
  /** Of each channel after the step, with how many values fall into each of {@link BINS} bins between the values of the bytes 0 and 255. */
  channels: {
    mean: number;
    deviation: number;
    bins: { from: number; width: number; counts: number[] };
  }[];
  /** What the histograms show. */
  range: readonly [number, number];
  /** The picture asked for, after the step. */
  picture: ShownPicture;
}

/** Bytes of the pictures `from` … `from + count − 1`, with their shape. */
function slice(dataset: Dataset, from: number, count: number, part: 'train' | 'test' = 'train') {
  const { channels, height, width } = dataset;
  const each = channels * height * width;
  const bytes = dataset[part].images.slice(from * each, (from + count) * each);
  return { bytes, shape: [count, channels, height, width] as const };
}

/** Bytes normalized in float64, as the gather kernel does. */
function normalize(
  bytes: Uint8Array,
  shape: readonly number[],
  { mean, std }: ChannelStatistics,
): Tensor {
  const [, c = 1, h = 1, w = 1] = shape;
  const values = Float64Array.from(bytes, (byte, i) => {
    const channel = Math.floor(i / (h * w)) % c;
    return (byte / 255 - (mean[channel] ?? 0)) / (std[channel] || 1);
  });
  return tensor(shape, values);
}

async function gathered(
  gpu: Gpu | null,
  bytes: Uint8Array,
  shape: readonly number[],
  statistics: ChannelStatistics,
): Promise<Tensor> {
  return gpu
    ? (await runGather(gpu, bytes, shape, statistics)).y
    : normalize(bytes, shape, statistics);
}

/** What a step subtracts and divides by. */
function scalesOf(step: NormalizingStep, { mean, std }: ChannelStatistics): ChannelStatistics {
  return {
    mean: step === 'raw' ? mean.map(() => 0) : mean,
    std: step === 'scaled' ? std : std.map(() => 1),
  };
}

/** The channels of the training set after a step of normalization. */
export async function channelsOf(
  gpu: Gpu | null,
  dataset: Dataset,
  step: NormalizingStep,
  picture: number,
): Promise<ChannelsAnswer> {
  const counted = Math.min(COUNTED, dataset.train.count);
  const { bytes, shape } = slice(dataset, 0, counted);
  const [, channels, height, width] = shape;
  const plane = height * width;
  const statistics = await channelStatistics(bytes, channels, plane);
  const scales = scalesOf(step, statistics);
  const run = gpu && (await runGather(gpu, bytes, shape, scales));
  const y = run?.y ?? normalize(bytes, shape, scales);
  const inChannels = <T>(of: (channel: number) => T) =>
    Array.from({ length: channels }, (_, c) => of(c));
  const at = Math.min(picture, dataset.train.count - 1);
  const own = slice(dataset, at, 1);
  return {
    by: gpu ? 'gpu' : 'reference',
    set: {
      id: dataset.id,
      title: dataset.title,
      classes: dataset.classes,
      counted,
      pictures: dataset.train.count,
    },
    statistics,
    range: RANGES[step],
    bytes: tensor([channels, height, width], bytes.subarray(0, channels * plane)),
    // Normalization is affine: what it makes of mean and deviation needs no second look at the pictures.
    reference: inChannels((c) => {
      const [mean, std] = [scales.mean[c] ?? 0, scales.std[c] || 1];
      return {
        mean: ((statistics.mean[c] ?? NaN) - mean) / std,
        deviation: (statistics.std[c] ?? NaN) / std,
      };
    }),
    dispatches: run?.dispatches ?? [],
    channels: inChannels((c) => describe(y, c, scales)),
    picture: {
      x: await gathered(gpu, own.bytes, own.shape, scales),
      label: dataset.train.labels[at] ?? 0,
    },
  };
}

/** Mean, biased deviation and histogram of one channel. */
function describe({ shape, data }: Tensor, channel: number, scales: ChannelStatistics) {
  // Half a level on either side of the bytes 0 and 255.
  const valueOf = (level: number) =>
    (level / 255 - (scales.mean[channel] ?? 0)) / (scales.std[channel] || 1);
  const from = valueOf(-0.5);
  const width = (valueOf(255.5) - from) / BINS;
  const [n = 0, c = 1, h = 1, w = 1] = shape;
  const plane = h * w;
  const counts = Array.from({ length: BINS }, () => 0);
  let [mean, squares, seen] = [0, 0, 0];
  for (let image = 0; image < n; image++) {
    for (let i = 0; i < plane; i++) {
      const value = data[(image * c + channel) * plane + i] ?? NaN;
      const off = value - mean;
      mean += off / ++seen;
      squares += off * (value - mean);
      const bin = Math.floor((value - from) / width);
      const inside = Math.min(BINS - 1, Math.max(0, bin));
      counts[inside] = (counts[inside] ?? 0) + 1;
    }
  }
  return { mean, deviation: Math.sqrt(squares / seen), bins: { from, width, counts } };
}

export interface AugmentQuestion {
  /** Which training picture. */
  picture: number;
  /** How often it is drawn. */
  copies: number;
  augmentation: BatchAugmentation;
  draw: Draw;
}

export interface AugmentAnswer {
  by: 'gpu' | 'reference';
  classes: string[];
  set: string;
  statistics: ChannelStatistics;
  picture: ShownPicture;
  /** [copies, C, H, W], normalized. */
  y: Tensor;
  /** The same in float64. */
  reference: Tensor;
  dispatches: readonly Dispatch[];
}

/** One training picture, augmented again and again as rows of one batch. */
export async function augmented(
  gpu: Gpu | null,
  dataset: Dataset,
  { picture, copies, augmentation, draw }: AugmentQuestion,
): Promise<AugmentAnswer> {
  const { statistics, classes, id } = dataset;
  const shown = await shownPicture(gpu, dataset, picture, 'train');
  const x = repeated(shown.x, copies);
  const reference = augmentPictures(x, augmentation, statistics, draw);
  const run = gpu && (await runAugmentation(gpu, x, augmentation, statistics, draw));
  return {
    by: gpu ? 'gpu' : 'reference',
    set: id,
    classes,
    statistics,
    picture: shown,
    y: run?.y ?? reference,
    reference,
    dispatches: run?.dispatches ?? [],
  };
}

/** Normalized pictures, each augmented once. */
export async function augmentedRows(
  gpu: Gpu | null,
  x: Tensor,
  augmentation: BatchAugmentation,
  statistics: ChannelStatistics,
  draw: Draw,
): Promise<Tensor> {
  return gpu
    ? (await runAugmentation(gpu, x, augmentation, statistics, draw)).y
    : augmentPictures(x, augmentation, statistics, draw);
}

/** A picture of a data set, normalized with the set's own statistics. */
export async function shownPicture(
  gpu: Gpu | null,
  dataset: Dataset,
  picture: number,
  part: 'train' | 'test',
): Promise<ShownPicture> {
  const at = Math.min(picture, dataset[part].count - 1);
  const { bytes, shape } = slice(dataset, at, 1, part);
  const x = await gathered(gpu, bytes, shape, dataset.statistics);
  return { x, label: dataset[part].labels[at] ?? 0 };
}

/** One picture of bytes C×H×W from elsewhere, normalized as the set's own are. */
export function normalizedBytes(
  gpu: Gpu | null,
  { channels, height, width, statistics }: Dataset,
  bytes: Uint8Array,
): Promise<Tensor> {
  const shape = [1, channels, height, width];
  if (bytes.length === channels * height * width) return gathered(gpu, bytes, shape, statistics);
  throw new FathomError(
    'picture-size',
    `a picture of ${channels} × ${height} × ${width} bytes is wanted, and ${bytes.length} bytes were given`,
    { wanted: `${channels} × ${height} × ${width}`, given: bytes.length },
  );
}

/** Test pictures as they are, on 0…1: [N, C, H, W]. Places beyond the last picture are left out. */
export function testPictures(dataset: Dataset, places: readonly number[]): Tensor {
  const { channels, height, width, test } = dataset;
  const known = places.filter(
    (place) => Number.isInteger(place) && place >= 0 && place < test.count,
  );
  const each = channels * height * width;
  const data = new Float64Array(known.length * each);
  for (const [n, place] of known.entries()) {
    const bytes = test.images.subarray(place * each, (place + 1) * each);
    data.set(
      Float64Array.from(bytes, (byte) => byte / 255),
      n * each,
    );
  }
  return tensor([known.length, channels, height, width], data);
}

/** Several pictures that stand one after the other. */
export async function normalizedPictures(
  gpu: Gpu | null,
  dataset: Dataset,
  from: number,
  count: number,
  part: 'train' | 'test',
): Promise<Tensor> {
  const { bytes, shape } = slice(dataset, from, count, part);
  return gathered(gpu, bytes, shape, dataset.statistics);
}

/** A picture [1, C, H, W] `count` times over. */
export function repeated({ shape, data }: Tensor, count: number): Tensor {
  const values = Float64Array.from(
    { length: count * data.length },
    (_, i) => data[i % data.length] ?? 0,
  );
  return tensor([count, ...shape.slice(1)], values);
}

/**
 * The crops of testing (Krizhevsky et al. 2012, section 4.1): corners and centre, each also mirrored: ten a scale, of which
 * scale 1 has but two that differ and gives those.
 *
 * @param scales short sides as multiples of the picture's own
 */
export function tenCrops(scales: readonly number[], height: number, width: number): Crop[] {
  const short = Math.min(height, width);
  return scales.flatMap((scale) => {
    const side = Math.round(scale * short);
    const [h, w] = [height, width].map((own) => Math.floor((own * side) / short + 0.5));
    const [down, right] = [(h ?? 0) - height, (w ?? 0) - width];
    const corners = [
      [0, 0],
      [0, right],
      [down, 0],
      [down, right],
      [Math.floor(down / 2), Math.floor(right / 2)],
    ] as const;
    const places = side === short && height === width ? corners.slice(4) : corners;
    return places.flatMap(([top, left]) =>
      [false, true].map((mirrored) => ({ side, top, left, mirrored })),
    );
  });
}

/** Windows of one picture [1, C, H, W]. */
export async function cropsOf(gpu: Gpu | null, x: Tensor, crops: readonly Crop[]): Promise<Tensor> {
  const rows = repeated(x, crops.length);
  return gpu ? (await runCrops(gpu, rows, crops)).y : resizeCrop(rows, crops);
}
