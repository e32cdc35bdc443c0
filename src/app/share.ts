/** How much of the GPU's time training takes: chosen by the reader for their machine, kept, and part of no link. */
import { readPreference, writePreference } from './preferences.ts';

/** Per cent. */
export const SHARE = { min: 10, max: 100, step: 5 } as const;

const SHARES = Array.from({ length: (SHARE.max - SHARE.min) / SHARE.step + 1 }, (_, i) =>
  String(SHARE.min + i * SHARE.step),
);

/** From {@link SHARE.min} to 1. */
export function keptShare(): number {
  return Number(readPreference('gpuShare', SHARES) ?? SHARE.max) / 100;
}

export function keepShare(share: number): void {
  writePreference('gpuShare', String(Math.round(100 * share)));
}
