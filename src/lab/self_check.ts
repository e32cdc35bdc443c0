/**
 * Whether this adapter computes what it should: every kernel on every sample of the op table against the float64
 * reference, whose gradients are held to finite differences on the spot. The tests do the same; drivers differ.
 */
import { runOp } from '../engine/run_op.ts';
import type { Gpu } from '../engine/gpu/gpu.ts';
import { savedMoments } from '../ops/batch_norm.ts';
import type { Op } from '../ops/op.ts';
import { referenceParams } from '../ops/reference_run.ts';
import { isTensor, normalTensor } from '../ops/sample.ts';
import type { Sample } from '../ops/sample.ts';
import { SWEEP, runReferenceOp } from '../ops/sweep.ts';
import { compareTensor, largest } from '../reference/compare.ts';
import { worstGradient } from '../reference/differences.ts';
import type { Precision } from '../ops/tensor.ts';
import type { Tensor, Tensors } from '../reference/tensor.ts';

/** Allowed is an error of this share of max(1, the largest magnitude of the tensor). */
const TOLERANCE = 1e-5;

/** Largest error of each tensor in units of what is allowed: 1 or less passes. */
export function errorRatios(got: Tensors, want: Tensors): Record<string, number> {
  return Object.fromEntries(
    Object.entries(want).map(([name, value]) => {
      const allowed = TOLERANCE * Math.max(1, largest(value));
      return [name, compareTensor(name, got[name], value, allowed).ratio];
    }),
  );
}

/** What the kernels and the reference make of a sample, under the same names. */
export async function runBoth(
  gpu: Gpu,
  op: Op,
  sample: Sample,
  given?: Tensor,
  storage: Precision = 'f32',
): Promise<{ got: Tensors; want: Tensors }> {
  const { inputs, gradOutput, outputs, grads } = runReferenceOp(op, sample, given);
  const { training = true } = sample;
  const run = await runOp(gpu, op, sample.params, inputs, gradOutput, { training, storage });
  const { coefficients } = run.saved;
  const { mean, variance } = coefficients
    ? savedMoments(coefficients, inputs.x?.shape[1] ?? 0)
    : {};
  const got: Tensors = {
    y: run.y,
    ...(mean && { batch_mean: mean }),
    ...(variance && { batch_var_biased: variance }),
  };
  for (const [name, value] of Object.entries(run.state)) got[`new_${name}`] = value;
  const named = (tensors: Tensors) =>
    Object.fromEntries(Object.entries(tensors).map(([name, value]) => [`d(${name})`, value]));
  return { got: { ...got, ...named(run.grads) }, want: { ...outputs, ...named(grads) } };
}

/** One sample of one op. Ratios are errors in units of what is allowed. */
export interface CheckResult {
  op: string;
  title: string;
  /** The worst tensor of the kernels against the reference, and its error. */
  tensor: string;
  kernel: number;
  /** The worst gradient of the reference against finite differences. */
  gradient: number;
  /** What the adapter refused, where it did. */
  failure?: string;
}

export const CHECKS = SWEEP.length;

/** Checks one sample after the other; stop it by leaving the loop. */
export async function* selfCheck(gpu: Gpu): AsyncGenerator<CheckResult, void> {
  for (const { op, sample, title } of SWEEP) {
    const drawn = Object.entries(sample.inputs).flatMap(([name, input]) =>
      isTensor(input) ? [] : [name],
    );
    const params = referenceParams(op, sample.params, sample.training);
    const inputs = runReferenceOp(op, sample).inputs;
    const gradient = worstGradient(op.reference, params, inputs, drawn, ({ shape }) =>
      normalTensor(shape, 'dL/dy'),
    ).ratio;
    try {
      const { got, want } = await runBoth(gpu, op, sample);
      const [tensor = '', kernel = 0] =
        Object.entries(errorRatios(got, want)).toSorted(([, a], [, b]) => b - a)[0] ?? [];
      yield { op: op.name, title, tensor, kernel, gradient };
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      yield { op: op.name, title, tensor: '', kernel: Infinity, gradient, failure };
    }
  }
}
