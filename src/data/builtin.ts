/**
 * The built-in data set: ten classes of small colour pictures of shapes, generated from a seed.
 *
 * A picture spans [−1, 1]². One shape stands in it, tilted, scaled and shifted at random, in a random
 * colour on a darker random ground, under a sine texture and noise. The foreground is always the
 * brighter one: a network that must first find out polarity learns too slowly to show anything else.
 */
import { normal, pcg4d, shuffle, streamOf, uniform } from '../random.ts';
import { inChunks } from './chunks.ts';
import type { Dataset, LabelledImages, LoadProgress } from './dataset.ts';
import { channelStatistics } from './statistics.ts';

/** The set is the same for every experiment, whatever the experiment's own seed. */
const DATA_SEED = 20151210;
const TRAIN_COUNT = 4000;
const TEST_COUNT = 1000;
const CHANNELS = 3;

const MAX_TILT = 0.3;
const HALF_SIZE = [0.6, 0.95] as const;
const MAX_SHIFT = 0.25;
const FOREGROUND = [0.45, 1] as const;
const GROUND = [0, 0.5] as const;
const TEXTURE_AMPLITUDE = 0.1;
/** Radians a unit of length; a picture is two units wide. */
const TEXTURE_FREQUENCY = [3, 12] as const;
/** Standard deviation. */
const NOISE = 0.08;
/** Noise is picked from so many normal numbers, which is much faster than to make each one afresh. */
const NOISE_SAMPLES = 2 ** 16;

/** Signed distance from (u, v) to the outline of a shape in [−1, 1]², negative inside; v points down. */
type Shape = (u: number, v: number) => number;

/** Math.hypot guards against overflow, which costs ten times the root. */
const length = (u: number, v: number) => Math.sqrt(u * u + v * v);

const box = (u: number, v: number, halfWidth: number, halfHeight: number) =>
  Math.max(Math.abs(u) - halfWidth, Math.abs(v) - halfHeight);

/** A star of round lobes, one of them up: radius 0.65 + 0.35·cos(lobes · angle). */
const star =
  (lobes: number): Shape =>
  (u, v) => {
    const radius = length(u, v);
    const angle = lobes * Math.atan2(u, -v);
    const outline = 0.65 + 0.35 * Math.cos(angle);
    // To first order the distance is the difference in radius over the slope of the outline.
    const slope = (0.35 * lobes * Math.sin(angle)) / Math.max(radius, 0.3);
    return (radius - outline) / length(1, slope);
  };

const SHAPES: Record<string, Shape> = {
  disc: (u, v) => length(u, v) - 0.9,
  square: (u, v) => box(u, v, 0.8, 0.8),
  triangle: (u, v) => Math.max(v - 0.6, 0.866 * Math.abs(u) - 0.5 * v - 0.5),
  cross: (u, v) => Math.min(box(u, v, 0.95, 0.3), box(u, v, 0.3, 0.95)),
  ring: (u, v) => Math.abs(length(u, v) - 0.7) - 0.22,
  star5: star(5),
  bar: (u, v) => box(u, v, 0.95, 0.32),
  'half-disc': (u, v) => Math.max(length(u, v - 0.45) - 0.95, v - 0.45),
  frame: (u, v) => Math.abs(box(u, v, 0.65, 0.65)) - 0.18,
  star3: star(3),
};

/** Stable identifiers of the classes, in the order of their labels. */
export const BUILTIN_CLASSES: readonly string[] = Object.keys(SHAPES);

/** Random numbers a picture takes before its noise: tilt, size, two shifts, six of colour, three of texture. */
const DRAWS = 13;
/** Pictures a chunk of work, between which the thread may do other things. */
const CHUNK = 250;

/**
 * Generates 4,000 training and 1,000 test pictures of 3×size×size, with as many of each class, in
 * random order. Scenes do not depend on the size: the same ones are drawn finer or coarser.
 */
