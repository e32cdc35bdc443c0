/**
 * The store as components see it.
 */
import { createContext, useContext, useSyncExternalStore } from 'react';
import { useStore } from 'zustand';
import type { LabActions, LabState, LabStore } from './store.ts';

export const LabContext = createContext<LabStore | null>(null);

export function useLabStore(): LabStore {
  const store = useContext(LabContext);
  if (!store) throw new Error('components stand inside LabContext');
  return store;
}

export function useLab<T>(selector: (state: LabState & LabActions) => T): T {
  return useStore(useLabStore(), selector);
}

/** Milliseconds between two looks at numbers that change all the time: five a second. */
const GLANCE_MS = 200;
/** To show what was seen may take this part of the time. With 60 frames a second, one in twenty-five is late at most. */
const GLANCE_PART = 1 / 25;

/** Milliseconds until the next look, by those that the last one took. */
export const nextGlance = (took: number): number => Math.max(GLANCE_MS, took / GLANCE_PART);

/** One clock a store: all who glance look at the same moment. */
const clocks = new WeakMap<LabStore, (notify: () => void) => () => void>();

function clockOf(store: LabStore): (notify: () => void) => () => void {
  const known = clocks.get(store);
  if (known) return known;
  const listeners = new Set<() => void>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let took = 0;
  store.subscribe(() => {
    timer ??= setTimeout(() => {
      timer = undefined;
      const start = performance.now();
      for (const notify of listeners) notify();
      // React renders in a microtask that it has put before this one, and charts ask there for tasks of their own: the last is behind all.
      queueMicrotask(() => setTimeout(() => (took = performance.now() - start)));
    }, nextGlance(took));
  });
  const subscribe = (notify: () => void) => {
    listeners.add(notify);
    return () => listeners.delete(notify);
  };
  clocks.set(store, subscribe);
  return subscribe;
}

/** As {@link useLab}, but looks only five times a second, or as often as the machine can show: for curves and counters. */
export function useLabGlance<T>(selector: (state: LabState & LabActions) => T): T {
  const store = useLabStore();
  return useSyncExternalStore(clockOf(store), () => selector(store.getState()));
}
