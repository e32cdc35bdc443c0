/**
 * What the page's main thread does, by the processor time that it takes: the GPU of these tests is the CPU, and so the
 * clock on the wall says little.
 */
import type { Page } from '@playwright/test';

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

/** A task of the main thread; in it no frame can be drawn. */
export interface Task {
  /** Since the first task, ms. */
  start: number;
  /** Processor time, ms. */
  duration: number;
}

/** The tasks of the page's main thread while `work` goes on. */
export async function tasksDuring(page: Page, work: () => Promise<void>): Promise<Task[]> {
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => {
    events.push(...(value as unknown as TraceEvent[]));
  });
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['disabled-by-default-devtools.timeline', '__metadata'] },
  });
  await work();
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
  const start = Math.min(...tasks.map(({ ts }) => ts));
  return tasks.map(({ ts, tdur = 0 }) => ({ start: (ts - start) / 1000, duration: tdur / 1000 }));
}
