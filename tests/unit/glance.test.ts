/** When the page looks at the curves, with drawings that take a while. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { clockOf } from '../../src/app/glance.ts';
import { createAppStore } from '../../src/app/store.ts';
import type { RunState } from '../../src/worker/protocol.ts';

/** No look falls on a moment at which something is told. */
const TOLD = 7;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A page on which the n-th look takes `costs[n]` milliseconds, the last of them again and again. */
function page(costs: number[]) {
  const store = createAppStore(() => undefined);
  const start = Date.now();
  const clock = () => Date.now() - start;
  let drawn = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => clock() + drawn);
  const looks: number[] = [];
  const seen: RunState[] = [];
  clockOf(store)(() => {
    looks.push(clock());
    seen.push(store.getState().run);
    drawn += costs[Math.min(looks.length, costs.length) - 1] ?? 0;
  });
  const enter = (state: RunState) => store.getState().receive({ type: 'state', state });
  /** Something is told every {@link TOLD} ms, for so many of them; returns the waits before each look. */
  const train = async (milliseconds: number): Promise<number[]> => {
    for (let t = 0; t < milliseconds; t += TOLD) {
      enter('running');
      await vi.advanceTimersByTimeAsync(TOLD);
    }
    return looks.map((look, i) => look - (looks[i - 1] ?? 0));
  };
  return { enter, train, seen };
}

/** The wait is asked for by the next thing that is told, a moment later; a look takes the tick of a timer more than its drawing. */
function expectWaits(waits: number[], expected: number[]): void {
  expect(waits.length).toBeGreaterThanOrEqual(expected.length);
  for (const [i, least] of expected.entries()) {
    expect(waits[i]).toBeGreaterThanOrEqual(least);
    expect(waits[i]).toBeLessThan(least + 50);
  }
}

it('looks five times a second at what is quickly shown, and gives a twenty-fifth of the time to what is slow', async () => {
  expectWaits(await page([8]).train(1500), [200, 200, 200, 200]);
  expectWaits(await page([30]).train(4000), [200, 200, 750, 750, 750]);
});

it('is not kept waiting by one look that was slow, as the first is', async () => {
  expectWaits(await page([300, 20]).train(3000), [200, 200, 500, 500]);
  expectWaits(await page([20, 300, 20]).train(3000), [200, 200, 500, 500]);
});

it('gives no more time to looks of which every other is slow', async () => {
  const costs = Array.from({ length: 100 }, (_, i) => (i % 2 ? 20 : 300));
  const waits = await page(costs).train(60_000);
  const whole = waits.reduce((sum, wait) => sum + wait, 0);
  expect((160 * waits.length) / whole).toBeLessThan(0.05);
});

it('shows what came last as soon as training rests', async () => {
  for (const state of ['paused', 'finished'] as const) {
    const { enter, train, seen } = page([100]);
    await train(1000);
    expect(new Set(seen)).toEqual(new Set(['running']));
    enter(state);
    expect(seen.at(-1)).toBe(state);
  }
});
