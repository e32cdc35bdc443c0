/** Sets kept on the disk: found again whole, whatever happened meanwhile. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { openFolder } from '../../src/data/opfs.ts';
import { DatasetStore } from '../../src/data/store.ts';
import { MemoryFolder } from '../memory_folder.ts';
import { failureOf, fixtureFiles, load } from './data-files.ts';

const fashion = await load(fixtureFiles('fashion-mnist-tiny.npz'), { known: 'fashion-mnist' });
const own = await load(fixtureFiles('own-images.zip'));
const other: Dataset = { ...fashion, title: 'Another', train: fashion.test, test: fashion.train };

describe('a store', () => {
  test('keeps sets as they are, lists them, forgets them', async () => {
    const folder = new MemoryFolder();
    const store = new DatasetStore(folder);
    expect(await store.list()).toEqual([]);
    expect(await store.open('images:own-images')).toBeNull();
    await store.save(own);
    await store.save(fashion);
    // Found by another page.
    const again = new DatasetStore(folder);
    expect(await again.open('images:own-images')).toEqual(own);
    expect(await again.open('fashion-mnist')).toEqual(fashion);
    const listed = await again.list();
    expect(listed).toMatchObject([
      { id: 'fashion-mnist', title: 'Fashion-MNIST', size: 16, trainCount: 20, testCount: 10 },
      { id: 'images:own-images', title: own.title, size: 16, trainCount: 13, testCount: 2 },
    ]);
    expect(listed[0]?.bytes).toBe(folder.files.get('fashion-mnist.1.set')?.length);
    await again.delete('fashion-mnist');
    expect((await store.list()).map(({ id }) => id)).toEqual(['images:own-images']);
    await again.delete('fashion-mnist');
    expect(folder.files.size).toBe(1);
  });

  test('takes any name', async () => {
    const store = new DatasetStore(new MemoryFolder());
    for (const id of ['../a.b', 'images: 我的', 'a/b', '%', '.']) {
      await store.save({ ...fashion, id });
      expect((await store.open(id))?.id).toBe(id);
    }
    expect(await store.list()).toHaveLength(5);
  });

  test('holds the old set or the new one, wherever saving was interrupted', async () => {
    const folder = new MemoryFolder();
    const store = new DatasetStore(folder);
    await store.save(fashion);
    const moments: MemoryFolder[] = [];
    folder.onBytes = () => moments.push(new MemoryFolder(folder.files));
    await store.save(other);
    folder.onBytes = null;
    moments.push(folder);

    const titles: (string | undefined)[] = [];
    for (const moment of moments) {
      const found = new DatasetStore(moment);
      titles.push((await found.list())[0]?.title);
      expect(await found.open('fashion-mnist')).toEqual(
        titles.at(-1) === 'Another' ? other : fashion,
      );
      // The remains do not stand in the way, and are gone afterwards.
      await found.save(own);
      await found.save({ ...fashion, title: 'Third' });
      expect((await found.open('fashion-mnist'))?.title).toBe('Third');
      expect(moment.files.size).toBe(2);
    }
    expect(titles.length).toBeGreaterThan(3);
    expect(new Set(titles.slice(0, -2))).toEqual(new Set(['Fashion-MNIST']));
    expect(titles.slice(-2)).toEqual(['Another', 'Another']);
  });

  test('holds no remains of other sets, and what several tabs save at once', async () => {
    const folder = new MemoryFolder();
    await new DatasetStore(folder).save(fashion);
    const [bytes = new Uint8Array()] = folder.files.values();
    folder.files.set('mnist.1.set', bytes.slice(0, -1));
    folder.files.set('notes.txt', bytes);
    // Both would write the second file of this name, one over the other.
    const tabs = [new DatasetStore(folder), new DatasetStore(folder)];
    const third = { ...fashion, title: 'Third' };
    await Promise.all([tabs[0]?.save(other), tabs[1]?.save(third)]);
    expect([...folder.files.keys()].sort()).toEqual(['fashion-mnist.3.set', 'notes.txt']);
    expect(await new DatasetStore(folder).open('fashion-mnist')).toEqual(third);
  });

  test('of which any part is missing or changed is no set', async () => {
    const folder = new MemoryFolder();
    await new DatasetStore(folder).save(fashion);
    const [name = '', bytes = new Uint8Array()] = [...folder.files][0] ?? [];
    const open = (content: Uint8Array<ArrayBuffer>) =>
      new DatasetStore(new MemoryFolder([[name, content]])).open('fashion-mnist');
    expect(await open(bytes)).toEqual(fashion);
    for (let length = 0; length < bytes.length; length += 97) {
      expect(await open(bytes.slice(0, length))).toBeNull();
    }
    for (let at = bytes.length - 24; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x40;
      expect(await open(changed), `byte ${at}`).toBeNull();
    }
    const foreign = new MemoryFolder([
      ['notes.txt', bytes],
      ['other.1.set', bytes],
      ['fashion-mnist.x.set', bytes],
    ]);
    expect(await new DatasetStore(foreign).list()).toEqual([]);
  });

  test('that is full says so, and still holds the old set', async () => {
    const folder = new MemoryFolder();
    const store = new DatasetStore(folder);
    await store.save(fashion);
    folder.room = 4000;
    const error = await failureOf(store.save(other), 'storage-full');
    expect(error.details).toMatchObject({ title: 'Another', free: 4000 });
    expect(error.message).toContain('used from memory');
    expect(await store.open('fashion-mnist')).toEqual(fashion);
    expect(folder.files.size).toBe(1);
  });

  test('that fails says why', async () => {
    const folder = new MemoryFolder();
    folder.fault = new DOMException('gone', 'NotFoundError');
    const store = new DatasetStore(folder);
    for (const work of [store.list(), store.open('x'), store.save(fashion), store.delete('x')]) {
      expect((await failureOf(work, 'storage-failed')).details).toEqual({ reason: 'gone' });
    }
  });
});

/** A directory of the disk behind the browser's interface to its private one; files have one open handle at most. */
function privateDirectory(path: string, inWorker: boolean): FileSystemDirectoryHandle {
  const fileHandle = (name: string) => ({
    getFile: async () => new Blob([await readFile(join(path, name))]),
    createWritable: async () => {
      const pieces: Uint8Array[] = [];
      return {
        write: async (piece: Uint8Array) => void pieces.push(piece.slice()),
        close: () => writeFile(join(path, name), Buffer.concat(pieces)),
        abort: async () => undefined,
      };
    },
    ...(inWorker && {
      createSyncAccessHandle: async () => {
        let content = Buffer.alloc(0);
        let flushed = Promise.resolve();
        return {
          truncate: (size: number) => void (content = content.subarray(0, size)),
          write: (piece: Uint8Array, { at }: { at: number }) => {
            content = Buffer.concat([content.subarray(0, at), piece]);
            return piece.length;
          },
          flush: () => void (flushed = writeFile(join(path, name), content)),
          close: () => flushed,
        };
      },
    }),
  });
  return {
    name: 'datasets',
    getDirectoryHandle: async () => privateDirectory(path, inWorker),
    getFileHandle: async (name: string, { create = false } = {}) => {
      if (create) await writeFile(join(path, name), '');
      return fileHandle(name);
    },
    removeEntry: (name: string) => rm(join(path, name)),
    async *entries() {
      for (const name of await readdir(path)) yield [name, { kind: 'file' }];
    },
  } as unknown as FileSystemDirectoryHandle;
}

