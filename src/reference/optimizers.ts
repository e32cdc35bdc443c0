/**
 * Optimizers: one step of one parameter tensor. The inputs are `param`, its gradient `grad` and the
 * optimizer's state from the step before (none at the first step); the outputs are the new `param`
 * and the new state. All have one shape; formulas hold element by element, as in `torch.optim`.
 */
import { z } from 'zod';
import { defineOp } from './op.ts';
import { map, need, scalar, zeros } from './tensor.ts';
import type { Tensors } from './tensor.ts';

const lr = z.number().min(0);

/**
 * Stochastic gradient descent with weight decay λ as an L2 penalty, and momentum μ:
 *
 *   g ← g + λ·w,   v ← μ·v + g,   w ← w − lr·v   (Nesterov: w ← w − lr·(g + μ·v)).
 *
 * State: `momentum_buffer` (v). Sutskever et al. 2013, in PyTorch's form, where lr is not part of v.
 */
export const sgd = defineOp({
  params: z.strictObject({
    lr,
    momentum: z.number().min(0).default(0),
    weight_decay: z.number().min(0).default(0),
    nesterov: z.boolean().default(false),
  }),
  inputs: ['param', 'grad'],
  optional: ['momentum_buffer'],
  forward({ lr, momentum, weight_decay, nesterov }, inputs) {
    const param = need(inputs, 'param');
    const grad = need(inputs, 'grad');
    const last = inputs.momentum_buffer ?? zeros(param.shape);
    const g = map(grad, (value, i) => value + weight_decay * param.data[i]!);
    const v = map(g, (value, i) => momentum * last.data[i]! + value);
    const direction = nesterov ? map(g, (value, i) => value + momentum * v.data[i]!) : v;
    return { param: map(param, (w, i) => w - lr * direction.data[i]!), momentum_buffer: v };
  },
});

const adamParams = (weightDecay: number) =>
  z.strictObject({
    lr: lr.default(1e-3),
    betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.999]),
    eps: z.number().min(0).default(1e-8),
    weight_decay: z.number().min(0).default(weightDecay),
  });
type AdamParams = z.output<ReturnType<typeof adamParams>>;

const ADAM_STATE = ['step', 'exp_avg', 'exp_avg_sq'];

/**
 * Adam (Kingma & Ba 2014, algorithm 1). At step t = 1, 2, …, with g ← g + λ·w before:
 *
 *   m ← β₁·m + (1 − β₁)·g,   v ← β₂·v + (1 − β₂)·g²,
 *   w ← w − lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε).
 *
 * State: `step` (t, a scalar), `exp_avg` (m), `exp_avg_sq` (v).
 */
export const adam = defineOp({
  params: adamParams(0),
  inputs: ['param', 'grad'],
  optional: ADAM_STATE,
  forward(params, inputs) {
    const param = need(inputs, 'param');
    const g = map(need(inputs, 'grad'), (value, i) => value + params.weight_decay * param.data[i]!);
    return adamStep(params, { ...inputs, grad: g });
  },
});

/** AdamW (Loshchilov & Hutter 2017): decay apart from the gradient, w ← (1 − lr·λ)·w, then Adam. */
export const adamw = defineOp({
  params: adamParams(1e-2),
  inputs: ['param', 'grad'],
  optional: ADAM_STATE,
  forward(params, inputs) {
    const decayed = map(need(inputs, 'param'), (w) => w * (1 - params.lr * params.weight_decay));
    return adamStep(params, { ...inputs, param: decayed });
  },
});

function adamStep({ lr, betas: [beta1, beta2], eps }: AdamParams, inputs: Tensors): Tensors {
  const param = need(inputs, 'param');
  const grad = need(inputs, 'grad');
  const { exp_avg = zeros(param.shape), exp_avg_sq = zeros(param.shape) } = inputs;
  const t = (inputs.step?.data[0] ?? 0) + 1;
  const m = map(exp_avg, (value, i) => beta1 * value + (1 - beta1) * grad.data[i]!);
  const v = map(exp_avg_sq, (value, i) => beta2 * value + (1 - beta2) * grad.data[i]! ** 2);
  return {
    param: map(param, (w, i) => {
      const mean = m.data[i]! / (1 - beta1 ** t);
      const scale = Math.sqrt(v.data[i]! / (1 - beta2 ** t)) + eps;
      return w - (lr * mean) / scale;
    }),
    step: scalar(t),
    exp_avg: m,
    exp_avg_sq: v,
  };
}

/**
 * Gradients scaled so that their norm, all together, is `maxNorm` at most: g ← g · min(1, maxNorm / (n + 1e-6)) with
 * n = √(Σ g²). Pascanu et al. 2013, section 3.2; as torch.nn.utils.clip_grad_norm_.
 */
export function clipGradients(gradients: Tensors, maxNorm: number): Tensors {
  const squares = Object.values(gradients).flatMap(({ data }) => [...data.map((g) => g * g)]);
  const norm = Math.sqrt(squares.reduce((a, b) => a + b, 0));
  const scale = Math.min(1, maxNorm / (norm + 1e-6));
  return Object.fromEntries(
    Object.entries(gradients).map(([name, gradient]) => [name, map(gradient, (g) => g * scale)]),
  );
}
