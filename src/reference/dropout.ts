/**
 * Dropout, inverted: in training y = x·mask / (1 − p), so that E[y] = x, where the mask is 0 with
 * probability p and 1 otherwise; in evaluation y = x. The mask is an input, of the shape of x.
 * Srivastava et al. 2014.
 */
import { z } from 'zod';
import { defineOp } from './op.ts';
import { expectShape, map, need } from './tensor.ts';
import type { Tensor, Tensors } from './tensor.ts';

const params = z.strictObject({
  p: z.number().min(0).max(1).default(0.5),
  training: z.boolean().default(true),
});

export const dropout = defineOp({
  params,
  inputs: ['x'],
  optional: ['mask'],
  forward: (params, inputs) => ({ y: applyMask(params, inputs, need(inputs, 'x')) }),
  backward: (params, inputs, _outputs, gradOutput) => ({
    x: applyMask(params, inputs, gradOutput),
  }),
});

function applyMask({ p, training }: z.output<typeof params>, inputs: Tensors, x: Tensor): Tensor {
  if (!training) return map(x, (value) => value);
  const mask = need(inputs, 'mask');
  expectShape('mask', mask, x.shape);
  const scale = p === 1 ? 0 : 1 / (1 - p);
  return map(x, (value, i) => value * mask.data[i]! * scale);
}
