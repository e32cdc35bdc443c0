/** An experiment as it runs: control, pace, failure. What its settings compute is tested in controls.test.ts. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { GpuNetwork } from '../../src/engine/network.ts';
import { LossSlice } from '../../src/engine/surface.ts';
import { experimentConfig } from '../../src/lab/config.ts';
import type { ExperimentConfig } from '../../src/lab/config.ts';
import { Experiment } from '../../src/lab/experiment.ts';
import { Inspector } from '../../src/lab/inspector.ts';
import type { LabEvent, NetworkProfile } from '../../src/lab/experiment.ts';
import { cifarNetwork } from '../../src/network/families.ts';
import { template } from '../../src/network/templates.ts';
import { device } from './setup.ts';
import { smallBuiltin } from './small_data.ts';

const gpu = new Gpu(device);
const STEPS = 8;
const NETWORKS = ['plain-8', 'residual-8'];
const QUESTION = {
  along: { kind: 'plane', seed: 5, range: 1 },
  points: 3,
  images: 20,
  split: 'test',
  statistics: 'running',
} as const;
const BASE: Partial<ExperimentConfig> = {
  networks: NETWORKS,
  size: 8,
  width: 4,
  batch: 8,
  steps: STEPS,
  evalEvery: 4,
  warmup: 0,
};

type EventOf<T extends LabEvent['type']> = Extract<LabEvent, { type: T }>;

/** An experiment, what it said, and what a test does when it says something. */
class Watched {
  readonly events: LabEvent[] = [];
  readonly failures: unknown[] = [];
  experiment!: Experiment;
  private readonly reactions: ((event: LabEvent) => boolean)[] = [];

  static async open(
    config: Partial<ExperimentConfig> = {},
    on = gpu,
    now?: () => number,
  ): Promise<Watched> {
    const watched = new Watched();
    const checked = experimentConfig.parse({ ...BASE, ...config });
    watched.experiment = await Experiment.create(on, checked, await smallBuiltin(checked.size), {
      emit: (event) => watched.receive(event),
      failed: (error) => watched.failures.push(error),
      ...(now && { now }),
    });
    opened.push(watched);
    return watched;
  }

  /** Acts once, at the first event of which `when` holds. */
  once(when: (event: LabEvent) => boolean, act: (experiment: Experiment) => void): void {
    this.reactions.push((event) => {
      if (!when(event)) return false;
      act(this.experiment);
      return true;
    });
  }

  of<T extends LabEvent['type']>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type);
  }

  /** So many looks at layers after the first `from`, by network; waits until there are as many. */
  async looks(count: number, from = 0): Promise<EventOf<'watched'>[]> {
    await expect.poll(() => this.of('watched').length, { timeout: 60_000 }).toBe(from + count);
    const looks = this.of('watched').slice(from);
    return looks.sort((a, b) => a.network.localeCompare(b.network));
  }

  states = () => this.of('state').map(({ state }) => state);
  marks = () => this.of('mark').map(({ mark }) => mark);

  /** The newest row of each network and iteration, without what depends on the machine. */
  curves(from = 0) {
    const rows = new Map<string, object>();
    for (const event of this.events.slice(from)) {
      if (event.type !== 'metrics') continue;
      for (const { network, iteration, trainLoss, trainError, testError } of event.rows) {
        rows.set(`${network} ${iteration}`, { trainLoss, trainError, testError });
      }
    }
    return Object.fromEntries([...rows].sort(([a], [b]) => a.localeCompare(b)));
  }

  private receive(event: LabEvent): void {
    this.events.push(event);
    const at = this.reactions.findIndex((reaction) => reaction(event));
    if (at >= 0) this.reactions.splice(at, 1);
  }
}

const opened: Watched[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const { experiment } of opened.splice(0)) await experiment.close();
});

async function uninterrupted(config: Partial<ExperimentConfig> = {}) {
  const watched = await Watched.open(config);
  watched.experiment.start();
  await watched.experiment.idle();
  return watched;
}

const isEvaluating = (event: LabEvent) => event.type === 'evaluating' && event.done === 1;
const hasRows = (event: LabEvent) => event.type === 'metrics';

