/**
 * The residual connection of He et al. 2015: y = F(x) + shortcut(x), and the shortcut without
 * parameters where shapes differ.
 */
import { z } from 'zod';
import { defineOp, noParams } from './op.ts';
import { expectShape, map, need, shapeError, zeros } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/** y = the sum of all inputs, which have one shape. Each receives dL/dy unchanged. */
export const add = defineOp({
  params: noParams,
  forward(_params, inputs) {
    const [first, ...rest] = Object.values(inputs);
    if (!first) throw shapeError('a sum needs at least one input');
    for (const term of rest) expectShape('a term of the sum', term, first.shape);
    return { y: map(first, (value, i) => rest.reduce((sum, x) => sum + x.data[i]!, value)) };
  },
  backward: (_params, inputs, _outputs, gradOutput) =>
    Object.fromEntries(Object.keys(inputs).map((name) => [name, gradOutput])),
});

/**
 * Option A (He et al. 2015, sections 3.3 and 4.2): every stride-th pixel in both directions, and new
 * channels of zeros: all after the old ones (`end`), or half before and half after (`both`).
 * x: [N, C, H, W], y: [N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉]; vectors [N, C] are images of one pixel.
 */
const optionAParams = z.strictObject({
  out_channels: z.int().min(1),
  stride: z.int().min(1).default(2),
  zero_channels: z.enum(['end', 'both']).default('end'),
});

export const shortcutOptionA = defineOp({
  params: optionAParams,
  inputs: ['x'],
  forward(params, inputs) {
    const x = need(inputs, 'x');
    const [n = 0, , ...pixels] = x.shape;
    const y = zeros([
      n,
      params.out_channels,
      ...pixels.map((length) => Math.ceil(length / params.stride)),
    ]);
    eachCopy(params, x, y, (ix, iy) => (y.data[iy] = x.data[ix]!));
    return { y };
  },
  backward(params, inputs, _outputs, gradOutput) {
    const dx = zeros(need(inputs, 'x').shape);
    eachCopy(params, dx, gradOutput, (ix, iy) => (dx.data[ix] = gradOutput.data[iy]!));
    return { x: dx };
  },
});

/** Visits every element of y that is a copy of one of x: their flat indices. */
function eachCopy(
  { out_channels, stride, zero_channels }: z.output<typeof optionAParams>,
  x: Tensor,
  y: Tensor,
  visit: (ix: number, iy: number) => void,
): void {
  const [n = 0, c = 0, h = 1, w = 1] = x.shape;
  const [, , oh = 1, ow = 1] = y.shape;
  if (out_channels < c) throw shapeError(`option A cannot reduce ${c} channels to ${out_channels}`);
  const before = zero_channels === 'both' ? Math.floor((out_channels - c) / 2) : 0;
  for (let image = 0; image < n; image++) {
    for (let channel = 0; channel < c; channel++) {
      for (let i = 0; i < oh; i++) {
        for (let j = 0; j < ow; j++) {
          const from = ((image * c + channel) * h + i * stride) * w + j * stride;
          const to = ((image * out_channels + before + channel) * oh + i) * ow + j;
          visit(from, to);
        }
      }
    }
  }
}
