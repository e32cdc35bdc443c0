/**
 * Light and dark. The choice stands as `data-theme` on the root element, where the style sheet reads
 * it; `auto` follows the system.
 */
import { useSyncExternalStore } from 'react';
import type { Shade } from './palette.ts';
import { readPreference, writePreference } from './preferences.ts';

export const THEMES = ['light', 'dark', 'auto'] as const;
export type Theme = (typeof THEMES)[number];

const system = window.matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();
let theme: Theme = readPreference('theme', THEMES) ?? 'auto';

const currentTheme = () => theme;
const currentShade = (): Shade => {
  if (theme === 'auto') return system.matches ? 'dark' : 'light';
  return theme;
};

function apply(): void {
  document.documentElement.dataset['theme'] = currentShade();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function startTheme(): void {
  system.addEventListener('change', apply);
  apply();
}

export function setTheme(next: Theme): void {
  theme = next;
  writePreference('theme', next);
  apply();
}

export const useTheme = (): Theme => useSyncExternalStore(subscribe, currentTheme);
export const useShade = (): Shade => useSyncExternalStore(subscribe, currentShade);
