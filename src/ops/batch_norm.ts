/**
 * Batch normalization (Ioffe & Szegedy 2015): per channel, over N, H and W. Conventions of PyTorch:
 * the biased variance normalizes, the unbiased one enters the running estimate, eps 1e-5, momentum 0.1.
 *
 * `relu` and a `shortcut` input fuse what follows it in a residual block: y = relu(norm(x) + shortcut). It writes y only
 * where it has to: what it returns is a view of x, and its gradient a view too, unless they are to be written in any case. The statistics come from whoever
 * computed x, and the sums of the gradient from whoever computed dL/dy, where they can. With running estimates it may
 * leave all of it to whoever computes x.
 * Kernels and formulas are in `shaders/batch_norm.wgsl`.
 */
import { z } from 'zod';
import { batchNorm as reference } from '../reference/norm.ts';
import type { Tensor as HostTensor } from '../reference/tensor.ts';
import { NORM_GRADIENT, normFormula, normParams } from './norm.ts';
import {
  ceilDiv,
  defineOp,
  grid,
  input,
  read,
  shapeError,
  uniform,
  UNIFORM_BYTES,
  update,
  write,
} from './op.ts';
import type { BackwardPass, Emitter, ParameterSpec, Slices } from './op.ts';
import { normalTensor, positiveTensor } from './sample.ts';
import { elements, imageDims, quads, storedElements } from './tensor.ts';
import type { Shape, Tensor, View } from './tensor.ts';
import { materializeCall } from './view.ts';

export const batchNormParams = z.strictObject({
  ...normParams,
  momentum: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe('How far the running estimates move towards those of a batch'),
  frozen: z
    .boolean()
    .default(false)
    .describe(
      'In training as in evaluation: the running estimates normalize, and they, γ and β stay (torchvision’s FrozenBatchNorm2d)',
    ),
  relu: z.boolean().default(false).describe('Fused: y = max(…, 0)'),
});
export type BatchNormParams = z.infer<typeof batchNormParams>;

/** A slice for the statistics holds at least so many pixels, and there are at most so many slices. */
const SLICES_OF = {
  workgroup: { least: 256, most: 64 },
  invocation: { least: 16, most: 1024 },
};

const pixels = (shape: Shape): number => {
  const [n, , h, w] = imageDims(shape);
  return n * h * w;
};

/** vec4s of channels that one workgroup serves. */
const channelLanes = (C4: number, cooperate: boolean): number =>
  cooperate ? Math.min(16, 2 ** Math.ceil(Math.log2(C4))) : 64;

/** Mean and biased variance of `channels` channels, from what a batch norm saves as `coefficients`. */
export function savedMoments(
  { data }: HostTensor,
  channels: number,
): { mean: HostTensor; variance: HostTensor } {
  const column = (k: number): HostTensor => ({
    shape: [channels],
    data: Float64Array.from({ length: channels }, (_, c) => {
      const quad = Math.floor(c / 4);
      return data[(quad * 4 + k) * 4 + (c % 4)] ?? NaN;
    }),
  });
  return { mean: column(0), variance: column(3) };
}

/** Sums over all pixels of x that a kernel of `shaders/batch_norm.wgsl` is to take. */
function ownSlices(emit: Emitter, name: string, x: Shape) {
  const COOPERATE = emit.tuning.sums === 'workgroup';
  const { least, most } = SLICES_OF[emit.tuning.sums];
  const P = pixels(x);
  const C4 = quads(imageDims(x)[1]);
  const CL = channelLanes(C4, COOPERATE);
  const SLICE = ceilDiv(P, Math.min(most, ceilDiv(P, least)));
  const SLICES = ceilDiv(P, SLICE);
  const slices: Slices = {
    partial: emit.transient(name, [SLICES, C4, 2, 4], 'flat'),
    count: SLICES,
    pixels: SLICE,
  };
  const workgroups = COOPERATE
    ? ([SLICES, ceilDiv(C4, CL), 1] as const)
    : grid(ceilDiv(SLICES * C4, 64));
  return { slices, constants: { P, C4, CL, SLICE, SLICES, COOPERATE }, workgroups };
}

