/** Known sets from a hub that the test itself serves: whole, and with everything that goes wrong on the way. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { decodeImage } from '../../src/cli/decode.ts';
import { bytesOf, Hub, HUB_ADDRESS, HUB_SETS } from '../../src/data/hub.ts';
import type { HubOptions } from '../../src/data/hub.ts';
import { addPiece, openBeginning } from '../../src/data/pieces.ts';
import { FathomError } from '../../src/errors.ts';
import { KNOWN_SETS } from '../../src/data/known.ts';
import type { KnownId } from '../../src/data/known.ts';
import { summary } from './data-checksum.ts';
import { serve, startHub } from '../hub_server.ts';
import type { HubServer, Mishap } from '../hub_server.ts';
import { MemoryFolder } from '../memory_folder.ts';
import { failureOf, fixture, fixtureFiles, load } from './data-files.ts';

let hubServer: HubServer;
let base: string;
/** What happens to the next requests. */
let mishaps: (Mishap | null)[] = [];
/** Paths and ranges asked for. */
let asked: string[] = [];

beforeAll(async () => {
  hubServer = await startHub((path, { headers }) => {
    asked.push(`${path} ${headers.range}`);
    return mishaps.shift() ?? null;
  });
  base = hubServer.address;
});
afterAll(() => hubServer.close());
beforeEach(() => {
  mishaps = [];
  asked = [];
});

const serving =
  (how: Parameters<typeof serve>[3]): Mishap =>
  (request, response, whole) =>
    serve(request, response, whole, how);
const breakAfter = (length: number) => serving({ length });
const stallAfter = (length: number) => serving({ length, then: 'stall' });
const status =
  (code: number): Mishap =>
  (_, response) =>
    void response.writeHead(code).end('{"error":"no"}');

const newHub = (folder = new MemoryFolder()) => new Hub(() => Promise.resolve(folder));
const options = (more: Partial<HubOptions> = {}): HubOptions => ({
  size: 32,
  base,
  decode: decodeImage,
  patience: 2000,
  ...more,
});
const cifar10 = (hub: Hub, more: Partial<HubOptions> = {}) => hub.load('cifar10', options(more));
const TRAIN = 'plain_text/train-00000-of-00001.parquet';
const TEST = 'plain_text/test-00000-of-00001.parquet';
const trainBytes = fixture('hub/cifar10/train-00000-of-00001.parquet').length;
const local = summary(
  await load(
    fixtureFiles(
      'hub/cifar10/train-00000-of-00001.parquet',
      'hub/cifar10/test-00000-of-00001.parquet',
    ),
    { size: 32, known: 'cifar10' },
  ),
);

