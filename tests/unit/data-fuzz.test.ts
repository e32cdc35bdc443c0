/**
 * Every reader against damaged files: cut short, with flipped or repeated bytes, with lengths of all
 * ones. Each gives a whole data set or a FathomError that names the file, soon and in little memory.
 */
import { crc32, deflateRawSync, gunzipSync } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { describe, expect, test } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import type { NamedBlob } from '../../src/data/load.ts';
import { FathomError } from '../../src/errors.ts';
import { streamOf, uniform } from '../../src/random.ts';
import { checkStruct } from '../../src/data/parquet_guard.ts';
import { openZip } from '../../src/data/zip.ts';
import { failureOf, file, fixture, load } from './data-files.ts';
import type { Bytes } from './data-files.ts';

const CASES = 200;
/** Of one damaged file; a hang takes for ever, and a slow machine a few tenths. */
const MAX_SECONDS = 5;
/** Of the whole process over all cases of a reader: garbage of small files, never what a header claims. */
const MAX_GROWTH = 400 * 2 ** 20;

type Draw = (below: number) => number;

/** Random numbers of one case. */
function drawer(name: string, index: number): Draw {
  let drawn = 0;
  return (below) => Math.floor(uniform(index, streamOf(`fuzz ${name}`), drawn++) * below);
}

/** A damaged copy. Damage is as likely near the beginning and the end, where headers lie, as in between. */
function damaged(bytes: Bytes, draw: Draw): Bytes {
  const place = () => {
    const near = draw(Math.min(512, bytes.length));
    return [near, bytes.length - 1 - near, draw(bytes.length)][draw(3)] ?? 0;
  };
  const copy = bytes.slice();
  switch (draw(6)) {
    case 0:
      return copy.slice(0, place());
    case 1:
      for (let i = draw(8); i >= 0; i--) copy[place()] = draw(256);
      return copy;
    case 2:
      copy[place()]! ^= 1 << draw(8);
      return copy;
    case 3: {
      const at = place();
      return copy.fill(255, at, at + 1 + draw(8));
    }
    case 4: {
      const at = place();
      return copy.fill(0, at, at + 1 + draw(64));
    }
    default: {
      // A piece twice.
      const at = place();
      const piece = copy.subarray(at, at + 1 + draw(64));
      return new Uint8Array([...copy.subarray(0, at), ...piece, ...copy.subarray(at)]);
    }
  }
}

function expectWhole({ channels, classes, train, test: held, statistics }: Dataset): void {
  for (const { count, images, labels } of [train, held]) {
    expect(count).toBeGreaterThan(0);
    expect([images.length, labels.length]).toEqual([count * channels * 16 * 16, count]);
    expect(labels.every((label) => label < classes.length)).toBe(true);
  }
  expect([...statistics.mean, ...statistics.std].every(Number.isFinite)).toBe(true);
}

/** Decodes anything: what is tried are the containers. */
const decode = (bytes: Bytes) =>
  bytes.length < 8
    ? Promise.reject(new Error('too short'))
    : Promise.resolve({ height: 1, width: 1, data: bytes.slice(-4) });