describe("the browser's private folder", () => {
  test.each([false, true])('keeps sets (in a worker: %s)', async (inWorker) => {
    const path = await mkdtemp(join(tmpdir(), 'fathom-store-'));
    try {
      const asked: string[] = [];
      const browser = {
        storage: {
          getDirectory: async () => privateDirectory(path, inWorker),
          estimate: async () => ({ quota: 10, usage: 4 }),
        },
        locks: {
          request: async (name: string, _: LockOptions, work: LockGrantedCallback<unknown>) => {
            asked.push(name);
            return work({ name, mode: 'exclusive' });
          },
        },
      } as unknown as Navigator;
      const open = async () => new DatasetStore(await openFolder(browser, 'datasets'));
      const store = await open();
      await store.save(fashion);
      await store.save(own);
      await store.save(other);
      expect(await (await open()).open('fashion-mnist')).toEqual(other);
      expect((await readdir(path)).sort()).toEqual([
        'fashion-mnist.2.set',
        'images%3Aown-images.1.set',
      ]);
      expect(asked).toEqual(Array(3).fill('fathom/datasets/change'));
    } finally {
      await rm(path, { recursive: true });
    }
  });

  test('refused is said plainly', async () => {
    const getDirectory = () => Promise.reject(new DOMException('not here', 'SecurityError'));
    const browser = { storage: { getDirectory } } as unknown as Navigator;
    const error = await failureOf(openFolder(browser, 'datasets'), 'storage-refused');
    expect(error.details).toEqual({ reason: 'not here' });
    await failureOf(openFolder({} as Navigator, 'datasets'), 'storage-refused');
  });
});
