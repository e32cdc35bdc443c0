/** The worker's side of the page: commands in any order, while something is being built too. */
import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { experimentConfig } from '../../src/lab/config.ts';
import type { ExperimentConfig } from '../../src/lab/config.ts';
import { Experiment } from '../../src/lab/experiment.ts';
import { Host } from '../../src/worker/host.ts';
import { pictureBytesOf } from '../../src/engine/gpu/device.ts';
import type { Command, Event } from '../../src/worker/protocol.ts';
import { TUNINGS } from '../../src/ops/tuning.ts';
import { DataDesk } from '../../src/worker/data_desk.ts';
import { MemoryFolder } from '../memory_folder.ts';
import { device } from './setup.ts';

/** What the browser gives, on the device of the tests. */
const browserGpu = {
  requestAdapter: () =>
    Promise.resolve({
      features: new Set(),
      limits: device.limits,
      info: { vendor: '', architecture: '', device: '', description: 'of the tests' },
      requestDevice: () => Promise.resolve(device),
    }),
} as unknown as GPU;

const config = (given: Partial<ExperimentConfig> = {}): ExperimentConfig =>
  experimentConfig.parse({
    networks: ['plain-8'],
    size: 8,
    width: 4,
    batch: 8,
    steps: 3,
    evalEvery: 1000,
    ...given,
  });

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;

const opened: Host[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const host of opened.splice(0)) await host.close();
});

const newDesk = (folder = new MemoryFolder()) =>
  new DataDesk({ openFolder: () => Promise.resolve(folder) });

function open(desk = newDesk()) {
  const events: Event[] = [];
  const host = new Host(browserGpu, desk, (event) => events.push(event));
  const of = <T extends Event['type']>(type: T) =>
    events.filter((event): event is EventOf<T> => event.type === type);
  const rests = async () => {
    await host.idle();
    return of('state').at(-1)?.state;
  };
  opened.push(host);
  return {
    host,
    events,
    of,
    rests,
    send: (...commands: Command[]) => commands.forEach((command) => host.handle(command)),
    rows: () => of('metrics').flatMap(({ rows }) => rows),
  };
}

const tinyFile = async (name: string, cut?: number) => {
  const bytes = await readFile(`tests/fixtures/fashion-mnist-tiny/${name}`);
  return { name, blob: new Blob([bytes.subarray(0, cut)]) };
};
const tinyFashion = () =>
  Promise.all(
    ['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz'].map((name) => tinyFile(name)),
  );

