/** Data sets by the names the command line takes: `builtin`, or a kind and where its files lie. */
import { openAsBlob } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { generateBuiltin } from '../data/builtin.ts';
import { loadFiles } from '../data/load.ts';
import type { LoadOptions } from '../data/load.ts';
import type { Dataset, LoadProgress } from '../data/dataset.ts';
import { derive, parseSetName } from '../data/recipe.ts';
import { FathomError } from '../errors.ts';
import { decodeImage } from './decode.ts';

/** What a kind of name reads in a folder, and what the files are taken for. */
interface Kind {
  files: RegExp;
  options: Partial<LoadOptions>;
  /** With all folders below. */
  deep?: boolean;
}

const IDX = /-(images-idx3|labels-idx1)-ubyte(\.gz)?$|\.npz$|\.parquet$/;
const CIFAR =
  /\.bin$|\.tar\.gz$|\.parquet$|^batches\.meta(\.txt)?$|^(data|test)_batch(_\d)?$|^(train|test|meta)$|_label_names\.txt$/;

const KINDS: Record<string, Kind> = {
  cifar10: { files: CIFAR, options: { known: 'cifar10' } },
  cifar100: { files: CIFAR, options: { known: 'cifar100' } },
  'cifar100-coarse': { files: CIFAR, options: { known: 'cifar100-coarse', labels: 'coarse' } },
  mnist: { files: IDX, options: { known: 'mnist' } },
  'fashion-mnist': { files: IDX, options: { known: 'fashion-mnist' } },
  svhn: { files: /\.parquet$/, options: { known: 'svhn' } },
  images: { files: /./, options: {}, deep: true },
};

/** Names as the help shows them. */
export const DATA_NAMES = `builtin, ${Object.keys(KINDS).join(':PATH, ')}:PATH`;

/** Reads or generates the set that `name` means, at size×size; `?randomLabels=0.5` and the like behind it make another of it. */
export async function openData(
  name: string,
  size: number,
  progress?: LoadProgress,
): Promise<Dataset> {
  const { base, recipe } = parseSetName(name);
  return derive(await openWhole(base, size, progress), recipe, size);
}

async function openWhole(name: string, size: number, progress?: LoadProgress): Promise<Dataset> {
  if (name === 'builtin') return generateBuiltin({ size }, progress);
  const [kind, path] = split(name);
  const paths = await filesAt(path, kind, name);
  const files = await Promise.all(
    // Named from the folder on: the names of folders above it say nothing of classes.
    paths.map(async (file) => ({
      name: relative(dirname(path), file),
      blob: await openAsBlob(file),
    })),
  );
  return loadFiles(files, { ...kind.options, size, decode: decodeImage }, progress);
}

function split(name: string): [kind: Kind, path: string] {
  const [, kind = '', path] = /^([\w-]+):(.+)$/.exec(name) ?? [];
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (known && path) return [known, path];
  throw new FathomError('data-name', `"${name}" names no data set: expected ${DATA_NAMES}`, {
    data: name,
  });
}

async function filesAt(
  path: string,
  { files: wanted, deep }: Kind,
  name: string,
): Promise<string[]> {
  const found = await stat(path).catch(() => null);
  if (!found) throw new FathomError('data-path', `--data ${name}: there is no ${path}`, { path });
  if (found.isFile()) return [path];
  const entries = await readdir(path, { withFileTypes: true, recursive: deep ?? false });
  const files = entries.filter((entry) => entry.isFile() && wanted.test(entry.name));
  if (files.length > 0) return files.map((entry) => join(entry.parentPath, entry.name));
  throw new FathomError(
    'data-path',
    `--data ${name}: the folder ${path} holds none of the files expected there (${wanted.source})`,
    { path },
  );
}