describe('a network by hand', () => {
  it('trains beside the family, is rewired and profiled as they are', async () => {
    const input = { channels: 1, height: 12, width: 12 };
    const spec = cifarNetwork({ depth: 8, residual: true, width: 4, input, classes: 3 });
    const chapter = template('linear', { input, classes: 3 });
    const custom = { copy: { ...spec, name: 'x' }, chapter };
    const run = await Watched.open({ custom, networks: ['copy', 'residual-8', 'chapter'] });
    const [copy, original, linear] = run.of('networks')[0]!.networks;
    expect({ ...copy, id: 'residual-8' }).toEqual(original);
    expect(linear).toMatchObject({ id: 'chapter', depth: 1, rewirable: false, connected: false });
    const { experiment } = run;
    for (const id of ['copy', 'residual-8']) experiment.toggle(id, false);
    experiment.start();
    await experiment.idle();
    expect(run.failures).toEqual([]);
    // The same network under another name: the same weights, the same curve.
    const rows = run.of('metrics').flatMap((event) => event.rows);
    const losses = (id: string) =>
      rows.filter(({ network }) => network === id).map(({ trainLoss }) => trainLoss);
    expect(losses('copy').length).toBeGreaterThanOrEqual(STEPS);
    expect(losses('copy')).toEqual(losses('residual-8'));
    expect((await experiment.profile('chapter')).connected).toBe(false);
  });
});

describe('running', () => {
  it('trains all networks side by side to the end and evaluates on time', async () => {
    const run = await uninterrupted();
    expect(run.states()).toEqual(['ready', 'running', 'finished']);
    for (const network of NETWORKS) {
      const rows = run.of('metrics').flatMap((event) => event.rows);
      const own = rows.filter((row) => row.network === network);
      expect([...new Set(own.map(({ iteration }) => iteration))]).toEqual(
        Array.from({ length: STEPS }, (_, i) => i + 1),
      );
      expect(
        own.filter(({ testError }) => testError !== null).map(({ iteration }) => iteration),
      ).toEqual([4, 8]);
    }
    expect(run.failures).toEqual([]);
  });

  it('computes the same in one go, step by step, and in slow motion', async () => {
    const whole = await uninterrupted();

    const single = await Watched.open();
    for (let t = 0; t < STEPS; t++) {
      single.experiment.step();
      await single.experiment.idle();
      expect(single.experiment.state).toBe(t < STEPS - 1 ? 'paused' : 'finished');
    }
    expect(single.curves()).toEqual(whole.curves());

    const slow = await Watched.open();
    slow.experiment.setPace({ kind: 'slow', millisecondsPerLayer: 0 });
    slow.experiment.start();
    await slow.experiment.idle();
    expect(slow.curves()).toEqual(whole.curves());
    // Each step goes through the layers forward, backwards, and ends with the update.
    const phases = slow.of('phase');
    const end = phases.findIndex(({ phase }) => phase === null);
    const step = phases.slice(0, end);
    expect(new Set(step.map(({ network }) => network)).size).toBe(1);
    expect([...new Set(step.map(({ phase }) => phase))]).toEqual(['forward', 'backward', 'update']);
    const layers = (wanted: string) =>
      step
        .filter(({ phase, path }) => phase === wanted && path.includes('conv'))
        .map(({ path }) => path);
    expect(layers('forward').length).toBe(7);
    expect(layers('backward')).toEqual(layers('forward').reverse());
  });

  it('computes the same whether or not it is paused, in the middle of an evaluation too', async () => {
    const whole = await uninterrupted();
    const run = await Watched.open();
    run.once(isEvaluating, (experiment) => experiment.pause());
    run.experiment.start();
    await run.experiment.idle();
    expect(run.experiment.state).toBe('paused');
    // The evaluation was given up: no test error has come out.
    expect(JSON.stringify(run.curves())).not.toMatch(/"testError":\d/);
    run.experiment.start();
    await run.experiment.idle();
    expect(run.curves()).toEqual(whole.curves());
    expect(run.states()).toEqual(['ready', 'running', 'pausing', 'paused', 'running', 'finished']);
  });

  it('begins no step after a pause', async () => {
    const run = await Watched.open({ steps: 2000, evalEvery: 2000 });
    const steps = vi.spyOn(GpuNetwork.prototype, 'run');
    let before = 0;
    run.once(hasRows, (experiment) => {
      experiment.pause();
      before = steps.mock.calls.length;
    });
    run.experiment.start();
    await run.experiment.idle();
    expect(before).toBeGreaterThan(0);
    // One step may have been on its way from the queue to the device.
    expect(steps.mock.calls.length - before).toBeLessThanOrEqual(1);
    // And every step that was begun has its row, the last before the pause is over.
    expect(Object.keys(run.curves()).length).toBe(steps.mock.calls.length);
    const { events } = run;
    const over = events.findIndex((event) => event.type === 'state' && event.state === 'paused');
    expect(over).toBeGreaterThan(events.findLastIndex(hasRows));
    expect(over).toBe(events.length - 1);
  });
});

