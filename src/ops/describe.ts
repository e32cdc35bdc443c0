/** A tensor in a few numbers and a histogram, taken on the GPU; see `shaders/describe.wgsl`. */
import { read, write } from './op.ts';
import type { KernelCall } from './op.ts';
import { elements, imageDims, quads, storedElements } from './tensor.ts';
import type { Tensor } from './tensor.ts';

export interface Description {
  /** Elements; padding does not count. */
  count: number;
  mean: number;
  /** Biased standard deviation. */
  deviation: number;
  /** √(Σ x²). */
  norm: number;
  /** Of the finite elements. */
  min: number;
  max: number;
  zeros: number;
  /** Elements that are infinite or no number. */
  notFinite: number;
  /** Channels of an image that are zero everywhere; missing for other tensors and for very many channels. */
  dead?: number;
  /** How many elements lie in each of equal parts of [min, max]. */
  bins: readonly number[];
}

/** Floats that the kernel writes. */
export const DESCRIPTION_FLOATS = 64;
const BINS = 48;
const FIRST_BIN = 8;
/** vec4s of channels whose life the kernel can note in workgroup memory. */
const MOST_QUADS = 1024;

/** What is described of x: x − base, which has the same shape and layout, or x divided by the loss scale. */
export interface Relation {
  base?: Tensor;
  lossScale?: Tensor;
}

/** Describes x in `out` (flat, {@link DESCRIPTION_FLOATS}). */
export function describeCall(
  x: Tensor,
  out: Tensor,
  { base, lossScale }: Relation = {},
): KernelCall {
  const [a = 1, b = 1] = x.shape;
  const [, channels] = imageDims(x.shape);
  const lanes = {
    image: channels,
    kernel: a,
    channels: elements(x.shape),
    flat: elements(x.shape),
  };
  const C = lanes[x.layout];
  const kernel = x.layout === 'kernel';
  return {
    shader: 'describe',
    entry: 'describe',
    constants: {
      V: Math.ceil(storedElements(x) / 4),
      Q: quads(C),
      C,
      I: kernel ? b : 1,
      I4: kernel ? 4 * quads(b) : 1,
      COUNT: elements(x.shape),
      SUBTRACT: base !== undefined,
      SCALED: lossScale !== undefined,
      CHANNELS: x.layout === 'image' && quads(C) <= MOST_QUADS,
    },
    bindings: [
      read(x),
      write(out),
      ...(base ? [read(base)] : []),
      ...(lossScale ? [read(lossScale)] : []),
    ],
    workgroups: [1, 1, 1],
  };
}

/** What the kernel wrote of a tensor with `count` elements. */
export function readDescription(floats: ArrayLike<number>, count: number): Description {
  const [
    mean = NaN,
    deviation = NaN,
    norm = NaN,
    min = NaN,
    max = NaN,
    zeros = NaN,
    notFinite = NaN,
    dead = NaN,
  ] = Array.from({ length: FIRST_BIN }, (_, i) => floats[i] ?? NaN);
  const bins = Array.from({ length: BINS }, (_, i) => floats[FIRST_BIN + i] ?? NaN);
  const described = { count, mean, deviation, norm, min, max, zeros, notFinite, bins };
  return dead < 0 ? described : { ...described, dead };
}

/** The same of finite numbers in float64, as the kernel is held to. */
export function describeReference(values: Float64Array): Description {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + value * value, 0);
  const spread = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const min = values.reduce((least, value) => Math.min(least, value), Infinity);
  const max = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const bins = Array.from({ length: BINS }, () => 0);
  for (const value of values) {
    const position = max > min ? (value - min) / (max - min) : 0.5;
    bins[Math.min(BINS - 1, Math.floor(position * BINS))]! += 1;
  }
  return {
    count,
    mean,
    deviation: Math.sqrt(spread / count),
    norm: Math.sqrt(squares),
    min,
    max,
    zeros: values.reduce((zeros, value) => zeros + (value === 0 ? 1 : 0), 0),
    notFinite: 0,
    bins,
  };
}
