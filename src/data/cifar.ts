/**
 * CIFAR-10, binary version (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html): records of
 * one label byte and 3×32×32 picture bytes, 10,000 a file in the official archive, any number here.
 */
import { createTarDecoder } from 'modern-tar';
import { FathomError } from '../errors.ts';
import { assemble, checkLabels, duplicate, fitPictures, trainingFilesMissing } from './assemble.ts';
import type { Dataset, LabelledImages } from './dataset.ts';
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

const SHAPE = { channels: 3, height: 32, width: 32 };
const PICTURE = SHAPE.channels * SHAPE.height * SHAPE.width;
const RECORD = 1 + PICTURE;

const CLASSES = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];

export type CifarPart = 'train' | 'test' | 'names';

/** What a file of the set holds, told by its name; null if it is none of them. */
export function cifarPartByName(name: string): CifarPart | null {
  const base = baseName(name);
  if (/^data_batch_\d+\.bin(\.gz)?$/.test(base)) return 'train';
  if (/^test_batch\.bin(\.gz)?$/.test(base)) return 'test';
  return base === 'batches.meta.txt' ? 'names' : null;
}

/** A file of the set, read. */
interface Batch {
  /** As messages show it: with the archive it lies in. */
  name: string;
  part: CifarPart;
  bytes: Uint8Array;
}

/** Labels and pictures of a batch. Throws FathomErrors `cifar-length` and `label-range`. */
function parseCifar(name: string, bytes: Uint8Array): LabelledImages {
  const count = bytes.length / RECORD;
  if (count === 0 || !Number.isInteger(count)) {
    throw new FathomError(
      'cifar-length',
      `${name}: expected a multiple of ${RECORD} bytes (a label and 3×32×32 bytes a picture), found ${bytes.length}`,
      { file: name, record: RECORD, found: bytes.length },
    );
  }
  const labels = new Uint8Array(count);
  const images = new Uint8Array(count * PICTURE);
  for (let i = 0; i < count; i++) {
    labels[i] = bytes[i * RECORD] ?? 0;
    images.set(bytes.subarray(i * RECORD + 1, (i + 1) * RECORD), i * PICTURE);
  }
  checkLabels(name, labels, CLASSES.length);
  return { count, images, labels };
}

/** Reads the official archive, `cifar-10-binary.tar.gz`, or a .tar of it. */
export async function readCifarArchive(
  archive: NamedBlob,
  size: number,
  onBytes: OnBytes,
): Promise<Dataset> {
  return readBatches(archive.name, batchesIn(archive, onBytes), size);
}

/** Reads loose files: `data_batch_*.bin`, `test_batch.bin`, `batches.meta.txt`. */
export async function readCifarFiles(
  files: { file: NamedBlob; part: CifarPart }[],
  size: number,
  onBytes: OnBytes,
): Promise<Dataset> {
  async function* batches(): AsyncGenerator<Batch> {
    for (const { file, part } of files) {
      yield { name: file.name, part, bytes: await readContent(file, onBytes) };
    }
  }
  return readBatches(files[0]?.file.name ?? '', batches(), size);
}

/** The files of the set in an archive, one after the other; throws a FathomError `tar-damaged`. */
async function* batchesIn(archive: NamedBlob, onBytes: OnBytes): AsyncGenerator<Batch> {
  const content = streamFrom(contentOf(archive, onBytes));
  try {
    for await (const { header, body } of valuesOf(
      content.pipeThrough(createTarDecoder({ strict: true })),
    )) {
      const part = header.type === 'file' ? cifarPartByName(header.name) : null;
      if (part) {
        const name = `${archive.name}/${baseName(header.name)}`;
        yield { name, part, bytes: await collect(name, valuesOf(body)) };
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
interface Part {
  name: string;
  pictures: LabelledImages;
}

/** Batches may come in any order: they are joined in the order of their names. */
async function readBatches(
  source: string,
  batches: AsyncGenerator<Batch>,
  size: number,
): Promise<Dataset> {
  const found = { train: new Map<string, Part>(), test: new Map<string, Part>() };
  let classes = CLASSES;
  for await (const { name, part, bytes } of batches) {
    if (part === 'names') {
      classes = parseNames(name, bytes);
      continue;
    }
    const key = baseName(name);
    const other = found[part].get(key);
    if (other) throw duplicate(other.name, name);
    const pictures = await fitPictures(name, parseCifar(name, bytes), SHAPE, size);
    found[part].set(key, { name, pictures });
  }
  const train = join(found.train);
  const test = join(found.test);
  if (!train && test) throw trainingFilesMissing(source);
  if (!train) {
    throw new FathomError(
      'cifar-missing',
      `${source}: expected data_batch_1.bin … data_batch_5.bin of CIFAR-10's binary version, found none`,
      { file: source },
    );
  }
  return assemble(
    { id: 'cifar10', title: 'CIFAR-10', classes, channels: SHAPE.channels, train, test },
    size,
  );
}

function join(batches: Map<string, Part>): LabelledImages | null {
  const parts = [...batches].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => part.pictures);
  if (parts.length === 0) return null;
  return {
    count: parts.reduce((sum, part) => sum + part.count, 0),
    images: concatenate(parts.map((part) => part.images)),
    labels: concatenate(parts.map((part) => part.labels)),
  };
}

/** One class name a line. Throws a FathomError `cifar-classes` unless there are ten. */
function parseNames(name: string, bytes: Uint8Array): string[] {
  const names = new TextDecoder()
    .decode(bytes)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (names.length !== CLASSES.length) {
    throw new FathomError(
      'cifar-classes',
      `${name}: expected ${CLASSES.length} class names, found ${names.length}`,
      { file: name, expected: CLASSES.length, found: names.length },
    );
  }
  return names;
}
