/**
 * Opens data sets from files that a person dropped, picked or named: tells the format by name and
 * content, and hands over to its reader. Nothing that was read before is touched when this fails.
 */
import { FathomError } from '../errors.ts';
import { duplicate } from './assemble.ts';
import { cifarKindByName, readCifarArchive, readCifarFiles } from './cifar.ts';
import type { CifarKind } from './cifar.ts';
import type { Dataset, LoadProgress } from './dataset.ts';
import { baseName, headOf } from './files.ts';
import type { NamedBlob, OnBytes } from './files.ts';
import { isPictureName, pictureEntriesOf, pictureFilesOf, readFolders } from './folders.ts';
import { idxKindByMagic, idxKindByName, readIdx } from './idx.ts';
import type { IdxKind } from './idx.ts';
import { isNpz, readNpz } from './npz.ts';
import type { LoadOptions } from './options.ts';
import { readParquet } from './parquet.ts';
import { openZip } from './zip.ts';

export type { NamedBlob } from './files.ts';
export type { LoadOptions } from './options.ts';

/** Files by format; the readers take what is found here. */
interface Recognized {
  tars: NamedBlob[];
  zips: NamedBlob[];
  parquet: NamedBlob[];
  pictures: NamedBlob[];
  cifar: { file: NamedBlob; kind: CifarKind }[];
  idx: { file: NamedBlob; kind: IdxKind }[];
}

/** What lies beside the files in the official archives of CIFAR. */
const IDLE = new Set(['readme.html', 'file.txt~']);

/**
 * Reads a set and makes its pictures size×size: CIFAR-10 or CIFAR-100 (binary or Python version, the
 * archive or its files), the MNIST family (IDX files, .gz or not), NumPy's .npz, Parquet files of
 * encoded pictures, or one's own pictures in a sub-folder a class, loose or in a zip.
 *
 * Where no test files are given, a sixth of the training pictures is held out, always the same ones.
 * Progress counts bytes on the disk (`read`) or pictures (`decode`, `resize`).
 *
 * Throws FathomErrors: `no-files`, `unknown-file`, `mixed-sets`, `duplicate-files`, and those of the
 * readers.
 */
export async function loadFiles(
  files: NamedBlob[],
  options: LoadOptions,
  progress?: LoadProgress,
): Promise<Dataset> {
  const wanted = withoutPackedTwins(files).filter(({ name }) => !IDLE.has(baseName(name)));
  const { tars, zips, parquet, pictures, cifar, idx } = await recognize(wanted, options);
  const firsts = [tars[0], zips[0], parquet[0], pictures[0], cifar[0]?.file, idx[0]?.file];
  const [first, second] = firsts.filter((file) => !!file);
  if (!first) throw new FathomError('no-files', 'expected the files of a data set, found none');
  if (second) {
    throw new FathomError(
      'mixed-sets',
      `${first.name} and ${second.name} belong to different sets: expected the files of one`,
      { file: first.name, other: second.name },
    );
  }

  const total = wanted.reduce((sum, { blob }) => sum + blob.size, 0);
  let done = 0;
  const onBytes = (bytes: number) => progress?.('read', (done += bytes), total);

  const [, otherArchive] = [...tars, ...zips];
  if (otherArchive) throw duplicate(first.name, otherArchive.name);
  if (tars.length > 0) return readCifarArchive(first, options, onBytes);
  if (zips.length > 0) return readZip(first, options, onBytes, progress);
  if (parquet.length > 0) return readParquet(parquet, options, progress);
  if (cifar.length > 0) return readCifarFiles(cifar, options, onBytes);
  if (idx.length > 0) return readIdx(idx, options, onBytes, progress);
  const [root, ...below] = first.name.split('/');
  const folder = below.length > 1 && root ? root : 'images';
  return readFolders(folder, pictureFilesOf(pictures), options, progress);
}

/** A zip holds arrays or pictures. */
async function readZip(
  archive: NamedBlob,
  options: LoadOptions,
  onBytes: OnBytes,
  progress?: LoadProgress,
): Promise<Dataset> {
  const entries = await openZip(archive);
  if (isNpz(entries)) return readNpz(archive.name, entries, options, onBytes, progress);
  return readFolders(archive.name, pictureEntriesOf(entries), options, progress);
}

/** Folders often keep a file and its .gz side by side; the unpacked one is read. */
function withoutPackedTwins(files: NamedBlob[]): NamedBlob[] {
  const names = new Set(files.map(({ name }) => name));
  return files.filter(({ name }) => !name.endsWith('.gz') || !names.has(name.slice(0, -3)));
}

/** Tells formats by name, and by content where the name says nothing. Throws `unknown-file`. */
async function recognize(files: NamedBlob[], { labels }: LoadOptions): Promise<Recognized> {
  const found: Recognized = { tars: [], zips: [], parquet: [], pictures: [], cifar: [], idx: [] };
  const unknown: NamedBlob[] = [];
  for (const file of files) {
    const { name } = file;
    const cifar = cifarKindByName(name, labels);
    const idx = idxKindByName(name);
    if (cifar) found.cifar.push({ file, kind: cifar });
    else if (idx) found.idx.push({ file, kind: idx });
    else if (/\.(tar|tar\.gz|tgz)$/i.test(name)) found.tars.push(file);
    else if (/\.(zip|npz)$/i.test(name)) found.zips.push(file);
    else if (/\.parquet$/i.test(name)) found.parquet.push(file);
    else if (isPictureName(name)) found.pictures.push(file);
    else if (!(await recognizeContent(file, found))) unknown.push(file);
  }
  // Folders of pictures hold all sorts of other files as well.
  const [file] = unknown;
  if (file && found.pictures.length === 0) {
    throw new FathomError(
      'unknown-file',
      `${file.name}: expected a data set that is known here (CIFAR-10 or CIFAR-100, IDX files of the MNIST family, .npz, .parquet, or images in a folder a class, loose or as .zip), found it neither by name nor by content`,
      { file: file.name },
    );
  }
  return found;
}

/** Enough of a file to see a tar header's magic word. */
const HEAD_BYTES = 262;

/** Sorts a file in by its first bytes; false where they say nothing. */
async function recognizeContent(file: NamedBlob, found: Recognized): Promise<boolean> {
  const head = await headOf(file, HEAD_BYTES);
  const text = (from: number, to: number) => new TextDecoder().decode(head.subarray(from, to));
  const idx = idxKindByMagic(head);
  if (idx) found.idx.push({ file, kind: idx });
  else if (text(257, 262) === 'ustar') found.tars.push(file);
  else if (text(0, 4) === 'PK\x03\x04') found.zips.push(file);
  else if (text(0, 4) === 'PAR1') found.parquet.push(file);
  else return false;
  return true;
}
