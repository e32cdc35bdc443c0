/** Data sets in the formats that Python's world keeps them in, written there (tests/oracle/data_fixtures.py). */
import { existsSync, openAsBlob } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { describe, expect, test } from 'vitest';
import { openData } from '../../src/cli/data.ts';
import { decodeImage } from '../../src/cli/decode.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { KNOWN_PROBLEMS, KNOWN_SETS } from '../../src/data/known.ts';
import { loadFiles } from '../../src/data/load.ts';
import { channelHistograms, classCounts } from '../../src/data/statistics.ts';
import { warningsOf } from '../../src/data/warnings.ts';
import { warningSentence } from '../../src/cli/warnings.ts';
import { checksum, summary } from './data-checksum.ts';
import { failureOf, file, fixture, fixtureFiles, load } from './data-files.ts';

/** The first pictures of each part of the binary CIFAR-10 archive, as the other fixtures hold them. */
const original = await load(fixtureFiles('cifar10-tiny.tar.gz'), { size: 32 });
const cut = ({ images, labels }: Dataset['train'], count: number) => [
  checksum(images.subarray(0, count * 3072)),
  checksum(labels.subarray(0, count)),
];
const cifar = { train: cut(original.train, 20), test: cut(original.test, 10) };
const pixelsAndLabels = ({ train, test }: Dataset) => ({
  train: cut(train, 20),
  test: cut(test, 10),
});

/** Members of an archive as loose files. */
async function members(name: string) {
  const entries = await unpackTar(gunzipSync(fixture(name)));
  return entries.map(({ header, data }) => file(header.name, new Uint8Array(data ?? [])));
}

describe("CIFAR's Python version", () => {
  test('the archive, its files, and a .tar of them are the same as the binary version', async () => {
    const archive = fixtureFiles('cifar10-tiny-python.tar.gz');
    const tar = file('x.tar', new Uint8Array(gunzipSync(fixture('cifar10-tiny-python.tar.gz'))));
    for (const files of [archive, await members('cifar10-tiny-python.tar.gz'), [tar]]) {
      const set = await load(files, { size: 32 });
      expect(set).toMatchObject({ id: 'cifar10', title: 'CIFAR-10', channels: 3 });
      expect([set.train.count, set.test.count]).toEqual([20, 10]);
      expect(set.classes).toEqual(original.classes);
      expect(pixelsAndLabels(set)).toEqual(cifar);
    }
  });

  test("today's pickles are read as well", async () => {
    const pickle = fixture('cifar10-tiny-protocol5.pickle');
    const set = await load([file('data_batch_1', pickle)], { size: 32, testShare: 0.1 });
    expect(set.train.count + set.test.count).toBe(10);
  });

  test('a pickle of anything else is refused, and nothing in it is called', async () => {
    const system = new TextEncoder().encode("cos\nsystem\n(S'echo'\ntR.");
    const error = await failureOf(load([file('data_batch_1', system)]), 'pickle-damaged');
    expect(error.details).toMatchObject({ file: 'data_batch_1', at: 11 });
    expect(error.message).toContain('os.system');
    // None.
    const none = new Uint8Array([0x80, 2, 0x4e, 0x2e]);
    const missing = await failureOf(load([file('data_batch_1', none)]), 'cifar-python');
    expect(missing.details).toMatchObject({ file: 'data_batch_1', key: 'data' });
  });

  test('a pickle that makes much of little is refused', async () => {
    const text = `X\u0090\0\0\0${'a'.repeat(0x90)}`;
    // A function and its arguments, remembered, and called again and again: five bytes give 144.
    const calls = `c_codecs\nencode\nq\0${text}X\x06\0\0\0latin1\x86q\x01${'h\0h\x01R'.repeat(9)}.`;
    const name = `}T\0\x02\0\0${'a'.repeat(0x200)}Ns.`;
    for (const [pickle, reason] of [
      [calls, 'texts that are encoded more than once'],
      [name, 'a name that is no string'],
    ] as const) {
      const bytes = Uint8Array.from(`\x80\x02${pickle}`, (letter) => letter.charCodeAt(0));
      const error = await failureOf(load([file('data_batch_1', bytes)]), 'pickle-damaged');
      expect(error.details['reason']).toBe(reason);
    }
  });
});

