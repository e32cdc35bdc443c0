/** Data sets by name: fetched, read from files, kept, made from others, looked at. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { decodeImage } from '../../src/cli/decode.ts';
import { bytesOf } from '../../src/data/hub.ts';
import { withClasses, withNoise } from '../../src/data/subset.ts';
import { FathomError } from '../../src/errors.ts';
import { DataDesk, sparingly } from '../../src/worker/data_desk.ts';
import { serve, startHub } from '../hub_server.ts';
import type { HubServer, Mishap } from '../hub_server.ts';
import { MemoryFolder } from '../memory_folder.ts';
import { failureOf, fixture, fixtureFiles, load } from './data-files.ts';

let hub: HubServer;
let mishaps: (Mishap | null)[] = [];
let ranges: string[] = [];
beforeAll(async () => {
  hub = await startHub((_, { headers }) => {
    ranges.push(headers.range ?? '');
    return mishaps.shift() ?? null;
  });
});
afterAll(() => hub.close());
beforeEach(() => {
  mishaps = [];
  ranges = [];
});

const deskOn = (folder: MemoryFolder) =>
  new DataDesk({
    openFolder: () => Promise.resolve(folder),
    decode: decodeImage,
  });
const withoutStorage = () =>
  new DataDesk({
    openFolder: () => Promise.reject(new FathomError('storage-refused', 'none here')),
    decode: decodeImage,
  });
const quiet = () => undefined;
const colours = () => fixtureFiles('own-images.zip');
const trainBytes = fixture('hub/cifar10/train-00000-of-00001.parquet').length;

describe('the catalogue', () => {
  test('says what fetching a set takes before it starts', () => {
    const { sets } = deskOn(new MemoryFolder()).catalogue();
    expect(sets.find(({ id }) => id === 'fashion-mnist')).toEqual({
      id: 'fashion-mnist',
      title: 'Fashion-MNIST',
      classes: 10,
      bytes: bytesOf('fashion-mnist'),
      pictures: { train: 60_000, test: 10_000 },
      side: 28,
    });
    expect(sets).toHaveLength(6);
  });
});

describe('a known set', () => {
  test('is fetched with progress, kept, and found by a later visit without a network', async () => {
    const folder = new MemoryFolder();
    const steps: [string, number, number][] = [];
    const opened = await deskOn(folder).download('cifar10', hub.address, (...step) =>
      steps.push(step),
    );
    expect(opened).toEqual({ id: 'cifar10', notKept: null });
    expect(steps.at(-1)).toEqual(['decode', 30, 30]);
    expect(steps.some(([stage, done, total]) => stage === 'download' && done < total)).toBe(true);

    const later = deskOn(folder);
    expect((await later.kept()).sets).toMatchObject([
      { id: 'cifar10', trainCount: 20, testCount: 10, size: 32, kept: true },
    ]);
    expect(await later.find('cifar10')).toMatchObject({ channels: 3, height: 32 });
    await later.forget('cifar10');
    expect((await later.kept()).sets).toEqual([]);
    expect((await failureOf(later.get('cifar10'), 'data-download')).details).toMatchObject({
      title: 'CIFAR-10',
      megabytes: 144,
    });
  });

  test('that was stopped, or broke off, goes on from there', async () => {
    const desk = deskOn(new MemoryFolder());
    const breaking: Mishap = (request, response, whole) =>
      serve(request, response, whole, { length: 10_000 });
    const stalling: Mishap = (request, response, whole) =>
      serve(request, response, whole, { length: 5000, then: 'stall' });
    mishaps = [breaking, stalling];
    await failureOf(desk.download('cifar10', hub.address, quiet), 'download-broken');
    const stopped = desk.download('cifar10', hub.address, (_, done) => {
      if (done >= 15_000) desk.stop();
    });
    await failureOf(desk.open(colours(), {}, quiet), 'loading-already');
    await failureOf(stopped, 'loading-stopped');
    expect((await desk.download('cifar10', hub.address, quiet)).id).toBe('cifar10');
    expect(ranges).toEqual(['bytes=0-', 'bytes=10000-', 'bytes=15000-', 'bytes=0-']);
    expect(trainBytes).toBeGreaterThan(15_000);
  });
});

describe('what has come of a known set', () => {
  const pieces = (folder: MemoryFolder) =>
    [...folder.files.keys()].filter((name) => name.endsWith('.part')).length;

  test('goes when the set is kept, wherever its tab was closed', async () => {
    const folder = new MemoryFolder();
    const moments: MemoryFolder[] = [];
    folder.onBytes = () => moments.push(new MemoryFolder(folder.files));
    await deskOn(folder).download('cifar10', hub.address, quiet);
    expect(pieces(folder)).toBe(0);
    let begun = false;
    for (const moment of moments) {
      const kept = await deskOn(moment).kept();
      const isHere = kept.sets.length > 0 || 'cifar10' in kept.begun;
      expect(isHere || !begun).toBe(true);
      begun ||= isHere;
    }
    expect(begun).toBe(true);
  });

  test('goes where only without it there is room for the set', async () => {
    const folder = new MemoryFolder();
    const desk = deskOn(folder);
    const write = folder.write.bind(folder);
    folder.write = async (name, bytes) => {
      if (!name.endsWith('.part') && pieces(folder) > 0)
        throw new DOMException('full', 'QuotaExceededError');
      await write(name, bytes);
    };
    expect((await desk.download('cifar10', hub.address, quiet)).notKept).toBeNull();
    expect((await deskOn(folder).kept()).sets).toMatchObject([{ id: 'cifar10', kept: true }]);
  });

  test('outlasts another set of its name, and is discarded by itself', async () => {
    const desk = deskOn(new MemoryFolder());
    mishaps = [(request, response, whole) => serve(request, response, whole, { length: 10_000 })];
    await failureOf(desk.download('cifar10', hub.address, quiet), 'download-broken');
    await desk.open(fixtureFiles('cifar10-tiny.tar.gz'), {}, quiet);
    await desk.forget('cifar10');
    expect(await desk.kept()).toMatchObject({ sets: [], begun: { cifar10: 10_000 } });
    await desk.open(fixtureFiles('cifar10-tiny.tar.gz'), {}, quiet);
    await desk.discard('cifar10');
    expect(await desk.kept()).toMatchObject({ sets: [{ id: 'cifar10' }], begun: {} });
  });
});

describe('files', () => {
  test('are read at their own size, and taken at any other', async () => {
    const desk = deskOn(new MemoryFolder());
    await desk.open(fixtureFiles('fashion-mnist-tiny.npz'), {}, quiet);
    const [listed] = (await desk.kept()).sets;
    expect(listed?.size).toBe(28);
    const small = await desk.find(listed?.id ?? '', 16);
    const direct = await load(fixtureFiles('fashion-mnist-tiny.npz'), { size: 16 });
    expect(small?.train).toEqual(direct.train);
    expect(small?.statistics).toEqual(direct.statistics);
  });

  test('that storage has no room for are used from memory, and listed as such', async () => {
    const folder = new MemoryFolder();
    folder.room = 1000;
    const desk = deskOn(folder);
    const { id, notKept } = await desk.open(colours(), { size: 16 }, quiet);
    expect(notKept?.code).toBe('storage-full');
    expect((await desk.find(id))?.title).toContain('own-images');
    const { sets, free } = await desk.kept();
    expect(sets).toMatchObject([{ id, kept: false }]);
    expect(free).toBe(1000);
    await desk.forget(id);
    expect((await desk.kept()).sets).toEqual([]);
  });

  test('do not take the place of another set of their name that is kept, unless they are told to', async () => {
    const folder = new MemoryFolder();
    const desk = deskOn(folder);
    await desk.download('cifar10', hub.address, quiet);
    const whole = (await desk.get('cifar10')).train;
    const files = fixtureFiles('cifar10-tiny.tar.gz');
    const { id, notKept } = await desk.open(files, {}, quiet);
    expect(id).toBe('cifar10');
    expect(notKept?.code).toBe('storage-other');
    expect(notKept?.details).toMatchObject({ keptTrain: 20, keptTest: 10, side: 32 });
    const part = (await desk.get('cifar10')).train;
    expect(part.count).not.toBe(whole.count);
    expect((await desk.kept()).sets).toMatchObject([{ id, trainCount: part.count, kept: false }]);
    // A later visit finds the kept one; so does this one when the other is forgotten.
    expect((await deskOn(folder).get('cifar10')).train).toEqual(whole);
    await desk.forget('cifar10');
    expect((await desk.get('cifar10')).train).toEqual(whole);
    // The same once more is no other; and the other takes its place where that is wanted.
    expect((await desk.download('cifar10', hub.address, quiet)).notKept).toBeNull();
    await desk.open(files, {}, quiet);
    expect(await desk.replaceKept('cifar10')).toBeNull();
    expect((await desk.kept()).sets).toMatchObject([{ id, trainCount: part.count, kept: true }]);
    expect((await deskOn(folder).get('cifar10')).train).toEqual(part);
    const opened = await desk.open(colours(), { size: 16 }, quiet);
    expect(opened.notKept).toBeNull();
    const again = await desk.open(colours(), { size: 32, replace: true }, quiet);
    expect(again).toEqual({ id: opened.id, notKept: null });
  });

  test('are used from memory where the browser gives no storage', async () => {
    const desk = withoutStorage();
    const { id, notKept } = await desk.open(colours(), { size: 16 }, quiet);
    expect(notKept?.code).toBe('storage-refused');
    expect((await desk.kept()).failure?.code).toBe('storage-refused');
    expect((await desk.kept()).sets).toMatchObject([{ id, kept: false }]);
    expect(await desk.find('mnist')).toBeNull();
  });
});

describe('what there is to see', () => {
  test('of a set: counts, histograms, samples class by class, where it comes from', async () => {
    const desk = deskOn(new MemoryFolder());
    await desk.download('cifar10', hub.address, quiet);
    const set = await desk.get('cifar10');
    const details = await desk.details('cifar10');
    const { counts, histograms, samples, statistics, provenance, wrongLabels } = details;
    expect(counts.train.reduce((sum, count) => sum + count)).toBe(20);
    expect(statistics).toEqual(set.statistics);
    expect(histograms.map((bins) => bins.reduce((sum, count) => sum + count))).toEqual(
      [0, 1, 2].map(() => 20 * 1024),
    );
    expect(provenance?.licence).toContain('none stated');
    expect(wrongLabels).toBe(0);
    expect([...samples.labels]).toEqual([...set.train.labels].sort((a, b) => a - b));
    // The first picture of the first class.
    const first = set.train.labels.indexOf(samples.labels[0] ?? -1);
    expect(samples.images.slice(0, 3072)).toEqual(
      set.train.images.slice(first * 3072, (first + 1) * 3072),
    );
  });

  test('of random labels: which pictures now stand in a class that is not theirs', async () => {
    const desk = deskOn(new MemoryFolder());
    const { samples, wrongLabels, counts } = await desk.details('builtin?randomLabels=1');
    // Of ten classes the right one is drawn one time in ten; five deviations of a binomial.
    expect(wrongLabels).toBeGreaterThan(3600 - 5 * Math.sqrt(360));
    expect(wrongLabels).toBeLessThan(3600 + 5 * Math.sqrt(360));
    expect(counts.train.reduce((sum, count) => sum + count)).toBe(4000);
    const builtin = await desk.get('builtin');
    const drawn = await desk.get('builtin?randomLabels=1');
    const first = drawn.train.labels.indexOf(0);
    expect(samples.labels[0]).toBe(0);
    expect(samples.truths[0]).toBe(builtin.train.labels[first]);
  });

  test('of a part with noise', async () => {
    const desk = deskOn(new MemoryFolder());
    const builtin = await desk.get('builtin');
    const details = await desk.details('builtin?classes=2,7&noise=0.2');
    const expected = await withNoise(await withClasses(builtin, [2, 7]), 0.2, 1);
    expect(details.classes).toEqual(['triangle', 'half-disc']);
    expect(details.counts).toEqual({ train: [400, 400], test: [100, 100] });
    expect(details.statistics).toEqual(expected.statistics);
  });

  test('of pictures that stand in it twice', async () => {
    const desk = deskOn(new MemoryFolder());
    const { id } = await desk.open(colours(), { size: 16 }, quiet);
    const kinds = (await desk.warnings(id)).map(({ kind }) => kind);
    expect(kinds).toContain('unreadable-pictures');
    expect(kinds).toContain('few-pictures');
  });
});

test('progress is told sparingly: the ends of every stage, and little in between', () => {
  const heard: [string, number, number][] = [];
  const progress = sparingly((...step) => heard.push(step));
  for (let done = 0; done <= 60_000; done++) progress('decode', done, 60_000);
  progress('resize', 1, 2);
  expect(heard[0]).toEqual(['decode', 0, 60_000]);
  expect(heard.at(-2)).toEqual(['decode', 60_000, 60_000]);
  expect(heard.at(-1)).toEqual(['resize', 1, 2]);
  expect(heard.length).toBeLessThan(1000);
});
