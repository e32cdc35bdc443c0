/**
 * A convolution described: its parameters, and the numbers that its kernels share.
 */
import { z } from 'zod';
import { initializer } from './init.ts';
import { ceilDiv, UNIFORM_BYTES } from './op.ts';
import { imageDims, quads } from './tensor.ts';
import type { Shape } from './tensor.ts';
import type { Tuning } from './tuning.ts';
import type { Axis } from './window.ts';
import { padding2d, pair, placeWindows, sizePair } from './window.ts';

export const conv2dParams = z.strictObject({
  out_channels: z.int().min(1).describe('Number of kernels'),
  kernel: sizePair.describe('Height and width of the kernel, or one number for both'),
  stride: sizePair.default(1).describe('Pixels between neighbouring windows'),
  padding: padding2d
    .default(0)
    .describe(
      'Zeros around the image: a number, [rows, columns], [top, left, bottom, right], valid (none), or same (y as large as x, divided by the stride)',
    ),
  dilation: sizePair.default(1).describe('Distance between neighbouring taps of the kernel'),
  groups: z
    .int()
    .min(1)
    .default(1)
    .describe(
      'Channels are divided into so many groups that do not see each other; as many as channels is depthwise',
    ),
  bias: z.boolean().default(false).describe('Whether a bias is learned'),
  init: initializer
    .optional()
    .describe('How the weight starts; He’s initialization where nothing is said'),
});
export type Conv2dParams = z.infer<typeof conv2dParams>;

/** The numbers that all kernels share. */
export interface Geometry {
  N: number;
  H: number;
  W: number;
  IC4: number;
  OH: number;
  OW: number;
  OC4: number;
  KH: number;
  KW: number;
  STRIDE_Y: number;
  STRIDE_X: number;
  PAD_TOP: number;
  PAD_LEFT: number;
  DILATION_Y: number;
  DILATION_X: number;
}

/** A convolution of tensors of given shapes. `linear` is one, too. */
export interface Convolution {
  geometry: Geometry;
  channels: number;
  outChannels: number;
  groups: number;
  bias: boolean;
  /** FLOPs of one pass; forward and both gradients each cost the same. */
  flops: number;
}

/** Columns of x that four neighbouring pixels of y may span in the kernels with register blocks, which unroll them. */
const MAX_SPAN = 16;

/** Whether a convolution runs on `shaders/conv2d_direct.wgsl`. */
export function runsDirect({ groups, kernel, stride, dilation }: Conv2dParams): boolean {
  const span = 3 * pair(stride)[1] + (pair(kernel)[1] - 1) * pair(dilation)[1] + 1;
  return groups > 1 || span > MAX_SPAN;
}

/** Describes the convolution of x to y. */
export function describeConvolution(params: Conv2dParams, x: Shape, y: Shape): Convolution {
  const [n, c, h, w] = imageDims(x);
  const [, o] = imageDims(y);
  const { groups, bias } = params;
  const [rows, columns] = placeWindows(params, h, w);
  const taps = rows.kernel * columns.kernel;
  const geometry = {
    N: n,
    H: h,
    W: w,
    IC4: quads(c),
    OH: rows.count,
    OW: columns.count,
    OC4: quads(o),
    KH: rows.kernel,
    KW: columns.kernel,
    STRIDE_Y: rows.stride,
    STRIDE_X: columns.stride,
    PAD_TOP: rows.before,
    PAD_LEFT: columns.before,
    DILATION_Y: rows.dilation,
    DILATION_X: columns.dilation,
  };
  const flops = 2 * n * o * rows.count * columns.count * (c / groups) * taps;
  const convolution = { geometry, channels: c, outChannels: o, groups, bias, flops };
  const inPlace = (axis: Axis, length: number) =>
    axis.stride === 1 && axis.before === 0 && axis.count === length;
  const pointwise = taps === 1 && groups === 1 && inPlace(rows, h) && inPlace(columns, w);
  return pointwise ? pointwiseConvolution(convolution, n * h * w) : convolution;
}

/** A 1×1 convolution is a matrix product over all pixels: one long row leaves no remainders. */
function pointwiseConvolution(convolution: Convolution, pixels: number): Convolution {
  const row = { N: 1, H: 1, W: pixels, OH: 1, OW: pixels };
  const still = { STRIDE_Y: 1, STRIDE_X: 1, PAD_TOP: 0, PAD_LEFT: 0 };
  return { ...convolution, geometry: { ...convolution.geometry, ...row, ...still } };
}