describe('CIFAR-100', () => {
  test.each(['binary', 'python'])('the %s version, with fine or coarse labels', async (version) => {
    const name = `cifar100-tiny-${version}.tar.gz`;
    const fine = await load(fixtureFiles(name), { size: 32 });
    expect(fine).toMatchObject({ id: 'cifar100', title: 'CIFAR-100 (fine labels)', channels: 3 });
    expect(fine.classes).toEqual(Array.from({ length: 100 }, (_, i) => `fine_${i}`));
    expect([...fine.train.labels]).toEqual(Array.from({ length: 20 }, (_, i) => (7 * i) % 100));
    expect(cut(fine.train, 20)[0]).toBe(cifar.train[0]);
    expect(cut(fine.test, 10)[0]).toBe(cifar.test[0]);

    const coarse = await load(await members(name), { size: 32, labels: 'coarse' });
    expect(coarse).toMatchObject({ id: 'cifar100-coarse', title: 'CIFAR-100 (coarse labels)' });
    expect(coarse.classes).toEqual(Array.from({ length: 20 }, (_, i) => `coarse_${i}`));
    expect([...coarse.train.labels]).toEqual(Array.from({ length: 20 }, (_, i) => (3 * i) % 20));
  });

  test('without the names of the classes, the official ones', async () => {
    const files = await members('cifar100-tiny-binary.tar.gz');
    const set = await load(files.filter(({ name }) => name.endsWith('.bin')));
    expect(set.classes).toHaveLength(100);
    expect([set.classes[0], set.classes[28], set.classes[99]]).toEqual(['apple', 'cup', 'worm']);
  });

  test('files of both sets are refused together', async () => {
    const both = [
      ...(await members('cifar100-tiny-binary.tar.gz')),
      ...(await members('cifar10-tiny.tar.gz')),
    ];
    await failureOf(load(both), 'mixed-sets');
  });
});

describe('.npz', () => {
  test('as Keras keeps it, and with the name of the set', async () => {
    const idx = await load(
      fixtureFiles(
        'fashion-mnist-tiny/train-images-idx3-ubyte.gz',
        'fashion-mnist-tiny/train-labels-idx1-ubyte.gz',
        'fashion-mnist-tiny/t10k-images-idx3-ubyte.gz',
        'fashion-mnist-tiny/t10k-labels-idx1-ubyte.gz',
      ),
      { size: 28 },
    );
    const set = await load(fixtureFiles('fashion-mnist-tiny.npz'), { size: 28 });
    expect(set).toMatchObject({
      id: 'npz:fashion-mnist-tiny.npz',
      title: 'fashion-mnist-tiny.npz',
      channels: 1,
    });
    expect([set.train.count, set.test.count, set.classes.length]).toEqual([20, 10, 10]);
    expect(checksum(set.train.images)).toBe(checksum(idx.train.images.subarray(0, 20 * 784)));
    expect([...set.test.labels]).toEqual([...idx.test.labels.subarray(0, 10)]);
    const named = await load(fixtureFiles('fashion-mnist-tiny.npz'), { known: 'fashion-mnist' });
    expect(named).toMatchObject({ id: 'fashion-mnist', title: 'Fashion-MNIST' });
    expect(named.classes[9]).toBe('Ankle boot');
  });

  test('colour pictures have their channels put first', async () => {
    const set = await load(fixtureFiles('medmnist-tiny.npz'), { size: 32, testShare: 0.1 });
    expect([set.channels, set.train.count, set.test.count]).toEqual([3, 9, 1]);
    const pictures = (part: Dataset['train']) =>
      Array.from({ length: part.count }, (_, i) =>
        checksum(part.images.subarray(i * 3072, (i + 1) * 3072)),
      );
    const expected = pictures(original.test).slice(0, 10);
    expect([...pictures(set.train), ...pictures(set.test)].sort()).toEqual(expected.sort());
  });
});

