/**
 * Batch normalization (Ioffe & Szegedy 2015): per channel, over N, H and W. Conventions of PyTorch:
 * the biased variance normalizes, the unbiased one enters the running estimate, eps 1e-5, momentum 0.1.
 *
 * `relu` and a `shortcut` input fuse what follows it in a residual block into the same pass over
 * memory: y = relu(norm(x) + shortcut). Kernels and formulas are in `shaders/batch_norm.wgsl`.
 */
import { z } from 'zod';
import { batchNorm as reference } from '../reference/norm.ts';
import { ceilDiv, defineOp, grid, input, read, shapeError, update, write } from './op.ts';
import type { ParameterSpec } from './op.ts';
import { positiveTensor } from './sample.ts';
import { elements, imageDims, quads } from './tensor.ts';
import type { Shape, Tensor } from './tensor.ts';

export const batchNormParams = z.strictObject({
  eps: z.number().positive().default(1e-5).describe('Added to the variance'),
  momentum: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe('How far the running estimates move towards those of a batch'),
  affine: z.boolean().default(true).describe('Whether γ (`weight`) and β (`bias`) are learned'),
  init: z
    .enum(['ones', 'zeros'])
    .default('ones')
    .describe(
      'What γ starts at: zeros make a residual block start as the identity (Goyal et al. 2017, section 5.1)',
    ),
  relu: z.boolean().default(false).describe('Fused: y = max(…, 0)'),
});
export type BatchNormParams = z.infer<typeof batchNormParams>;

/** Pixels one invocation normalizes: statistics are loaded once for all of them. */
const PIXELS = 8;
/** A slice for the statistics holds at least so many pixels, and there are at most so many slices. */
const MIN_SLICE = 256;
const MAX_SLICES = 64;

function pixelGeometry(shape: Shape) {
  const [n, c, h, w] = imageDims(shape);
  const P = n * h * w;
  return {
    P,
    C4: quads(c),
    workgroups: grid(ceilDiv(ceilDiv(P, PIXELS) * quads(c), 64)),
  };
}

function sliceGeometry(shape: Shape) {
  const { P, C4 } = pixelGeometry(shape);
  const CL = Math.min(16, 2 ** Math.ceil(Math.log2(C4)));
  const SLICE = ceilDiv(P, Math.min(MAX_SLICES, ceilDiv(P, MIN_SLICE)));
  const SLICES = ceilDiv(P, SLICE);
  return {
    constants: { P, C4, CL, SLICE, SLICES },
    workgroups: [SLICES, ceilDiv(C4, CL), 1] as const,
  };
}

const running = (c: number) => ({
  running_mean: positiveTensor(c),
  running_var: positiveTensor(c),
});