describe('commands in quick succession are all carried out, in their order', () => {
  const cases: [string, (experiment: Experiment) => void, iterations: number, state: string][] = [
    ['step, start', (e) => (e.step(), e.start()), STEPS, 'finished'],
    ['start, pause', (e) => (e.start(), e.pause()), 0, 'paused'],
    ['step, step, step', (e) => (e.step(), e.step(), e.step()), 3, 'paused'],
    ['start, step', (e) => (e.start(), e.step()), 1, 'paused'],
    ['reset, start', (e) => (e.reset(), e.start()), STEPS, 'finished'],
    ['start, reset', (e) => (e.start(), e.reset()), 0, 'ready'],
    ['reset, start, pause', (e) => (e.reset(), e.start(), e.pause()), 0, 'ready'],
    ['start, reset, step', (e) => (e.start(), e.reset(), e.step()), 1, 'paused'],
  ];
  it.each(cases)('%s', async (_, act, iterations, state) => {
    const run = await Watched.open();
    act(run.experiment);
    await run.experiment.idle();
    expect(run.experiment.state).toBe(state);
    expect(Object.keys(run.curves()).length).toBe(NETWORKS.length * iterations);
  });

  it('start during a step that is on its way, reset during training', async () => {
    const run = await Watched.open();
    run.once(hasRows, (experiment) => experiment.start());
    run.experiment.step();
    await run.experiment.idle();
    expect(run.experiment.state).toBe('finished');

    run.experiment.reset();
    await run.experiment.idle();
    const mark = run.events.length;
    run.once(hasRows, (experiment) => {
      experiment.reset();
      experiment.start();
    });
    run.experiment.start();
    await run.experiment.idle();
    expect(run.experiment.state).toBe('finished');
    const ready = run.events.findLastIndex(
      (event) => event.type === 'state' && event.state === 'ready',
    );
    expect(ready).toBeGreaterThan(mark);
    expect(run.curves(ready)).toEqual((await uninterrupted()).curves());
  });
});

describe('shortcuts', () => {
  it('are switched without compiling or allocating, though no other network had them so', async () => {
    const own = new Gpu(device);
    const run = await Watched.open({ networks: ['plain-8'], shortcut: 'B' }, own);
    run.experiment.step();
    await run.experiment.idle();
    await run.experiment.compileAll();
    const before = [own.kernels.size, own.transient.version];
    run.experiment.toggle('plain-8', true);
    run.experiment.step();
    await run.experiment.idle();
    expect(run.marks()).toEqual([{ network: 'plain-8', iteration: 1, kind: 'connected' }]);
    expect([own.kernels.size, own.transient.version]).toEqual(before);
  });

  it('are compiled after the first steps, which do not wait for them', async () => {
    const own = new Gpu(device);
    const run = await Watched.open({ networks: ['plain-8'], shortcut: 'B' }, own);
    const compiled = own.kernels.size;
    await run.experiment.compileAll();
    expect(own.kernels.size).toBeGreaterThan(compiled);
  });

  it('are as configured after a reset, and the curves repeat', async () => {
    const run = await Watched.open();
    run.experiment.toggle('plain-8', true);
    run.experiment.start();
    await run.experiment.idle();
    const toggled = run.curves();
    run.experiment.reset();
    await run.experiment.idle();
    const described = run.of('networks').at(-1)?.networks;
    expect(described?.map(({ id, connected }) => [id, connected])).toEqual([
      ['plain-8', false],
      ['residual-8', true],
    ]);
    const from = run.events.length;
    run.experiment.start();
    await run.experiment.idle();
    const whole = await uninterrupted();
    expect(run.curves(from)).toEqual(whole.curves());
    expect(toggled).not.toEqual(whole.curves());
  });

  it('need not wait for an evaluation, which is then made of the network as it is', async () => {
    const toggleBefore = await Watched.open();
    for (let t = 0; t < 4; t++) toggleBefore.experiment.step();
    toggleBefore.once(isEvaluating, (experiment) => experiment.toggle('residual-8', false));
    toggleBefore.once(isEvaluating, (experiment) => experiment.toggle('plain-8', true));
    await toggleBefore.experiment.idle();
    // What was cut short began anew: each network was evaluated to its end once.
    const ends = toggleBefore.of('evaluating').filter(({ done, total }) => done === total);
    expect(ends.map(({ network }) => network).sort()).toEqual(NETWORKS);
    expect(toggleBefore.of('evaluating').filter(isEvaluating).length).toBeGreaterThan(2);
  });
});