describe("Parquet files in the hub's layout", () => {
  const hub = (set: string) =>
    fixtureFiles(
      `hub/${set}/test-00000-of-00001.parquet`,
      `hub/${set}/train-00000-of-00001.parquet`,
    );

  test('pictures, labels and the names of the classes', async () => {
    const set = await load(hub('cifar10'), { size: 32 });
    expect(set).toMatchObject({
      id: 'parquet:train-00000-of-00001.parquet',
      title: 'train-00000-of-00001.parquet',
      channels: 3,
    });
    expect([set.train.count, set.test.count]).toEqual([20, 10]);
    expect(set.classes).toEqual(original.classes);
    expect(pixelsAndLabels(set)).toEqual(cifar);
  });

  test('fine and coarse labels', async () => {
    const fine = await load(hub('cifar100'), { known: 'cifar100' });
    expect(fine).toMatchObject({ id: 'cifar100', height: 16 });
    expect([...fine.train.labels.subarray(0, 4)]).toEqual([0, 7, 14, 21]);
    const coarse = await load(hub('cifar100'), { labels: 'coarse' });
    expect(coarse.classes[19]).toBe('coarse_19');
    expect([...coarse.train.labels.subarray(0, 4)]).toEqual([0, 3, 6, 9]);
  });

  test('grey pictures have one channel', async () => {
    const set = await load(hub('fashion-mnist'), { size: 28, known: 'fashion-mnist' });
    const npz = await load(fixtureFiles('fashion-mnist-tiny.npz'), {
      size: 28,
      known: 'fashion-mnist',
    });
    expect(summary(set)).toEqual(summary(npz));
  });

  test.each(['zstd-v2', 'gzip-plain', 'plain'])('written otherwise: %s', async (name) => {
    const set = await load(fixtureFiles(`hub/${name}.parquet`), { size: 28 });
    const hubFile = fixture('hub/fashion-mnist/test-00000-of-00001.parquet');
    const reference = await load([file(`${name}.parquet`, hubFile)], { size: 28 });
    expect(summary(set)).toEqual(summary(reference));
  });

  test('progress counts pictures', async () => {
    const seen: [string, number, number][] = [];
    await loadFiles(hub('fashion-mnist'), { size: 16, decode: decodeImage }, (...report) =>
      seen.push(report),
    );
    expect(seen.at(-1)).toEqual(['decode', 30, 30]);
    expect(seen.map(([, done]) => done)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  });

  test('files without pictures, and pictures that are none', async () => {
    const whole = fixture('hub/fashion-mnist/test-00000-of-00001.parquet');
    // The first PNG's magic word.
    const at = whole.findIndex((byte, i) => byte === 0x89 && whole[i + 1] === 0x50);
    const broken = whole.slice();
    broken[at + 1] = 0;
    const error = await failureOf(load([file('a.parquet', broken)]), 'parquet-picture');
    expect(error.details).toMatchObject({ file: 'a.parquet', record: 0 });
    // In the second of two files of a part.
    const two = [file('train-0.parquet', whole), file('train-1.parquet', broken)];
    expect((await failureOf(load(two), 'parquet-picture')).details['file']).toBe('train-1.parquet');
    const both = await load([file('train-0.parquet', whole), file('train-1.parquet', whole)]);
    expect(both.train.count + both.test.count).toBe(20);
    const alone = await failureOf(load(hub('cifar10').slice(0, 1)), 'training-files-missing');
    expect(alone.details['file']).toBe('test-00000-of-00001.parquet');
  });
});

describe("one's own images", () => {
  const zip = fixtureFiles('own-images.zip');
  /** A decoder for files that are a number: a picture of 2×2 pixels of that grey. */
  const grey = (bytes: Uint8Array) => {
    if (bytes.length !== 1) return Promise.reject(new Error('no number'));
    const [value = 0] = bytes;
    const data = new Uint8Array(16).fill(value).map((byte, i) => (i % 4 === 3 ? 255 : byte));
    return Promise.resolve({ height: 2, width: 2, data });
  };
  const own = (entries: Record<string, number[]>) =>
    Object.entries(entries).map(([name, bytes]) => file(name, new Uint8Array(bytes)));

  test('a zip of folders: PNG and JPEG of any size, the folder is the class', async () => {
    const set = await load(zip, { fit: 'stretch', testShare: 0.2 });
    expect(set).toMatchObject({
      id: 'images:own-images',
      title: 'own-images (test set: 3 of the images)',
      channels: 3,
      height: 16,
    });
    expect(set.classes).toEqual(['blue', 'red']);
    expect(set.train.count + set.test.count).toBe(15);
    expect(set.unreadable).toEqual(['colours/blue/broken.png']);
    // The lower right corner of every picture is of the class's colour.
    set.train.names?.forEach((name, i) => {
      if (name.endsWith('clear.png')) return;
      const [red = 0, , blue = 0] = [0, 1, 2].map((c) => set.train.images[i * 768 + c * 256 + 255]);
      expect(red > blue, name).toBe(name.includes('/red/'));
      expect(set.classes[set.train.labels[i] ?? 0]).toBe(name.split('/')[1]);
    });
  });

  test('loose files, numbered in the order people expect', async () => {
    const files = own({
      'set/10/b.png': [5],
      'set/10/a.png': [4],
      'set/9/b.png': [3],
      'set/9/a.png': [2],
      'set/.DS_Store': [0],
      'set/notes.txt': [0],
    });
    const set = await load(files, { decode: grey, testShare: 0.5 });
    expect(set).toMatchObject({
      title: 'set (test set: 2 of the images)',
      classes: ['9', '10'],
      channels: 1,
    });
    expect([set.train.count, set.test.count]).toEqual([2, 2]);
    expect(classCounts(set.train.labels, 2)).toEqual([1, 1]);
    const value = { 'set/9/a.png': 2, 'set/9/b.png': 3, 'set/10/a.png': 4, 'set/10/b.png': 5 };
    for (const { names = [], images } of [set.train, set.test]) {
      names.forEach((name, i) => {
        expect(images[i * 256]).toBe(value[name as keyof typeof value]);
      });
    }
  });

  test('folders called train and test make the split', async () => {
    const set = await load(
      own({ 'train/a/1.png': [1], 'train/b/1.png': [2], 'val/b/2.png': [3], 'val/a/2.png': [4] }),
      { decode: grey },
    );
    expect([set.train.names, set.test.names]).toEqual([
      ['train/a/1.png', 'train/b/1.png'],
      ['val/a/2.png', 'val/b/2.png'],
    ]);
    expect([...set.test.labels]).toEqual([0, 1]);
  });

  test('names that would leave the archive are only names', async () => {
    const set = await load(own({ '../../etc/a/1.png': [1], 'b/../c/./1.png': [2] }), {
      decode: grey,
    });
    expect(set.classes).toEqual(['a', 'c']);
    const error = await failureOf(
      load(own({ 'a/1.png': [1], 'b/../1.png': [2] }), { decode: grey }),
      'picture-class',
    );
    expect(error.details).toEqual({ file: 'b/../1.png', name: '1.png' });
  });

  test('what is no set', async () => {
    const lone = await failureOf(
      load(own({ 'a/1.png': [1] }), { decode: grey }),
      'picture-classes',
    );
    expect(lone.message).toContain('only "a"');
    const broken = own({ 'a/1.png': [], 'b/1.png': [] });
    const none = await failureOf(load(broken, { decode: grey }), 'pictures-unreadable');
    expect(none.details).toEqual({ source: 'images', count: 2, reason: 'no number' });
    const many = Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`${i}/a.png`, [1]]));
    await failureOf(load(own(many), { decode: grey }), 'too-many-classes');
    await failureOf(
      load(own({ 'a/1.png': [1], 'b/1.png': [] }), { decode: grey }),
      'too-few-pictures',
    );
    await failureOf(loadFiles(own({ 'a/1.png': [1], 'b/1.png': [] }), { size: 16 }), 'no-decoder');
  });

  test('are split by seed, the same share of every class', async () => {
    const entries: Record<string, number[]> = {};
    for (let i = 0; i < 30; i++) entries[`a/${i}.png`] = [i];
    for (let i = 0; i < 10; i++) entries[`b/${i}.png`] = [i];
    entries['c/0.png'] = [0];
    const split = (seed: number) => load(own(entries), { decode: grey, seed, testShare: 0.2 });
    const set = await split(1);
    expect(classCounts(set.test.labels, 3)).toEqual([6, 2, 0]);
    expect(classCounts(set.train.labels, 3)).toEqual([24, 8, 1]);
    expect((await split(1)).test.names).toEqual(set.test.names);
    expect((await split(2)).test.names).not.toEqual(set.test.names);
  });

  test('warnings: few of a class, the same twice, one in both parts, some unreadable', async () => {
    const set = await load(
      own({
        ...Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`train/a/${i}.png`, [i]])),
        'train/a/again.png': [3],
        'train/b/1.png': [100],
        'train/b/broken.png': [],
        'test/b/1.png': [100],
        'test/b/2.png': [101],
      }),
      { decode: grey },
    );
    const warnings = await warningsOf(set);
    expect(warnings).toEqual([
      { kind: 'few-pictures', classes: [{ name: 'b', count: 1 }], expected: 10 },
      {
        kind: 'same-pictures',
        groups: [
          [
            { part: 'train', index: 3, name: 'train/a/3.png' },
            { part: 'train', index: 12, name: 'train/a/again.png' },
          ],
        ],
      },
      {
        kind: 'shared-pictures',
        groups: [
          [
            { part: 'train', index: 13, name: 'train/b/1.png' },
            { part: 'test', index: 0, name: 'test/b/1.png' },
          ],
        ],
      },
      { kind: 'unreadable-pictures', names: ['train/b/broken.png'] },
    ]);
    expect(warnings.map(warningSentence)).toEqual([
      'classes with fewer than 10 training pictures: b (1)',
      'groups of pictures that are the same within one part of the set: 1',
      'groups of pictures that stand in both training and test set, whose error says less than it seems: 1',
      'files that could not be decoded and were left out: train/b/broken.png',
    ]);
    expect((await warningsOf(original)).map(({ kind }) => kind)).toEqual(['few-pictures']);
  });
});

