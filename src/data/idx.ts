/**
 * The IDX files of MNIST and its family (Fashion-MNIST, KMNIST, EMNIST …): big-endian, a magic number
 * 00 00 08 d (unsigned bytes, d dimensions), d sizes of 32 bits, then the bytes. LeCun et al.,
 * "The MNIST database of handwritten digits".
 */
import { FathomError } from '../errors.ts';
import {
  assemble,
  checkLabels,
  duplicate,
  fitPictures,
  numberedClasses,
  sideOf,
  trainingFilesMissing,
} from './assemble.ts';
import type { Dataset, LabelledImages, LoadProgress } from './dataset.ts';
import { baseName, readContent } from './files.ts';
import type { NamedBlob, OnBytes } from './files.ts';
import { identify } from './known.ts';
import type { KnownId } from './known.ts';
import type { LoadOptions } from './options.ts';

const MAGIC = { images: 0x803, labels: 0x801 } as const;
export type IdxKind = keyof typeof MAGIC;

type Pair = Record<IdxKind, NamedBlob>;
type Half = Partial<Pair>;

/** What recognizes the sets of the family: the first labels of the official training file, or else its name. */
const FAMILY: { id: KnownId; firstLabels: number[]; name: RegExp }[] = [
  {
    id: 'fashion-mnist',
    firstLabels: [9, 0, 0, 3, 0, 2, 7, 2, 5, 5, 0, 9, 5, 5, 7, 9],
    name: /fashion/i,
  },
  {
    id: 'mnist',
    firstLabels: [5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5, 3, 6, 1, 7],
    name: /(^|[^a-z])mnist/i,
  },
];

/** What an IDX file holds, told by its name; null if the name does not say. */
export function idxKindByName(name: string): IdxKind | null {
  const [, kind] = /(images|labels)[-.]idx[13]-ubyte(\.gz)?$/i.exec(baseName(name)) ?? [];
  return kind ? (kind.toLowerCase() as IdxKind) : null;
}

/** What an IDX file holds, told by its magic number; null if it is none of pictures or labels. */
export function idxKindByMagic(head: Uint8Array): IdxKind | null {
  if (head.length < 4) return null;
  const magic = new DataView(head.buffer, head.byteOffset).getUint32(0);
  if (magic === MAGIC.images) return 'images';
  return magic === MAGIC.labels ? 'labels' : null;
}

/** Dimensions and bytes of an IDX file. Throws FathomErrors `idx-magic`, `idx-length`, `idx-empty`. */
function parseIdx(
  name: string,
  kind: IdxKind,
  bytes: Uint8Array,
): { sizes: number[]; data: Uint8Array } {
  const dimensions = MAGIC[kind] & 0xff;
  const headerLength = 4 + 4 * dimensions;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length >= 4 && view.getUint32(0) !== MAGIC[kind]) {
    const [expected, found] = [hex(MAGIC[kind]), hex(view.getUint32(0))];
    throw new FathomError(
      'idx-magic',
      `${name}: expected IDX ${kind} with magic number ${expected}, found ${found}`,
      { file: name, kind, expected, found },
    );
  }
  const wrongLength = (expected: number) =>
    new FathomError(
      'idx-length',
      `${name}: expected ${expected} bytes (IDX header and data), found ${bytes.length}`,
      { file: name, expected, found: bytes.length },
    );
  if (bytes.length < headerLength) throw wrongLength(headerLength);
  const sizes = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  if (sizes.includes(0)) {
    throw new FathomError(
      'idx-empty',
      `${name}: expected at least one picture, found dimensions ${sizes.join(' × ')}`,
      { file: name, found: sizes.join(' × ') },
    );
  }
  const length = headerLength + sizes.reduce((product, size) => product * size);
  if (bytes.length !== length) throw wrongLength(length);
  return { sizes, data: bytes.subarray(headerLength) };
}

const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`;

/**
 * Reads pictures and labels of a training set and, where given, of a test set (files named t10k or
 * test). Without test files a share of the training set is held out.
 *
 * Throws FathomErrors: those of {@link parseIdx}, `duplicate-files`, `training-files-missing`,
 * `idx-pair-missing`, `idx-counts`, `label-range`, `pictures-too-large`.
 */
export async function readIdx(
  files: { file: NamedBlob; kind: IdxKind }[],
  options: LoadOptions,
  onBytes: OnBytes,
  progress?: LoadProgress,
): Promise<Dataset> {
  const sorted: { train: Half; test: Half } = { train: {}, test: {} };
  for (const { file, kind } of files) {
    const half = sorted[/t10k|test/i.test(baseName(file.name)) ? 'test' : 'train'];
    const other = half[kind];
    if (other) throw duplicate(other.name, file.name);
    half[kind] = file;
  }
  const trainPair = pairOf(sorted.train);
  const testPair = pairOf(sorted.test);
  if (!trainPair) throw trainingFilesMissing(testPair?.images.name ?? '');

  const read = async ({ images, labels }: Pair, size?: number): Promise<LabelledImages> => {
    const pictures = parseIdx(images.name, 'images', await readContent(images, onBytes));
    const classes = parseIdx(labels.name, 'labels', await readContent(labels, onBytes));
    const [count = 0, height = 0, width = 0] = pictures.sizes;
    if (classes.data.length !== count) {
      throw new FathomError(
        'idx-counts',
        `${images.name} holds ${count} pictures, ${labels.name} holds ${classes.data.length} labels: expected as many`,
        {
          images: images.name,
          imageCount: count,
          labels: labels.name,
          labelCount: classes.data.length,
        },
      );
    }
    return fitPictures(
      images.name,
      { count, images: pictures.data, labels: classes.data },
      { channels: 1, height, width },
      size,
      (done) => progress?.('resize', done, count),
    );
  };
  const train = await read(trainPair, options.size);
  const file = trainPair.images.name;
  const identity = identify(familyOf(file, train.labels) ?? options.known, {
    format: 'idx',
    file,
    classes: numberedClasses(train.labels),
  });
  checkLabels(trainPair.labels.name, train.labels, identity.classes.length);
  const test = testPair ? await read(testPair, sideOf(train, 1)) : null;
  if (testPair && test) checkLabels(testPair.labels.name, test.labels, identity.classes.length);
  return assemble({ ...identity, channels: 1, train, test }, options);
}

/** Both files of a half, null if it has none. Throws a FathomError `idx-pair-missing`. */
function pairOf({ images, labels }: Half): Pair | null {
  if (images && labels) return { images, labels };
  const lone = images ?? labels;
  if (!lone) return null;
  const [has, missing] = images ? ['pictures', 'labels'] : ['labels', 'pictures'];
  throw new FathomError(
    'idx-pair-missing',
    `${lone.name} holds ${has}: expected the file of its ${missing} beside it (images-idx3-ubyte and labels-idx1-ubyte), found none`,
    { file: lone.name, missing: images ? 'labels-idx1-ubyte' : 'images-idx3-ubyte' },
  );
}

/** Which known set the labels, or else the file's name, belong to. */
function familyOf(name: string, labels: Uint8Array): KnownId | undefined {
  const family =
    FAMILY.find(({ firstLabels }) => firstLabels.every((label, i) => labels[i] === label)) ??
    FAMILY.find((set) => set.name.test(name));
  return family?.id;
}