describe('watching the layers', () => {
  it('begins soon, follows wiring and training, and changes nothing of what is computed', async () => {
    const apart = await Watched.open();
    apart.experiment.start();
    await apart.experiment.idle();

    const watched = await Watched.open();
    watched.experiment.watch(true);
    const first = await watched.looks(NETWORKS.length);
    expect(first.map(({ network, iteration }) => [network, iteration])).toEqual(
      NETWORKS.map((id) => [id, 0]),
    );
    for (const { layers } of first) {
      expect(layers.map(({ path }) => path)).toEqual([
        'conv1',
        ...['layer1', 'layer2', 'layer3'].flatMap((stage) => [
          `${stage}.0.conv1`,
          `${stage}.0.conv2`,
        ]),
        'fc',
      ]);
      for (const { deviation, gradient, update } of layers) {
        for (const value of [deviation, gradient, update]) expect(value).toBeGreaterThan(0);
      }
    }
    watched.experiment.start();
    await watched.experiment.idle();
    expect(watched.curves()).toEqual(apart.curves());

    let seen = watched.of('watched').length;
    watched.experiment.toggle('residual-8', false);
    expect(await watched.looks(1, seen)).toMatchObject([
      { network: 'residual-8', iteration: STEPS },
    ]);
    seen++;
    watched.experiment.reset();
    expect(await watched.looks(NETWORKS.length, seen)).toEqual(first);
  });

  it('lets the networks train while its kernels compile', async () => {
    const watched = await Watched.open();
    const { experiment } = watched;
    await experiment.compileAll();
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const compile = gpu.kernels.compile.bind(gpu.kernels);
    vi.spyOn(gpu.kernels, 'compile').mockImplementation(async (...calls) => {
      await held;
      return compile(...calls);
    });
    const inspector = new Inspector((id, work) => experiment.atRest(id, work));
    experiment.start();
    experiment.watch(true);
    const statistics = inspector.statistics('plain-8');
    await experiment.idle();
    expect(experiment.state).toBe('finished');
    expect(watched.of('watched')).toEqual([]);

    release();
    for (const { iteration } of await watched.looks(NETWORKS.length)) expect(iteration).toBe(STEPS);
    expect(await statistics).toMatchObject({ network: 'plain-8', iteration: STEPS });
    expect(watched.failures).toEqual([]);
  });

  it('takes no memory once it has ended', async () => {
    const watched = await Watched.open();
    const { experiment } = watched;
    const bytes = gpu.transient.bytes;
    const end = async () => {
      experiment.watch(false);
      await experiment.idle();
      expect(gpu.transient.bytes).toBe(bytes);
    };
    experiment.watch(true);
    await end();
    experiment.watch(true);
    await watched.looks(NETWORKS.length);
    expect(gpu.transient.bytes).toBeGreaterThan(bytes);
    await end();
  });
});