/** How the merging of slices is mapped. */
function mergeGeometry(emit: Emitter, x: Shape, { count, pixels: SLICE }: Slices) {
  const COOPERATE = emit.tuning.sums === 'workgroup';
  const C4 = quads(imageDims(x)[1]);
  const CL = channelLanes(C4, COOPERATE);
  return {
    constants: { P: pixels(x), C4, CL, SLICES: count, SLICE, COOPERATE },
    workgroups: [ceilDiv(C4, CL), 1, 1] as const,
  };
}

/** Slices that an invocation merges on its way to what it writes: more cost more than a dispatch. */
const FEW_SLICES = 16;
/** Pixels of a vec4 of channels that an invocation writes after that, if there are enough for so many invocations. */
const STRAND = 16;
const ENOUGH_STRANDS = 512;

/**
 * How the merging of slices is mapped where the same kernel writes what they are wanted for, and whether it should: on a GPU a
 * workgroup merges together, which takes barriers.
 */
function atOnceGeometry(emit: Emitter, x: Shape, { count }: Slices) {
  const P = pixels(x);
  const C4 = quads(imageDims(x)[1]);
  // Two vec4s a slice; and four of coefficients, as uniforms here or in what computes the gradient.
  const uniforms = 16 * C4 * Math.max(2 * count, 4) <= UNIFORM_BYTES;
  if (emit.tuning.sums === 'workgroup' || count > FEW_SLICES || !uniforms) return undefined;
  const STRANDS = 64 * ceilDiv(Math.max(P / STRAND, Math.min(P, ENOUGH_STRANDS / C4)), 64);
  return {
    constants: { P, C4, SLICES: count, STRANDS },
    workgroups: [STRANDS / 64, C4, 1] as const,
  };
}

const running = (c: number) => ({
  running_mean: normalTensor([c], 'running_mean'),
  running_var: positiveTensor([c], 'running_var'),
});