describe('what is known of a set', () => {
  test('comes with it', async () => {
    expect(original.provenance).toEqual(KNOWN_SETS.cifar10.provenance);
    expect(original.provenance?.licence).toContain('none stated');
    const npz = await load(fixtureFiles('fashion-mnist-tiny.npz'));
    expect(npz.provenance).toEqual({ source: 'fashion-mnist-tiny.npz' });
    for (const { classes, provenance } of Object.values(KNOWN_SETS)) {
      expect(new Set(classes).size).toBe(classes.length);
      const { problems } = { problems: [] as string[], ...provenance };
      expect(Object.keys(KNOWN_PROBLEMS)).toEqual(expect.arrayContaining(problems));
    }
    expect(KNOWN_SETS.cifar100.classes).toHaveLength(100);
    expect(KNOWN_SETS['cifar100-coarse'].classes).toHaveLength(20);
  });

  test('counts of the classes, and histograms of the channels', async () => {
    expect(classCounts(new Uint8Array([0, 2, 2, 1, 2]), 4)).toEqual([1, 1, 3, 0]);
    // Two pictures of two channels of 1×2 pixels.
    const images = new Uint8Array([0, 255, 10, 10, 0, 1, 200, 255]);
    const [first, second] = await channelHistograms(images, 2, 2);
    expect([first?.[0], first?.[1], first?.[255]]).toEqual([2, 1, 1]);
    expect([second?.[10], second?.[200], second?.[255]]).toEqual([2, 1, 1]);
    expect(await channelHistograms(images, 2, 2, 4)).toEqual([
      [3, 0, 0, 1],
      [2, 0, 0, 2],
    ]);
  });
});

