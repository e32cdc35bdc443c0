/**
 * Opens data sets from files that a person dropped, picked or named: tells the format by name and
 * content, and hands over to its reader. Nothing that was read before is touched when this fails.
 */
import { FathomError } from '../errors.ts';
import { duplicate } from './assemble.ts';
import { cifarPartByName, readCifarArchive, readCifarFiles } from './cifar.ts';
import type { CifarPart } from './cifar.ts';
import type { Dataset, LoadProgress } from './dataset.ts';
import { baseName, headOf } from './files.ts';
import type { NamedBlob } from './files.ts';
import { idxKindByMagic, idxKindByName, readIdx } from './idx.ts';
import type { IdxKind } from './idx.ts';

export type { NamedBlob } from './files.ts';

/** Files by format; the readers take what is found here. */
interface Recognized {
  archives: NamedBlob[];
  cifar: { file: NamedBlob; part: CifarPart }[];
  idx: { file: NamedBlob; kind: IdxKind }[];
}

/**
 * Reads CIFAR-10 (binary version: the archive, or its files) or a set of the MNIST family (IDX files,
 * .gz or not) and resizes it to size×size.
 *
 * Where no test files are given, a sixth of the training pictures is held out, always the same ones.
 * Progress counts bytes on the disk (`read`), then pictures (`resize`).
 *
 * Throws FathomErrors: `no-files`, `unknown-file`, `mixed-sets`, `duplicate-files`, and those of the
 * readers.
 */
export async function loadFiles(
  files: NamedBlob[],
  { size }: { size: number },
  progress?: LoadProgress,
): Promise<Dataset> {
  const wanted = withoutPackedTwins(files).filter(({ name }) => baseName(name) !== 'readme.html');
  const { archives, cifar, idx } = await recognize(wanted);
  const [first, second] = [archives[0], cifar[0]?.file, idx[0]?.file].filter((file) => !!file);
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

  const [archive, otherArchive] = archives;
  if (archive && otherArchive) throw duplicate(archive.name, otherArchive.name);
  if (archive) return readCifarArchive(archive, size, onBytes);
  if (cifar.length > 0) return readCifarFiles(cifar, size, onBytes);
  return readIdx(idx, size, onBytes, progress);
}

/** Folders often keep a file and its .gz side by side; the unpacked one is read. */
function withoutPackedTwins(files: NamedBlob[]): NamedBlob[] {
  const names = new Set(files.map(({ name }) => name));
  return files.filter(({ name }) => !name.endsWith('.gz') || !names.has(name.slice(0, -3)));
}

/** Enough of a file to see a tar header's magic word. */
const HEAD_BYTES = 262;

/** Tells formats by name, and by content where the name says nothing. Throws `unknown-file`. */
async function recognize(files: NamedBlob[]): Promise<Recognized> {
  const found: Recognized = { archives: [], cifar: [], idx: [] };
  for (const file of files) {
    const part = cifarPartByName(file.name);
    let kind = idxKindByName(file.name);
    let isArchive = /\.(tar|tar\.gz|tgz)$/i.test(file.name);
    if (!part && !kind && !isArchive) {
      const head = await headOf(file, HEAD_BYTES);
      kind = idxKindByMagic(head);
      isArchive = new TextDecoder().decode(head.subarray(257, HEAD_BYTES)) === 'ustar';
    }
    if (part) found.cifar.push({ file, part });
    else if (kind) found.idx.push({ file, kind });
    else if (isArchive) found.archives.push(file);
    else {
      throw new FathomError(
        'unknown-file',
        `${file.name}: expected CIFAR-10 (cifar-10-binary.tar.gz or its .bin files) or MNIST-family IDX files (images-idx3-ubyte, labels-idx1-ubyte, .gz or not), found neither by name nor by content`,
        { file: file.name },
      );
    }
  }
  return found;
}
