/**
 * Max and average pooling over windows, with the conventions of `torch.nn.functional`; see
 * `shaders/pool.wgsl`.
 */
import { z } from 'zod';
import { avgPool2d as avgReference, maxPool2d as maxReference } from '../reference/pool.ts';
import { ceilDiv, defineOp, grid, input, perImage, read, shapeError, write } from './op.ts';
import type { Lattice } from './op.ts';
import { tiedTensor } from './sample.ts';
import type { Sample } from './sample.ts';
import { elements, imageDims, quads } from './tensor.ts';
import type { Shape, Tensor } from './tensor.ts';
import { pair, paddingPair, sizePair } from './window.ts';

export const poolParams = z.strictObject({
  kernel: sizePair.describe('Height and width of the window, or one number for both'),
  stride: sizePair.optional().describe('As large as the kernel where not given'),
  padding: paddingPair.default(0).describe('Rows and columns around the image, on both sides'),
  ceil_mode: z
    .boolean()
    .default(false)
    .describe('Rounds the output size up: a last window may reach beyond the padding'),
});
export type Pool2dParams = z.infer<typeof poolParams>;

const settings = ({ kernel, stride = kernel, padding, ceil_mode }: Pool2dParams) => ({
  kernel: pair(kernel),
  stride: pair(stride),
  padding: pair(padding),
  ceil_mode,
});

function looksAt(params: Pool2dParams): Lattice {
  const { kernel, stride } = settings(params);
  return { count: kernel, stride, dilation: [1, 1] };
}

/** Windows along one axis. One that is rounded up must still begin within the image or its left padding. */
function outputSize(
  size: number,
  kernel: number,
  stride: number,
  padding: number,
  ceil: boolean,
): number {
  const steps = (size + 2 * padding - kernel) / stride;
  const count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
  return ceil && (count - 1) * stride >= size + padding ? count - 1 : count;
}

function inferShape(params: Pool2dParams, { x = [] }: Record<string, Shape>): Shape {
  if (x.length !== 4)
    throw shapeError(`pooling takes images [N, C, H, W], not [${x.join(', ')}]`, {
      kind: 'images',
      shape: perImage(x),
    });
  const [n, c, h, w] = imageDims(x);
  const { kernel, stride, padding, ceil_mode } = settings(params);
  if (padding[0] > kernel[0] / 2 || padding[1] > kernel[1] / 2) {
    throw shapeError(
      `padding ${padding.join('×')} exceeds half the window of ${kernel.join('×')}: some windows would be empty`,
      { kind: 'half_padding', padding: padding.join('×'), window: kernel.join('×') },
    );
  }
  const oh = outputSize(h, kernel[0], stride[0], padding[0], ceil_mode);
  const ow = outputSize(w, kernel[1], stride[1], padding[1], ceil_mode);
  if (oh < 1 || ow < 1) {
    throw shapeError(
      `a window of ${kernel.join('×')} does not fit into ${h}×${w} pixels: [${x.join(', ')}] would become [${[n, c, oh, ow].join(', ')}]`,
      { kind: 'window', window: kernel.join('×'), pixels: `${h}×${w}` },
    );
  }
  return [n, c, oh, ow];
}

function geometry(params: Pool2dParams, x: Shape, y: Shape) {
  const { kernel, stride, padding } = settings(params);
  const [N, C, H, W] = imageDims(x);
  const [, , OH, OW] = imageDims(y);
  const [KH, KW] = kernel;
  const [STRIDE_Y, STRIDE_X] = stride;
  const [PAD_TOP, PAD_LEFT] = padding;
  return { N, H, W, C, C4: quads(C), OH, OW, KH, KW, STRIDE_Y, STRIDE_X, PAD_TOP, PAD_LEFT };
}

/** One invocation a vec4 of an image tensor. */
const perQuad = (shape: Shape): readonly [number, number, number] => {
  const [n, c, h, w] = imageDims(shape);
  return grid(ceilDiv(n * h * w * quads(c), 64));
};

const windowFlops = ({ kernel }: Pool2dParams, y: Shape): number =>
  elements(y) * elements(pair(kernel));

const poolSamples = (more: Record<string, unknown> = {}): Sample[] =>
  [
    { x: [2, 3, 5, 7], kernel: 2 },
    { x: [1, 1, 1, 1], kernel: 1, stride: 1 },
    { x: [2, 5, 7, 6], kernel: 3, stride: 2, padding: 1 },
    { x: [1, 4, 5, 7], kernel: 2, stride: 3, ceil_mode: true },
    { x: [1, 6, 6, 5], kernel: 3, stride: 2, padding: 1, ceil_mode: true },
    { x: [2, 2, 5, 5], kernel: [3, 2], stride: [1, 2] },
  ].map(({ x, ...params }) => ({ params: { ...params, ...more }, inputs: { x } }));

