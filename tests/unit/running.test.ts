import { describe, expect, it } from 'vitest';
import { passCounts, placeOf, running } from '../../src/app/chapters/running.ts';

describe('the running mean', () => {
  it('is that of the values so far, with twice its standard error', () => {
    const { mean, error } = running([1, 2, 6]);
    expect([...mean]).toEqual([1, 1.5, 3]);
    expect(error[0]).toBeNaN();
    // σ² = 1/2 of two values, 7 of three.
    expect(error[1]).toBeCloseTo(2 * Math.sqrt(0.5 / 2), 12);
    expect(error[2]).toBeCloseTo(2 * Math.sqrt(7 / 3), 12);
  });

  it('loses nothing where the mean is far larger than the deviation', () => {
    const { error } = running([1e9, 1e9 + 1, 1e9 + 2]);
    expect(error[2]).toBeCloseTo(2 * Math.sqrt(1 / 3), 9);
  });
});

describe('the numbers of passes', () => {
  it('rise from one to the most, singly at first', () => {
    const counts = passCounts(1000);
    expect(counts.slice(0, 9)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(counts.at(-1)).toBe(1000);
    expect(counts).toEqual([...new Set(counts)].sort((a, b) => a - b));
  });

  it('are found again from any number', () => {
    const counts = passCounts(1000);
    expect(counts.map((count) => placeOf(counts, count))).toEqual([...counts.keys()]);
    expect(counts[placeOf(counts, 999)]).toBeLessThan(999);
  });
});
