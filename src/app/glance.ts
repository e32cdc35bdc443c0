/**
 * When the page looks at numbers that change all the time: often enough to be live, so seldom that frames are not late for it.
 */
import type { LabStore } from './store.ts';
import { isTraining } from './store.ts';

/** Milliseconds between two looks at numbers that change all the time: five a second. */
const GLANCE_MS = 200;
/** To show what was seen may take this part of the time. With 60 frames a second, one in twenty-five is late at most. */
const GLANCE_PART = 1 / 25;

/** One clock a store: all who glance look at the same moment. */
const clocks = new WeakMap<LabStore, (notify: () => void) => () => void>();

/** Subscribes to the moments of looking at a store; what it returns ends that. */
export function clockOf(store: LabStore): (notify: () => void) => () => void {
  const known = clocks.get(store);
  if (known) return known;
  const listeners = new Set<() => void>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** What the last three looks took, the newest first. */
  let took = [0, 0, 0];
  const look = () => {
    clearTimeout(timer);
    timer = undefined;
    const start = performance.now();
    for (const notify of listeners) notify();
    // React renders in a microtask that it has put before this one, and charts ask there for tasks of their own: the last is behind all.
    queueMicrotask(() =>
      setTimeout(() => {
        took = [performance.now() - start, ...took.slice(0, 2)];
      }),
    );
  };
  store.subscribe(({ run }, before) => {
    // Where training comes to rest, its last numbers stand beside the word that says so.
    if (run !== before.run && !isTraining(run)) return look();
    // The median: the first of all is slow, and one may have been held up by something else.
    const [, usual = 0] = took.toSorted((a, b) => a - b);
    const wait = isTraining(run) ? usual / GLANCE_PART : 0;
    timer ??= setTimeout(look, Math.max(GLANCE_MS, wait));
  });
  const subscribe = (notify: () => void) => {
    listeners.add(notify);
    return () => listeners.delete(notify);
  };
  clocks.set(store, subscribe);
  return subscribe;
}
