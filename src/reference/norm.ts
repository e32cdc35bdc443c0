/**
 * Normalization. Batch, layer, instance and group norm are one computation over different groups of
 * elements. Each group G of m elements has a mean and a variance,
 *
 *   μ = 1/m Σ x,   σ² = 1/m Σ (x − μ)²   (never E[x²] − μ², which cancels),
 *
 * and every element becomes
 *
 *   x̂ = (x − μ) / √(σ² + ε),   y = γ·x̂ + β.
 *
 * Since μ and σ depend on every x of the group, with g = γ·dL/dy
 *
 *   dL/dx = 1/√(σ² + ε) · (g − mean_G(g) − x̂·mean_G(g·x̂)),
 *   dL/dγ = Σ dL/dy·x̂,   dL/dβ = Σ dL/dy   (sums over the elements that share γ and β).
 *
 * Sources: Ioffe & Szegedy 2015 (batch), Ba et al. 2016 (layer), Ulyanov et al. 2016 (instance),
 * Wu & He 2018 (group).
 */
import { z } from 'zod';
import { defineOp } from './op.ts';
import {
  expectShape,
  imageShape,
  map,
  need,
  sameShape,
  shapeError,
  size,
  zeros,
} from './tensor.ts';
import type { Tensor, Tensors } from './tensor.ts';

/** γ and β. */
const AFFINE = ['weight', 'bias'] as const;

const eps = z.number().positive().default(1e-5);
/** Whether there are γ and β; where given, it must agree with the inputs. */
const affine = z.boolean().optional();

/** Which elements belong together. All functions take the flat index of an element of x. */
interface Groups {
  /** Number of groups. */
  count: number;
  /** The group whose mean and variance normalize this element. */
  group(i: number): number;
  /** Shape of γ and β. */
  affineShape: readonly number[];
  /** The element of γ and β that applies to this element. */
  affine(i: number): number;
}

interface Statistics {
  mean: Float64Array;
  /** Biased: divided by m. */
  variance: Float64Array;
}

function statistics(x: Tensor, { count, group }: Groups): Statistics {
  const m = x.data.length / count;
  const mean = new Float64Array(count);
  const variance = new Float64Array(count);
  x.data.forEach((value, i) => (mean[group(i)]! += value / m));
  x.data.forEach((value, i) => (variance[group(i)]! += (value - mean[group(i)]!) ** 2 / m));
  return { mean, variance };
}

/** x̂ of every element. */
function standardize(x: Tensor, { group }: Groups, stats: Statistics, eps: number): Tensor {
  const { mean, variance } = stats;
  return map(x, (value, i) => (value - mean[group(i)]!) / Math.sqrt(variance[group(i)]! + eps));
}

function normForward(inputs: Tensors, groups: Groups, stats: Statistics, eps: number): Tensor {
  const { weight: gamma, bias: beta } = inputs;
  return map(
    standardize(need(inputs, 'x'), groups, stats, eps),
    (value, i) =>
      value * (gamma ? gamma.data[groups.affine(i)]! : 1) +
      (beta ? beta.data[groups.affine(i)]! : 0),
  );
}

/**
 * Gradients of x, γ and β. `stats` are constants where they come from running statistics
 * (`ofBatch` false); then only the first term of dL/dx remains.
 */
function normBackward(
  inputs: Tensors,
  groups: Groups,
  stats: Statistics,
  eps: number,
  gradOutput: Tensor,
  ofBatch = true,
): Tensors {
  const x = need(inputs, 'x');
  const { weight: gamma, bias: beta } = inputs;
  const { count, group } = groups;
  const m = x.data.length / count;
  const normalized = standardize(x, groups, stats, eps);
  const g = map(gradOutput, (dy, i) => dy * (gamma ? gamma.data[groups.affine(i)]! : 1));

  const meanG = new Float64Array(count);
  const meanGX = new Float64Array(count);
  if (ofBatch) {
    g.data.forEach((value, i) => {
      meanG[group(i)]! += value / m;
      meanGX[group(i)]! += (value * normalized.data[i]!) / m;
    });
  }
  const gradients: Tensors = {
    x: map(
      g,
      (value, i) =>
        (value - meanG[group(i)]! - normalized.data[i]! * meanGX[group(i)]!) /
        Math.sqrt(stats.variance[group(i)]! + eps),
    ),
  };
  if (gamma) {
    const sum = (gradients.weight = zeros(gamma.shape));
    gradOutput.data.forEach((dy, i) => (sum.data[groups.affine(i)]! += dy * normalized.data[i]!));
  }
  if (beta) {
    const sum = (gradients.bias = zeros(beta.shape));
    gradOutput.data.forEach((dy, i) => (sum.data[groups.affine(i)]! += dy));
  }
  return gradients;
}

function checkAffine(affine: boolean | undefined, inputs: Tensors, { affineShape }: Groups): void {
  for (const name of AFFINE) {
    const found = affine === true ? need(inputs, name) : inputs[name];
    if (found && affine === false) throw shapeError(`${name} is given although affine = false`);
    if (found) expectShape(name, found, affineShape);
  }
}

/** One group a channel: over images and positions, or over vectors. */
function batchGroups(x: Tensor): Groups {
  const [, c, h, w] = x.shape.length === 2 ? [0, x.shape[1] ?? 0, 1, 1] : imageShape(x);
  const channel = (i: number) => Math.floor(i / (h * w)) % c;
  return { count: c, group: channel, affineShape: [c], affine: channel };
}