/** y = x Wᵀ + b of `rows` vectors, as the 1×1 convolution of one-pixel images that it is. */
export function linearConvolution(
  rows: number,
  features: number,
  outFeatures: number,
  bias: boolean,
): Convolution {
  const params = conv2dParams.parse({ out_channels: outFeatures, kernel: 1, bias });
  return describeConvolution(params, [rows, features], [rows, outFeatures]);
}

/** Output pixels that one invocation of the weight gradient sums at least, where there are so many. */
const PIXELS_PER_SPLIT = 128;
const MAX_SPLITS = 256;
/** Floats of all partial sums together (16 MiB): large weights have invocations enough without splits. */
export const MAX_PARTIAL = 4 * 1024 * 1024;

/** Into how many parts the gradient of a weight of `size` floats divides its sum over `pixels`. */
export const weightSplits = (pixels: number, size: number): number =>
  Math.min(
    MAX_SPLITS,
    ceilDiv(pixels, PIXELS_PER_SPLIT),
    Math.max(1, Math.floor(MAX_PARTIAL / size)),
  );

/** How a kernel divides the pixels of an image among its invocations. */
export interface Division {
  shader: string;
  entry: string;
  constants: Record<string, number | boolean>;
  /** vec4s of channels in a block. */
  QV: number;
  /** Blocks of the same pixels that neighbours in a workgroup compute; 1 where nothing is said. */
  sharers?: number;
  /** For each QV, times `sharers`, of vec4s of channels. */
  workgroups: number;
  /** How many slices of pixels it sums over, and how many pixels they have. */
  slices: { count: number; pixels: number };
  /** Whether blocks fill the image, so that all slices but the last are of one size. */
  whole: boolean;
}

/** How a kernel divides the gradient of a weight among its invocations. */
export interface SplitDivision extends Pick<Division, 'shader' | 'entry' | 'constants'> {
  /** Parts of the sum over pixels. */
  splits: number;
  workgroups: readonly [x: number, y: number, z: number];
}

/** Floats of a weight, with those that pad its channels. */
export const weightSize = ({ KH, KW, IC4, OC4 }: Geometry): number => KH * KW * IC4 * 4 * OC4 * 4;

/**
 * In most kernels all invocations of a workgroup read the same weight at the same time, which is what uniform buffers are
 * for. Weights that are too large come from a storage buffer.
 */
export const weightFitsUniform = (g: Geometry): boolean => weightSize(g) * 4 <= UNIFORM_BYTES;

/** The largest divisor of a number that is not above `most`, or 1. */
export function largestDivisor(of: number, most: number): number {
  let divisor = Math.max(1, Math.min(of, most));
  while (of % divisor !== 0) divisor--;
  return divisor;
}

/** Columns of the input that one invocation holds at most. */
const MAX_COLUMNS = 24;

/** As many neighbouring output pixels as the registers for their input columns allow. */
export function mostColumns(columns: number, { KW, STRIDE_X, DILATION_X }: Geometry): number {
  const beyondFirst = MAX_COLUMNS - (KW - 1) * DILATION_X - 1;
  return Math.max(1, Math.min(columns, 1 + Math.floor(beyondFirst / STRIDE_X)));
}

/** The largest divisor of `size` up to `most`; where that is a small one, `most` with a remainder at the border. */
export function divide(size: number, most: number): number {
  const limit = Math.max(1, Math.min(most, size));
  for (let part = limit; part * 2 > limit; part--) if (size % part === 0) return part;
  return limit;
}

/** Blocks of a kernel of `shaders/conv2d.wgsl`, `copies` times, and the slices of pixels that they leave sums of. */
export function blocksOf(
  sums: Tuning['sums'],
  blocks: number,
  pixels: number,
  copies = 1,
): Pick<Division, 'workgroups' | 'slices'> {
  const workgroups = ceilDiv(blocks, 64);
  const slices =
    sums === 'workgroup'
      ? { count: copies * workgroups, pixels: 64 * pixels }
      : { count: copies * blocks, pixels };
  return { workgroups, slices };
}
