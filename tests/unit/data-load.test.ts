/** Opening data sets from files: real ones, whole and broken. */
import { existsSync, openAsBlob } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { packTar, unpackTar } from 'modern-tar';
import { describe, expect, test } from 'vitest';
import { collect, contentOf } from '../../src/data/files.ts';
import { loadFiles } from '../../src/data/load.ts';
import type { NamedBlob } from '../../src/data/load.ts';
import { checksum, summary } from './data-checksum.ts';
import { failureOf, file, fixture, load } from './data-files.ts';
import type { Bytes } from './data-files.ts';

const unpacked = (bytes: Bytes): Bytes => new Uint8Array(gunzipSync(bytes));
const packed = (bytes: Bytes): Bytes => new Uint8Array(gzipSync(bytes));

/** The FathomError of this code that reading these files ends with. */
const failure = (files: NamedBlob[], code: string) => failureOf(load(files), code);

const IDX_NAMES = {
  trainImages: 'train-images-idx3-ubyte.gz',
  trainLabels: 'train-labels-idx1-ubyte.gz',
  testImages: 't10k-images-idx3-ubyte.gz',
  testLabels: 't10k-labels-idx1-ubyte.gz',
};
const idxFile = (name: string) => file(name, fixture(`fashion-mnist-tiny/${name}`));
const idx = {
  trainImages: idxFile(IDX_NAMES.trainImages),
  trainLabels: idxFile(IDX_NAMES.trainLabels),
  testImages: idxFile(IDX_NAMES.testImages),
  testLabels: idxFile(IDX_NAMES.testLabels),
};
const trainImageBytes = unpacked(fixture(`fashion-mnist-tiny/${IDX_NAMES.trainImages}`));
const trainLabelBytes = unpacked(fixture(`fashion-mnist-tiny/${IDX_NAMES.trainLabels}`));

