/**
 * Two-dimensional convolution: cross-correlation, as in every deep learning library. Kernels and their mapping are
 * described in `shaders/conv2d.wgsl`; those that stage pixels in workgroup memory in `shaders/conv2d_tile.wgsl`, those that hold
 * weights in `shaders/conv2d_stationary.wgsl`, those of fewer multiplications in `shaders/conv2d_winograd.wgsl`, those for
 * several groups, and for kernels that reach far, in `shaders/conv2d_direct.wgsl`.
 */
import { conv2d as reference } from '../reference/conv2d.ts';
import { directBackward, directForward } from './conv2d_direct.ts';
import { forwardStationary, gradInputStationary } from './conv2d_stationary.ts';
import { forwardTiles, gradInputTiles, gradWeightTiles } from './conv2d_tile.ts';
import { winogradProducts } from './conv2d_winograd.ts';
import {
  blocksOf,
  conv2dParams,
  describeConvolution,
  divide,
  largestDivisor,
  mostColumns,
  runsDirect,
  weightFitsUniform,
  weightSize,
  weightSplits,
} from './convolution.ts';
import type {
  Conv2dParams,
  Convolution,
  Division,
  Geometry,
  SplitDivision,
} from './convolution.ts';
import { weightInit } from './init.ts';
import {
  ceilDiv,
  defineOp,
  grid,
  input,
  perImage,
  read,
  shapeError,
  uniform,
  write,
} from './op.ts';
import type { BackwardPass, Binding, Emitter, FixedNorm, ForwardPass, Slices } from './op.ts';
import { channelSum, emitSplitSum } from './reduce.ts';
import type { Sample } from './sample.ts';
import { elements, imageDims } from './tensor.ts';
import type { Shape, Tensor } from './tensor.ts';
import type { Tuning } from './tuning.ts';
import { pair, placeWindows } from './window.ts';

const weightBinding = (weight: Tensor, g: Geometry): Binding =>
  weightFitsUniform(g) ? uniform(weight) : read(weight);

/** Whether a kernel is small enough that a block may have several rows: they unroll all of its taps. */
const unrollsRows = ({ KH, KW, DILATION_Y }: Geometry): boolean =>
  KH * KW <= 49 && (KH - 1) * DILATION_Y < 16;

/** Bindings of an operand that may be a view; in the order of shaders/load_x.wgsl and shaders/load_dy.wgsl. */
function operand(tensor: Tensor): Binding[] {
  if (!tensor.view) return [read(tensor)];
  const { x, g, coefficients } = tensor.view;
  return [...(g ? [read(g)] : []), read(x), uniform(coefficients)];
}

const loadX = (x: Tensor) => ({ X_VIEW: x.view !== undefined, X_RELU: x.view?.relu ?? false });
const loadDy = (dy: Tensor) => ({ DY_VIEW: dy.view !== undefined });

/** A norm that is applied before y is written; in the order of shaders/conv2d_outputs.wgsl. */
const normBindings = ({ mean, variance, affine, shortcut }: FixedNorm): Binding[] => [
  ...[mean, variance, ...(affine ?? [])].map(uniform),
  ...(shortcut ? [read(shortcut)] : []),
];

const normConstants = ({ eps: EPS, affine, shortcut, relu: RELU }: FixedNorm) => ({
  EPS,
  AFFINE: affine !== undefined,
  SHORTCUT: shortcut !== undefined,
  RELU,
});

/** Sums that a kernel leaves for each of its slices. */
function leftSlices(
  emit: Emitter,
  name: string,
  quads: number,
  { count, pixels }: Division['slices'],
): Slices {
  return { partial: emit.transient(name, [count, quads, 2, 4], 'flat'), count, pixels };
}

