/**
 * Sets saved by NumPy's `savez` (.npz: a zip of .npy arrays), as Keras keeps them: x_train, y_train,
 * x_test, y_test. The names of MedMNIST (train_images, train_labels …) are read as well.
 *
 * Pictures are unsigned bytes, N×H×W or N×H×W×C with one or three channels; labels are integers, N or
 * N×1. Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { FathomError } from '../errors.ts';
import {
  assemble,
  checkLabels,
  fitPictures,
  numberedClasses,
  sideOf,
  trainingFilesMissing,
} from './assemble.ts';
import { MAX_CLASSES } from './dataset.ts';
import type { Dataset, LabelledImages, LoadProgress } from './dataset.ts';
import type { OnBytes } from './files.ts';
import { identify } from './known.ts';
import type { LoadOptions } from './options.ts';
import type { ZipEntry } from './zip.ts';

/** Names of the arrays: pictures and labels of the training and the test set. */
const CONVENTIONS = [
  { train: ['x_train', 'y_train'], test: ['x_test', 'y_test'] },
  { train: ['train_images', 'train_labels'], test: ['test_images', 'test_labels'] },
] as const;

/** An .npy file, opened. */
interface NpyArray {
  /** As messages show it: with the archive it lies in. */
  name: string;
  /** NumPy's name of the type without the byte order: `u1`, `i8` … */
  type: string;
  shape: number[];
  data: Uint8Array<ArrayBuffer>;
}

/** N×C×H×W bytes, with their shape. */
interface Pictures {
  count: number;
  channels: number;
  height: number;
  width: number;
  images: Uint8Array;
}

export function isNpz(entries: ZipEntry[]): boolean {
  return entries.some(({ name }) => name.endsWith('.npy'));
}

/**
 * Reads the arrays of a training set and, where there are some, of a test set.
 *
 * Throws FathomErrors: `npz-arrays`, `npy-header`, `npy-type`, `npy-shape`, `label-range`,
 * `training-files-missing`, `pictures-too-large` and those of {@link ZipEntry}.
 */
export async function readNpz(
  file: string,
  entries: ZipEntry[],
  options: LoadOptions,
  onBytes: OnBytes,
  progress?: LoadProgress,
): Promise<Dataset> {
  const byName = new Map(entries.map((entry) => [entry.name.replace(/\.npy$/, ''), entry]));
  const names =
    CONVENTIONS.find(({ train, test }) => [...train, ...test].some((name) => byName.has(name))) ??
    CONVENTIONS[0];
  const open = async (name: string): Promise<NpyArray> => {
    const entry = byName.get(name);
    if (entry) {
      const bytes = await entry.read();
      onBytes(entry.packedBytes);
      return parseNpy(`${file}/${entry.name}`, bytes);
    }
    const found = [...byName.keys()].slice(0, 10).join(', ');
    throw new FathomError(
      'npz-arrays',
      `${file}: expected the arrays x_train, y_train, x_test and y_test; ${name} is missing, found: ${found}`,
      { file, missing: name, found },
    );
  };
  const read = async (
    [images, labels]: readonly [string, string],
    size?: number,
  ): Promise<Half> => {
    const pictures = picturesIn(await open(images));
    const { count } = pictures;
    const half = { count, images: pictures.images, labels: labelsIn(await open(labels), count) };
    const report = (done: number) => progress?.('resize', done, count);
    return {
      channels: pictures.channels,
      pictures: await fitPictures(`${file}/${images}`, half, pictures, size, report),
    };
  };

  const has = (part: readonly string[]) => part.some((name) => byName.has(name));
  if (has(names.test) && !has(names.train)) throw trainingFilesMissing(file);
  const train = await read(names.train, options.size);
  const side = sideOf(train.pictures, train.channels);
  const test = has(names.test) ? await read(names.test, side) : null;
  if (test && test.channels !== train.channels) {
    throw shapeError(`${file}/${names.test[0]}`, `${train.channels} channels`, test.channels);
  }
  const parts = [train, ...(test ? [test] : [])].map(({ pictures }) => pictures.labels);
  const classes = numberedClasses(...parts);
  const identity = identify(options.known, { format: 'npz', file, classes });
  for (const labels of parts) checkLabels(file, labels, identity.classes.length);
  return assemble(
    {
      ...identity,
      channels: train.channels,
      train: train.pictures,
      test: test && test.pictures,
    },
    options,
  );
}

/** One part of a set, at its final size. */
interface Half {
  channels: number;
  pictures: LabelledImages;
}

