/**
 * The curves of an experiment as columns that only grow. They are appended to in place, many times a
 * second; whoever draws them looks at the store's `revision`.
 */
import type { CsvRow } from '../lab/csv.ts';
import type { MetricsRow } from '../worker/protocol.ts';

/** One network's rows, column by column. Errors are fractions. */
export interface Curve {
  iteration: number[];
  trainLoss: number[];
  trainError: number[];
  seconds: number[];
  /** The iterations where the test set was evaluated, and the error there. */
  testIteration: number[];
  testError: number[];
}

export function emptyCurve(): Curve {
  return {
    iteration: [],
    trainLoss: [],
    trainError: [],
    seconds: [],
    testIteration: [],
    testError: [],
  };
}

/** Appends one row in place. A row of the last iteration brings its test error later: it is merged. */
export function appendRow(curve: Curve, row: MetricsRow): void {
  if (row.iteration !== curve.iteration.at(-1)) {
    curve.iteration.push(row.iteration);
    curve.trainLoss.push(row.trainLoss);
    curve.trainError.push(row.trainError);
    curve.seconds.push(row.seconds);
  }
  if (row.testError !== null && row.iteration !== curve.testIteration.at(-1)) {
    curve.testIteration.push(row.iteration);
    curve.testError.push(row.testError);
  }
}

/** Rows for the CSV file, network after network in the order given. */
export function* csvRows(
  curves: Readonly<Record<string, Curve>>,
  order: readonly string[],
): Generator<CsvRow> {
  for (const network of order) {
    const curve = curves[network];
    if (!curve) continue;
    const tests = new Map(curve.testIteration.map((t, index) => [t, curve.testError[index]]));
    for (const [index, iteration] of curve.iteration.entries()) {
      yield {
        network,
        iteration,
        trainLoss: curve.trainLoss[index] ?? NaN,
        trainError: curve.trainError[index] ?? NaN,
        testError: tests.get(iteration) ?? null,
        seconds: curve.seconds[index] ?? NaN,
      };
    }
  }
}

/** Mean of the last `window` values at each index in [from, to); shorter at the start. */
export function trailingMean(
  values: readonly number[],
  window: number,
  from: number,
  to: number,
): number[] {
  const means: number[] = [];
  const start = Math.max(0, from - window + 1);
  let sum = 0;
  for (let index = start; index < to; index++) {
    sum += values[index] ?? 0;
    const leaving = index - window;
    if (leaving >= start) sum -= values[leaving] ?? 0;
    if (index >= from) means.push(sum / Math.min(window, index - start + 1));
  }
  return means;
}

export interface Remaining {
  /** Iterations each network trains. */
  steps: number;
  /** The test set is evaluated every so many iterations, and at the end. */
  evalEvery: number;
  /** Forward passes of one evaluation. */
  testBatches: number;
}

/** A training step is a forward pass and two backward ones, of about the same work each. */
const EVALUATION_PER_STEP = 1 / 3;

/** What a network has still to do after `done` iterations, evaluations included, in training steps. */
export function stepsLeft(done: number, { steps, evalEvery, testBatches }: Remaining): number {
  if (done >= steps) return 0;
  const evaluations = Math.ceil(steps / evalEvery) - Math.floor(done / evalEvery);
  return steps - done + evaluations * testBatches * EVALUATION_PER_STEP;
}

/**
 * Seconds until all networks are done, from the time each took so far; null before there is any.
 * Networks take turns, so their times add up. Leave out those that have diverged.
 */
export function secondsLeft(
  curves: readonly Curve[],
  { steps, evalEvery, testBatches }: Remaining,
): number | null {
  let left = 0;
  let known = false;
  for (const { iteration, seconds } of curves) {
    const done = iteration.at(-1);
    const spent = seconds.at(-1);
    if (!done || spent === undefined) continue;
    known = true;
    left += (stepsLeft(done, { steps, evalEvery, testBatches }) * spent) / done;
  }
  return known ? left : null;
}