/** A forward pass in which every invocation loads the pixels it needs. */
function forwardBlocks(g: Geometry, channels: number, tuning: Tuning): Division {
  const { rows, columns, quads } = tuning.conv2d;
  const ROWS = divide(g.OH, unrollsRows(g) ? rows : 1);
  const PX = divide(g.OW, mostColumns(columns, g));
  const QV = largestDivisor(g.OC4, quads);
  const STRIPS = ceilDiv(g.OW, PX);
  const BANDS = ceilDiv(g.OH, ROWS);
  const BLOCKS = g.N * BANDS * STRIPS;
  return {
    shader: 'conv2d',
    entry: 'conv2d',
    constants: {
      BROADCAST: channels >= 4 && tuning.weights === 'broadcast',
      ROWS,
      PX,
      STRIPS,
      BANDS,
      BLOCKS,
      COLUMNS: (PX - 1) * g.STRIDE_X + (g.KW - 1) * g.DILATION_X + 1,
      SPAN: (ROWS - 1) * g.STRIDE_Y + (g.KH - 1) * g.DILATION_Y + 1,
      COOPERATE: tuning.sums === 'workgroup',
    },
    QV,
    ...blocksOf(tuning.sums, BLOCKS, ROWS * PX),
    whole: g.OW % PX === 0 && g.OH % ROWS === 0,
  };
}

/** Forward pass of a convolution of one group. */
export function convolutionForward(
  { inputs, y, emit, momentsWanted, norm, handOn }: ForwardPass<unknown>,
  convolution: Convolution,
): void {
  const { geometry: g, channels, bias: BIAS, flops } = convolution;
  const x = input(inputs, 'x');
  const weight = input(inputs, 'weight');
  const { tuning } = emit;
  const winograd = winogradProducts(emit, convolution, {
    direction: 'forward',
    operand: { bindings: operand(x), constants: loadX(x) },
    weight,
    name: y.name,
  });
  const staged = tuning.pixels === 'stage' ? forwardTiles(g, tuning.conv2d) : undefined;
  const division =
    winograd?.division ??
    staged ??
    forwardStationary(g, tuning, y) ??
    forwardBlocks(g, channels, tuning);
  const moments =
    momentsWanted && division.whole
      ? leftSlices(emit, `${y.name}.moments`, g.OC4, division.slices)
      : undefined;
  emit.dispatch({
    shader: division.shader,
    entry: division.entry,
    constants: {
      ...g,
      ...(!winograd && {
        ...loadX(x),
        UNIFORM_WEIGHT: weightFitsUniform(g),
        LANES: Math.min(4, channels),
      }),
      ...division.constants,
      QV: division.QV,
      BIAS,
      MOMENTS: moments !== undefined,
      NORM: norm !== undefined,
      ...(norm && normConstants(norm)),
    },
    bindings: [
      ...(winograd ? [read(winograd.products)] : [...operand(x), weightBinding(weight, g)]),
      write(y),
      ...(BIAS ? [read(input(inputs, 'bias'))] : []),
      ...(moments ? [write(moments.partial)] : []),
      ...(norm ? normBindings(norm) : []),
    ],
    workgroups: [division.workgroups, g.OC4 / (division.QV * (division.sharers ?? 1)), 1],
    flops: winograd ? 0 : flops,
  });
  if (moments) handOn({ moments });
}

/** The gradient of the input with every invocation loading the pixels of dy that it needs. */
function gradInputBlocks(g: Geometry, tuning: Tuning): Division {
  const { rows, columns, quads } = tuning.conv2d_grad_input;
  const [height, width] = [ceilDiv(g.H, g.STRIDE_Y), ceilDiv(g.W, g.STRIDE_X)];
  const parities = g.STRIDE_Y * g.STRIDE_X;
  const ROWS = divide(height, parities === 1 && unrollsRows(g) ? rows : 1);
  const PX = divide(width, columns);
  const QV = largestDivisor(g.IC4, quads);
  const STRIPS = ceilDiv(width, PX);
  const BANDS = ceilDiv(height, ROWS);
  const BLOCKS = g.N * BANDS * STRIPS;
  const FIRST = Math.floor((g.PAD_LEFT - (g.KW - 1) * g.DILATION_X) / g.STRIDE_X);
  return {
    shader: 'conv2d',
    entry: 'conv2d_grad_input',
    constants: {
      ROWS,
      PX,
      STRIPS,
      BANDS,
      BLOCKS,
      FIRST,
      COLUMNS: PX + Math.floor((g.STRIDE_X - 1 + g.PAD_LEFT) / g.STRIDE_X) - FIRST,
      SPAN: ROWS + (g.KH - 1) * g.DILATION_Y,
      BROADCAST: tuning.weights === 'broadcast',
      COOPERATE: tuning.sums === 'workgroup',
    },
    QV,
    ...blocksOf(tuning.sums, BLOCKS, ROWS * PX, parities),
    whole: height % ROWS === 0 && width % PX === 0,
  };
}

