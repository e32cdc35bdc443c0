/** Histograms of one tensor as training goes on, laid on one axis. */
import type { Description, StatisticsAnswer } from '../../worker/protocol.ts';

/** So many looks are kept. */
const MOST = 240;

/** Adds a look; those of another network, and those after it (of a run before a reset), are forgotten. */
export function withLook(
  history: readonly StatisticsAnswer[],
  look: StatisticsAnswer,
): StatisticsAnswer[] {
  const before = history.filter(
    ({ network, iteration }) => network === look.network && iteration < look.iteration,
  );
  return [...before, look].slice(-MOST);
}

export interface Strip {
  /** Of the common axis. */
  low: number;
  high: number;
  /** For each look the share of elements in each bin, lowest first. */
  columns: number[][];
}

/** Histograms, each over its own range, on one axis of so many bins: what lies in a bin is spread evenly over it. */
export function stripOf(described: readonly Description[], bins: number): Strip {
  const real = described.filter(({ min, max }) => Number.isFinite(min) && Number.isFinite(max));
  const low = Math.min(...real.map(({ min }) => min));
  const high = Math.max(...real.map(({ max }) => max));
  const unit = (high - low) / bins || 1;
  const columns = real.map(({ min, max, count, bins: own }) => {
    const column = Array.from({ length: bins }, () => 0);
    const each = (max - min) / own.length;
    for (const [i, inside] of own.entries()) {
      const from = (min + i * each - low) / unit;
      const to = from + each / unit;
      const first = Math.max(0, Math.min(bins - 1, Math.floor(from)));
      for (let bin = first; bin < bins && (bin === first || bin < to); bin++) {
        const part = to > from ? (Math.min(to, bin + 1) - Math.max(from, bin)) / (to - from) : 1;
        column[bin] = (column[bin] ?? 0) + (inside / count) * Math.max(0, part);
      }
    }
    return column;
  });
  return { low, high, columns };
}