/**
 * Batch norm. x: [N, C, H, W] or [N, C]; γ, β and the running statistics: [C].
 *
 * In training the batch's own statistics normalize, and the running ones move towards them:
 * new = (1 − momentum)·old + momentum·batch, where the batch variance counts unbiased (divided by
 * m − 1, as in PyTorch). In evaluation the running statistics normalize and stay as they are.
 *
 * Outputs in training: y, batch_mean, batch_var_biased and, where running statistics are given,
 * new_running_mean, new_running_var. In evaluation, and always where it is frozen: y.
 */
export const batchNorm = defineOp({
  params: z.strictObject({
    training: z.boolean().default(false),
    momentum: z.number().min(0).max(1).default(0.1),
    frozen: z.boolean().default(false),
    eps,
    affine,
  }),
  inputs: ['x'],
  optional: [...AFFINE, 'running_mean', 'running_var'],

  forward({ training, frozen, momentum, eps, affine }, inputs) {
    const x = need(inputs, 'x');
    const groups = batchGroups(x);
    checkAffine(affine, inputs, groups);
    const ofBatch = training && !frozen;
    const stats = ofBatch ? statistics(x, groups) : runningStatistics(inputs);
    const y = normForward(inputs, groups, stats, eps);
    if (!ofBatch) return { y };

    const { mean, variance } = stats;
    const m = x.data.length / groups.count;
    if (m === 1) throw shapeError('batch norm in training needs more than one value a channel');
    const shape = groups.affineShape;
    const outputs: Tensors = {
      y,
      batch_mean: { shape, data: mean },
      batch_var_biased: { shape, data: variance },
    };
    const blend = (old: Tensor, batch: Float64Array, scale: number): Tensor =>
      map(old, (value, i) => (1 - momentum) * value + momentum * batch[i]! * scale);
    if (inputs.running_mean) outputs.new_running_mean = blend(inputs.running_mean, mean, 1);
    if (inputs.running_var)
      outputs.new_running_var = blend(inputs.running_var, variance, m / (m - 1));
    return outputs;
  },

  backward({ training, frozen, eps }, inputs, _outputs, gradOutput) {
    const x = need(inputs, 'x');
    const groups = batchGroups(x);
    const ofBatch = training && !frozen;
    const stats = ofBatch ? statistics(x, groups) : runningStatistics(inputs);
    return normBackward(inputs, groups, stats, eps, gradOutput, ofBatch);
  },
});

const runningStatistics = (inputs: Tensors): Statistics => ({
  mean: need(inputs, 'running_mean').data,
  variance: need(inputs, 'running_var').data,
});

/** A norm whose statistics always come from x. */
function normOp<P extends z.ZodType<{ eps: number; affine?: boolean }>>(
  params: P,
  groupsOf: (x: Tensor, params: z.output<P>) => Groups,
) {
  return defineOp({
    params,
    inputs: ['x'],
    optional: AFFINE,
    forward(params, inputs) {
      const x = need(inputs, 'x');
      const groups = groupsOf(x, params);
      checkAffine(params.affine, inputs, groups);
      return { y: normForward(inputs, groups, statistics(x, groups), params.eps) };
    },
    backward(params, inputs, _outputs, gradOutput) {
      const x = need(inputs, 'x');
      const groups = groupsOf(x, params);
      return normBackward(inputs, groups, statistics(x, groups), params.eps, gradOutput);
    },
  });
}

/**
 * Layer norm. With `normalized_shape` the last axes of x (`CHW` or [C, H, W] of an image, [F] of a
 * matrix): one group for each index of the axes before, γ and β of that shape. With `C` or [C] of an image
 * [N, C, H, W]: one group a position, across channels, as ConvNeXt does.
 */
export const layerNorm = normOp(
  z.strictObject({
    normalized_shape: z
      .union([z.enum(['CHW', 'C']), z.array(z.int().min(1)).min(1)])
      .default('CHW'),
    eps,
    affine,
  }),
  (x, { normalized_shape: given }) => {
    const shape = given === 'CHW' ? x.shape.slice(1) : given === 'C' ? x.shape.slice(1, 2) : given;
    if (x.shape.length === 4 && sameShape(shape, x.shape.slice(1, 2))) {
      const [n, c, h, w] = imageShape(x);
      const positions = h * w;
      return {
        count: n * positions,
        group: (i) => Math.floor(i / (c * positions)) * positions + (i % positions),
        affineShape: shape,
        affine: (i) => Math.floor(i / positions) % c,
      };
    }
    if (!sameShape(shape, x.shape.slice(-shape.length))) {
      throw shapeError(`normalized_shape [${shape}] does not end the shape [${x.shape}] of x`);
    }
    const m = size(shape);
    return {
      count: x.data.length / m,
      group: (i) => Math.floor(i / m),
      affineShape: shape,
      affine: (i) => i % m,
    };
  },
);

/** Group norm. x: [N, C, H, W], γ and β: [C]; one group for each image and C/groups channels. */
export const groupNorm = normOp(
  z.strictObject({ groups: z.int().min(1), eps, affine }),
  channelGroups,
);

/** Instance norm. x: [N, C, H, W], γ and β: [C]; one group for each image and channel. */
export const instanceNorm = normOp(z.strictObject({ eps, affine }), (x) =>
  channelGroups(x, { groups: imageShape(x)[1] }),
);

function channelGroups(x: Tensor, { groups }: { groups: number }): Groups {
  const [n, c, h, w] = imageShape(x);
  if (c % groups !== 0) throw shapeError(`${groups} groups must divide ${c} channels`);
  const m = (c / groups) * h * w;
  return {
    count: n * groups,
    group: (i) => Math.floor(i / m),
    affineShape: [c],
    affine: (i) => Math.floor(i / (h * w)) % c,
  };
}
