/**
 * The store as components see it.
 */
import { createContext, useContext, useSyncExternalStore } from 'react';
import { useStore } from 'zustand';
import { clockOf } from './glance.ts';
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

/** As {@link useLab}, but looks only five times a second, or as often as the machine can show: for curves and counters. */
export function useLabGlance<T>(selector: (state: LabState & LabActions) => T): T {
  const store = useLabStore();
  return useSyncExternalStore(clockOf(store), () => selector(store.getState()));
}