describe('commands that come while an experiment is being built are meant for it', () => {
  it('start', async () => {
    const { send, rests, rows } = open();
    send({ type: 'configure', config: config() }, { type: 'start' });
    expect(await rests()).toBe('finished');
    expect(rows().map(({ iteration }) => iteration)).toContain(3);
  });

  it('a setting and a toggle, before the start', async () => {
    const { send, rests, of } = open();
    send(
      { type: 'configure', config: config() },
      { type: 'set', settings: { learningRate: 0.02 } },
      { type: 'toggle', network: 'plain-8', connected: true },
      { type: 'start' },
    );
    expect(await rests()).toBe('finished');
    const last = of('networks').at(-1);
    expect(last?.networks[0]?.connected).toBe(true);
    expect(last?.config.learningRate).toBe(0.02);
  });

  it('a pause takes the start back', async () => {
    const { send, rests, rows } = open();
    send({ type: 'configure', config: config() }, { type: 'start' }, { type: 'pause' });
    expect(await rests()).toBe('ready');
    expect(rows()).toEqual([]);
  });

  it('of several configurations only the last is built; the old experiment does not train on', async () => {
    const { send, rests, rows, of } = open();
    send({ type: 'configure', config: config({ steps: 5000 }) }, { type: 'start' });
    while (rows().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    send(
      { type: 'configure', config: config({ networks: ['plain-14'] }) },
      { type: 'configure', config: config({ networks: ['residual-8'] }) },
      { type: 'start' },
    );
    expect(await rests()).toBe('finished');
    expect(of('networks').map(({ networks }) => networks[0]?.id)).not.toContain('plain-14');
    const before = rows().filter(({ network }) => network === 'plain-8');
    expect(before.length).toBeLessThan(5000);
    expect(rows().filter(({ network }) => network === 'residual-8').length).toBeGreaterThan(0);
  });

  it('slow motion holds for the next experiment too', async () => {
    const { send, rests, of } = open();
    send(
      { type: 'configure', config: config() },
      { type: 'pace', pace: { kind: 'slow', millisecondsPerLayer: 0 } },
      { type: 'start' },
    );
    await rests();
    expect(of('phase').length).toBeGreaterThan(0);
  });
});

describe('what fails leaves what was before', () => {
  it('a configuration that cannot be built', async () => {
    const { send, rests, of, events } = open();
    send({ type: 'configure', config: config() }, { type: 'step' });
    await rests();
    const from = events.length;
    send({ type: 'configure', config: { ...config(), networks: ['plain-9'] } }, { type: 'start' });
    expect(await rests()).toBe('paused');
    const after = events.slice(from);
    expect(after.find((event) => event.type === 'failed')).toMatchObject({
      command: 'configure',
      code: 'network-id',
    });
    // The page hears again what stands, in which state, and the start is not carried out on it.
    expect(of('networks').at(-1)?.networks[0]?.id).toBe('plain-8');
    expect(after.some((event) => event.type === 'metrics')).toBe(false);
    send({ type: 'start' });
    expect(await rests()).toBe('finished');
  });

  it('files that are damaged, while it trains', async () => {
    const { send, rests, rows, of } = open();
    send({ type: 'configure', config: config({ steps: 60 }) }, { type: 'start' });
    while (rows().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const damaged = [
      await tinyFile('train-images-idx3-ubyte.gz', 9000),
      await tinyFile('train-labels-idx1-ubyte.gz'),
    ];
    send({ type: 'open-files', files: damaged });
    expect(await rests()).toBe('finished');
    const [failure] = of('failed');
    expect(failure?.command).toBe('open-files');
    expect(failure?.message).toContain('train-images-idx3-ubyte.gz');
    expect(Math.max(...rows().map(({ iteration }) => iteration))).toBe(60);
  });
});

describe('files', () => {
  it('replace the data set, and are taken at another size as well', async () => {
    const { send, rests, of } = open();
    send({ type: 'configure', config: config() });
    send({ type: 'open-files', files: await tinyFashion() });
    expect(await rests()).toBe('ready');
    const { data } = of('networks').at(-1)?.config ?? {};
    expect(of('dataset').at(-1)?.dataset).toMatchObject({ id: data, channels: 1, height: 8 });
    send({ type: 'configure', config: config({ size: 12, data: data ?? '' }) });
    await rests();
    expect(of('dataset').at(-1)?.dataset).toMatchObject({ id: data, height: 12 });
  });

  it('that give a name to another set: an experiment of that name takes it', async () => {
    const desk = newDesk();
    const { host, send, rests, of } = open(desk);
    send({ type: 'open-files', files: await tinyFashion() });
    await rests();
    const before = of('dataset').at(-1)?.dataset;
    const again = { testShare: 0.5, replace: true };
    const { id } = await desk.open(await tinyFashion(), again, () => undefined);
    host.renew('cifar10');
    await rests();
    expect(of('dataset').at(-1)?.dataset).toBe(before);
    host.renew(id);
    expect(await rests()).toBe('ready');
    const { train } = await desk.get(id);
    expect(before?.trainCount).not.toBe(train.count);
    expect(of('dataset').at(-1)?.dataset.trainCount).toBe(train.count);
  });

  it('that take more than their room on the GPU are said to be streamed', async () => {
    const streamed = vi.spyOn(Experiment.prototype, 'streamed', 'get').mockReturnValue(['train']);
    const { send, rests, of } = open();
    send({ type: 'configure', config: config() });
    await rests();
    const room = pictureBytesOf(device);
    expect(of('dataset').at(-1)?.dataset).toMatchObject({ streamed: ['train'], room });
    streamed.mockRestore();
    send({ type: 'configure', config: config({ size: 12 }) });
    await rests();
    expect(of('dataset').at(-1)?.dataset).toMatchObject({ streamed: [], room });
  });

  it('can be opened before anything was configured', async () => {
    const { send, rests, of } = open();
    send({ type: 'open-files', files: await tinyFashion() });
    send({ type: 'configure', config: config() });
    await rests();
    expect(of('failed')).toEqual([]);
  });

  it('that a link names but nobody opened: says so, and takes the built-in pictures', async () => {
    const { send, rests, of } = open();
    send({ type: 'configure', config: config({ data: 'cifar10' }) });
    expect(await rests()).toBe('ready');
    expect(of('failed').map(({ code }) => code)).toEqual(['data-download']);
    expect(of('dataset').at(-1)?.dataset.id).toBe('builtin');
    send({ type: 'configure', config: config({ data: 'images:pets' }) });
    await rests();
    expect(of('failed').map(({ code }) => code)).toEqual(['data-download', 'data-missing']);
  });

  it('are kept, and a later visit takes them by name, or a part of them', async () => {
    const folder = new MemoryFolder();
    const before = open(newDesk(folder));
    before.send({ type: 'open-files', files: await tinyFashion() });
    await before.rests();

    const { send, rests, of } = open(newDesk(folder));
    const data = 'fashion-mnist?classes=0,9&randomLabels=0.5';
    send({ type: 'configure', config: config({ data }) });
    expect(await rests()).toBe('ready');
    expect(of('failed')).toEqual([]);
    expect(of('dataset').at(-1)?.dataset).toMatchObject({
      id: data,
      classes: ['T-shirt/top', 'Ankle boot'],
      height: 8,
    });
  });

  it('that the browser cannot keep are used from memory, and that is said', async () => {
    const folder = new MemoryFolder();
    folder.room = 1000;
    const { send, rests, of } = open(newDesk(folder));
    send({ type: 'open-files', files: await tinyFashion() });
    expect(await rests()).toBe('ready');
    expect(of('failed').map(({ code }) => code)).toEqual(['storage-full']);
    expect(of('dataset').at(-1)?.dataset.id).toBe('fashion-mnist');
    send({ type: 'configure', config: config({ size: 12, data: 'fashion-mnist' }) });
    await rests();
    expect(of('dataset').at(-1)?.dataset).toMatchObject({ id: 'fashion-mnist', height: 12 });
  });
});

describe('measurements', () => {
  it('are made of the experiment that is being built, between steps, and change nothing', async () => {
    const plain = open();
    plain.send({ type: 'configure', config: config() }, { type: 'start' });
    await plain.rests();
    const { host, send, rests, rows } = open();
    send({ type: 'configure', config: config() }, { type: 'start' });
    const [profile, expected] = await Promise.all([
      host.profile('plain-8'),
      host.expect(config({ networks: ['plain-8', 'residual-20'] })),
    ]);
    expect(profile.dispatches.length).toBeGreaterThan(20);
    expect(Object.keys(expected)).toEqual(['plain-8', 'residual-20']);
    expect(expected['residual-20']).toBeGreaterThan(0);
    expect(await rests()).toBe('finished');
    const losses = (all: ReturnType<typeof rows>) => all.map(({ trainLoss }) => trainLoss);
    expect(losses(rows())).toEqual(losses(plain.rows()));
  });

  it('tunings are tried while it trains, and the wish holds for the networks built next', async () => {
    const { host, send, rests, of } = open();
    send({ type: 'configure', config: config() });
    await rests();
    expect(of('tuning').at(-1)).toMatchObject({ tuning: 'gpu', reason: 'adapter' });
    send({ type: 'start' });
    const heard: string[] = [];
    const best = await host.tryTunings(config(), ({ tuning }) => heard.push(tuning));
    expect(heard).toEqual(of('tuning').at(-1)?.candidates);
    expect(heard).toContain(best);
    expect(await rests()).toBe('finished');

    const create = vi.spyOn(Experiment, 'create');
    send({ type: 'tuning', wishes: { pinned: 'software', measured: {} } });
    send({ type: 'configure', config: config() });
    await rests();
    expect(of('tuning').at(-1)).toMatchObject({ tuning: 'software', reason: 'pinned' });
    expect(create.mock.calls.at(-1)?.[0].tuning).toEqual(TUNINGS.software);
  });

  it('of nothing are refused', async () => {
    const { host } = open();
    await expect(host.profile('plain-8')).rejects.toMatchObject({ code: 'no-experiment' });
  });

  it('the share of the GPU holds for the next experiment too', async () => {
    const set = vi.spyOn(Experiment.prototype, 'setShare');
    const { send, rests } = open();
    send({ type: 'share', share: 0.5 }, { type: 'configure', config: config() });
    await rests();
    expect(set).toHaveBeenLastCalledWith(0.5);
  });
});

it('says why nothing can train where there is no WebGPU', async () => {
  const events: Event[] = [];
  const host = new Host(undefined, newDesk(), (event) => events.push(event));
  host.handle({ type: 'configure', config: config() });
  host.handle({ type: 'start' });
  await host.idle();
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'unsupported', code: 'no-webgpu' }),
  );
  expect(events.some(({ type }) => type === 'metrics')).toBe(false);
});
