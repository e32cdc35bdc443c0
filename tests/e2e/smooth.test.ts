/**
 * The page stays fluent while four networks train. The GPU of these tests is the CPU, which takes the page's time at
 * will; so what counts is the processor time of the main thread, not the clock on the wall.
 */
import { expect } from '@playwright/test';
import { TINY, button, iterations, open, test } from './page.ts';

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** Start, microseconds. */
  ts: number;
  /** Processor time of the thread, microseconds. */
  tdur?: number;
  args: { name?: string };
}

const FRAME_MS = 1000 / 60;

test('while four networks train, frames of the main thread are short', async ({ page }) => {
  await open(page, `${TINY}&steps=5000`);
  await button(page, 'Start').click();
  // Until plotly has drawn, and what is compiled once is compiled.
  await expect.poll(async () => Math.min(...(await iterations(page)))).toBeGreaterThan(5);

  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => {
    events.push(...(value as unknown as TraceEvent[]));
  });
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['disabled-by-default-devtools.timeline', '__metadata'] },
  });
  await page.waitForTimeout(8000);
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.end');
  await complete;

  // The renderer that has done most is the page's.
  const renderers = events
    .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
    .map(({ pid, tid }) =>
      events.filter((e) => e.pid === pid && e.tid === tid && e.name === 'RunTask' && e.ph === 'X'),
    );
  const [tasks = []] = renderers.sort((a, b) => b.length - a.length);
  expect(tasks.length).toBeGreaterThan(100);
  const start = Math.min(...tasks.map(({ ts }) => ts));
  const frames = new Array<number>(Math.ceil(8000 / FRAME_MS)).fill(0);
  for (const { ts, tdur = 0 } of tasks) {
    const frame = Math.floor((ts - start) / 1000 / FRAME_MS);
    frames[frame] = (frames[frame] ?? 0) + tdur / 1000;
  }
  frames.sort((a, b) => a - b);
  const busy = frames.reduce((sum, milliseconds) => sum + milliseconds, 0);
  const p95 = frames[Math.floor(0.95 * frames.length)] ?? NaN;
  const long = tasks.filter(({ tdur = 0 }) => tdur > 50_000).length;
  const description = `p95 ${p95.toFixed(1)} ms, longest ${frames.at(-1)?.toFixed(1)} ms`;
  test.info().annotations.push({ type: 'main thread', description });
  expect(busy).toBeGreaterThan(50);
  expect(p95).toBeLessThan(16);
  expect(long).toBe(0);
});