describe('a profile', () => {
  it.each(['sgd', 'adam'] as const)(
    'is made between two steps, and the curves do not show it (%s)',
    async (optimizer) => {
      const recipe = { optimizer, learningRate: optimizer === 'sgd' ? 0.1 : 0.001, clipNorm: 1 };
      const whole = await uninterrupted(recipe);
      const run = await Watched.open(recipe);
      const profiles: Promise<NetworkProfile>[] = [];
      run.once(hasRows, (experiment) => profiles.push(experiment.profile('residual-8')));
      run.experiment.step();
      await run.experiment.idle();
      profiles.push(run.experiment.profile('plain-8'));
      run.experiment.start();
      await run.experiment.idle();
      expect(run.curves()).toEqual(whole.curves());
      const [residual, plain] = await Promise.all(profiles);
      expect([residual?.network, plain?.network]).toEqual(['residual-8', 'plain-8']);
      const dispatches = run.of('networks').at(-1)?.networks[1]?.dispatchesPerStep;
      expect(residual?.dispatches).toHaveLength(dispatches ?? NaN);
      expect(residual?.peaks).toBe(plain?.peaks);
    },
  );

  it('counts the bytes of what the network keeps, and of what a step needs at least', async () => {
    const run = await Watched.open({ optimizer: 'adam' });
    const { memory } = await run.experiment.profile('residual-8');
    const counted = run.of('networks')[0]?.networks[1]?.parameters ?? NaN;
    // Tensors begin at multiples of 256 bytes, and channels come in fours.
    expect(memory.weights).toBeGreaterThan(4 * counted);
    expect(memory.weights).toBeLessThan(4 * counted + 100 * 256 + 4 * counted);
    expect(memory.gradients).toBe(memory.weights);
    expect(memory.optimizer).toBe(3 * memory.weights);
    expect(memory.lowerBound).toBeLessThanOrEqual(memory.transient);
    expect(memory.transient).toBeLessThan(1.15 * memory.lowerBound);
    expect(memory.shared).toBeGreaterThanOrEqual(memory.transient);
    const sizes = memory.largest.map(({ bytes }) => bytes);
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    // In the last stage 16 channels meet 16; in the first, 8 pictures have 4 channels of 64 pixels.
    expect(memory.largest[0]).toMatchObject({ kind: 'weights', bytes: 16 * 16 * 9 * 4 });
    expect(memory.largest.find(({ kind }) => kind === 'transient')?.bytes).toBe(8 * 4 * 64 * 4);
  });

  it('of a network that does not take part, or of an experiment that is closed, is refused', async () => {
    const run = await Watched.open();
    await expect(run.experiment.profile('plain-20')).rejects.toMatchObject({ code: 'no-network' });
    let profile: Promise<NetworkProfile> | null = null;
    run.once(hasRows, (experiment) => {
      profile = experiment.profile('plain-8');
      profile.catch(() => undefined);
      void experiment.close();
    });
    run.experiment.start();
    await run.experiment.idle();
    await expect(profile).rejects.toMatchObject({ code: 'experiment-closed' });
    expect(run.failures).toEqual([]);
  });
});

/** A clock on which every pass takes `milliseconds` of the GPU, and every timer comes late. */
function simulate(milliseconds: number) {
  const clock = { now: 0, busy: 0, submits: [] as number[] };
  const run = GpuNetwork.prototype.run;
  const submit = vi.spyOn(device.queue, 'submit');
  vi.spyOn(GpuNetwork.prototype, 'run').mockImplementation(function (this: GpuNetwork, ...args) {
    const before = submit.mock.calls.length;
    run.apply(this, args);
    clock.submits.push(submit.mock.calls.length - before);
    clock.now += milliseconds;
    clock.busy += milliseconds;
  });
  const late = 3;
  const timer = globalThis.setTimeout;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation((act: () => void, wait = 0) => {
    clock.now += wait + late;
    return timer(act);
  });
  return clock;
}

/** Losses of a survey of 9 points, in the order in which they come. */
async function lossesOf({ experiment }: Watched, network: string): Promise<number[]> {
  const losses: number[] = [];
  await experiment.survey({ ...QUESTION, network }, ({ loss }) => losses.push(loss) > 0);
  return losses;
}

describe('the share of the GPU', () => {
  it.each([0.1, 0.5, 0.8])('is %d of the time, and changes no result', async (share) => {
    const whole = await uninterrupted();
    const clock = simulate(10);
    const run = await Watched.open({}, gpu, () => clock.now);
    run.experiment.setShare(share);
    run.experiment.start();
    await run.experiment.idle();
    expect(run.curves()).toEqual(whole.curves());
    const passes = NETWORKS.length * (STEPS + 2 * Math.ceil(20 / 8));
    expect(clock.busy).toBe(10 * passes);
    expect(clock.busy / clock.now).toBeGreaterThan(0.9 * share);
    expect(clock.busy / clock.now).toBeLessThan(1.1 * share);
  });

  it('is as much for two surveys side by side', async () => {
    const run = await Watched.open();
    const clock = simulate(10);
    const timed = await Watched.open({}, gpu, () => clock.now);
    const surveys = (watched: Watched) =>
      Promise.all(NETWORKS.map((network) => lossesOf(watched, network)));
    const whole = await surveys(run);
    expect(whole[0]).toHaveLength(9);
    clock.now = clock.busy = 0;
    timed.experiment.setShare(0.25);
    expect(await surveys(timed)).toEqual(whole);
    expect(clock.busy).toBe(10 * NETWORKS.length * 9 * Math.ceil(QUESTION.images / 8));
    expect(clock.busy / clock.now).toBeGreaterThan(0.9 * 0.25);
    expect(clock.busy / clock.now).toBeLessThan(1.1 * 0.25);
  });

  it('is all of it where nobody says otherwise: no timer is set', async () => {
    const clock = simulate(10);
    const run = await Watched.open({}, gpu, () => clock.now);
    run.experiment.start();
    await run.experiment.idle();
    expect(clock.now).toBe(clock.busy);
  });
});

