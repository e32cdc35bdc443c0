/** Files for the tests of data sets. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { decodeImage } from '../../src/cli/decode.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { loadFiles } from '../../src/data/load.ts';
import type { LoadOptions, NamedBlob } from '../../src/data/load.ts';
import { FathomError } from '../../src/errors.ts';

export type Bytes = Uint8Array<ArrayBuffer>;

export const fixture = (name: string): Bytes =>
  new Uint8Array(readFileSync(new URL(`../fixtures/${name}`, import.meta.url)));

export const file = (name: string, bytes: Bytes): NamedBlob => ({ name, blob: new Blob([bytes]) });

/** Files of tests/fixtures/, under their base names. */
export const fixtureFiles = (...names: string[]): NamedBlob[] =>
  names.map((name) => file(name.replace(/^.*\//, ''), fixture(name)));

/** Reads files as the command line does, 16×16 unless said otherwise. */
export const load = (files: NamedBlob[], options: Partial<LoadOptions> = {}): Promise<Dataset> =>
  loadFiles(files, { size: 16, decode: decodeImage, ...options });

/** The FathomError of this code that the work rejects with. */
export async function failureOf(work: Promise<unknown>, code: string): Promise<FathomError> {
  const error: unknown = await work.then(
    () => 'no error at all',
    (reason: unknown) => reason,
  );
  if (!(error instanceof FathomError)) expect.unreachable(`no FathomError but ${String(error)}`);
  expect(error.code, error.message).toBe(code);
  return error;
}