describe('known sets', () => {
  test.each(Object.keys(HUB_SETS) as KnownId[])('%s is fetched and read', async (id) => {
    const set = await newHub().load(id, options({ size: 16 }));
    expect(set).toMatchObject({ id, ...KNOWN_SETS[id] });
    expect([set.train.count, set.test.count]).toEqual([20, 10]);
    expect(set.channels).toBe(id.endsWith('mnist') ? 1 : 3);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toBe(`${HUB_SETS[id].files[0]?.path} bytes=0-`);
  });

  test('the same as from files; progress in bytes, then in pictures', async () => {
    const seen: [string, number, number][] = [];
    const set = await newHub().load('cifar10', options({ base: `${base}/` }), (...step) =>
      seen.push(step),
    );
    expect(summary(set)).toEqual(local);
    const bytes = trainBytes + fixture('hub/cifar10/test-00000-of-00001.parquet').length;
    expect(seen.filter(([stage]) => stage === 'download').at(-1)).toEqual([
      'download',
      bytes,
      bytes,
    ]);
    expect(seen.at(-1)).toEqual(['decode', 30, 30]);
  });

  test('sizes are known before anything is fetched', () => {
    expect(HUB_ADDRESS).toBe('https://huggingface.co/datasets');
    expect(bytesOf('cifar10')).toBe(143_646_105);
    for (const { pictures, files } of Object.values(HUB_SETS)) {
      expect(pictures.train).toBeGreaterThan(pictures.test);
      expect(files.map(({ path }) => path.replace(/^.*\//, ''))).toEqual([
        'train-00000-of-00001.parquet',
        'test-00000-of-00001.parquet',
      ]);
    }
  });
});

describe('a download that fails says why, and goes on when it is tried again', () => {
  test('broken off in the middle, twice', async () => {
    const hub = newHub();
    mishaps = [breakAfter(10_000), breakAfter(20_000)];
    const error = await failureOf(cifar10(hub), 'download-broken');
    expect(error.details).toEqual({ file: `cifar10/${TRAIN}`, done: 10_000, total: trainBytes });
    const again = await failureOf(cifar10(hub), 'download-broken');
    expect(again.details['done']).toBe(30_000);
    expect(summary(await cifar10(hub))).toEqual(local);
    expect(asked).toEqual([
      `${TRAIN} bytes=0-`,
      `${TRAIN} bytes=10000-`,
      `${TRAIN} bytes=30000-`,
      `${TEST} bytes=0-`,
    ]);
  });

  test('broken off in the second file: the first is not fetched again', async () => {
    const hub = newHub();
    mishaps = [null, breakAfter(5000)];
    await failureOf(cifar10(hub), 'download-broken');
    expect(summary(await cifar10(hub))).toEqual(local);
    expect(asked.slice(2)).toEqual([`${TEST} bytes=5000-`]);
  });

  test('stalled', async () => {
    const hub = newHub();
    mishaps = [stallAfter(10_000)];
    const error = await failureOf(cifar10(hub, { patience: 300 }), 'download-stalled');
    expect(error.details).toEqual({ file: `cifar10/${TRAIN}`, seconds: 0, done: 10_000 });
    expect(summary(await cifar10(hub))).toEqual(local);
    expect(asked[1]).toBe(`${TRAIN} bytes=10000-`);
    // A server that never answers.
    mishaps = [() => undefined];
    await failureOf(cifar10(newHub(), { patience: 300 }), 'download-stalled');
  });

  test('cancelled, while it downloads and while it decodes', async () => {
    const hub = newHub();
    mishaps = [stallAfter(10_000)];
    const controller = new AbortController();
    const work = hub.load('cifar10', options({ signal: controller.signal }), () =>
      controller.abort(),
    );
    await expect(work).rejects.toMatchObject({ name: 'AbortError' });
    const decoding = new AbortController();
    const later = hub.load('cifar10', options({ signal: decoding.signal }), (stage) => {
      if (stage === 'decode') decoding.abort();
    });
    await expect(later).rejects.toMatchObject({ name: 'AbortError' });
    const count = asked.length;
    expect(asked[1]).toMatch(/bytes=[1-9]\d*-$/);
    // All has been here by then.
    expect(summary(await cifar10(hub))).toEqual(local);
    expect(asked).toHaveLength(count);
    await expect(cifar10(hub, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });

  test('404, 500, a web page', async () => {
    const hub = newHub();
    mishaps = [status(404), status(500)];
    const error = await failureOf(cifar10(hub), 'download-status');
    const address = `${base}/uoft-cs/cifar10/resolve/main/${TRAIN}`;
    expect(error.details).toEqual({ file: `cifar10/${TRAIN}`, address, status: 404 });
    expect((await failureOf(cifar10(hub), 'download-status')).details['status']).toBe(500);
    mishaps = [
      (_, response) =>
        void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>'),
    ];
    await failureOf(cifar10(hub), 'download-page');
    expect(summary(await cifar10(hub))).toEqual(local);
  });

  test('nobody there, or no address', async () => {
    const nowhere = 'http://127.0.0.1:9';
    const error = await failureOf(cifar10(newHub(), { base: nowhere }), 'download-unreachable');
    expect(error.message).toContain('CORS');
    for (const wrong of ['', 'hub', 'file:///etc', 'javascript:0']) {
      await failureOf(cifar10(newHub(), { base: wrong }), 'hub-address');
    }
  });

  test('another file there than before: from the beginning', async () => {
    const hub = newHub();
    mishaps = [breakAfter(10_000)];
    await failureOf(cifar10(hub), 'download-broken');
    mishaps = [serving({ etag: '"2"' }), serving({ etag: '"2"' })];
    expect(summary(await cifar10(hub))).toEqual(local);
    expect(asked.slice(1, 3)).toEqual([`${TRAIN} bytes=10000-`, `${TRAIN} bytes=0-`]);
  });

  test('a server that knows no ranges: from the beginning', async () => {
    const hub = newHub();
    const noRanges: Mishap = (_, response, whole) => void response.writeHead(200).end(whole);
    mishaps = [breakAfter(10_000), noRanges, noRanges];
    await failureOf(cifar10(hub), 'download-broken');
    expect(summary(await cifar10(hub))).toEqual(local);
  });

  test('damaged on the server: fetched anew the next time', async () => {
    const hub = newHub();
    mishaps = [
      (request, response, whole) => serve(request, response, whole.fill(0, whole.length - 900)),
    ];
    const error = await failureOf(cifar10(hub), 'parquet-damaged');
    expect(error.details['file']).toBe(`cifar10/${TRAIN}`);
    expect(summary(await cifar10(hub))).toEqual(local);
    expect(asked).toHaveLength(4);
  });
});

describe('what has come is kept for a later visit', () => {
  const MEGABYTE = 2 ** 20;
  /** A visit that ends after so many bytes of the training file. */
  const leaveAfter = async (folder: MemoryFolder, length: number) => {
    mishaps = [breakAfter(length)];
    await failureOf(cifar10(newHub(folder)), 'download-broken');
    asked = [];
  };
  const sizesIn = (folder: MemoryFolder) => newHub(folder).begun();

  test('which goes on from there, also after several pieces; nothing is left when the set is read', async () => {
    const folder = new MemoryFolder();
    await leaveAfter(folder, 10_000);
    await leaveAfter(folder, 20_000);
    expect([...(await sizesIn(folder))]).toEqual([['cifar10', 30_000]]);
    const heard: number[] = [];
    const set = await newHub(folder).load('cifar10', options(), (stage, done) => {
      if (stage === 'download') heard.push(done);
    });
    expect(summary(set)).toEqual(local);
    expect(asked).toEqual([`${TRAIN} bytes=30000-`, `${TEST} bytes=0-`]);
    expect(heard[0]).toBeGreaterThan(30_000);
    expect(folder.files.size).toBe(0);
  });

  test('while it comes', async () => {
    const folder = new MemoryFolder();
    mishaps = [
      (request, response) =>
        serve(request, response, new Uint8Array(9 * MEGABYTE), {
          length: 5 * MEGABYTE,
          then: 'stall',
        }),
    ];
    const controller = new AbortController();
    const kept: number[] = [];
    const work = newHub(folder).load(
      'cifar10',
      options({ signal: controller.signal }),
      (_, done) => {
        kept.push([...folder.files.values()].reduce((sum, { length }) => sum + length, 0));
        if (done === 5 * MEGABYTE) controller.abort();
      },
    );
    await expect(work).rejects.toMatchObject({ name: 'AbortError' });
    // Long before the download was stopped.
    expect(kept.at(-1)).toBeGreaterThan(4 * MEGABYTE);
    expect((await sizesIn(folder)).get('cifar10')).toBe(5 * MEGABYTE);
  });

  test('wherever its tab was closed', async () => {
    const folder = new MemoryFolder();
    await leaveAfter(folder, 10_000);
    const moments: MemoryFolder[] = [];
    folder.onBytes = () => moments.push(new MemoryFolder(folder.files));
    await leaveAfter(folder, 10_000);
    const firsts = new Set<string | undefined>();
    for (const moment of moments) {
      asked = [];
      expect(summary(await cifar10(newHub(moment)))).toEqual(local);
      firsts.add(asked[0]);
      expect(moment.files.size).toBe(0);
    }
    expect(moments.length).toBeGreaterThan(3);
    expect([...firsts].sort()).toEqual([`${TRAIN} bytes=10000-`, `${TRAIN} bytes=20000-`]);
  });

  test('but not where the server has another file now, or the file comes from elsewhere', async () => {
    const folder = new MemoryFolder();
    await leaveAfter(folder, 10_000);
    mishaps = [serving({ etag: '"2"' }), serving({ etag: '"2"', length: 5000 })];
    await failureOf(cifar10(newHub(folder)), 'download-broken');
    expect(asked).toEqual([`${TRAIN} bytes=10000-`, `${TRAIN} bytes=0-`]);
    expect((await sizesIn(folder)).get('cifar10')).toBe(5000);

    asked = [];
    const mirror = `${base}/mirror`;
    mishaps = [breakAfter(7000)];
    await failureOf(cifar10(newHub(folder), { base: mirror }), 'download-broken');
    expect(asked).toEqual([`${TRAIN} bytes=0-`]);
    expect((await sizesIn(folder)).get('cifar10')).toBe(7000);

    asked = [];
    const longer: Mishap = (request, response, whole) =>
      serve(request, response, new Uint8Array([...whole, 0]), { length: 4000 });
    mishaps = [longer, longer];
    await failureOf(cifar10(newHub(folder), { base: mirror }), 'download-broken');
    expect(asked).toEqual([`${TRAIN} bytes=7000-`, `${TRAIN} bytes=0-`]);
    expect((await sizesIn(folder)).get('cifar10')).toBe(4000);
    expect(summary(await cifar10(newHub(folder)))).toEqual(local);
    expect(folder.files.size).toBe(0);
  });

  test('and not where versions cannot be told apart', async () => {
    const folder = new MemoryFolder();
    mishaps = [serving({ etag: null, length: 10_000 })];
    await failureOf(cifar10(newHub(folder)), 'download-broken');
    expect(folder.files.size).toBe(0);
  });

  test('in memory where there is no room or no storage, which is said', async () => {
    const folder = new MemoryFolder();
    folder.room = 4000;
    const hub = newHub(folder);
    const told: string[] = [];
    const onUnkept = ({ code }: { code: string }) => told.push(code);
    mishaps = [breakAfter(10_000)];
    await failureOf(cifar10(hub, { onUnkept }), 'download-broken');
    expect(told).toEqual(['download-unkept']);
    expect(folder.files.size).toBe(0);
    expect((await hub.begun()).get('cifar10')).toBe(10_000);
    expect(summary(await cifar10(hub))).toEqual(local);
    expect(asked[1]).toBe(`${TRAIN} bytes=10000-`);

    const refused = new Hub(() => Promise.reject(new FathomError('storage-refused', 'none')));
    told.length = 0;
    expect(summary(await cifar10(refused, { onUnkept }))).toEqual(local);
    expect(told).toEqual(['storage-refused']);
  });

  test('in one tab at a time, whose pieces no other one removes', async () => {
    const folder = new MemoryFolder();
    mishaps = [stallAfter(10_000)];
    const controller = new AbortController();
    let first: Promise<unknown> = Promise.resolve();
    await new Promise<void>((resolve) => {
      const { signal } = controller;
      first = newHub(folder).load('cifar10', options({ signal }), (_, done) => {
        if (done === 10_000) resolve();
      });
    });
    const another = newHub(folder);
    const { details } = await failureOf(cifar10(another), 'download-busy');
    expect(details).toEqual({ title: 'CIFAR-10' });
    await failureOf(another.forget('cifar10'), 'download-busy');
    controller.abort();
    await expect(first).rejects.toMatchObject({ name: 'AbortError' });
    expect(summary(await cifar10(another))).toEqual(local);
    expect(asked).toEqual([`${TRAIN} bytes=0-`, `${TRAIN} bytes=10000-`, `${TEST} bytes=0-`]);
  });

  test('until it is forgotten', async () => {
    const folder = new MemoryFolder();
    await leaveAfter(folder, 10_000);
    const hub = newHub(folder);
    await hub.forget('cifar10');
    expect(folder.files.size).toBe(0);
    expect((await hub.begun()).size).toBe(0);
  });
});

test('pieces are put together only where they belong together', async () => {
  const folder = new MemoryFolder();
  const version = { file: 'f', address: 'a', tag: '1', total: 9 };
  const bytes = (...values: number[]) => [Uint8Array.from(values)];
  const add = (from: number, values: number[], other: Partial<typeof version> = {}) =>
    addPiece(folder, { ...version, ...other }, from, bytes(...values));
  await add(4, [5, 6]);
  await add(0, [9, 9, 9, 9], { tag: '2' });
  await add(0, [9, 9, 9, 9], { total: 8 });
  await add(0, [9, 9, 9, 9], { address: 'b' });
  await add(0, [1]);
  await add(1, [2, 3, 4]);
  await add(7, [8]);
  await add(0, [7], { file: 'other' });
  folder.files.set('half.part', new Uint8Array([...folder.files.values()][0]!.slice(0, -1)));
  const { pieces, bytes: length } = (await openBeginning(folder, 'f', 'a')) ?? {};
  expect(length).toBe(6);
  const whole = new Uint8Array(await new Blob(pieces).arrayBuffer());
  expect([...whole]).toEqual([1, 2, 3, 4, 5, 6]);
  // The three of the row, and the one of the other file.
  expect(folder.files.size).toBe(4);
});
