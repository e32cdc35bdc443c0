/**
 * Fully connected layer: y = x·Wᵀ + b. x: [N, in], W: [out, in], b: [out], y: [N, out].
 * dL/dx = dL/dy·W,   dL/dW = (dL/dy)ᵀ·x,   dL/db = Σ_n dL/dy.
 */
import { z } from 'zod';
import { defineOp } from './op.ts';
import { expectShape, matrixShape, need, shapeError, zeros } from './tensor.ts';
import type { Tensors } from './tensor.ts';

export const linear = defineOp({
  params: z.strictObject({
    /** Whether there is a bias; where given, it must agree with the inputs. */
    bias: z.boolean().optional(),
    /** Number of outputs; where given, it must agree with the weight. */
    out_features: z.int().min(1).optional(),
  }),
  inputs: ['x', 'weight'],
  optional: ['bias'],

  forward(params, inputs) {
    const x = need(inputs, 'x');
    const weight = need(inputs, 'weight');
    const bias = params.bias === true ? need(inputs, 'bias') : inputs.bias;
    const [n, features] = matrixShape(x);
    const [out] = matrixShape(weight);
    expectShape('linear weight', weight, [params.out_features ?? out, features]);
    if (bias && params.bias === false) throw shapeError('a bias is given although bias = false');
    if (bias) expectShape('linear bias', bias, [out]);
    const y = zeros([n, out]);
    for (let row = 0; row < n; row++) {
      for (let o = 0; o < out; o++) {
        let sum = bias ? bias.data[o]! : 0;
        for (let i = 0; i < features; i++) {
          sum += x.data[row * features + i]! * weight.data[o * features + i]!;
        }
        y.data[row * out + o] = sum;
      }
    }
    return { y };
  },

  backward(_params, inputs, _outputs, gradOutput) {
    const x = need(inputs, 'x');
    const weight = need(inputs, 'weight');
    const [n, features] = matrixShape(x);
    const [out] = matrixShape(weight);
    expectShape('dL/dy', gradOutput, [n, out]);
    const dx = zeros(x.shape);
    const dw = zeros(weight.shape);
    const db = zeros([out]);
    for (let row = 0; row < n; row++) {
      for (let o = 0; o < out; o++) {
        const dy = gradOutput.data[row * out + o]!;
        db.data[o]! += dy;
        for (let i = 0; i < features; i++) {
          dx.data[row * features + i]! += dy * weight.data[o * features + i]!;
          dw.data[o * features + i]! += dy * x.data[row * features + i]!;
        }
      }
    }
    const gradients: Tensors = { x: dx, weight: dw };
    if (inputs.bias) gradients.bias = db;
    return gradients;
  },
});
