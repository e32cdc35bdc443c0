/**
 * Dropout (Srivastava et al. 2014) of single elements, and of whole channels (Tompson et al. 2015); see
 * `shaders/dropout.wgsl`.
 */
import { z } from 'zod';
import { streamOf } from '../random.ts';
import * as reference from '../reference/dropout.ts';
import type { ReferenceOp } from '../reference/op.ts';
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
import type { Documentation, Emitter, Op } from './op.ts';
import { IMAGES, maskTensor } from './sample.ts';
import type { Sample } from './sample.ts';
import { elements, imageDims, quads } from './tensor.ts';
import type { Shape, Tensor } from './tensor.ts';

export const dropoutParams = z.strictObject({
  drop_probability: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe(
      'Probability that an element is dropped (PyTorch’s `p`); it is kept with 1 minus that, the `p` of the paper',
    ),
  mode: z
    .enum(['inverted', 'vanilla'])
    .default('inverted')
    .describe(
      'Where the expectation is mended: `inverted` divides by the keep probability in training, `vanilla` multiplies by it in evaluation',
    ),
});
export type DropoutParams = z.infer<typeof dropoutParams>;

const formula = (mask: string): string =>
  String.raw`\text{inverted: } y = \frac{m \odot x}{1 - p} \text{ in training, } x \text{ in evaluation};\quad \text{vanilla: } y = m \odot x \text{ in training, } (1 - p)\,x \text{ in evaluation};\quad P(${mask} = 0) = p`;
const GRADIENT = String.raw`\text{the same mask and factors: } \frac{\partial L}{\partial x} = \frac{\partial L}{\partial y} \odot \begin{cases} m / (1 - p) & \text{inverted, in training} \\ m & \text{vanilla, in training} \\ 1 & \text{inverted, in evaluation} \\ 1 - p & \text{vanilla, in evaluation} \end{cases}`;

interface DropoutPass {
  x: Tensor;
  y: Tensor;
  /** Whether elements are dropped. */
  active: boolean;
  /** Zeros and ones that take the place of what is drawn. */
  mask: Tensor | undefined;
  addend?: Tensor | undefined;
  /** The layer's path is part of the key, so that layers draw independently. */
  path: string;
  emit: Emitter;
}

function scale({ drop_probability: p, mode }: DropoutParams, active: boolean): number {
  if (mode === 'vanilla') return active ? 1 : 1 - p;
  return active && p < 1 ? 1 / (1 - p) : Number(!active);
}

/** The mask is drawn anew wherever it is needed, and never stored. In evaluation, inverted dropout dispatches nothing. */
function emitDropout(params: DropoutParams, perChannel: boolean, pass: DropoutPass): void {
  const { x, y, active, mask, addend, path, emit } = pass;
  const [N, c, h, w] = imageDims(y.shape);
  const C4 = quads(c);
  emit.dispatch({
    shader: 'dropout',
    entry: 'dropout',
    constants: {
      N,
      HW: h * w,
      C4,
      KEPT_FROM: Math.ceil(params.drop_probability * 2 ** 24),
      SCALE: scale(params, active),
      STREAM: streamOf(path),
      ACTIVE: active,
      PER_CHANNEL: perChannel,
      GIVEN: mask !== undefined,
      ADDEND: addend !== undefined,
    },
    bindings: [
      read(x),
      write(y),
      uniform(emit.step),
      ...(mask ? [read(mask)] : []),
      ...(addend ? [read(addend)] : []),
    ],
    workgroups: grid(ceilDiv(N * h * w * C4, 64)),
    flops: 2 * elements(y.shape),
  });
}

/** What sets an op of this family apart. */
interface Variant {
  name: string;
  doc: Documentation;
  /** Whether a mask [N, C] drops whole channels, or one like x single elements. */
  perChannel: boolean;
  reference: ReferenceOp;
  samples: Sample[];
}

function dropoutOp({ perChannel, ...rest }: Variant): Op {
  const maskShape = (x: Shape): Shape => (perChannel ? x.slice(0, 2) : x);
  return defineOp<DropoutParams>({
    ...rest,
    params: dropoutParams,
    inputs: ['x'],
    optional: ['mask'],
    inferShape: (_, { x = [], mask }) => {
      if (perChannel && x.length !== 4) {
        throw shapeError(`dropout of channels takes images [N, C, H, W], not [${x.join(', ')}]`, {
          kind: 'images',
          shape: perImage(x),
        });
      }
      if (mask && mask.join() !== maskShape(x).join()) {
        throw shapeError(`a mask of shape [${mask.join(', ')}] does not fit [${x.join(', ')}]`);
      }
      return x;
    },
    flops: (_, { x = [] }) => 2 * elements(x),
    forward: ({ params, inputs, y, sampling: active, handOn, emit }) => {
      const { mask } = inputs;
      const x = input(inputs, 'x');
      if (!active && scale(params, active) === 1) return handOn({ same: x });
      emitDropout(params, perChannel, { x, y, active, mask, path: y.name, emit });
    },
    // The gradient of a product with a constant mask: the same product.
    backward: (pass): Record<string, Tensor> => {
      if (!pass.wants('x')) return {};
      const { params, inputs, y, sampling: active, gradOutput, emit } = pass;
      const x = input(inputs, 'x');
      const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
      const tensors = { x: gradOutput, y: dx, mask: inputs.mask, addend: pass.fold('x') };
      emitDropout(params, perChannel, { ...tensors, active, path: y.name, emit });
      return { x: dx };
    },
  });
}

export const dropout = dropoutOp({
  name: 'dropout',
  doc: {
    title: 'Dropout',
    formula: formula('m_{n,c,h,w}'),
    symbols: 'where $p$ is `drop_probability`; at $p = 1$ training gives $y = 0$ in both modes',
    gradient: GRADIENT,
    source:
      'Srivastava et al. 2014, “Dropout: A Simple Way to Prevent Neural Networks from Overfitting”',
  },
  perChannel: false,
  reference: reference.dropout,
  samples: [
    ...IMAGES.map((x) => ({
      params: { drop_probability: 0.25 },
      inputs: { x, mask: maskTensor(...x) },
    })),
    {
      params: { drop_probability: 0.4, mode: 'vanilla' },
      inputs: { x: [2, 5, 3, 2], mask: maskTensor(2, 5, 3, 2) },
    },
    { params: { drop_probability: 1 }, inputs: { x: [3, 5], mask: maskTensor(3, 5) } },
    { params: {}, inputs: { x: [2, 3, 2, 5] }, training: false },
    { params: { drop_probability: 0.3, mode: 'vanilla' }, inputs: { x: [2, 7] }, training: false },
  ],
});

export const dropout2d = dropoutOp({
  name: 'dropout2d',
  doc: {
    title: 'Dropout of channels',
    formula: formula('m_{n,c}'),
    symbols: 'where $p$ is `drop_probability`; at $p = 1$ training gives $y = 0$ in both modes',
    gradient: GRADIENT,
    source:
      'Tompson et al. 2015, “Efficient Object Localization Using Convolutional Networks”, section 3.2',
  },
  perChannel: true,
  reference: reference.dropout2d,
  samples: [
    ...IMAGES.map((x) => ({
      params: { drop_probability: 0.25 },
      inputs: { x, mask: maskTensor(...x.slice(0, 2)) },
    })),
    {
      params: { drop_probability: 0.4, mode: 'vanilla' },
      inputs: { x: [2, 5, 3, 2], mask: maskTensor(2, 5) },
    },
    {
      params: { drop_probability: 0.4, mode: 'vanilla' },
      inputs: { x: [2, 5, 3, 2] },
      training: false,
    },
  ],
});
