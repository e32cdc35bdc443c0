/** The data layer in Chromium: its decoder, requests to another origin, its private file system. */
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { Hub } from '../../src/data/hub.ts';
import { loadFiles } from '../../src/data/load.ts';
import { openFolder } from '../../src/data/opfs.ts';
import { DatasetStore } from '../../src/data/store.ts';
import type { StoredSet } from '../../src/data/store.ts';
import cifarArchive from '../fixtures/cifar10-tiny.tar.gz?url';
import ownImages from '../fixtures/own-images.zip?url';

interface Reply {
  set: Dataset;
  kept: Dataset;
  listed: StoredSet[];
  code?: string;
  message?: string;
}

const fetched = async (url: string, name: string) => [
  { name, blob: await (await fetch(url)).blob() },
];
/** The same pictures from the binary archive, which needs no decoder. Vite's server has it unpacked on the way. */
const original = await loadFiles(await fetched(cifarArchive, 'cifar-10-binary.tar'), {
  size: 32,
});
const expected = {
  train: original.train.images.slice(0, 20 * 3072),
  test: original.test.images.slice(0, 10 * 3072),
};

let worker: Worker;
const visit = () => {
  worker = new Worker(new URL('./data_worker.ts', import.meta.url), { type: 'module' });
};
beforeEach(visit);
afterEach(() => worker.terminate());

const load = (path: string): Promise<Reply> =>
  new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Reply>) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(inject('hub') + path);
  });

describe('a known set from another origin, in a worker', () => {
  test('is fetched, decoded to the very pixels, kept and found again', async () => {
    const { set, kept, listed } = await load('/well');
    expect(set).toMatchObject({ id: 'cifar10', channels: 3, height: 32 });
    expect(set.train.images).toEqual(expected.train);
    expect(set.test.images).toEqual(expected.test);
    expect(kept).toEqual(set);
    expect(listed).toMatchObject([{ id: 'cifar10', trainCount: 20, testCount: 10 }]);
    // The page finds it too, and may forget it.
    const store = new DatasetStore(await openFolder(navigator, 'datasets'));
    expect(await store.open('cifar10')).toEqual(set);
    await store.save({ ...set, title: 'Again' });
    expect((await store.list()).map(({ title }) => title)).toEqual(['Again']);
    await store.delete('cifar10');
    expect(await store.list()).toEqual([]);
  });

  test('breaks off, and goes on when it is tried again', async () => {
    expect((await load('/breaking')).code).toBe('download-broken');
    expect((await load('/breaking')).code).toBe('download-broken');
    expect((await load('/breaking')).set.train.images).toEqual(expected.train);
  });

  test('stalls; a later visit goes on where it stopped, and leaves nothing of the download', async () => {
    expect((await load('/stalling')).code).toBe('download-stalled');
    worker.terminate();
    const downloads = await openFolder(navigator, 'downloads');
    expect(await downloads.list()).toHaveLength(1);
    // A file that began anew would stall again; so does the second one, once.
    visit();
    expect((await load('/stalling')).code).toBe('download-stalled');
    worker.terminate();
    expect(await downloads.list()).toHaveLength(3);
    visit();
    expect((await load('/stalling')).set.train.images).toEqual(expected.train);
    expect(await downloads.list()).toEqual([]);
  });

  test('that another tab finishes meanwhile is fetched anew, not put together from what is gone', async () => {
    const hub = new Hub(() => openFolder(navigator, 'downloads'));
    const ours = () => hub.load('cifar10', { size: 32, base: `${inject('hub')}/breaking` });
    await expect(ours()).rejects.toMatchObject({ code: 'download-broken' });
    expect((await load('/breaking')).code).toBe('download-broken');
    expect((await load('/breaking')).set.train.images).toEqual(expected.train);
    await expect(ours()).rejects.toMatchObject({
      code: 'download-broken',
      details: { done: 10_000 },
    });
    await hub.forget('cifar10');
  });

  test('that no other page may read says so', async () => {
    const { code, message } = await load('/secret');
    expect(code).toBe('download-unreachable');
    expect(message).toContain('CORS');
  });
});

test("one's own images are decoded by the browser", async () => {
  const set = await loadFiles(await fetched(ownImages, 'own-images.zip'), { size: 16, fit: 'fit' });
  expect(set.classes).toEqual(['blue', 'red']);
  expect(set.train.count + set.test.count).toBe(15);
  expect(set.unreadable).toEqual(['colours/blue/broken.png']);
  const { train } = set;
  const clear = train.names?.indexOf('colours/red/clear.png') ?? -1;
  const at = clear * 768;
  // Transparent at the corner, green in the middle.
  expect([0, 1, 2].map((c) => train.images[at + c * 256])).toEqual([255, 255, 255]);
  expect([0, 1, 2].map((c) => train.images[at + c * 256 + 8 * 16 + 8])).toEqual([0, 128, 0]);
});
