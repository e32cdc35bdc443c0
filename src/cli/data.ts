/** Data sets by the names the command line takes: `builtin`, `fashion-mnist:DIR`, `mnist:DIR`, `cifar10:FILE`. */
import { openAsBlob } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { generateBuiltin } from '../data/builtin.ts';
import { loadFiles } from '../data/load.ts';
import type { Dataset, LoadProgress } from '../data/dataset.ts';
import { FathomError } from '../errors.ts';

const IDX_FILE = /-(images-idx3|labels-idx1)-ubyte(\.gz)?$/;
const CIFAR_FILE = /\.bin$|^batches\.meta\.txt$|\.tar\.gz$/;

/** Reads or generates the set that `name` means, at size×size. */
export async function openData(
  name: string,
  size: number,
  progress?: LoadProgress,
): Promise<Dataset> {
  if (name === 'builtin') return generateBuiltin({ size }, progress);
  const [kind, path] = split(name);
  const wanted = kind === 'cifar10' ? CIFAR_FILE : IDX_FILE;
  const paths = await filesAt(path, wanted, name);
  const files = await Promise.all(
    paths.map(async (file) => ({ name: file, blob: await openAsBlob(file) })),
  );
  return loadFiles(files, { size }, progress);
}

function split(name: string): [kind: string, path: string] {
  const [, kind, path] = /^(fashion-mnist|mnist|cifar10):(.+)$/.exec(name) ?? [];
  if (kind && path) return [kind, path];
  throw new FathomError(
    'data-name',
    `"${name}" names no data set: expected builtin, fashion-mnist:DIR, mnist:DIR or cifar10:FILE`,
    { data: name },
  );
}

async function filesAt(path: string, wanted: RegExp, name: string): Promise<string[]> {
  const found = await stat(path).catch(() => null);
  if (!found) throw new FathomError('data-path', `--data ${name}: there is no ${path}`, { path });
  if (found.isFile()) return [path];
  const files = (await readdir(path)).filter((file) => wanted.test(basename(file)));
  if (files.length > 0) return files.map((file) => join(path, file));
  throw new FathomError(
    'data-path',
    `--data ${name}: the folder ${path} holds none of the files expected there (${wanted.source})`,
    { path },
  );
}
