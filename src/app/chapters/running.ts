/** The mean of random passes as they come, and how far it can be trusted. */

/** After each of so many values: their mean, and twice its standard error, 2σ/√k. */
export interface Running {
  mean: Float64Array;
  /** NaN at the first value, which has no deviation. σ is the sample's, divided by k − 1. */
  error: Float64Array;
}

/** Welford's recurrence (1962): no difference of large sums. */
export function running(values: ArrayLike<number>): Running {
  const mean = new Float64Array(values.length);
  const error = new Float64Array(values.length);
  let m = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    const off = value - m;
    m += off / (i + 1);
    squares += off * (value - m);
    mean[i] = m;
    error[i] = 2 * Math.sqrt(squares / i / (i + 1));
  }
  return { mean, error };
}

/** Numbers of passes from 1 to `most` in steps of about an eighth, as a logarithmic axis shows them evenly. */
export function passCounts(most: number): number[] {
  const counts = [1];
  for (let k = 1; k < most; counts.push(k))
    k = Math.min(most, Math.max(k + 1, Math.round(k * 1.13)));
  return counts;
}

/** The last of `counts`, which rise, that is not above `k`. */
export const placeOf = (counts: readonly number[], k: number): number =>
  counts.findLastIndex((count) => count <= k);
