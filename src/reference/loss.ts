/**
 * Softmax and cross entropy in one. logits z: [N, K], labels: [N] (class indices 0 … K−1).
 *
 *   log p[n,k] = z[n,k] − max_j z[n,j] − log Σ_j e^(z[n,j] − max z),
 *   L = 1/N Σ_n Σ_k −q[n,k]·log p[n,k],   dL/dz[n,k] = (p[n,k] − q[n,k]) / N,
 *
 * with the target q = 1 − ε at the label plus ε/K everywhere (label smoothing ε, Szegedy et al. 2016,
 * section 7). Subtracting the maximum keeps the exponentials from overflowing. `reduction: 'sum'`
 * leaves out the factor 1/N.
 *
 * Outputs: y (the loss, a scalar), probs and log_probs, both [N, K].
 */
import { z } from 'zod';
import { FathomError } from '../errors.ts';
import { defineOp } from './op.ts';
import { expectShape, map, matrixShape, need, scalar, zeros } from './tensor.ts';
import type { Tensors } from './tensor.ts';

const params = z.strictObject({
  reduction: z.enum(['mean', 'sum']).default('mean'),
  label_smoothing: z.number().min(0).max(1).default(0),
});
type Params = z.output<typeof params>;

export const softmaxCrossEntropy = defineOp({
  params,
  inputs: ['logits', 'labels'],

  forward(params, inputs) {
    const logits = need(inputs, 'logits');
    const [n, k] = matrixShape(logits);
    const logProbs = zeros([n, k]);
    for (let row = 0; row < n; row++) {
      const z = logits.data.subarray(row * k, (row + 1) * k);
      const max = Math.max(...z);
      const logSum = Math.log(z.reduce((sum, value) => sum + Math.exp(value - max), 0));
      for (let i = 0; i < k; i++) logProbs.data[row * k + i] = z[i]! - max - logSum;
    }
    const q = targets(params, inputs);
    const total = q.data.reduce((sum, target, i) => {
      // A class that is not a target costs nothing, even where its probability is 0.
      return target === 0 ? sum : sum - target * logProbs.data[i]!;
    }, 0);
    return {
      y: scalar(params.reduction === 'mean' ? total / n : total),
      probs: map(logProbs, Math.exp),
      log_probs: logProbs,
    };
  },

  backward(params, inputs, outputs, gradOutput) {
    const probs = need(outputs, 'probs');
    const [n] = matrixShape(probs);
    const scale = gradOutput.data[0]! / (params.reduction === 'mean' ? n : 1);
    const q = targets(params, inputs);
    return { logits: map(probs, (p, i) => scale * (p - q.data[i]!)) };
  },
});

/** The target distribution q of every image, [N, K]. */
function targets({ label_smoothing }: Params, inputs: Tensors) {
  const [n, k] = matrixShape(need(inputs, 'logits'));
  const labels = need(inputs, 'labels');
  expectShape('labels', labels, [n]);
  const q = zeros([n, k]);
  q.data.fill(label_smoothing / k);
  labels.data.forEach((label, row) => {
    if (!Number.isInteger(label) || label < 0 || label >= k) {
      const message = `label ${label} of image ${row} is not one of the ${k} classes 0 … ${k - 1}`;
      throw new FathomError('reference-label', message, { label, row, classes: k });
    }
    q.data[row * k + label]! += 1 - label_smoothing;
  });
  return q;
}