export const batchNorm = defineOp<BatchNormParams>({
  name: 'batch_norm',
  doc: {
    title: 'Batch normalization',
    formula: String.raw`y = \gamma\, \hat x + \beta,\quad \hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}},\quad \mu, \sigma^2 \text{ over N, H, W; in evaluation the running estimates}`,
    gradient: String.raw`\frac{\partial L}{\partial x} = \frac{1}{\sqrt{\sigma^2 + \varepsilon}} \left(g - \overline{g} - \hat x\, \overline{g \hat x}\right),\; g = \gamma \frac{\partial L}{\partial y};\quad \frac{\partial L}{\partial \gamma} = \sum \frac{\partial L}{\partial y}\, \hat x,\quad \frac{\partial L}{\partial \beta} = \sum \frac{\partial L}{\partial y}\text{ (in evaluation the means fall away)}`,
    source: 'Ioffe & Szegedy 2015; γ = 0 at the end of a block: Goyal et al. 2017',
  },
  reference,
  samples: [
    { params: {}, inputs: { x: [2, 3, 5, 7], weight: [3], bias: [3], ...running(3) } },
    { params: {}, inputs: { x: [1, 1, 1, 2], weight: [1], bias: [1] } },
    { params: { affine: false, eps: 1e-2 }, inputs: { x: [2, 5, 3, 3] } },
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
  ],
  params: batchNormParams,
  inputs: ['x'],
  optional: ['shortcut'],
  parameters: ({ affine, init }, x): Record<string, ParameterSpec> => {
    if (!affine) return {};
    const shape = [imageDims(x)[1]];
    const value = Number(init === 'ones');
    return {
      weight: { shape, layout: 'channels', init: { kind: 'constant', value } },
      bias: { shape, layout: 'channels', init: { kind: 'constant', value: 0 } },
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
    if (x.length !== 4)
      throw shapeError(`batch norm takes images [N, C, H, W], not [${x.join(', ')}]`);
    if (shortcut && shortcut.join() !== x.join()) {
      throw shapeError(
        `cannot add a shortcut of shape [${shortcut.join(', ')}] to [${x.join(', ')}]`,
      );
    }
    return x;
  },
  flops: (_, { x = [] }) => 8 * elements(x),

  forward: ({ params, inputs, y, training, emit, saved }) => {
    const x = input(inputs, 'x');
    const { shortcut } = inputs;
    const { P, C4, workgroups } = pixelGeometry(x.shape);
    let mean = input(inputs, 'running_mean');
    let variance = input(inputs, 'running_var');
    if (training) {
      const [, c] = imageDims(x.shape);
      const slices = sliceGeometry(x.shape);
      const { SLICE, SLICES } = slices.constants;
      const partial = emit.transient(`${y.name}.moments`, [SLICES, C4, 2, 4], 'flat');
      emit.dispatch({
        shader: 'batch_norm',
        entry: 'statistics',
        constants: slices.constants,
        bindings: [read(x), write(partial)],
        workgroups: slices.workgroups,
      });
      const running = [update(mean), update(variance)];
      mean = emit.transient(`${y.name}.mean`, [c], 'channels');
      variance = emit.transient(`${y.name}.var`, [c], 'channels');
      emit.dispatch({
        shader: 'batch_norm',
        entry: 'merge_statistics',
        constants: { P, C4, SLICE, SLICES, MOMENTUM: params.momentum },
        bindings: [read(partial), write(mean), write(variance), ...running],
        workgroups: [ceilDiv(C4, 64), 1, 1],
      });
    }
    saved.mean = mean;
    saved.variance = variance;
    emit.dispatch({
      shader: 'batch_norm',
      entry: 'normalize',
      constants: {
        P,
        C4,
        PX: PIXELS,
        EPS: params.eps,
        AFFINE: params.affine,
        RELU: params.relu,
        SHORTCUT: shortcut !== undefined,
      },
      bindings: [
        read(x),
        read(mean),
        read(variance),
        write(y),
        ...(params.affine ? [read(input(inputs, 'weight')), read(input(inputs, 'bias'))] : []),
        ...(shortcut ? [read(shortcut)] : []),
      ],
      workgroups,
    });
  },

  backward: (pass): Record<string, Tensor> => {
    const { params, inputs, y, training, emit, saved, gradOutput: dy } = pass;
    const x = input(inputs, 'x');
    const mean = input(saved, 'mean');
    const variance = input(saved, 'variance');
    const { P, C4, workgroups } = pixelGeometry(x.shape);
    const slices = sliceGeometry(x.shape);
    const { SLICES } = slices.constants;
    const { eps: EPS, affine: AFFINE, relu: RELU } = params;
    const mask = RELU ? [read(y)] : [];

    const partial = emit.transient(`d(${y.name}).sums`, [SLICES, C4, 2, 4], 'flat');
    emit.dispatch({
      shader: 'batch_norm',
      entry: 'grad_statistics',
      constants: { ...slices.constants, EPS, RELU },
      bindings: [read(x), read(mean), read(variance), read(dy), write(partial), ...mask],
      workgroups: slices.workgroups,
    });
    const coefficients = emit.transient(`d(${y.name}).coefficients`, [C4, 4, 4], 'flat');
    emit.dispatch({
      shader: 'batch_norm',
      entry: 'merge_grad_statistics',
      constants: { P, C4, SLICES, EPS, AFFINE, TRAINING: training },
      bindings: [
        read(partial),
        read(mean),
        read(variance),
        write(coefficients),
        ...(AFFINE
          ? [
              read(input(inputs, 'weight')),
              write(pass.parameterGradient('weight')),
              write(pass.parameterGradient('bias')),
            ]
          : []),
      ],
      workgroups: [ceilDiv(C4, 64), 1, 1],
    });

    const grads: Record<string, Tensor> = {};
    // Without a ReLU the shortcut's gradient is dy itself; with one it is the masked dy, written on the way.
    if (inputs.shortcut && pass.wants('shortcut')) {
      grads.shortcut = RELU ? emit.transient(`d(${inputs.shortcut.name})`, x.shape, 'image') : dy;
    }
    const written = RELU && grads.shortcut;
    if (pass.wants('x') || written) {
      const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
      emit.dispatch({
        shader: 'batch_norm',
        entry: 'grad_input',
        constants: { P, C4, PX: PIXELS, RELU, SHORTCUT: Boolean(written) },
        bindings: [
          read(x),
          read(coefficients),
          read(dy),
          write(dx),
          ...mask,
          ...(written ? [write(written)] : []),
        ],
        workgroups,
      });
      grads.x = dx;
    }
    return grads;
  },
});