it('a command in the middle of a point of a survey is not kept waiting, and changes no point', async () => {
  const run = await Watched.open();
  const whole = await lossesOf(run, NETWORKS[1]!);
  const given = vi.spyOn(LossSlice.prototype, 'evaluate');
  const pass = GpuNetwork.prototype.run;
  let passes = 0;
  let passesBefore = NaN;
  run.once(
    ({ type }) => type === 'state' && passes > 0,
    () => (passesBefore = passes),
  );
  vi.spyOn(GpuNetwork.prototype, 'run').mockImplementation(function (this: GpuNetwork, ...args) {
    pass.apply(this, args);
    if (++passes === 2) run.experiment.reset();
  });
  expect(await lossesOf(run, NETWORKS[1]!)).toEqual(whole);
  // It came in the second of three passes.
  expect(passesBefore).toBe(2);
  expect(passes).toBe(2 + 9 * 3);
  const evaluations = await Promise.all(given.mock.results.map(({ value }) => value as unknown));
  expect(evaluations).toHaveLength(10);
  expect(evaluations[0]).toBeNull();
});

describe('a long step', () => {
  const alone = { networks: ['residual-8'], steps: 3 };

  it('is split into submits by the time of the step before, on a GPU', async () => {
    const ordinary = new Gpu(device, 'gpu');
    const whole = await Watched.open(alone, ordinary);
    whole.experiment.start();
    await whole.experiment.idle();
    const clock = simulate(120);
    const run = await Watched.open(alone, ordinary, () => clock.now);
    for (let t = 0; t < 3; t++) {
      run.experiment.step();
      await run.experiment.idle();
    }
    // Steps of 120 ms in parts of 25; the three passes of the evaluation are a third as long.
    expect(clock.submits).toEqual([1, 5, 5, 1, 1, 1]);
    expect(run.curves()).toEqual(whole.curves());
  });

  it('is one submit on a CPU that plays a GPU', async () => {
    const clock = simulate(5000);
    const run = await Watched.open(alone, new Gpu(device, 'software'), () => clock.now);
    run.experiment.start();
    await run.experiment.idle();
    expect(clock.submits).toEqual([1, 1, 1, 1, 1, 1]);
  });
});

