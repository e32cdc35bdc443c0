/** Known sets from a hub that the test itself serves: whole, and with everything that goes wrong on the way. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { decodeImage } from '../../src/cli/decode.ts';
import { bytesOf, Hub, HUB_ADDRESS, HUB_SETS } from '../../src/data/hub.ts';
import type { HubOptions } from '../../src/data/hub.ts';
import { KNOWN_SETS } from '../../src/data/known.ts';
import type { KnownId } from '../../src/data/known.ts';
import { summary } from './data-checksum.ts';
import { serve, startHub } from '../hub_server.ts';
import type { HubServer, Mishap } from '../hub_server.ts';
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
    const set = await new Hub().load(id, options({ size: 16 }));
    expect(set).toMatchObject({ id, ...KNOWN_SETS[id] });
    expect([set.train.count, set.test.count]).toEqual([20, 10]);
    expect(set.channels).toBe(id.endsWith('mnist') ? 1 : 3);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toBe(`${HUB_SETS[id].files[0]?.path} bytes=0-`);
  });

  test('the same as from files; progress in bytes, then in pictures', async () => {
    const seen: [string, number, number][] = [];
    const set = await new Hub().load('cifar10', options({ base: `${base}/` }), (...step) =>
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
    const hub = new Hub();
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
    const hub = new Hub();
    mishaps = [null, breakAfter(5000)];
    await failureOf(cifar10(hub), 'download-broken');
    expect(summary(await cifar10(hub))).toEqual(local);
    expect(asked.slice(2)).toEqual([`${TEST} bytes=5000-`]);
  });

  test('stalled', async () => {
    const hub = new Hub();
    mishaps = [stallAfter(10_000)];
    const error = await failureOf(cifar10(hub, { patience: 300 }), 'download-stalled');
    expect(error.details).toEqual({ file: `cifar10/${TRAIN}`, seconds: 0, done: 10_000 });
    expect(summary(await cifar10(hub))).toEqual(local);
    expect(asked[1]).toBe(`${TRAIN} bytes=10000-`);
    // A server that never answers.
    mishaps = [() => undefined];
    await failureOf(cifar10(new Hub(), { patience: 300 }), 'download-stalled');
  });

  test('cancelled, while it downloads and while it decodes', async () => {
    const hub = new Hub();
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
    const hub = new Hub();
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
    const error = await failureOf(cifar10(new Hub(), { base: nowhere }), 'download-unreachable');
    expect(error.message).toContain('CORS');
    for (const wrong of ['', 'hub', 'file:///etc', 'javascript:0']) {
      await failureOf(cifar10(new Hub(), { base: wrong }), 'hub-address');
    }
  });

  test('another file there than before: from the beginning', async () => {
    const hub = new Hub();
    mishaps = [breakAfter(10_000)];
    await failureOf(cifar10(hub), 'download-broken');
    mishaps = [serving({ etag: '"2"' }), serving({ etag: '"2"' })];
    expect(summary(await cifar10(hub))).toEqual(local);
    expect(asked.slice(1, 3)).toEqual([`${TRAIN} bytes=10000-`, `${TRAIN} bytes=0-`]);
  });

  test('a server that knows no ranges: from the beginning', async () => {
    const hub = new Hub();
    const noRanges: Mishap = (_, response, whole) => void response.writeHead(200).end(whole);
    mishaps = [breakAfter(10_000), noRanges, noRanges];
    await failureOf(cifar10(hub), 'download-broken');
    expect(summary(await cifar10(hub))).toEqual(local);
  });

  test('damaged on the server: fetched anew the next time', async () => {
    const hub = new Hub();
    mishaps = [
      (request, response, whole) => serve(request, response, whole.fill(0, whole.length - 900)),
    ];
    const error = await failureOf(cifar10(hub), 'parquet-damaged');
    expect(error.details['file']).toBe(`cifar10/${TRAIN}`);
    expect(summary(await cifar10(hub))).toEqual(local);
    expect(asked).toHaveLength(4);
  });
});