export const batchNorm = defineOp<BatchNormParams>({
  name: 'batch_norm',
  doc: {
    title: 'Batch normalization',
    formula: normFormula('N, H, W; in evaluation the running estimates'),
    symbols:
      'In training the running estimates follow, $r \\leftarrow (1 - m)\\,r + m\\,\\hat r$ with `momentum` $m$, where $\\hat r$ is the batch’s mean, or its unbiased variance $\\frac{n}{n - 1}\\sigma^2$ of the $n = NHW$ values of a channel',
    gradient: String.raw`${NORM_GRADIENT}\text{ (in evaluation the means fall away)}`,
    source: 'Ioffe & Szegedy 2015; γ = 0 at the end of a block: Goyal et al. 2017',
  },
  reference,
  samples: [
    { params: {}, inputs: { x: [2, 3, 5, 7], weight: [3], bias: [3], ...running(3) } },
    { params: {}, inputs: { x: [1, 1, 1, 2], weight: [1], bias: [1] } },
    { params: { affine: false, eps: 1e-2 }, inputs: { x: [2, 5, 3, 3] } },
    { params: {}, inputs: { x: [9, 6], weight: [6], bias: [6], ...running(6) } },
    // Sums over several slices of pixels, and channels for more than one workgroup.
    { params: {}, inputs: { x: [2, 5, 16, 17], weight: [5], bias: [5], ...running(5) } },
    { params: {}, inputs: { x: [2, 70, 12, 12], weight: [70], bias: [70], ...running(70) } },
    {
      params: { momentum: 0.3, eps: 1e-3 },
      inputs: { x: [3, 9, 4, 5], weight: [9], bias: [9], ...running(9) },
    },
    {
      params: {},
      inputs: { x: [2, 5, 5, 7], weight: [5], bias: [5], ...running(5) },
      training: false,
    },
    { params: { affine: false }, inputs: { x: [1, 2, 1, 1], ...running(2) }, training: false },
    // Slices of which the last is shorter, and more pixels than a turn of those who merge and write at once.
    { params: {}, inputs: { x: [2, 30, 5, 13], weight: [30], bias: [30], ...running(30) } },
    // More slices than are merged by what writes y and dx.
    { params: { affine: false }, inputs: { x: [3, 6, 10, 10], ...running(6) } },
    {
      params: { affine: false, frozen: true },
      inputs: { x: [3, 6, 10, 10], ...running(6) },
    },
    {
      params: { frozen: true },
      inputs: { x: [2, 5, 5, 7], weight: [5], bias: [5], ...running(5) },
    },
  ],
  params: batchNormParams,
  inputs: ['x'],
  optional: ['shortcut'],
  takesMoments: true,
  leavesNorm: ({ frozen }, x, training) =>
    (!training || frozen) && 16 * quads(imageDims(x)[1]) <= UNIFORM_BYTES,
  parameters: ({ affine, init, frozen }, x): Record<string, ParameterSpec> => {
    if (!affine) return {};
    const shape = [imageDims(x)[1]];
    const value = Number(init === 'ones');
    return {
      weight: { shape, layout: 'channels', init: { kind: 'constant', value }, frozen },
      bias: { shape, layout: 'channels', init: { kind: 'constant', value: 0 }, frozen },
    };
  },
  state: (_, x) => {
    const shape = [imageDims(x)[1]];
    return {
      running_mean: { shape, layout: 'channels', initial: 0 },
      running_var: { shape, layout: 'channels', initial: 1 },
    };
  },
  inferShape: (_, { x = [], shortcut }) => {
    if (x.length !== 4 && x.length !== 2) {
      throw shapeError(
        `batch norm takes images [N, C, H, W] or vectors [N, C], not [${x.join(', ')}]`,
      );
    }
    if (shortcut && shortcut.join() !== x.join()) {
      throw shapeError(
        `cannot add a shortcut of shape [${shortcut.join(', ')}] to [${x.join(', ')}]`,
      );
    }
    return x;
  },
  flops: (_, { x = [] }) => 8 * elements(x),

  forward: (pass) => {
    const { params, inputs, y, emit, saved } = pass;
    const training = pass.training && !params.frozen;
    const x = input(inputs, 'x');
    const { shortcut } = inputs;
    const { eps: EPS, affine: AFFINE, relu } = params;
    const scaling = AFFINE
      ? ([input(inputs, 'weight'), input(inputs, 'bias')] as const)
      : undefined;
    const mean = input(inputs, 'running_mean');
    const variance = input(inputs, 'running_var');
    if (pass.leaveNorm) {
      pass.leaveNorm({
        mean,
        variance,
        eps: EPS,
        ...(scaling && { affine: scaling }),
        ...(shortcut && { shortcut }),
        relu,
      });
      return;
    }
    const C4 = quads(imageDims(x.shape)[1]);
    const coefficients = emit.transient(`${y.name}.coefficients`, [C4, 4, 4], 'flat');
    const affine = (scaling ?? []).map(read);
    const running = [mean, variance];
    if (training) {
      if (pixels(x.shape) === 1) {
        throw shapeError(
          `batch norm in training needs more than one value a channel, and [${x.shape.join(', ')}] has one: ` +
            'take a larger batch, or another norm',
        );
      }
      const slices = pass.moments('x') ?? statistics(emit, y.name, x);
      const atOnce = pass.stored || shortcut ? atOnceGeometry(emit, x.shape, slices) : undefined;
      if (atOnce) {
        emit.dispatch({
          shader: 'batch_norm',
          entry: 'merge_and_normalize',
          constants: {
            ...atOnce.constants,
            SLICE: slices.pixels,
            MOMENTUM: params.momentum,
            EPS,
            AFFINE,
            SHORTCUT: shortcut !== undefined,
            RELU: relu,
          },
          bindings: [
            read(x),
            uniform(slices.partial),
            write(coefficients),
            ...running.map(update),
            write(y),
            ...(scaling ?? []).map(uniform),
            ...(shortcut ? [read(shortcut)] : []),
          ],
          workgroups: atOnce.workgroups,
          flops: 4 * elements(x.shape),
        });
        saved.coefficients = coefficients;
        pass.handOn({ norm: { x, coefficients, mask: relu ? 'stored' : 'none' } });
        return;
      }
      const { constants, workgroups } = mergeGeometry(emit, x.shape, slices);
      emit.dispatch({
        shader: 'batch_norm',
        entry: 'merge_statistics',
        constants: { ...constants, MOMENTUM: params.momentum, EPS, AFFINE },
        bindings: [read(slices.partial), write(coefficients), ...running.map(update), ...affine],
        workgroups,
      });
    } else {
      emit.dispatch({
        shader: 'batch_norm',
        entry: 'running_coefficients',
        constants: { C4, EPS, AFFINE },
        bindings: [...running.map(read), write(coefficients), ...affine],
        workgroups: [ceilDiv(C4, 64), 1, 1],
      });
    }
    saved.coefficients = coefficients;

    const view: View = { x, coefficients, relu };
    // Coefficients that are larger are not loaded as views.
    if (storedElements(coefficients) * 4 > UNIFORM_BYTES) {
      emit.dispatch(materializeCall(view, y, shortcut));
      return;
    }
    if (pass.stored || shortcut) {
      emit.dispatch(materializeCall(view, y, shortcut));
      pass.handOn({ norm: { x, coefficients, mask: relu ? 'stored' : 'none' } });
      return;
    }
    pass.handOn({ view, norm: { x, coefficients, mask: relu ? 'view' : 'none' } });
  },

  backward: (pass): Record<string, Tensor> => {
    const { params, inputs, emit, saved } = pass;
    const training = pass.training && !params.frozen;
    const x = input(inputs, 'x');
    const coefficients = input(saved, 'coefficients');
    const { g, slices } = pass.sums
      ? { g: pass.gradOutput, slices: pass.sums }
      : gradStatistics(pass, x, coefficients);
    const gradients = params.affine
      ? [write(pass.parameterGradient('weight')), write(pass.parameterGradient('bias'))]
      : [];
    const written = pass.wants('x') && emit.tuning.normsWrite !== 'nothing';
    const atOnce = written ? atOnceGeometry(emit, x.shape, slices) : undefined;
    if (atOnce) {
      const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
      emit.dispatch({
        shader: 'batch_norm',
        entry: 'merge_and_normalize_grad',
        constants: {
          ...atOnce.constants,
          EPS: params.eps,
          AFFINE: params.affine,
          TRAINING: training,
        },
        bindings: [
          read(x),
          read(g),
          uniform(slices.partial),
          uniform(coefficients),
          write(dx),
          ...gradients,
        ],
        workgroups: atOnce.workgroups,
        flops: 4 * elements(x.shape),
      });
      return { x: dx, ...(inputs.shortcut && { shortcut: g }) };
    }
    const { constants, workgroups } = mergeGeometry(emit, x.shape, slices);
    const back = emit.transient(`d(${x.name}).coefficients`, coefficients.shape, 'flat');
    emit.dispatch({
      shader: 'batch_norm',
      entry: 'merge_grad_statistics',
      constants: { ...constants, EPS: params.eps, AFFINE: params.affine, TRAINING: training },
      bindings: [read(slices.partial), read(coefficients), write(back), ...gradients],
      workgroups,
    });
    const view: View = { x, g, coefficients: back, relu: false };
    const small = storedElements(back) * 4 <= UNIFORM_BYTES;
    const dx = small
      ? emit.view(`d(${x.name})`, view)
      : emit.transient(`d(${x.name})`, x.shape, 'image');
    if (!small) emit.dispatch(materializeCall(view, dx));
    return { x: dx, ...(inputs.shortcut && { shortcut: g }) };
  },
});