function emitGradInput(
  pass: BackwardPass<unknown>,
  convolution: Convolution,
  x: Tensor,
  weight: Tensor,
): Tensor {
  const { geometry: g, flops } = convolution;
  const { emit, gradOutput: dy } = pass;
  const { tuning } = emit;
  const addend = pass.fold('x');
  const norm = pass.normOf('x');
  const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
  const winograd = winogradProducts(emit, convolution, {
    direction: 'back',
    operand: { bindings: operand(dy), constants: loadDy(dy) },
    weight,
    name: dx.name,
  });
  const staged =
    tuning.pixels === 'stage' ? gradInputTiles(g, tuning.conv2d_grad_input) : undefined;
  const division =
    winograd?.division ??
    staged ??
    gradInputStationary(g, tuning, dx) ??
    gradInputBlocks(g, tuning);
  const sums = norm ? leftSlices(emit, `${dx.name}.sums`, g.IC4, division.slices) : undefined;
  emit.dispatch({
    shader: division.shader,
    entry: division.entry,
    constants: {
      ...g,
      ...(!winograd && { ...loadDy(dy), UNIFORM_WEIGHT: weightFitsUniform(g) }),
      ...division.constants,
      QV: division.QV,
      ADDEND: addend !== undefined,
      SUMS: norm !== undefined,
      MASK_STORED: norm?.mask === 'stored',
      MASK_VIEW: norm?.mask === 'view',
    },
    bindings: [
      ...(winograd ? [read(winograd.products)] : [...operand(dy), weightBinding(weight, g)]),
      write(dx),
      ...(addend ? [read(addend)] : []),
      ...(norm && sums ? [read(norm.x), uniform(norm.coefficients), write(sums.partial)] : []),
      ...(norm?.mask === 'stored' ? [read(x)] : []),
    ],
    workgroups: [
      division.workgroups,
      g.IC4 / (division.QV * (division.sharers ?? 1)),
      g.STRIDE_Y * g.STRIDE_X,
    ],
    flops: winograd ? 0 : flops,
  });
  if (sums) pass.leaveSums('x', sums);
  return dx;
}

/** The gradient of the weight with every invocation loading the pixels it needs, or half of them where neighbours exchange the rest. */
function gradWeightBlocks(g: Geometry, tuning: Tuning): SplitDivision {
  const { rows, columns: PX, quads } = tuning.conv2d_grad_weight;
  const KROWS = rows === 'all' && unrollsRows(g) ? g.KH : 1;
  const shares = tuning.pixels === 'exchange' && g.IC4 % 2 === 0 && g.OC4 % 2 === 0;
  const SHARERS = shares ? 2 : 1;
  const QV = largestDivisor(g.OC4 / SHARERS, quads);
  const INVOCATIONS = tuning.workgroupSize;
  const STRIPS = ceilDiv(g.OW, PX);
  const TOTAL_STRIPS = g.N * g.OH * STRIPS;
  const STRIPS_PER_SPLIT = ceilDiv(TOTAL_STRIPS, weightSplits(TOTAL_STRIPS * PX, weightSize(g)));
  const SPLITS = ceilDiv(TOTAL_STRIPS, STRIPS_PER_SPLIT);
  return {
    shader: 'conv2d',
    entry: 'conv2d_grad_weight',
    constants: {
      KROWS,
      PX,
      QV,
      COLUMNS: (PX - 1) * g.STRIDE_X + (g.KW - 1) * g.DILATION_X + 1,
      STRIPS,
      TOTAL_STRIPS,
      SPLITS,
      STRIPS_PER_SPLIT,
      SHARERS,
      INVOCATIONS,
    },
    splits: SPLITS,
    workgroups: grid(ceilDiv((SPLITS * (g.KH / KROWS) * g.IC4 * g.OC4) / QV, INVOCATIONS)),
  };
}

