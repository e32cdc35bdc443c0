/** Small pure functions over measured values. */

/** The middle of the sorted values; of an even number of them the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? NaN) + upper) / 2;
}

/** The list begun at another place: an order for each round, so that nobody always goes first. */
export function rotated<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

/** The greatest |a − b| / |b| over the steps that both have taken; infinite where one is not finite. */
export function relativeDifference(a: readonly number[], b: readonly number[]): number {
  const count = Math.min(a.length, b.length);
  let greatest = 0;
  for (let i = 0; i < count; i++) {
    const difference = Math.abs(a[i]! - b[i]!) / Math.abs(b[i]!);
    greatest = Math.max(greatest, Number.isFinite(difference) ? difference : Infinity);
  }
  return greatest;
}