/** (mean, M2) of each slice of x. */
function statistics(emit: Emitter, name: string, x: Tensor): Slices {
  const { slices, constants, workgroups } = ownSlices(emit, `${name}.moments`, x.shape);
  emit.dispatch({
    shader: 'batch_norm',
    entry: 'statistics',
    constants,
    bindings: [read(x), write(slices.partial)],
    workgroups,
  });
  return slices;
}

/** (Σ g, Σ g·(x − μ)) of each slice, and g: dL/dy where the ReLU let it through. */
function gradStatistics(
  { params, y, emit, gradOutput: dy }: BackwardPass<BatchNormParams>,
  x: Tensor,
  coefficients: Tensor,
): { g: Tensor; slices: Slices } {
  const { slices, constants, workgroups } = ownSlices(emit, `d(${y.name}).sums`, x.shape);
  const RELU = params.relu;
  const g = RELU ? emit.transient(`d(${y.name}) behind its ReLU`, x.shape, 'image') : dy;
  emit.dispatch({
    shader: 'batch_norm',
    entry: 'grad_statistics',
    constants: { ...constants, RELU },
    bindings: [
      read(x),
      read(coefficients),
      read(dy),
      write(slices.partial),
      ...(RELU ? [read(y), write(g)] : []),
    ],
    workgroups,
  });
  return { g, slices };
}