const untar = async (name: string) => {
  const entries = await unpackTar(gunzipSync(fixture(name)));
  return new Map(
    entries.map(({ header, data }) => [
      header.name.replace(/^.*\//, ''),
      new Uint8Array(data ?? []),
    ]),
  );
};
const python = await untar('cifar10-tiny-python.tar.gz');
const python100 = await untar('cifar100-tiny-python.tar.gz');
const binary100 = await untar('cifar100-tiny-binary.tar.gz');
const unzipped = (name: string): Bytes => new Uint8Array(gunzipSync(fixture(name)));
const imagesFile = file(
  'train-images-idx3-ubyte',
  unzipped('fashion-mnist-tiny/train-images-idx3-ubyte.gz'),
);
const labelsFile = file(
  'train-labels-idx1-ubyte',
  unzipped('fashion-mnist-tiny/train-labels-idx1-ubyte.gz'),
);

/** A zip of these files, whose sizes may be claimed to be others; `shared` gives every entry the first one's data. */
function zipOf(
  files: Record<string, Bytes>,
  { claimed, shared = false }: { claimed?: number; shared?: boolean } = {},
): Bytes {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  for (const [name, bytes] of Object.entries(files)) {
    const packed = deflateRawSync(bytes, { level: 1 });
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(claimed ?? bytes.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const at = Buffer.alloc(4);
    at.writeUInt32LE(shared ? 0 : locals.reduce((sum, { length }) => sum + length, 0));
    locals.push(Buffer.from('PK\x03\x04'), fields, Buffer.from(name), packed);
    central.push(Buffer.from('PK\x01\x02\x14\0'), fields, Buffer.alloc(10), at, Buffer.from(name));
  }
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(Buffer.concat(central).length, 12);
  end.writeUInt32LE(Buffer.concat(locals).length, 16);
  return new Uint8Array(Buffer.concat([...locals, ...central, end]));
}

/** By reader: the file that is damaged, and those that lie beside it. */
const READERS: [name: string, bytes: Bytes, beside: NamedBlob[]][] = [
  [
    'train-images-idx3-ubyte',
    unzipped('fashion-mnist-tiny/train-images-idx3-ubyte.gz'),
    [labelsFile],
  ],
  [
    'train-labels-idx1-ubyte.gz',
    fixture('fashion-mnist-tiny/train-labels-idx1-ubyte.gz'),
    [imagesFile],
  ],
  ['cifar-10-python.tar', unzipped('cifar10-tiny-python.tar.gz'), []],
  ['data_batch_1', python.get('data_batch_1')!, []],
  [
    'batches.meta',
    python.get('batches.meta')!,
    [file('data_batch_1', python.get('data_batch_1')!)],
  ],
  ['train', python100.get('train')!, []],
  ['data_batch_5', fixture('cifar10-tiny-protocol5.pickle'), []],
  ['train.bin', binary100.get('train.bin')!, []],
  ['a.npz', fixture('fashion-mnist-tiny.npz'), []],
  ['b.npz', fixture('medmnist-tiny.npz'), []],
  ['snappy.parquet', fixture('hub/fashion-mnist/train-00000-of-00001.parquet'), []],
  ['zstd.parquet', fixture('hub/zstd-v2.parquet'), []],
  ['gzip.parquet', fixture('hub/gzip-plain.parquet'), []],
  ['plain.parquet', fixture('hub/plain.parquet'), []],
  ['own.zip', fixture('own-images.zip'), []],
];

describe('damaged files give a whole set or say what is wrong', () => {
  test.each(READERS)(
    '%s',
    async (name, bytes, beside) => {
      // The file, or the one beside it that no longer fits.
      const named = new RegExp([name, ...beside.map((other) => other.name)].join('|'));
      const codes = new Map<string, number>();
      const before = process.memoryUsage().rss;
      for (let index = 0; index < CASES; index++) {
        const start = performance.now();
        const files = [file(name, damaged(bytes, drawer(name, index))), ...beside];
        const result = await load(files, { decode }).catch((error: unknown) => error);
        if (result instanceof Error) {
          if (!(result instanceof FathomError)) throw new Error(`case ${index}`, { cause: result });
          expect(result.message, `case ${index}`).toMatch(named);
          codes.set(result.code, (codes.get(result.code) ?? 0) + 1);
        } else {
          expectWhole(result as Dataset);
          codes.set('whole', (codes.get('whole') ?? 0) + 1);
        }
        expect((performance.now() - start) / 1000, `case ${index}`).toBeLessThan(MAX_SECONDS);
      }
      // Both ends occur: a reader that refused everything, or read anything, would not be one.
      expect(codes.size, JSON.stringify([...codes])).toBeGreaterThan(1);
      expect(process.memoryUsage().rss - before).toBeLessThan(MAX_GROWTH);
    },
    60_000,
  );
});

describe('arrays in a whole zip', () => {
  const npy = async (name: string): Promise<Bytes> => {
    const entries = await openZip(file('a.npz', fixture('fashion-mnist-tiny.npz')));
    return entries.find((entry) => entry.name === `${name}.npy`)!.read();
  };

  test('are damaged', async () => {
    const [x_train, y_train] = [await npy('x_train'), await npy('y_train')];
    const codes = new Set<string>();
    // Headers are the part that is parsed.
    const beheaded = (bytes: Bytes, draw: Draw): Bytes =>
      new Uint8Array([...damaged(bytes.slice(0, 128), draw), ...bytes.subarray(128)]);
    for (let index = 0; index < CASES; index++) {
      const draw = drawer('npy', index);
      const first = index % 2 === 0;
      const x = first ? beheaded(x_train, draw) : x_train;
      const y = first ? y_train : beheaded(y_train, draw);
      const archive = file('a.npz', zipOf({ 'x_train.npy': x, 'y_train.npy': y }));
      const result = await load([archive]).catch((error: unknown) => error);
      if (result instanceof Error) {
        if (!(result instanceof FathomError)) throw new Error(`case ${index}`, { cause: result });
        expect(result.message).toContain('a.npz');
        codes.add(result.code);
      } else {
        expectWhole(result as Dataset);
        codes.add('whole');
      }
    }
    expect([...codes].sort()).toEqual(['npy-header', 'whole']);
  }, 60_000);

  test('claim shapes of all the memory', async () => {
    const header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 1000, 1000), }";
    const bytes = new Uint8Array([
      0x93,
      ...Buffer.from('NUMPY'),
      1,
      0,
      header.length,
      0,
      ...Buffer.from(header),
    ]);
    const archive = file('a.npz', zipOf({ 'x_train.npy': bytes, 'y_train.npy': bytes }));
    const error = await failureOf(load([archive]), 'npy-header');
    expect(error.details['found']).toContain('which take 1000000000000');
  });
});