function emitGradWeight(
  emit: Emitter,
  { geometry: g, flops }: Convolution,
  x: Tensor,
  dy: Tensor,
  dw: Tensor,
): void {
  const { tuning } = emit;
  const staged = tuning.pixels === 'stage' ? gradWeightTiles(g) : undefined;
  const { splits, constants, ...kernel } = staged ?? gradWeightBlocks(g, tuning);
  emitSplitSum(emit, dw, splits, weightSize(g), (sums) => ({
    ...kernel,
    constants: { ...g, ...loadX(x), ...loadDy(dy), ...constants },
    bindings: [...operand(x), ...operand(dy), write(sums)],
    flops,
  }));
}

/** Gradients of a convolution of one group. */
export function convolutionBackward(
  pass: BackwardPass<unknown>,
  convolution: Convolution,
): Record<string, Tensor> {
  const { emit, gradOutput } = pass;
  const x = input(pass.inputs, 'x');
  const weight = input(pass.inputs, 'weight');
  const dx = pass.wants('x') ? emitGradInput(pass, convolution, x, weight) : undefined;
  emitGradWeight(emit, convolution, x, gradOutput, pass.parameterGradient('weight'));
  if (convolution.bias) emit.dispatch(channelSum(gradOutput, pass.parameterGradient('bias')));
  return { ...(dx && { x: dx }) };
}

/** Images [N, C, H, W] under a kernel, with what else there is to say. */
const sample = (
  x: Shape,
  out_channels: number,
  kernel: number | [number, number],
  params: Record<string, unknown> = {},
): Sample => {
  const groups = typeof params.groups === 'number' ? params.groups : 1;
  const weight = [out_channels, (x[1] ?? 1) / groups, ...pair(kernel)];
  return {
    params: { out_channels, kernel, ...params },
    inputs: { x, weight, ...(params.bias === true && { bias: [out_channels] }) },
  };
};

