/** Schedules of the learning rate against PyTorch's, and what all of them promise. */
import { describe, expect, test } from 'vitest';
import { SCHEDULES, learningRateAt } from '../../src/lab/schedule.ts';

const rates = (schedule: (typeof SCHEDULES)[number], steps: number, warmup = 0) =>
  Array.from({ length: steps }, (_, t) =>
    learningRateAt({ learningRate: 0.1, warmup, schedule }, t, steps),
  );

// torch.optim.lr_scheduler.OneCycleLR(max_lr=0.1, total_steps=20), and CosineAnnealingLR(T_max=20).
const ONE_CYCLE = [
  0.004, 0.013167184, 0.037167184, 0.066832816, 0.090832816, 0.1, 0.098746401, 0.095048463,
  0.089091618, 0.081174565, 0.0716943, 0.061126202, 0.0500002, 0.038874198, 0.0283061, 0.018825835,
  0.010908782, 0.004951937, 0.001253999, 4e-7,
];
const COSINE = [
  0.1, 0.099384417, 0.097552826, 0.094550326, 0.09045085, 0.085355339, 0.079389263, 0.072699525,
  0.06545085, 0.057821723, 0.05, 0.042178277, 0.03454915, 0.027300475, 0.020610737, 0.014644661,
  0.00954915, 0.005449674, 0.002447174, 0.000615583,
];

test.each([
  ['one_cycle', ONE_CYCLE],
  ['cosine', COSINE],
] as const)('%s is PyTorch’s', (schedule, want) => {
  rates(schedule, 20).forEach((rate, t) => expect(rate).toBeCloseTo(want[t] ?? NaN, 8));
});

test('linear, step and constant', () => {
  expect(rates('linear', 4)).toEqual([0.1, 0.1 * 0.75, 0.05, 0.1 * 0.25]);
  expect(rates('step', 4)).toEqual([0.1, 0.1, 0.1, 0.01]);
  expect(rates('constant', 3)).toEqual([0.1, 0.1, 0.1]);
});

describe.each(SCHEDULES)('%s', (schedule) => {
  test('rises over its warm-up to the peak, and never above', () => {
    const all = rates(schedule, 40, 10);
    const rise = all.slice(0, 11);
    expect(rise.every((rate, t) => t === 0 || rate >= (rise[t - 1] ?? 0))).toBe(true);
    expect(rise[0]).toBeLessThan(0.02);
    expect(rise[10]).toBeCloseTo(0.1, 12);
    expect(Math.max(...all)).toBeLessThanOrEqual(0.1 + 1e-12);
    expect(all.every((rate) => rate >= 0)).toBe(true);
  });
  test('is a number where there is one step, or warm-up alone', () => {
    for (const [steps, warmup] of [
      [1, 0],
      [1, 10],
      [5, 5],
      [3, 50],
    ] as const) {
      expect(rates(schedule, steps, warmup).every(Number.isFinite)).toBe(true);
    }
  });
});
