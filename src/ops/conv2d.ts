/**
 * Two-dimensional convolution: cross-correlation, as in every deep learning library.
 * Kernels and their mapping are described in `shaders/conv2d.wgsl`.
 */
import { z } from 'zod';
import { sumPartials, channelSum } from './reduce.ts';
import { ceilDiv, defineOp, grid, input, read, shapeError, uniform, write } from './op.ts';
import type { BackwardPass, Binding, Emitter, KernelCall } from './op.ts';
import { imageDims, quads, storedElements } from './tensor.ts';
import type { Shape, Tensor } from './tensor.ts';

const positive = z.int().min(1);
const pair = z.tuple([positive, positive]);

export const conv2dParams = z.object({
  out_channels: positive,
  kernel: pair,
  stride: pair.default([1, 1]),
  /** Rows above and below, columns left and right, all filled with zeros. */
  padding: z.tuple([z.int().min(0), z.int().min(0)]).default([0, 0]),
  bias: z.boolean().default(false),
});

export type Conv2dParams = z.infer<typeof conv2dParams>;

/** The numbers that all three kernels share. */
interface Geometry {
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

/** Pixels of one row that an invocation computes at most. */
const PIXELS = 8;
/** Output pixels that the weight gradient takes in one turn of its loop. */
const PIXELS_PER_TURN = 4;
/** Output pixels that one invocation of the weight gradient sums at least, where there are so many. */
const PIXELS_PER_SPLIT = 128;
const MAX_SPLITS = 256;

function outputSize(size: number, kernel: number, stride: number, padding: number): number {
  return Math.floor((size + 2 * padding - kernel) / stride) + 1;
}

function geometry(params: Conv2dParams, x: Shape, y: Shape): Geometry {
  const [n, c, h, w] = imageDims(x);
  const [, o, oh, ow] = imageDims(y);
  const [kh, kw] = params.kernel;
  const common = { IC4: quads(c), OC4: quads(o), KH: kh, KW: kw, DILATION_Y: 1, DILATION_X: 1 };
  const pointwise =
    kh === 1 &&
    kw === 1 &&
    params.stride.every((s) => s === 1) &&
    params.padding.every((p) => p === 0);
  if (pointwise) {
    // A 1×1 convolution is a matrix product over all pixels: one long row leaves no remainders.
    const pixels = n * h * w;
    const row = { N: 1, H: 1, W: pixels, OH: 1, OW: pixels };
    return { ...common, ...row, STRIDE_Y: 1, STRIDE_X: 1, PAD_TOP: 0, PAD_LEFT: 0 };
  }
  return {
    ...common,
    N: n,
    H: h,
    W: w,
    OH: oh,
    OW: ow,
    STRIDE_Y: params.stride[0],
    STRIDE_X: params.stride[1],
    PAD_TOP: params.padding[0],
    PAD_LEFT: params.padding[1],
  };
}

const registerQuads = (count: number): number => (count % 2 === 0 ? 2 : 1);

/** Every WebGPU device binds this many bytes as a uniform buffer. */
const UNIFORM_BYTES = 65_536;

/**
 * All invocations of a workgroup read the same weight at the same time, which is what uniform buffers are
 * for. Weights that are too large come from a storage buffer.
 */
const fitsUniform = (weight: Tensor): boolean => storedElements(weight) * 4 <= UNIFORM_BYTES;

const weightBinding = (weight: Tensor): Binding =>
  fitsUniform(weight) ? uniform(weight) : read(weight);

/** FLOPs of one pass; forward and both gradients each cost the same. */
function passFlops(x: Shape, y: Shape, params: Conv2dParams): number {
  const [, c] = imageDims(x);
  const [n, o, oh, ow] = imageDims(y);
  return 2 * n * o * oh * ow * c * params.kernel[0] * params.kernel[1];
}

function forwardCall(
  params: Conv2dParams,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  y: Tensor,
): KernelCall {
  const g = geometry(params, x.shape, y.shape);
  const [, channels] = imageDims(x.shape);
  const PX = Math.min(PIXELS, g.OW);
  const QV = registerQuads(g.OC4);
  const STRIPS = ceilDiv(g.OW, PX);
  const BLOCKS = g.N * g.OH * STRIPS;
  const COLUMNS = (PX - 1) * g.STRIDE_X + (g.KW - 1) * g.DILATION_X + 1;
  const LANES = Math.min(4, channels);
  return {
    shader: 'conv2d',
    entry: 'conv2d',
    constants: {
      ...g,
      UNIFORM_WEIGHT: fitsUniform(weight),
      LANES,
      PX,
      QV,
      STRIPS,
      BLOCKS,
      COLUMNS,
      BIAS: bias !== null,
    },
    bindings: [read(x), weightBinding(weight), write(y), ...(bias ? [read(bias)] : [])],
    workgroups: [ceilDiv(BLOCKS, 64), g.OC4 / QV, 1],
    flops: passFlops(x.shape, y.shape, params),
  };
}

function gradInputCall(
  params: Conv2dParams,
  dy: Tensor,
  weight: Tensor,
  dx: Tensor,
  addend: Tensor | undefined,
): KernelCall {
  const g = geometry(params, dx.shape, dy.shape);
  const QV = registerQuads(g.IC4);
  const columns = ceilDiv(g.W, g.STRIDE_X);
  const PX = Math.min(PIXELS, columns);
  const STRIPS = ceilDiv(columns, PX);
  const ROWS = ceilDiv(g.H, g.STRIDE_Y);
  const BLOCKS = g.N * ROWS * STRIPS;
  const FIRST = Math.floor((g.PAD_LEFT - (g.KW - 1) * g.DILATION_X) / g.STRIDE_X);
  const COLUMNS = PX + Math.floor((g.STRIDE_X - 1 + g.PAD_LEFT) / g.STRIDE_X) - FIRST;
  return {
    shader: 'conv2d',
    entry: 'conv2d_grad_input',
    constants: {
      ...g,
      UNIFORM_WEIGHT: fitsUniform(weight),
      PX,
      QV,
      STRIPS,
      ROWS,
      BLOCKS,
      FIRST,
      COLUMNS,
      ADDEND: addend !== undefined,
    },
    bindings: [read(dy), weightBinding(weight), write(dx), ...(addend ? [read(addend)] : [])],
    workgroups: [ceilDiv(BLOCKS, 64), g.IC4 / QV, g.STRIDE_Y * g.STRIDE_X],
    flops: passFlops(dx.shape, dy.shape, params),
  };
}

function emitGradWeight(
  emit: Emitter,
  params: Conv2dParams,
  x: Tensor,
  dy: Tensor,
  dw: Tensor,
): void {
  const g = geometry(params, x.shape, dy.shape);
  const PX = Math.min(PIXELS_PER_TURN, g.OW);
  const STRIPS = ceilDiv(g.OW, PX);
  const TOTAL_STRIPS = g.N * g.OH * STRIPS;
  const wanted = Math.min(MAX_SPLITS, ceilDiv(TOTAL_STRIPS * PX, PIXELS_PER_SPLIT));
  const STRIPS_PER_SPLIT = ceilDiv(TOTAL_STRIPS, wanted);
  const SPLITS = ceilDiv(TOTAL_STRIPS, STRIPS_PER_SPLIT);
  const COLUMNS = (PX - 1) * g.STRIDE_X + (g.KW - 1) * g.DILATION_X + 1;
  const size = g.KH * g.KW * g.IC4 * 4 * g.OC4 * 4;
  const partial = SPLITS === 1 ? dw : emit.transient(`${dw.name}.partial`, [SPLITS, size], 'flat');
  emit.dispatch({
    shader: 'conv2d',
    entry: 'conv2d_grad_weight',
    constants: { ...g, PX, COLUMNS, STRIPS, TOTAL_STRIPS, SPLITS, STRIPS_PER_SPLIT },
    bindings: [read(x), read(dy), write(partial)],
    workgroups: grid(ceilDiv(SPLITS * g.KH * g.IC4 * g.OC4, 64)),
    flops: passFlops(x.shape, dy.shape, params),
  });
  if (partial !== dw) emit.dispatch(sumPartials(partial, dw, SPLITS, size));
}

/** Gradients of a convolution; `linear` is a 1×1 convolution and shares it. */
export function convolutionBackward(
  pass: BackwardPass<unknown>,
  params: Conv2dParams,
): Record<string, Tensor> {
  const { emit, gradOutput } = pass;
  const x = input(pass.inputs, 'x');
  const weight = input(pass.inputs, 'weight');
  emitGradWeight(emit, params, x, gradOutput, pass.parameterGradient('weight'));
  if (params.bias) emit.dispatch(channelSum(gradOutput, pass.parameterGradient('bias')));
  if (!pass.wants('x')) return {};
  const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
  emit.dispatch(gradInputCall(params, gradOutput, weight, dx, pass.fold('x')));
  return { x: dx };
}

export const convolutionForward = forwardCall;

export const conv2d = defineOp<Conv2dParams>({
  name: 'conv2d',
  params: conv2dParams,
  inputs: ['x'],
  parameters: ({ out_channels, kernel: [kh, kw], bias }, x) => {
    const [, channels] = imageDims(x);
    const fanIn = channels * kh * kw;
    return {
      weight: {
        shape: [out_channels, channels, kh, kw],
        layout: 'kernel',
        init: { kind: 'kaiming_normal' },
      },
      ...(bias && {
        bias: {
          shape: [out_channels],
          layout: 'channels',
          init: { kind: 'uniform_fan_in', fanIn },
        },
      }),
    };
  },
  inferShape: ({ out_channels, kernel, stride, padding }, { x = [] }) => {
    if (x.length !== 4) {
      throw shapeError(`a convolution takes images [N, C, H, W], not [${x.join(', ')}]`);
    }
    const [n, , h, w] = imageDims(x);
    const oh = outputSize(h, kernel[0], stride[0], padding[0]);
    const ow = outputSize(w, kernel[1], stride[1], padding[1]);
    if (oh < 1 || ow < 1) {
      throw shapeError(
        `a ${kernel[0]}×${kernel[1]} kernel with padding ${padding[0]}×${padding[1]} does not fit into ${h}×${w} pixels`,
      );
    }
    return [n, out_channels, oh, ow];
  },
  flops: (params, { x = [] }, y) => passFlops(x, y, params),
  forward: ({ params, inputs, y, emit }) => {
    const bias = params.bias ? input(inputs, 'bias') : null;
    emit.dispatch(forwardCall(params, input(inputs, 'x'), input(inputs, 'weight'), bias, y));
  },
  backward: (pass) => convolutionBackward(pass, pass.params),
});