const archive = file('cifar-10-binary.tar.gz', fixture('cifar10-tiny.tar.gz'));
const entries = await unpackTar(unpacked(fixture('cifar10-tiny.tar.gz')));
const cifarFiles = entries.map(({ header, data }) =>
  file(header.name.replace(/^.*\//, ''), data ?? new Uint8Array()),
);
const batch = async (name: string): Promise<Bytes> => {
  const found = cifarFiles.find((one) => one.name === name);
  return new Uint8Array((await found?.blob.arrayBuffer()) ?? []);
};

/** A copy with some bytes replaced. */
function changed(bytes: Bytes, at: number, ...values: number[]): Bytes {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}

describe('IDX files', () => {
  test('Fashion-MNIST is read, gzipped, in any order', async () => {
    const set = await loadFiles(
      [idx.testLabels, idx.trainImages, idx.testImages, idx.trainLabels],
      { size: 28 },
    );
    expect(set).toMatchObject({
      id: 'fashion-mnist',
      title: 'Fashion-MNIST',
      channels: 1,
      height: 28,
      width: 28,
    });
    expect(set.classes).toHaveLength(10);
    expect(set.classes[9]).toBe('Ankle boot');
    expect([set.train.count, set.test.count]).toEqual([120, 40]);
    expect([...set.train.labels.subarray(0, 4)]).toEqual([9, 0, 0, 3]);
    expect([...set.test.labels.subarray(0, 4)]).toEqual([9, 2, 1, 1]);
    expect(checksum(set.train.images)).toBe(checksum(trainImageBytes.subarray(16)));
  });

  test('files without .gz and twins of packed ones are read once', async () => {
    const plain = [
      file('raw/train-images-idx3-ubyte', trainImageBytes),
      file('raw/train-labels-idx1-ubyte', trainLabelBytes),
    ];
    const twins = [
      { ...idx.trainImages, name: `raw/${IDX_NAMES.trainImages}` },
      { ...idx.trainLabels, name: `raw/${IDX_NAMES.trainLabels}` },
    ];
    const options = { size: 16 };
    const set = await loadFiles([...twins, ...plain], options);
    expect(summary(set)).toEqual(summary(await loadFiles(plain, options)));
  });

  test('files are recognized by content where their names say nothing', async () => {
    const set = await loadFiles(
      [file('pictures', packed(trainImageBytes)), file('labels', trainLabelBytes)],
      { size: 16 },
    );
    expect(set.id).toBe('fashion-mnist');
  });

  test('names tell the set where labels do not; unknown sets get numbers for classes', async () => {
    // Other labels than the official order: 0, 1, 2, 0, 1, 2, …
    const labels = trainLabelBytes.map((value, i) => (i < 8 ? value : i % 3));
    const at = async (folder: string) => {
      const files = [
        file(`${folder}/train-images-idx3-ubyte`, trainImageBytes),
        file(`${folder}/train-labels-idx1-ubyte`, labels),
      ];
      return loadFiles(files, { size: 16 });
    };
    expect((await at('data/Fashion')).classes[0]).toBe('T-shirt/top');
    expect((await at('data/mnist')).classes[9]).toBe('9');
    expect((await at('data/mnist')).id).toBe('mnist');
    expect(await at('data/kmnist')).toMatchObject({
      id: 'idx:train-images-idx3-ubyte',
      classes: ['0', '1', '2'],
    });
  });

  test('MNIST is recognized by the order of its labels', async () => {
    const labels = changed(trainLabelBytes, 8, 5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5, 3, 6, 1, 7);
    const set = await loadFiles([idx.trainImages, file('train-labels-idx1-ubyte', labels)], {
      size: 16,
    });
    expect(set.title).toMatch(/^MNIST/);
  });

  test('without test files a sixth is held out, always the same, and the title says so', async () => {
    const open = () => loadFiles([idx.trainImages, idx.trainLabels], { size: 28 });
    const set = await open();
    expect(set.title).toBe('Fashion-MNIST (test set: 20 of the images)');
    expect([set.train.count, set.test.count]).toEqual([100, 20]);
    expect(summary(await open())).toEqual(summary(set));
    // Drawn from the whole set, not cut off at its end.
    expect([...set.test.labels]).not.toEqual([...trainLabelBytes.subarray(-20)]);
    // Every picture stands in one of the two, with its label.
    const pairs = (images: Uint8Array, labels: Uint8Array) =>
      [...labels].map(
        (label, i) => `${label} ${checksum(images.subarray(i * 784, (i + 1) * 784))}`,
      );
    expect(
      [
        ...pairs(set.train.images, set.train.labels),
        ...pairs(set.test.images, set.test.labels),
      ].sort(),
    ).toEqual(pairs(trainImageBytes.subarray(16), trainLabelBytes.subarray(8)).sort());
  });

  test('progress counts the bytes on the disk, then pictures', async () => {
    const files = Object.values(idx);
    const total = files.reduce((sum, { blob }) => sum + blob.size, 0);
    const seen: [string, number, number][] = [];
    await loadFiles(files, { size: 16 }, (...report) => seen.push(report));
    expect(seen.findLast(([stage]) => stage === 'read')).toEqual(['read', total, total]);
    expect(seen).toContainEqual(['resize', 120, 120]);
  });
});

describe('CIFAR-10', () => {
  test('the archive is read', async () => {
    const set = await loadFiles([archive], { size: 32 });
    expect(set).toMatchObject({ id: 'cifar10', title: 'CIFAR-10', channels: 3, height: 32 });
    expect(set.classes[6]).toBe('frog');
    expect([set.train.count, set.test.count]).toEqual([100, 20]);
    // The first record of data_batch_1.bin: a frog, red plane first.
    expect(set.train.labels[0]).toBe(6);
    expect([...set.train.images.subarray(0, 4)]).toEqual([59, 43, 50, 68]);
    const last = await batch('data_batch_5.bin');
    expect(checksum(set.train.images.subarray(99 * 3072))).toBe(
      checksum(last.subarray(19 * 3073 + 1)),
    );
  });

  test('loose files, in any order, and a plain tar give the same', async () => {
    const options = { size: 16 };
    const expected = summary(await loadFiles([archive], options));
    const tar = file('cifar-10-binary.tar', unpacked(fixture('cifar10-tiny.tar.gz')));
    for (const files of [cifarFiles.toReversed(), [tar], [{ ...archive, name: 'download' }]]) {
      expect(summary(await loadFiles(files, options))).toEqual(expected);
    }
  });

  test.each([2, 600, 100_000])(
    'files of an archive come in any order, foreign ones of %i bytes between them',
    async (size) => {
      const foreign = {
        header: { name: 'cifar-10-batches-bin/readme.html', size },
        data: new Uint8Array(size),
      };
      const tar = packed(await packTar([foreign, ...entries.toReversed(), foreign]));
      const set = await loadFiles([file('mine.tgz', tar)], { size: 16 });
      expect(summary(set)).toEqual(summary(await loadFiles([archive], { size: 16 })));
    },
  );

  test('without batches.meta.txt and test_batch.bin', async () => {
    const some = cifarFiles.filter(({ name }) => name.startsWith('data_batch'));
    const set = await loadFiles(some, { size: 16 });
    expect(set.classes[0]).toBe('airplane');
    expect(set.title).toBe('CIFAR-10 (test set: 16 of the images)');
    expect([set.train.count, set.test.count]).toEqual([84, 16]);
  });

  test('other class names are taken from batches.meta.txt', async () => {
    const names = 'a b c d e f g h i j'.split(' ');
    const meta = new TextEncoder().encode(`${names.join('\r\n')}\n\n`);
    const set = await loadFiles(
      [file('data_batch_1.bin', await batch('data_batch_1.bin')), file('batches.meta.txt', meta)],
      { size: 16 },
    );
    expect(set.classes).toEqual(names);
  });
});

describe('files that are refused', () => {
  test('none at all', async () => {
    await failure([], 'no-files');
  });

  test('foreign ones', async () => {
    const error = await failure([file('cat.txt', fixture('README.md'))], 'unknown-file');
    expect(error.message).toContain('cat.txt');
    await failure([file('empty', new Uint8Array())], 'unknown-file');
  });

  test('two sets at once, or the same part twice', async () => {
    const mixed = await failure([archive, idx.trainImages, idx.trainLabels], 'mixed-sets');
    expect(mixed.details).toEqual({ file: archive.name, other: IDX_NAMES.trainImages });
    await failure([archive, { ...archive, name: 'b.tar.gz' }], 'duplicate-files');
    await failure([idx.trainImages, idx.trainImages, idx.trainLabels], 'duplicate-files');
    const one = file('a/data_batch_1.bin', await batch('data_batch_1.bin'));
    const error = await failure([one, { ...one, name: 'b/data_batch_1.bin' }], 'duplicate-files');
    expect(error.details).toEqual({ file: 'a/data_batch_1.bin', other: 'b/data_batch_1.bin' });
  });

  test('test files without training files', async () => {
    await failure([idx.testImages, idx.testLabels], 'training-files-missing');
    const lone = file('test_batch.bin', await batch('test_batch.bin'));
    const error = await failure([lone], 'training-files-missing');
    expect(error.details).toEqual({ file: 'test_batch.bin' });
  });

  test('pictures without labels, labels without pictures', async () => {
    const noLabels = await failure([idx.trainImages], 'idx-pair-missing');
    expect(noLabels.details).toEqual({
      file: IDX_NAMES.trainImages,
      missing: 'labels-idx1-ubyte',
    });
    const noImages = await failure([idx.trainLabels], 'idx-pair-missing');
    expect(noImages.details['missing']).toBe('images-idx3-ubyte');
  });

  test('a wrong magic number', async () => {
    const error = await failure(
      [file('train-images-idx3-ubyte', trainLabelBytes), idx.trainLabels],
      'idx-magic',
    );
    expect(error.details).toEqual({
      file: 'train-images-idx3-ubyte',
      kind: 'images',
      expected: '0x00000803',
      found: '0x00000801',
    });
    expect(error.message).toContain('expected IDX images with magic number 0x00000803');
  });

  test('as many labels as pictures are expected', async () => {
    const fewer = changed(trainLabelBytes.slice(0, 8 + 119), 7, 119);
    const error = await failure(
      [idx.trainImages, file('train-labels-idx1-ubyte', fewer)],
      'idx-counts',
    );
    expect(error.details).toEqual({
      images: IDX_NAMES.trainImages,
      imageCount: 120,
      labels: 'train-labels-idx1-ubyte',
      labelCount: 119,
    });
  });

  test('IDX data cut short, too long, or shorter than its header', async () => {
    const whole = trainImageBytes.length;
    for (const [bytes, expected] of [
      [trainImageBytes.slice(0, -1), whole],
      [new Uint8Array([...trainImageBytes, 0]), whole],
      [trainImageBytes.slice(0, 10), 16],
      [new Uint8Array(), 16],
    ] as const) {
      const error = await failure(
        [file('train-images-idx3-ubyte', bytes), idx.trainLabels],
        'idx-length',
      );
      expect(error.details).toEqual({
        file: 'train-images-idx3-ubyte',
        expected,
        found: bytes.length,
      });
    }
  });

  test('huge declared lengths, without allocating them', async () => {
    const huge = changed(trainImageBytes, 4, ...new Array<number>(12).fill(0xff));
    const error = await failure(
      [file('train-images-idx3-ubyte', huge), idx.trainLabels],
      'idx-length',
    );
    expect(error.details['expected']).toBeGreaterThan(7e28);
  });

  test('no pictures', async () => {
    const none = changed(trainImageBytes.slice(0, 16), 4, 0, 0, 0, 0);
    await failure([file('train-images-idx3-ubyte', none), idx.trainLabels], 'idx-empty');
  });

  test('many tiny pictures that would fill the memory once enlarged', async () => {
    const count = 300_000;
    const header = new DataView(new ArrayBuffer(16));
    [0x803, count, 1, 1].forEach((word, i) => header.setUint32(4 * i, word));
    const images = new Uint8Array(16 + count);
    images.set(new Uint8Array(header.buffer));
    const labels = new Uint8Array(8 + count);
    header.setUint32(0, 0x801);
    labels.set(new Uint8Array(header.buffer, 0, 8));
    const files = [file('a-images-idx3-ubyte', images), file('a-labels-idx1-ubyte', labels)];
    await expect(loadFiles(files, { size: 64 })).rejects.toMatchObject({
      code: 'pictures-too-large',
      details: {
        file: 'a-images-idx3-ubyte',
        count,
        size: 64,
        bytes: count * 4096,
        limit: 2 ** 30,
      },
    });
  });

  test('a label that names no class', async () => {
    const bad = changed(await batch('data_batch_2.bin'), 12 * 3073, 17);
    const cifar = await failure([file('data_batch_2.bin', bad)], 'label-range');
    expect(cifar.details).toEqual({ file: 'data_batch_2.bin', highest: 9, label: 17, record: 12 });
    expect(cifar.message).toContain('expected labels 0…9, found 17 at record 12');
    const labels = file('train-labels-idx1-ubyte', changed(trainLabelBytes, 8 + 30, 10));
    expect((await failure([idx.trainImages, labels], 'label-range')).details['record']).toBe(30);
  });

  test('a CIFAR file of broken length', async () => {
    const bytes = (await batch('data_batch_1.bin')).slice(0, -5);
    const error = await failure([file('data_batch_1.bin', bytes)], 'cifar-length');
    expect(error.details).toEqual({
      file: 'data_batch_1.bin',
      record: 3073,
      found: 20 * 3073 - 5,
    });
    await failure([file('data_batch_1.bin', new Uint8Array())], 'cifar-length');
    const tar = await packTar(
      entries.map(({ header, data }) =>
        header.name.endsWith('data_batch_3.bin')
          ? { header: { ...header, size: bytes.length }, data: bytes }
          : { header, data },
      ),
    );
    const inside = await failure([file('mine.tar.gz', packed(tar))], 'cifar-length');
    expect(inside.details['file']).toBe('mine.tar.gz/data_batch_3.bin');
  });

  test('an archive without a set', async () => {
    const tar = packed(
      await packTar([{ header: { name: 'photos/cat.jpg', size: 3 }, data: new Uint8Array(3) }]),
    );
    const error = await failure([file('photos.tar.gz', tar)], 'cifar-missing');
    expect(error.details).toEqual({ file: 'photos.tar.gz' });
  });

  test('class names that are not ten', async () => {
    const error = await failure(
      [
        file('data_batch_1.bin', await batch('data_batch_1.bin')),
        file('batches.meta.txt', new TextEncoder().encode('cat\ndog\n')),
      ],
      'cifar-classes',
    );
    expect(error.details).toEqual({ file: 'batches.meta.txt', expected: 10, found: 2 });
  });

  test('what is not gzip although its name says so', async () => {
    const page = new TextEncoder().encode('<html>not found</html>');
    const error = await failure([file('cifar-10-binary.tar.gz', page)], 'not-gzip');
    expect(error.details).toEqual({ file: 'cifar-10-binary.tar.gz' });
    await failure([file(IDX_NAMES.trainImages, trainImageBytes), idx.trainLabels], 'not-gzip');
  });

  test.each([0.001, 0.3, 0.9, 0.9999])('gzip cut at %f of its length', async (share) => {
    const whole = fixture('cifar10-tiny.tar.gz');
    const cut = whole.slice(0, Math.floor(whole.length * share));
    const error = await failure([file('cifar-10-binary.tar.gz', cut)], 'gzip-damaged');
    expect(error.message).toContain('cifar-10-binary.tar.gz');
    expect(error.details['reason']).not.toBe('');
  });

  test('gzip with a flipped bit', async () => {
    const bytes = fixture(`fashion-mnist-tiny/${IDX_NAMES.trainImages}`);
    const bad = changed(bytes, 20_000, (bytes[20_000] ?? 0) ^ 4);
    await failure([file(IDX_NAMES.trainImages, bad), idx.trainLabels], 'gzip-damaged');
  });

  test('a tar cut short, or with a damaged header', async () => {
    const tar = unpacked(fixture('cifar10-tiny.tar.gz'));
    await failure([file('cifar.tar.gz', packed(tar.slice(0, 100_000)))], 'tar-damaged');
    const error = await failure([file('cifar.tar', changed(tar, 0, 0x7a))], 'tar-damaged');
    expect(error.details['file']).toBe('cifar.tar');
  });

  test('more content than a limit, without unpacking the rest of it', async () => {
    const bomb = file('bomb.gz', packed(new Uint8Array(2 ** 26)));
    const content = contentOf(bomb);
    await expect(collect(bomb.name, content, 100_000)).rejects.toMatchObject({
      code: 'file-too-large',
      details: { file: 'bomb.gz', limit: 100_000 },
    });
    expect((await content.next()).done).toBe(true);
  });

  test('a file that can no longer be read', async () => {
    const gone = new Blob([trainImageBytes]);
    gone.stream = () =>
      new ReadableStream({
        pull() {
          throw new DOMException('The file was changed', 'NotReadableError');
        },
      });
    gone.slice = () => gone;
    const error = await failure(
      [{ name: 'train-images-idx3-ubyte', blob: gone }, idx.trainLabels],
      'file-unreadable',
    );
    expect(error.details).toEqual({
      file: 'train-images-idx3-ubyte',
      reason: 'The file was changed',
    });
  });
});

const FASHION_MNIST = '/usr/share/datasets/fashion-mnist';

test.skipIf(!existsSync(FASHION_MNIST))(
  'all of Fashion-MNIST (Debian package dataset-fashion-mnist) has its known statistics',
  async () => {
    const files = await Promise.all(
      Object.values(IDX_NAMES).map(async (name) => ({
        name,
        blob: await openAsBlob(`${FASHION_MNIST}/${name}`),
      })),
    );
    const set = await loadFiles(files, { size: 28 });
    expect([set.train.count, set.test.count]).toEqual([60_000, 10_000]);
    expect(set.statistics.mean[0]).toBeCloseTo(0.286, 4);
    expect(set.statistics.std[0]).toBeCloseTo(0.353, 4);
  },
  30_000,
);