const samples: Sample[] = [
  sample([1, 1, 1, 1], 1, 3, { padding: 1 }),
  sample([2, 3, 5, 7], 4, 3, { padding: 1 }),
  sample([1, 5, 7, 5], 6, 3, { padding: 1, bias: true }),
  sample([2, 8, 9, 9], 16, 3, { padding: 1 }),
  sample([3, 4, 8, 8], 8, 3, { stride: 2, padding: 1 }),
  sample([2, 5, 7, 5], 3, 3, { stride: 2, padding: 1, bias: true }),
  sample([1, 2, 6, 5], 7, 3),
  sample([2, 4, 5, 7], 8, 1, { stride: 2 }),
  sample([2, 6, 3, 5], 5, 1, { bias: true }),
  sample([1, 3, 8, 9], 2, 5, { stride: 3, padding: 2 }),
  sample([1, 3, 5, 6], 2, 2, { padding: 'same' }),
  sample([2, 2, 7, 6], 3, 3, { padding: 'same', stride: 2 }),
  sample([1, 4, 6, 5], 3, 4, { padding: 'valid' }),
  sample([1, 2, 9, 8], 5, 7, { padding: 3 }),
  sample([1, 3, 6, 4], 2, 3, { stride: 2, padding: [0, 0, 1, 1] }),
  sample([1, 3, 4, 6], 2, 3, { padding: [2, 0, 1, 3], bias: true }),
  sample([1, 2, 9, 7], 3, 3, { dilation: 2, padding: 2 }),
  sample([2, 3, 8, 9], 4, 3, { dilation: [3, 2], stride: [1, 2], padding: [1, 2] }),
  sample([1, 2, 12, 12], 2, 6, { dilation: 2, stride: 3, padding: 1 }),
  sample([2, 4, 5, 7], 6, 3, { groups: 2, padding: 1 }),
  sample([1, 6, 5, 5], 9, 3, { groups: 3, stride: 2, padding: 1, bias: true }),
  sample([2, 7, 6, 5], 7, 3, { groups: 7, padding: 1, dilation: 2 }),
  sample([1, 5, 6, 7], 10, 5, { groups: 5, stride: 2, padding: 'same' }),
  sample([2, 10, 3, 4], 6, 1, { groups: 2 }),
  sample([1, 8, 12, 13], 8, 3, { groups: 8, padding: 1 }),
  // One tap that moves: as many pixels come out as went in, but not the same ones.
  sample([1, 3, 3, 3], 2, 1, { stride: 2, padding: 1 }),
  sample([2, 3, 2, 2], 4, 1, { stride: 2, padding: 1 }),
  sample([1, 2, 3, 4], 3, 1, { padding: 1 }),
  // Several channels a group, of which four neighbours share their inputs.
  sample([1, 6, 5, 4], 8, 3, { groups: 2, padding: 1 }),
  // Kernels that reach too far for register blocks, of one group.
  sample([1, 1, 3, 31], 1, 2, { dilation: 30, padding: 15 }),
  sample([2, 3, 31, 34], 5, 3, { dilation: 16, padding: 16, bias: true }),
  sample([1, 2, 3, 40], 6, [3, 33], { padding: [1, 16], stride: [1, 2] }),
  // The longest that do not, along rows and along columns.
  sample([2, 3, 3, 17], 5, [1, 13], { padding: [0, 6] }),
  sample([1, 2, 37, 3], 3, [33, 2], { padding: [16, 0] }),
  // More blocks than a workgroup has invocations, a bias summed in several turns, and a weight too large to be a uniform.
  sample([3, 3, 23, 17], 5, 3, { padding: 1, bias: true }),
  sample([1, 64, 3, 5], 63, 3, { padding: 1 }),
  // Pictures narrower than the kernel.
  sample([2, 3, 3, 1], 5, 5, { padding: 2 }),
  sample([2, 3, 4, 2], 5, [1, 7], { padding: [0, 3] }),
  // Rows enough that an invocation which holds weights computes several, over the border of a picture.
  sample([14, 3, 11, 4], 5, 3, { padding: 1, bias: true }),
  sample([1, 48, 3, 5], 47, [4, 3], { padding: 'same' }),
  sample([1, 2, 4, 7], 2, [5, 3], { stride: [1, 2], padding: [2, 0] }),
  // Rows and channels enough that two neighbours, or four, exchange the pixels of invocations which hold weights.
  sample([6, 6, 11, 19], 14, 3, { padding: 1, bias: true }),
  sample([7, 14, 9, 15], 15, 3, { padding: 1 }),
  // Tiles: several pictures in each but the last, several in a picture, a stride, a large kernel.
  sample([7, 3, 8, 8], 5, 3, { padding: 1 }),
  sample([1, 8, 20, 36], 4, 3, { dilation: 2, padding: 2 }),
  sample([5, 8, 9, 16], 8, 3, { stride: 2, padding: 1, bias: true }),
  sample([2, 6, 11, 13], 7, 5, { padding: 2 }),
  // Winograd: many channels, an odd side, tiles that fill no block.
  sample([1, 66, 5, 4], 65, 3, { padding: [2, 0, 1, 3], bias: true }),
];

const convolutionOf = ({
  params,
  inputs,
  y,
}: ForwardPass<Conv2dParams> | BackwardPass<Conv2dParams>) =>
  describeConvolution(params, input(inputs, 'x').shape, y.shape);