describe('what goes wrong', () => {
  it('a loss that is not a number stops that network only, and is marked once', async () => {
    const networks: GpuNetwork[] = [];
    const create = GpuNetwork.create.bind(GpuNetwork);
    vi.spyOn(GpuNetwork, 'create').mockImplementation(async (...args) => {
      const network = await create(...args);
      networks.push(network);
      return network;
    });
    const run = await Watched.open();
    const whole = await uninterrupted();
    const [plain] = networks;
    plain?.writeParameter('fc.bias', new Float32Array(10).fill(NaN));
    run.experiment.start();
    await run.experiment.idle();
    expect(run.experiment.state).toBe('finished');
    expect(run.marks()).toEqual([{ network: 'plain-8', iteration: 1, kind: 'diverged' }]);
    const curves = run.curves();
    expect(Object.keys(curves).filter((key) => key.startsWith('plain'))).toEqual(['plain-8 1']);
    const residual = ([key]: [string, unknown]) => key.startsWith('residual');
    expect(Object.entries(curves).filter(residual)).toEqual(
      Object.entries(whole.curves()).filter(residual),
    );
    // Reset brings it back.
    run.experiment.reset();
    await run.experiment.idle();
    const from = run.events.length;
    run.experiment.start();
    await run.experiment.idle();
    expect(run.curves(from)).toEqual(whole.curves());
  });

  it('an error of the GPU pauses and is told once; it can be tried again', async () => {
    const own = new Gpu(device);
    const listeners: ((error: Error) => void)[] = [];
    vi.spyOn(own, 'onError').mockImplementation((listener) => {
      listeners.push(listener);
      return () => undefined;
    });
    const run = await Watched.open({}, own);
    run.once(hasRows, () => {
      listeners[0]?.(new Error('first'));
      listeners[0]?.(new Error('second'));
    });
    run.experiment.start();
    await run.experiment.idle();
    expect(run.experiment.state).toBe('paused');
    expect(run.failures).toEqual([new Error('first')]);
    run.experiment.start();
    await run.experiment.idle();
    expect(run.experiment.state).toBe('finished');
    expect(run.failures.length).toBe(1);
  });

  it('a readback that fails pauses, is told, and does not stand in the way later', async () => {
    const run = await Watched.open();
    vi.spyOn(GpuNetwork.prototype, 'readSummaries').mockRejectedValueOnce(new Error('lost'));
    run.experiment.start();
    await run.experiment.idle();
    expect(run.experiment.state).toBe('paused');
    expect(run.failures).toEqual([new Error('lost')]);
    run.experiment.start();
    await run.experiment.idle();
    expect(run.experiment.state).toBe('finished');
  });

  it('a readback that fails while it pauses is told, and the pause is over all the same', async () => {
    const run = await Watched.open({ steps: 2000, evalEvery: 2000 });
    run.once(hasRows, (experiment) => {
      experiment.pause();
      vi.spyOn(GpuNetwork.prototype, 'readSummaries').mockRejectedValue(new Error('lost'));
    });
    run.experiment.start();
    await run.experiment.idle();
    expect(run.experiment.state).toBe('paused');
    expect(run.failures).toEqual([new Error('lost')]);
  });

  it('streams pictures that take more memory than they may: the same curves bit for bit, and nothing is allocated', async () => {
    const finish = async (run: Watched) => {
      run.experiment.start();
      await run.experiment.idle();
      expect(run.failures).toEqual([]);
      return run.curves();
    };
    // More steps than an epoch has, so that pictures are shuffled anew.
    const config = { trainCount: 40, steps: 12, evalEvery: 12, pad: 1 };
    const resident = await finish(await Watched.open(config));
    // The same device, kernels and all, with no room for pictures.
    const full = Object.create(gpu, { pictureBytes: { value: 0 } }) as Gpu;
    const streaming = await Watched.open(config, full);
    expect(streaming.experiment.streamed).toEqual(['train', 'test']);
    const written = vi.spyOn(device.queue, 'writeBuffer');
    const created = vi.spyOn(device, 'createBuffer');
    const curves = await finish(streaming);
    expect(curves).toEqual(resident);
    const sizes = written.mock.calls
      .filter(([{ label }]) => label.startsWith('picture'))
      .map(([, , data]) => data.byteLength);
    // Twelve batches of eight pictures for both networks together, and three of test pictures for each.
    const batches = 12 + 2 * 3;
    expect(sizes).toEqual(Array.from({ length: batches }, () => [8 * 3 * 8 * 8, 8]).flat());
    expect(new Set(created.mock.calls.map(([{ label }]) => label))).toEqual(new Set(['readback']));
    written.mockRestore();
    created.mockRestore();
  });

  it('an experiment that does not fit the adapter is refused, and leaves nothing behind', async () => {
    const own = new Gpu(device);
    const created = vi.spyOn(device, 'createBuffer');
    const limited = (bytes: number) =>
      Object.defineProperty(device.limits, 'maxStorageBufferBindingSize', {
        value: bytes,
        configurable: true,
      });
    const limit = device.limits.maxStorageBufferBindingSize;
    limited(2 ** 20);
    try {
      const wide = { networks: ['plain-8', 'residual-8'], width: 64, batch: 256 };
      await expect(Watched.open(wide, own)).rejects.toMatchObject({ code: 'too-large' });
    } finally {
      limited(limit);
    }
    const buffers = created.mock.results.map(({ value }) => value as GPUBuffer);
    expect(buffers.length).toBeGreaterThan(5);
    // WebGPU tells by an error whether a buffer still lives: writing to one that was destroyed is refused.
    for (const buffer of buffers) {
      device.pushErrorScope('validation');
      device.queue.writeBuffer(buffer, 0, new Uint8Array(4));
      expect(await device.popErrorScope()).not.toBeNull();
    }
    expect(own.transient.bytes).toBe(0);
  });
});
