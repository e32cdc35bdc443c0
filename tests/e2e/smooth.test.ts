/**
 * The page stays fluent while four networks train. The GPU of these tests is the CPU, which takes the page's time at
 * will; so what counts is the processor time of the main thread, not the clock on the wall.
 */
import { expect } from '@playwright/test';
import { tasksDuring } from './main_thread.ts';
import type { Task } from './main_thread.ts';
import { NETWORKS, TINY, button, iterations, open, test, trainingCurves } from './page.ts';

const FRAME_MS = 1000 / 60;

test('while four networks train, frames of the main thread are short', async ({ page }) => {
  await open(page, `${TINY}&steps=5000`);
  await button(page, 'Start').click();
  // Until plotly is loaded and has drawn, and what is compiled once is compiled.
  await expect.poll(async () => Math.min(...(await iterations(page)))).toBeGreaterThan(5);
  await expect.poll(async () => (await trainingCurves(page)).length).toBe(NETWORKS.length);

  const tasks = await tasksDuring(page, () => page.waitForTimeout(8000));
  expect(tasks.length).toBeGreaterThan(100);
  const frameOf = ({ start }: Task) => Math.floor(start / FRAME_MS);
  const frames = new Array<number>(Math.max(...tasks.map(frameOf)) + 1).fill(0);
  for (const task of tasks) {
    const frame = frameOf(task);
    frames[frame] = (frames[frame] ?? 0) + task.duration;
  }
  frames.sort((a, b) => a - b);
  const busy = frames.reduce((sum, milliseconds) => sum + milliseconds, 0);
  const p95 = frames[Math.floor(0.95 * frames.length)] ?? NaN;
  const longest = Math.max(...tasks.map(({ duration }) => duration));
  const description = `p95 ${p95.toFixed(1)} ms, longest task ${longest.toFixed(1)} ms`;
  test.info().annotations.push({ type: 'main thread', description });
  expect(busy).toBeGreaterThan(50);
  expect(p95).toBeLessThan(16);
  expect(longest).toBeLessThan(50);
});