/** \x93NUMPY */
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Type, shape and bytes of an array. Throws a FathomError `npy-header`. */
function parseNpy(name: string, bytes: Uint8Array<ArrayBuffer>): NpyArray {
  const wrong = (found: string) =>
    new FathomError(
      'npy-header',
      `${name}: expected an array in NumPy's format, rows first, found ${found}`,
      { file: name, found },
    );
  if (bytes.length < 12 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw wrong('another beginning');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [start, length] =
    bytes[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  if (start + length > bytes.length) throw wrong(`a header of ${length} bytes in ${bytes.length}`);
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const [, type] = /'descr':\s*'[<>|=]?([a-z]\d+)'/.exec(header) ?? [];
  const [, order] = /'fortran_order':\s*(True|False)/.exec(header) ?? [];
  const [, sizes] = /'shape':\s*\(([\d,\s]*)\)/.exec(header) ?? [];
  if (!type || order !== 'False' || sizes === undefined) throw wrong(header.trim().slice(0, 200));
  const shape = sizes
    .split(',')
    .filter((size) => size.trim() !== '')
    .map(Number);
  const data = bytes.subarray(start + length);
  const expected = Number(type.slice(1)) * shape.reduce((product, size) => product * size, 1);
  if (data.length !== expected) {
    throw wrong(`${data.length} bytes for ${shape.join(' × ')} of ${type}, which take ${expected}`);
  }
  // Big-endian integers are told apart from little-endian ones here, where the header is at hand.
  const bigEndian = /'descr':\s*'>/.test(header) && type !== 'u1' && type !== 'i1';
  if (bigEndian) throw wrong(`the byte order of ${type} reversed`);
  return { name, type, shape, data };
}

/** Pictures with their channels before rows and columns. Throws FathomErrors `npy-type`, `npy-shape`. */
function picturesIn({ name, type, shape, data }: NpyArray): Pictures {
  if (type !== 'u1') throw typeError(name, 'unsigned bytes (uint8)', type);
  const [count = 0, height = 0, width = 0, channels = 1] = shape;
  const dimensions = shape.length === 3 || (shape.length === 4 && [1, 3].includes(channels));
  if (!dimensions || data.length === 0) {
    throw shapeError(name, 'N × H × W, N × H × W × 1 or N × H × W × 3', shape.join(' × '));
  }
  return {
    count,
    channels,
    height,
    width,
    images: channels === 1 ? data : planar(data, channels, height * width),
  };
}

/** From N×H×W×C to N×C×H×W. */
function planar(data: Uint8Array, channels: number, plane: number): Uint8Array {
  const images = new Uint8Array(data.length);
  const picture = channels * plane;
  for (let start = 0; start < data.length; start += picture) {
    for (let i = 0, read = start; i < plane; i++) {
      for (let c = 0; c < channels; c++) images[start + c * plane + i] = data[read++] ?? 0;
    }
  }
  return images;
}

/** Labels as bytes. Throws FathomErrors `npy-type`, `npy-shape`, `label-range`. */
function labelsIn({ name, type, shape, data }: NpyArray, count: number): Uint8Array {
  const [length, columns = 1] = shape;
  if (length !== count || columns !== 1 || shape.length > 2) {
    throw shapeError(name, `${count} labels`, shape.join(' × '));
  }
  const labels = integers(type, data);
  if (!labels) throw typeError(name, 'integers', type);
  checkLabels(name, labels, MAX_CLASSES);
  return Uint8Array.from(labels);
}

/** Little-endian integers; null where the type is another. */
function integers(type: string, data: Uint8Array): number[] | null {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const size = Number(type.slice(1));
  const read = {
    u1: (at: number) => view.getUint8(at),
    i1: (at: number) => view.getInt8(at),
    u2: (at: number) => view.getUint16(at, true),
    i2: (at: number) => view.getInt16(at, true),
    u4: (at: number) => view.getUint32(at, true),
    i4: (at: number) => view.getInt32(at, true),
    u8: (at: number) => Number(view.getBigUint64(at, true)),
    i8: (at: number) => Number(view.getBigInt64(at, true)),
  }[type];
  if (!read) return null;
  return Array.from({ length: data.length / size }, (_, i) => read(i * size));
}

function typeError(file: string, expected: string, found: string): FathomError {
  return new FathomError('npy-type', `${file}: expected ${expected}, found ${found}`, {
    file,
    expected,
    found,
  });
}

function shapeError(file: string, expected: string, found: string | number): FathomError {
  return new FathomError('npy-shape', `${file}: expected ${expected}, found ${found}`, {
    file,
    expected,
    found,
  });
}
