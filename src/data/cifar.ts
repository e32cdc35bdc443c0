/**
 * CIFAR-10 and CIFAR-100 (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html), the archives
 * or the files in them. Pictures are 3×32×32 bytes, red plane first.
 *
 * Binary version: records of the label and the picture; in CIFAR-100 a coarse label, then a fine one.
 * Python version: pickled dictionaries of `data` (N×3072 bytes) and `labels`, `fine_labels` or
 * `coarse_labels`.
 */
import { createTarDecoder } from 'modern-tar';
import { FathomError } from '../errors.ts';
import { assemble, checkLabels, duplicate, fitPictures, trainingFilesMissing } from './assemble.ts';
import type { Dataset, LabelledImages, Part } from './dataset.ts';
import {
  baseName,
  collect,
  concatenate,
  contentOf,
  readContent,
  reasonOf,
  streamFrom,
  valuesOf,
} from './files.ts';
import type { NamedBlob, OnBytes } from './files.ts';
import { identityOf } from './known.ts';
import type { LoadOptions } from './options.ts';
import { ByteArray, MAX_NAME_BYTES, readPickle } from './pickle.ts';
import type { Pickled } from './pickle.ts';

const SHAPE = { channels: 3, height: 32, width: 32 };
const PICTURE = SHAPE.channels * SHAPE.height * SHAPE.width;

/** What a file of either set is, told by its name. */
export interface CifarKind {
  set: 'cifar10' | 'cifar100';
  version: 'binary' | 'python';
  part: Part | 'names' | 'other names';
}

/** A file of the set, opened. */
interface Member extends CifarKind {
  /** As messages show it: with the archive it lies in. */
  name: string;
  bytes: Uint8Array;
}

type Labels = 'fine' | 'coarse';

/** What a file of a set is; null if it is of neither. `labels` says which names of classes are wanted. */
export function cifarKindByName(name: string, labels: Labels = 'fine'): CifarKind | null {
  const base = baseName(name).replace(/\.gz$/, '');
  const [, batch, binary] = /^(data|test)_batch(?:_\d+)?(\.bin)?$/.exec(base) ?? [];
  if (batch) {
    const version = binary ? 'binary' : 'python';
    return { set: 'cifar10', version, part: batch === 'data' ? 'train' : 'test' };
  }
  switch (base) {
    case 'batches.meta.txt':
      return { set: 'cifar10', version: 'binary', part: 'names' };
    case 'batches.meta':
      return { set: 'cifar10', version: 'python', part: 'names' };
    case 'train.bin':
    case 'test.bin':
      return { set: 'cifar100', version: 'binary', part: base === 'train.bin' ? 'train' : 'test' };
    case 'fine_label_names.txt':
    case 'coarse_label_names.txt': {
      const part = base.startsWith(labels) ? 'names' : 'other names';
      return { set: 'cifar100', version: 'binary', part };
    }
    case 'train':
    case 'test':
      return { set: 'cifar100', version: 'python', part: base };
    case 'meta':
      return { set: 'cifar100', version: 'python', part: 'names' };
    default:
      return null;
  }
}

/** Reads one of the four official archives, or a .tar of it. */
export async function readCifarArchive(
  archive: NamedBlob,
  options: LoadOptions,
  onBytes: OnBytes,
): Promise<Dataset> {
  return readMembers(archive.name, membersIn(archive, options, onBytes), options);
}

/** Reads loose files. */
export async function readCifarFiles(
  files: { file: NamedBlob; kind: CifarKind }[],
  options: LoadOptions,
  onBytes: OnBytes,
): Promise<Dataset> {
  async function* members(): AsyncGenerator<Member> {
    for (const { file, kind } of files) {
      yield { ...kind, name: file.name, bytes: await readContent(file, onBytes) };
    }
  }
  return readMembers(files[0]?.file.name ?? '', members(), options);
}

/** The files of a set in an archive, one after the other; throws a FathomError `tar-damaged`. */
async function* membersIn(
  archive: NamedBlob,
  options: LoadOptions,
  onBytes: OnBytes,
): AsyncGenerator<Member> {
  const content = streamFrom(contentOf(archive, onBytes));
  try {
    for await (const { header, body } of valuesOf(
      content.pipeThrough(createTarDecoder({ strict: true })),
    )) {
      const kind = header.type === 'file' ? cifarKindByName(header.name, options.labels) : null;
      if (kind) {
        const name = `${archive.name}/${baseName(header.name)}`;
        yield { ...kind, name, bytes: await collect(name, valuesOf(body)) };
      } else {
        // Read to its end: modern-tar 0.8.6 stalls when a short body is cancelled after the next began.
        await body.pipeTo(new WritableStream());
      }
    }
  } catch (error) {
    if (error instanceof FathomError) throw error;
    throw new FathomError(
      'tar-damaged',
      `${archive.name}: expected a whole tar archive, found one that is cut short or damaged (${reasonOf(error)})`,
      { file: archive.name, reason: reasonOf(error) },
    );
  }
}

/** Pictures of one file, resized. */
interface Batch {
  name: string;
  pictures: LabelledImages;
}