export async function generateBuiltin(
  { size, seed = DATA_SEED }: { size: number; seed?: number },
  progress?: LoadProgress,
): Promise<Dataset> {
  const total = TRAIN_COUNT + TEST_COUNT;
  const noiseSamples = Float64Array.from(
    { length: NOISE_SAMPLES },
    (_, i) => NOISE * normal(seed, streamOf('builtin noise samples'), i),
  );
  const part = async (name: string, count: number, before: number): Promise<LabelledImages> => {
    const images = new Uint8ClampedArray(count * CHANNELS * size * size);
    const labels = balancedLabels(count, seed, streamOf(`builtin ${name} labels`));
    const random: Randomness = {
      seed,
      scene: streamOf(`builtin ${name} scene`),
      noise: streamOf(`builtin ${name} noise`),
      noiseSamples,
    };
    const work = (from: number, to: number) => {
      for (let i = from; i < to; i++) draw(images, size, i, labels[i] ?? 0, random);
    };
    await inChunks(count, CHUNK, work, (done) => progress?.('generate', before + done, total));
    return { count, images: new Uint8Array(images.buffer), labels };
  };
  const train = await part('train', TRAIN_COUNT, 0);
  const test = await part('test', TEST_COUNT, TRAIN_COUNT);
  return {
    id: 'builtin',
    title: 'Built-in shapes',
    classes: [...BUILTIN_CLASSES],
    channels: CHANNELS,
    height: size,
    width: size,
    train,
    test,
    statistics: await channelStatistics(train.images, CHANNELS, size * size),
  };
}

function balancedLabels(count: number, seed: number, stream: number): Uint8Array {
  const labels = Uint32Array.from({ length: count }, (_, i) => i % BUILTIN_CLASSES.length);
  shuffle(labels, seed, stream);
  return Uint8Array.from(labels);
}

/** Where the random numbers of a part of the set come from. */
interface Randomness {
  seed: number;
  /** Streams. */
  scene: number;
  noise: number;
  noiseSamples: Float64Array;
}

const words = new Uint32Array(4);

/** Draws picture `index` of class `label` into its place among size×size `images`. */
function draw(
  images: Uint8ClampedArray,
  size: number,
  index: number,
  label: number,
  random: Randomness,
): void {
  let drawn = index * DRAWS;
  const between = (low: number, high: number) =>
    low + (high - low) * uniform(random.seed, random.scene, drawn++);

  const tilt = between(-MAX_TILT, MAX_TILT);
  const halfSize = between(...HALF_SIZE);
  const shiftX = between(-MAX_SHIFT, MAX_SHIFT);
  const shiftY = between(-MAX_SHIFT, MAX_SHIFT);
  const foreground = [between(...FOREGROUND), between(...FOREGROUND), between(...FOREGROUND)];
  const ground = [between(...GROUND), between(...GROUND), between(...GROUND)];
  const textureAngle = between(0, Math.PI);
  const textureFrequency = between(...TEXTURE_FREQUENCY);
  const texturePhase = between(0, 2 * Math.PI);

  const shape = SHAPES[BUILTIN_CLASSES[label] ?? ''];
  if (!shape) throw new RangeError(`no class has label ${label}`);
  const cos = Math.cos(tilt) / halfSize;
  const sin = Math.sin(tilt) / halfSize;
  const waveX = textureFrequency * Math.cos(textureAngle);
  const waveY = textureFrequency * Math.sin(textureAngle);
  const plane = size * size;

  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const x = ((column + 0.5) / size) * 2 - 1;
      const y = ((row + 0.5) / size) * 2 - 1;
      const dx = x - shiftX;
      const dy = y - shiftY;
      const distance = shape(cos * dx + sin * dy, cos * dy - sin * dx) * halfSize;
      // Anti-aliasing: across one pixel's width the outline passes from nothing to all.
      const coverage = Math.min(1, Math.max(0, 0.5 - (distance * size) / 2));
      const texture = TEXTURE_AMPLITUDE * Math.sin(waveX * x + waveY * y + texturePhase);
      const pixel = row * size + column;
      pcg4d(random.seed, random.noise, index, pixel, words);
      for (let c = 0; c < CHANNELS; c++) {
        const low = ground[c] ?? 0;
        const high = foreground[c] ?? 0;
        const noise = random.noiseSamples[(words[c] ?? 0) % NOISE_SAMPLES] ?? 0;
        const value = low + (high - low) * coverage + texture + noise;
        images[(index * CHANNELS + c) * plane + pixel] = 255 * value;
      }
    }
  }
}