describe('archives that would fill the memory', () => {
  const picture = new Uint8Array(100);

  test('by what they unpack to', async () => {
    const bomb = zipOf({ 'a/1.png': new Uint8Array(2 ** 26 + 1), 'b/1.png': picture });
    expect(bomb.length).toBeLessThan(2 ** 20);
    const error = await failureOf(load([file('bomb.zip', bomb)], { decode }), 'file-too-large');
    expect(error.details).toEqual({ file: 'bomb.zip/a/1.png', limit: 2 ** 26 });
  });

  test('by entries that share their data, or claim another size', async () => {
    const files = { 'a/1.png': picture, 'b/1.png': picture };
    expect((await load([file('a.zip', zipOf(files))], { decode })).train.count).toBe(1);
    const overlap = zipOf(files, { shared: true });
    await failureOf(load([file('overlap.zip', overlap)], { decode }), 'zip-damaged');
    for (const claimed of [99, 101, 2 ** 32 - 2]) {
      const archive = file('size.zip', zipOf(files, { claimed }));
      await failureOf(load([archive], { decode }), 'zip-damaged');
    }
  });

  test('names that lead out of the archive are refused', async () => {
    const files = {
      '../../../../tmp/a/1.png': picture,
      'C:\\windows\\b\\1.png': picture,
      '/etc/c/1.png': picture,
    };
    for (const [name, bytes] of Object.entries(files)) {
      const archive = file('paths.zip', zipOf({ 'a/1.png': picture, [name]: bytes }));
      const error = await failureOf(load([archive], { decode }), 'zip-damaged');
      expect(error.details['reason']).toBe('Unsafe filename');
    }
  });

  test('pictures of more pixels than are decoded', async () => {
    const huge = new Uint8Array(100).fill(0);
    huge.set([0x89, 0x50, 0x4e, 0x47]);
    new DataView(huge.buffer).setUint32(16, 60_000);
    new DataView(huge.buffer).setUint32(20, 60_000);
    const files = { 'a/1.png': huge, 'b/1.png': huge };
    const error = await failureOf(load([file('huge.zip', zipOf(files))]), 'pictures-unreadable');
    expect(error.message).toContain('60000×60000 pixels');
  });
});

describe('Parquet files that would fill the memory', () => {
  test('by a run of levels far beyond their rows', async () => {
    const bytes = fixture('hub/plain.parquet');
    // Levels of the first page: four bytes of length, a run, the level 2; then the first PNG's length.
    const levels = bytes.findIndex(
      (_, i) => new DataView(bytes.buffer, i).getUint32(0, true) === 2 && bytes[i + 10] === 0x89,
    );
    expect(levels).toBeGreaterThan(0);
    bytes.set([9, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f, 2], levels);
    const error = await failureOf(
      load([file('run.parquet', bytes)], { decode }),
      'parquet-damaged',
    );
    expect(error.details['reason']).toContain('a run of 2147483647');
  });

  test('by lists longer than their bytes, or structs without an end', () => {
    const struct =
      (...bytes: number[]) =>
      () =>
        checkStruct(new Uint8Array(bytes));
    expect(struct(0)).not.toThrow();
    // Field 1: a list of three bytes; of 2^28 structs; of lists, seventeen deep.
    expect(struct(0x19, 0x33, 1, 2, 3, 0)).not.toThrow();
    expect(struct(0x19, 0xfc, 0x80, 0x80, 0x80, 0x80, 1, 0, 0)).toThrow('a list of 268435456 in 2');
    expect(struct(...new Array<number>(40).fill(0x19))).toThrow('a list of 1 in');
    expect(struct(...new Array<number>(40).fill(0x1c))).toThrow('structs too deep');
    expect(struct(0x18, 0xff, 0xff, 0xff, 0x7f, 0)).toThrow('268435455 bytes expected, 1 left');
    expect(struct(0x15)).toThrow('the bytes end too early');
  });
});