describe('the names of the command line', () => {
  const path = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;

  test.each([
    ['cifar10', 'hub/cifar10', 'CIFAR-10', 10],
    ['cifar10', 'cifar10-tiny-python.tar.gz', 'CIFAR-10', 10],
    ['cifar100', 'hub/cifar100', 'CIFAR-100 (fine labels)', 100],
    ['cifar100-coarse', 'cifar100-tiny-binary.tar.gz', 'CIFAR-100 (coarse labels)', 20],
    ['fashion-mnist', 'fashion-mnist-tiny', 'Fashion-MNIST', 10],
    ['mnist', 'hub/fashion-mnist', 'MNIST', 10],
    ['svhn', 'hub/cifar10', 'SVHN (cropped digits)', 10],
    ['images', 'own-images.zip', 'own-images (test set: 2 of the images)', 2],
  ])('%s:%s', async (kind, name, title, classes) => {
    const set = await openData(`${kind}:${path(name)}`, 16);
    expect([set.title, set.classes.length]).toEqual([title, classes]);
  });

  test('make parts and variants of sets, as the names of links do', async () => {
    const folder = `fashion-mnist:${path('fashion-mnist-tiny')}`;
    const whole = await openData(folder, 16);
    const some = await openData(`${folder}?classes=0,9&perClass=3`, 16);
    expect(some.id).toBe('fashion-mnist?classes=0,9&perClass=3');
    expect(some.classes).toEqual([whole.classes[0], whole.classes[9]]);
    expect([...some.train.labels].sort()).toEqual([0, 0, 0, 1, 1, 1]);
    await failureOf(openData('builtin?noise=2', 16), 'data-recipe');
  });

  test('that mean nothing', async () => {
    await failureOf(openData('cifar10', 16), 'data-name');
    await failureOf(openData('toString:x', 16), 'data-name');
    await failureOf(openData('images:/nowhere', 16), 'data-path');
    await failureOf(openData(`svhn:${path('fashion-mnist-tiny')}`, 16), 'data-path');
  });
});

const CIFAR_6K = new URL('../../../shared/data/cifar-10-binary-6k.tar.gz', import.meta.url)
  .pathname;

test.skipIf(!existsSync(CIFAR_6K))(
  'six thousand pictures of CIFAR-10 have the means and deviations of the whole, nearly',
  async () => {
    const blob = await openAsBlob(CIFAR_6K);
    const set = await load([{ name: CIFAR_6K, blob }], { size: 32 });
    expect([set.train.count, set.test.count]).toEqual([5000, 1000]);
    // All 50,000: 0.4914 0.4822 0.4465 / 0.2470 0.2435 0.2616.
    [0.4914, 0.4822, 0.4465].forEach((mean, c) =>
      expect(Math.abs((set.statistics.mean[c] ?? 0) - mean)).toBeLessThan(0.005),
    );
    [0.247, 0.2435, 0.2616].forEach((std, c) =>
      expect(Math.abs((set.statistics.std[c] ?? 0) - std)).toBeLessThan(0.003),
    );
  },
);
