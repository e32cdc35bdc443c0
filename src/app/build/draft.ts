/** Where a network lies between visits: in the page's link, and a draft in this browser. */
import { readNetwork } from '../../network/file.ts';
import type { NetworkSpec } from '../../network/spec.ts';
import { pack, unpack } from '../packed.ts';
import { readJson, writePreference } from '../preferences.ts';

export const queryOf = (spec: NetworkSpec): string => `net=${pack(spec)}`;

/**
 * The network in a link; null where it holds none.
 *
 * @throws FathomErrors that say what is wrong with it
 */
export function networkIn(query: string): NetworkSpec | null {
  const packed = new URLSearchParams(query).get('net');
  return packed === null ? null : readNetwork(unpack(packed));
}

/** What was left here; null where nothing valid is. */
export function draft(): NetworkSpec | null {
  const kept = readJson('build');
  try {
    return kept === null ? null : readNetwork(kept);
  } catch {
    return null;
  }
}

export const keepDraft = (spec: NetworkSpec): void =>
  writePreference('build', JSON.stringify(spec));