/** y = largest pixel of the window; the first one in row-major order receives the gradient. */
export const maxPool2d = defineOp<Pool2dParams>({
  name: 'max_pool2d',
  doc: {
    title: 'Max pooling',
    formula: String.raw`y_{n,c,i,j} = \max_{u,v} x_{n,\,c,\; i s + u - p,\; j s + v - p}`,
    symbols:
      'where $s$ and $p$ are stride and padding of the axis; the maximum is taken inside the image only, never of the padding',
    gradient: String.raw`\frac{\partial L}{\partial x} = \sum \frac{\partial L}{\partial y} \text{ over the windows whose first maximum } x \text{ is}`,
    source: 'Scherer et al. 2010; conventions of torch.nn.functional.max_pool2d',
  },
  reference: maxReference,
  samples: [
    ...poolSamples(),
    // Ties: the first of equal pixels takes the gradient.
    { params: { kernel: 3, stride: 2, padding: 1 }, inputs: { x: tiedTensor(2, 3, 5, 7) } },
  ],
  params: poolParams,
  inputs: ['x'],
  inferShape,
  looksAt,
  flops: (params, _, y) => windowFlops(params, y),
  forward: ({ params, inputs, y, emit, saved }) => {
    const x = input(inputs, 'x');
    const chosen = emit.transient(`${y.name}.chosen`, y.shape, 'image', 32);
    saved.chosen = chosen;
    emit.dispatch({
      shader: 'pool',
      entry: 'max_pool2d',
      constants: geometry(params, x.shape, y.shape),
      bindings: [read(x), write(y), write(chosen)],
      workgroups: perQuad(y.shape),
      flops: windowFlops(params, y.shape),
    });
  },
  backward: ({
    params,
    inputs,
    y,
    saved,
    gradOutput,
    emit,
    wants,
    fold,
  }): Record<string, Tensor> => {
    if (!wants('x')) return {};
    const x = input(inputs, 'x');
    const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
    const addend = fold('x');
    emit.dispatch({
      shader: 'pool',
      entry: 'max_pool2d_grad',
      constants: { ...geometry(params, x.shape, y.shape), ADDEND: addend !== undefined },
      bindings: [
        read(gradOutput),
        read(input(saved, 'chosen')),
        write(dx),
        ...(addend ? [read(addend)] : []),
      ],
      workgroups: perQuad(x.shape),
      flops: windowFlops(params, y.shape),
    });
    return { x: dx };
  },
});

export const avgPoolParams = poolParams.extend({
  count_include_pad: z
    .boolean()
    .default(true)
    .describe('Whether zeros of the padding count as pixels'),
});
export type AvgPool2dParams = z.infer<typeof avgPoolParams>;

/** y = mean of the window. */
export const avgPool2d = defineOp<AvgPool2dParams>({
  name: 'avg_pool2d',
  doc: {
    title: 'Average pooling',
    formula: String.raw`y_{n,c,i,j} = \frac{1}{m} \sum_{u,v} x_{n,\,c,\; i s + u - p,\; j s + v - p}`,
    symbols:
      'where $m$ is the number of pixels in the window: all within the padded image, or with `count_include_pad` false within the image itself',
    gradient: String.raw`\frac{\partial L}{\partial x} = \sum \frac{1}{m} \frac{\partial L}{\partial y} \text{ over the windows that hold } x`,
    source: 'LeCun et al. 1989; conventions of torch.nn.functional.avg_pool2d',
  },
  reference: avgReference,
  samples: [...poolSamples(), ...poolSamples({ count_include_pad: false })],
  params: avgPoolParams,
  inputs: ['x'],
  inferShape,
  looksAt,
  flops: (params, _, y) => windowFlops(params, y),
  forward: ({ params, inputs, y, emit }) => {
    const x = input(inputs, 'x');
    emit.dispatch({
      shader: 'pool',
      entry: 'avg_pool2d',
      constants: { ...geometry(params, x.shape, y.shape), COUNT_PADDING: params.count_include_pad },
      bindings: [read(x), write(y)],
      workgroups: perQuad(y.shape),
      flops: windowFlops(params, y.shape),
    });
  },
  backward: ({ params, inputs, y, gradOutput, emit, wants, fold }): Record<string, Tensor> => {
    if (!wants('x')) return {};
    const x = input(inputs, 'x');
    const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
    const addend = fold('x');
    emit.dispatch({
      shader: 'pool',
      entry: 'avg_pool2d_grad',
      constants: {
        ...geometry(params, x.shape, y.shape),
        COUNT_PADDING: params.count_include_pad,
        ADDEND: addend !== undefined,
      },
      bindings: [read(gradOutput), write(dx), ...(addend ? [read(addend)] : [])],
      workgroups: perQuad(x.shape),
      flops: windowFlops(params, y.shape),
    });
    return { x: dx };
  },
});
