/** Runs one case on one backend and judges the result. */
import { FathomError } from '../errors.ts';
import { scalar } from '../reference/tensor.ts';
import type { Tensors } from '../reference/tensor.ts';
import type { ConformanceBackend, NetworkResult, OpResult } from './backend.ts';
import { compareTensor, largest } from '../reference/compare.ts';
import type { Comparison } from '../reference/compare.ts';
import type { ConformanceCase, NetworkCase, OpCase } from './format.ts';

export type Outcome =
  /** `ratio`: the largest error as a share of what was allowed. */
  | { status: 'passed'; ratio: number }
  | { status: 'failed'; reason: string }
  | { status: 'skipped'; reason: string };

export async function runCase(
  backend: ConformanceBackend,
  given: ConformanceCase,
): Promise<Outcome> {
  if (given.unsupported !== undefined) return { status: 'skipped', reason: given.unsupported };
  try {
    if (given.kind === 'op') {
      const { op, params, inputs, gradOutput } = given;
      const result = await backend.runOp(op, params, inputs, gradOutput);
      if ('unsupported' in result) return { status: 'skipped', reason: result.unsupported };
      return judge(compareOp(given, result));
    }
    const result = await backend.runNetwork(given);
    if ('unsupported' in result) return { status: 'skipped', reason: result.unsupported };
    return judge(compareNetwork(given, result));
  } catch (error) {
    if (error instanceof FathomError) return { status: 'failed', reason: error.message };
    throw error;
  }
}

/** FORMAT.md: |got − want| ≤ 1e-5 · max(1, max|want|) + 4 · f32_max_abs_diff. */
function compareOp(given: OpCase, result: OpResult): Comparison[] {
  const compare = (kind: 'outputs' | 'grads') =>
    Object.entries(given[kind]).map(([name, want]) => {
      const allowed = 1e-5 * Math.max(1, largest(want)) + 4 * given.f32MaxAbsDiff;
      return compareTensor(`${kind}.${name}`, result[kind][name], want, allowed);
    });
  return [...compare('outputs'), ...compare('grads')];
}

/** Losses are compared relative to themselves, tensors relative to their largest magnitude. */
const NETWORK_TOLERANCE = 1e-3;

/** A float32 parameter of magnitude 1 may be off by this much after one step, whatever its gradient. */
const ROUNDING = 1e-6;

/**
 * Losses and gradients as FORMAT.md says; logits and running statistics as gradients. A parameter
 * after a step may be off by what its gradient may be off, times the learning rate, and by rounding.
 */
function compareNetwork(given: NetworkCase, result: NetworkResult): Comparison[] {
  const { expected } = given;
  const comparisons = expected.losses.map((want, k) => {
    const got = result.losses[k];
    const allowed = NETWORK_TOLERANCE * Math.abs(want);
    return compareTensor(`loss_${k}`, got === undefined ? got : scalar(got), scalar(want), allowed);
  });
  if (given.lossOnly) return comparisons;

  const relative = (kind: string, got: Tensors, want: Tensors) =>
    Object.entries(want).map(([name, value]) =>
      compareTensor(kind + name, got[name], value, NETWORK_TOLERANCE * largest(value)),
    );
  const { lr = 0, momentum = 0 } = given.network?.optimizer ?? {};
  const updated = Object.entries(expected.parametersAfterStep1).map(([name, want]) => {
    const gradient = expected.gradients[name];
    const ofGradient = gradient ? NETWORK_TOLERANCE * largest(gradient) : 0;
    const allowed = lr * (1 + momentum) * ofGradient + ROUNDING * Math.max(1, largest(want));
    return compareTensor(`param_after_step1/${name}`, result.parameters[name], want, allowed);
  });
  return [
    ...comparisons,
    ...relative('', { logits_0: result.logits }, { logits_0: expected.logits }),
    ...relative('grad/', result.gradients, expected.gradients),
    ...updated,
    ...relative('running_after_step1/', result.running, expected.runningAfterStep1),
  ];
}

/** The worst tensor speaks for all. An error of exactly 0 passes even where nothing is allowed. */
function judge(comparisons: Comparison[]): Outcome {
  const failed = comparisons.filter(({ error, allowed }) => error > allowed);
  const byRatio = (a: Comparison, b: Comparison) => b.ratio - a.ratio;
  const [worst] = failed.toSorted(byRatio);
  if (worst) {
    const others = failed.length > 1 ? ` (and ${failed.length - 1} more tensors)` : '';
    return { status: 'failed', reason: worst.message + others };
  }
  const ratio = Math.max(0, ...comparisons.map(({ error, ratio }) => (error === 0 ? 0 : ratio)));
  return { status: 'passed', ratio };
}