export const conv2d = defineOp<Conv2dParams>({
  name: 'conv2d',
  doc: {
    title: 'Convolution',
    formula: String.raw`y_{n,o,i,j} = b_o + \sum_{c,u,v} w_{o,c,u,v}\, x_{n,\,g(o)+c,\; i s + u d - p,\; j s + v d - p}`,
    symbols:
      'where $s$, $p$ and $d$ are stride, padding in front and dilation of the axis, and $g(o)$ is the first input channel of the group of $o$ (0 with one group)',
    gradient: String.raw`\frac{\partial L}{\partial x_{n,m,k,l}} = \sum_{\substack{o,c,u,v,i,j:\; g(o) + c = m,\\ i s + u d - p = k,\; j s + v d - p = l}} \frac{\partial L}{\partial y_{n,o,i,j}}\, w_{o,c,u,v},\quad \frac{\partial L}{\partial w_{o,c,u,v}} = \sum_{n,i,j} \frac{\partial L}{\partial y_{n,o,i,j}}\, x_{n,\,g(o)+c,\; i s + u d - p,\; j s + v d - p},\quad \frac{\partial L}{\partial b_o} = \sum_{n,i,j} \frac{\partial L}{\partial y_{n,o,i,j}}`,
    source:
      'LeCun et al. 1989; Dumoulin & Visin 2016, “A guide to convolution arithmetic for deep learning”; groups: Krizhevsky et al. 2012; depthwise: Chollet 2017',
  },
  params: conv2dParams,
  inputs: ['x'],
  reference,
  samples,
  parameters: ({ out_channels, kernel, bias, groups, init }, x) => {
    const [, channels] = imageDims(x);
    const shape = [out_channels, channels / groups, ...pair(kernel)];
    const fanIn = elements(shape.slice(1));
    return {
      weight: { shape, layout: 'kernel', init: weightInit(init, groups) },
      ...(bias && {
        bias: {
          shape: [out_channels],
          layout: 'channels',
          init: { kind: 'uniform_fan_in', fanIn },
        },
      }),
    };
  },
  inferShape: (params, { x = [] }) => {
    const { out_channels, groups } = params;
    if (x.length !== 4) {
      throw shapeError(`a convolution takes images [N, C, H, W], not [${x.join(', ')}]`, {
        kind: 'images',
        shape: perImage(x),
      });
    }
    const [n, c, h, w] = imageDims(x);
    const [rows, columns] = placeWindows(params, h, w);
    const y = [n, out_channels, rows.count, columns.count];
    if (c % groups !== 0 || out_channels % groups !== 0) {
      throw shapeError(
        `${groups} groups must divide ${c} input channels and ${out_channels} output channels: [${x.join(', ')}] to [${y.join(', ')}]`,
        { kind: 'conv_groups', groups, channels: c, out_channels },
      );
    }
    if (rows.count < 1 || columns.count < 1) {
      throw shapeError(
        `a window of ${pair(params.kernel).join('×')} (dilation ${pair(params.dilation).join('×')}, padding ` +
          `${[params.padding].flat().join('×')}) does not fit into ${h}×${w} pixels: [${x.join(', ')}] would become [${y.join(', ')}]`,
        { kind: 'window', window: pair(params.kernel).join('×'), pixels: `${h}×${w}` },
      );
    }
    return y;
  },
  looksAt: ({ kernel, stride, dilation }) => ({
    count: pair(kernel),
    stride: pair(stride),
    dilation: pair(dilation),
  }),
  flops: (params, { x = [] }, y) => describeConvolution(params, x, y).flops,
  appliesNorm: (params) => !runsDirect(params),
  loadsViews: (params) => (runsDirect(params) ? [] : params.bias ? ['x'] : ['x', 'gradOutput']),
  forward: (pass) => {
    const forward = runsDirect(pass.params) ? directForward : convolutionForward;
    forward(pass, convolutionOf(pass));
  },
  backward: (pass) => {
    const backward = runsDirect(pass.params) ? directBackward : convolutionBackward;
    return backward(pass, convolutionOf(pass));
  },
});