/** Files may come in any order: pictures are joined in the order of the files' names. */
async function readMembers(
  source: string,
  members: AsyncGenerator<Member>,
  options: LoadOptions,
): Promise<Dataset> {
  const labels = options.labels ?? 'fine';
  const found = { train: new Map<string, Batch>(), test: new Map<string, Batch>() };
  let first: Member | null = null;
  let names: string[] | null = null;
  for await (const member of members) {
    first ??= member;
    if (member.set !== first.set) {
      throw new FathomError(
        'mixed-sets',
        `${first.name} and ${member.name} belong to different sets: expected the files of one`,
        { file: first.name, other: member.name },
      );
    }
    if (member.part === 'other names') continue;
    const known = identityOf(idOf(member.set, labels)).classes;
    if (member.part === 'names') {
      names = namesIn(member, labels, known.length);
      continue;
    }
    const key = baseName(member.name);
    const other = found[member.part].get(key);
    if (other) throw duplicate(other.name, member.name);
    const read = member.version === 'python' ? parsePython(member, labels) : parse(member, labels);
    checkLabels(member.name, read.labels, known.length);
    const pictures = await fitPictures(member.name, read, SHAPE, options.size);
    found[member.part].set(key, { name: member.name, pictures });
  }
  const train = join(found.train);
  const test = join(found.test);
  if (!train && test) throw trainingFilesMissing(source);
  if (!train || !first) {
    throw new FathomError(
      'cifar-missing',
      `${source}: expected the training files of CIFAR-10 (data_batch_1 … data_batch_5) or CIFAR-100 (train), binary or Python version, found none`,
      { file: source },
    );
  }
  const identity = identityOf(idOf(first.set, labels));
  const classes = names ?? identity.classes;
  return assemble({ ...identity, classes, channels: SHAPE.channels, train, test }, options);
}

const idOf = (set: CifarKind['set'], labels: Labels) =>
  set === 'cifar100' && labels === 'coarse' ? 'cifar100-coarse' : set;

function join(batches: Map<string, Batch>): LabelledImages | null {
  const parts = [...batches].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => part.pictures);
  if (parts.length === 0) return null;
  return {
    count: parts.reduce((sum, part) => sum + part.count, 0),
    images: concatenate(parts.map((part) => part.images)),
    labels: concatenate(parts.map((part) => part.labels)),
  };
}

/** Labels and pictures of the binary version. Throws a FathomError `cifar-length`. */
function parse({ name, set, bytes }: Member, wanted: Labels): LabelledImages {
  const labelBytes = set === 'cifar100' ? 2 : 1;
  const record = labelBytes + PICTURE;
  const count = bytes.length / record;
  if (count === 0 || !Number.isInteger(count)) {
    throw new FathomError(
      'cifar-length',
      `${name}: expected a multiple of ${record} bytes (the label and 3×32×32 bytes a picture), found ${bytes.length}`,
      { file: name, record, found: bytes.length },
    );
  }
  const labelAt = set === 'cifar100' && wanted === 'fine' ? 1 : 0;
  const labels = new Uint8Array(count);
  const images = new Uint8Array(count * PICTURE);
  for (let i = 0; i < count; i++) {
    labels[i] = bytes[i * record + labelAt] ?? 0;
    images.set(bytes.subarray(i * record + labelBytes, (i + 1) * record), i * PICTURE);
  }
  return { count, images, labels };
}

/** Labels and pictures of the Python version. Throws FathomErrors `pickle-damaged`, `cifar-python`, `label-range`. */
function parsePython({ name, set, bytes }: Member, wanted: Labels): LabelledImages {
  const pickle = readPickle(name, bytes);
  const key = set === 'cifar10' ? 'labels' : `${wanted}_labels`;
  const data = entryOf(pickle, 'data');
  const labels = entryOf(pickle, key);
  if (!(data instanceof ByteArray) || data.shape.length !== 2 || data.shape[1] !== PICTURE) {
    throw pythonMissing(name, 'data', `N×${PICTURE} bytes`);
  }
  const count = data.data.length / PICTURE;
  if (!Array.isArray(labels) || labels.length !== count || count === 0) {
    throw pythonMissing(name, key, `${count} labels`);
  }
  const numbers = labels.map((label) => (typeof label === 'number' ? label : NaN));
  checkLabels(name, numbers, 256);
  return { count, images: data.data, labels: Uint8Array.from(numbers) };
}

function entryOf(pickle: Pickled, key: string): Pickled | undefined {
  return pickle instanceof Map ? pickle.get(key) : undefined;
}

function pythonMissing(file: string, key: string, expected: string): FathomError {
  return new FathomError(
    'cifar-python',
    `${file}: expected "${key}" with ${expected}, found none or something else`,
    { file, key, expected },
  );
}

/** The names of the classes. Throws a FathomError `cifar-classes` unless there are as many as expected. */
function namesIn(
  { name, set, version, bytes }: Member,
  labels: Labels,
  expected: number,
): string[] {
  const key = set === 'cifar10' ? 'label_names' : `${labels}_label_names`;
  const names = version === 'python' ? listIn(name, bytes, key) : linesOf(bytes);
  if (names.length !== expected) {
    throw new FathomError(
      'cifar-classes',
      `${name}: expected ${expected} class names, found ${names.length}`,
      { file: name, expected, found: names.length },
    );
  }
  return names;
}

/** One name a line. */
function linesOf(bytes: Uint8Array): string[] {
  const lines = new TextDecoder().decode(bytes).split('\n');
  return lines.map((line) => line.trim()).filter((line) => line !== '');
}

function listIn(file: string, bytes: Uint8Array, key: string): string[] {
  const list = entryOf(readPickle(file, bytes), key);
  if (!Array.isArray(list)) throw pythonMissing(file, key, 'a list of names');
  return list.map((name) => {
    if (typeof name === 'string') return name;
    if (name instanceof Uint8Array && name.length <= MAX_NAME_BYTES)
      return new TextDecoder().decode(name);
    throw pythonMissing(file, key, 'a list of names');
  });
}
