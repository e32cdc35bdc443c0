/**
 * The page stays fluent while four networks train. The GPU of these tests is the CPU, which takes the page's time at
 * will; so what counts is the processor time of the main thread, not the clock on the wall.
 */
import { expect } from '@playwright/test';
import { tasksDuring } from './main_thread.ts';
import { TINY, button, iterations, open, test } from './page.ts';

const FRAME_MS = 1000 / 60;

test('while four networks train, frames of the main thread are short', async ({ page }) => {
  await open(page, `${TINY}&steps=5000`);
  await button(page, 'Start').click();
  // Until plotly has drawn, and what is compiled once is compiled.
  await expect.poll(async () => Math.min(...(await iterations(page)))).toBeGreaterThan(5);

  const tasks = await tasksDuring(page, () => page.waitForTimeout(8000));
  expect(tasks.length).toBeGreaterThan(100);
  const frames = new Array<number>(Math.ceil(8000 / FRAME_MS)).fill(0);
  for (const { start, duration } of tasks) {
    const frame = Math.floor(start / FRAME_MS);
    frames[frame] = (frames[frame] ?? 0) + duration;
  }
  frames.sort((a, b) => a - b);
  const busy = frames.reduce((sum, milliseconds) => sum + milliseconds, 0);
  const p95 = frames[Math.floor(0.95 * frames.length)] ?? NaN;
  const long = tasks.filter(({ duration }) => duration > 50).length;
  const description = `p95 ${p95.toFixed(1)} ms, longest ${frames.at(-1)?.toFixed(1)} ms`;
  test.info().annotations.push({ type: 'main thread', description });
  expect(busy).toBeGreaterThan(50);
  expect(p95).toBeLessThan(16);
  expect(long).toBe(0);
});
