/** What the inspector says of a network that trains, against the reference; and that training does not notice. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { GpuNetwork } from '../../src/engine/network.ts';
import { Probe } from '../../src/engine/probe.ts';
import { experimentConfig } from '../../src/lab/config.ts';
import type { ExperimentConfig } from '../../src/lab/config.ts';
import { Experiment } from '../../src/lab/experiment.ts';
import { Inspector } from '../../src/lab/inspector.ts';
import type { PictureChoice } from '../../src/lab/inspector.ts';
import type { MetricsRow } from '../../src/lab/run.ts';
import { attributeReference } from '../../src/network/reference.ts';
import type { ReferenceState } from '../../src/network/reference.ts';
import { gradCam, saliency } from '../../src/reference/attribution.ts';
import { tensor } from '../../src/reference/tensor.ts';
import type { Tensor } from '../../src/reference/tensor.ts';
import { device } from './setup.ts';
import { smallBuiltin } from './small_data.ts';

const gpu = new Gpu(device);
const NETWORK = 'residual-8';
const CONFIG = experimentConfig.parse({
  networks: [NETWORK],
  size: 8,
  width: 4,
  batch: 8,
  steps: 4,
  evalEvery: 4,
  warmup: 0,
});

const opened: Experiment[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const experiment of opened.splice(0)) await experiment.close();
});

async function open({ now, ...changes }: Partial<ExperimentConfig> & { now?: () => number } = {}) {
  const rows: MetricsRow[] = [];
  const failures: unknown[] = [];
  const dataset = await smallBuiltin(CONFIG.size);
  const experiment = await Experiment.create(gpu, { ...CONFIG, ...changes }, dataset, {
    emit: (event) => event.type === 'metrics' && rows.push(...event.rows),
    failed: (error) => failures.push(error),
    ...(now && { now }),
  });
  opened.push(experiment);
  const inspector = new Inspector((id, work) => experiment.atRest(id, work), now);
  const numbers = () =>
    experiment.atRest(NETWORK, async ({ run: { network } }) => ({
      parameters: await network.readParameters(),
      state: await network.readState(),
      spec: network.spec,
      shapes: new Map(
        [...network.parameters, ...network.state].map(({ name, shape }) => [name, shape]),
      ),
    }));
  return { experiment, inspector, dataset, rows, failures, numbers };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** The network's numbers in float64. */
async function stateOf({ numbers }: Opened) {
  const { parameters, state, spec, shapes } = await numbers();
  const float64 = (values: Map<string, Float32Array>) =>
    Object.fromEntries(
      [...values].map(([name, data]) => [name, tensor(shapes.get(name) ?? [], data)]),
    );
  const reference: ReferenceState = { parameters: float64(parameters), running: float64(state) };
  return { reference, spec };
}

/** A test picture, normalized here. */
function picture({ dataset }: Opened, index: number): Tensor {
  const { channels, height, width, statistics, test } = dataset;
  const plane = height * width;
  const bytes = test.images.subarray(index * channels * plane, (index + 1) * channels * plane);
  const values = Float64Array.from(bytes, (byte, i) => {
    const c = Math.floor(i / plane);
    return (byte / 255 - statistics.mean[c]!) / statistics.std[c]!;
  });
  return tensor([1, channels, height, width], values);
}

const softmaxOf = (logits: Float64Array) => {
  const powers = Array.from(logits, Math.exp);
  return powers.map((power) => power / powers.reduce((a, b) => a + b, 0));
};

function expectClose(got: ArrayLike<number>, want: ArrayLike<number>): void {
  expect(got.length).toBe(want.length);
  const scale = Math.max(...Array.from(want, Math.abs));
  for (const [i, value] of Array.from(want).entries()) {
    expect(Math.abs(value - (got[i] ?? NaN)) / scale).toBeLessThan(1e-4);
  }
}

const CHOICE: PictureChoice = { kind: 'test', index: 3 };
const PATH = 'layer2.0.relu2';

describe('the inspector', () => {
  test('agrees with the reference on layers, maps, occlusion and predictions', async () => {
    const lab = await open();
    lab.experiment.start();
    await lab.experiment.idle();
    const { inspector, dataset } = lab;
    const { reference, spec } = await stateOf(lab);
    const question = { network: NETWORK, picture: CHOICE, path: PATH };
    const x = picture(lab, 3);
    const plain = attributeReference(spec, reference, x, [0]);

    const features = (await inspector.features(question))!;
    expectClose(features.picture.data, x.data);
    expectClose(features.output.data, plain.outputs.get(PATH)!.data);
    expectClose(features.probabilities, softmaxOf(plain.logits.data));
    expectClose(features.filters!.weight.data, reference.parameters['conv1.weight']!.data);
    expect(features).toMatchObject({ iteration: 4, label: dataset.test.labels[3], path: PATH });
    expect(features.layers.find(({ path }) => path === PATH)).toMatchObject({ shape: [8, 4, 4] });

    // Without a class, the most probable one.
    const found = (await inspector.attribution(question))!;
    expect(found.target).toBe(features.probabilities.indexOf(Math.max(...features.probabilities)));
    const target = 5;
    const asked = (await inspector.attribution(question, target))!;
    const back = attributeReference(spec, reference, x, [target]);
    expectClose(asked.gradCam.data, gradCam(back.outputs.get(PATH)!, back.gradientAt(PATH)!).data);
    expectClose(asked.saliency.data, saliency(back.gradientAtInput).data);

    // Every patch covered here by hand: 2 × 2 pixels at each of 8 × 8.
    const occlusion = await inspector.occlusion(question, target, () => true);
    expect(occlusion!.grid).toEqual({ rows: 8, columns: 8, stride: 1, side: 2 });
    const fall = Array.from({ length: 64 }, (_, place) => {
      const [top, left] = [Math.floor(place / 8), place % 8];
      const covered = x.data.map((value, i) => {
        const [row, column] = [Math.floor(i / 8) % 8, i % 8];
        return row >= top && row < top + 2 && column >= left && column < left + 2 ? 0 : value;
      });
      const { logits } = attributeReference(spec, reference, tensor(x.shape, covered), [target]);
      return softmaxOf(plain.logits.data)[target]! - softmaxOf(logits.data)[target]!;
    });
    const off = fall.map((value, i) => Math.abs(value - occlusion!.fall.data[i]!));
    expect(Math.max(...off)).toBeLessThan(1e-5);

    // Twenty pictures in batches of eight.
    const said = await inspector.predictions(NETWORK, 1000, () => true);
    expect(said!.labels).toEqual(dataset.test.labels);
    for (let i = 0; i < 20; i++) {
      const { logits } = attributeReference(spec, reference, picture(lab, i), [0]);
      const want = softmaxOf(logits.data);
      expect(said!.confidence[i]).toBeCloseTo(Math.max(...want), 4);
      expect(want[said!.predicted[i]!]).toBeCloseTo(Math.max(...want), 5);
    }
    expect((await inspector.predictions(NETWORK, 3, () => true))!.labels.length).toBe(3);
    expect(await inspector.predictions(NETWORK, 20, () => false)).toBeNull();
    expect(await inspector.occlusion(question, 0, () => false)).toBeNull();

    // What is asked that cannot be answered.
    const own = { kind: 'own', bytes: new Uint8Array(5) } as const;
    for (const [wrong, code] of [
      [{ picture: { kind: 'test', index: 20 } as const }, 'no-picture'],
      [{ picture: own }, 'picture-size'],
      [{ path: 'layer9' }, 'no-layer'],
      [{ network: 'plain-8' }, 'no-network'],
    ] as const) {
      await expect(inspector.features({ ...question, ...wrong })).rejects.toMatchObject({ code });
    }
    const bytes = dataset.test.images.slice(3 * 192, 4 * 192);
    const same = (await inspector.features({ ...question, picture: { kind: 'own', bytes } }))!;
    expect(same.label).toBeNull();
    expect(same.output).toEqual(features.output);
  });

  test('looks between two steps: the curves and weights are those of a run by itself', async () => {
    const [alone, watched] = [await open(), await open()];
    alone.experiment.start();
    await alone.experiment.idle();
    const bytes = gpu.transient.bytes;
    const { experiment, inspector } = watched;
    experiment.start();
    const question = { network: NETWORK, picture: CHOICE, path: PATH };
    const iterations: number[] = [];
    while (experiment.state === 'running' || iterations.length === 0) {
      iterations.push((await inspector.features(question))!.iteration);
      iterations.push((await inspector.statistics(NETWORK))!.iteration);
      await inspector.attribution(question, 1);
      await inspector.predictions(NETWORK, 20, () => true);
    }
    await experiment.idle();
    expect(Math.min(...iterations)).toBeLessThan(4);
    expect(watched.failures).toEqual([]);
    const [a, b] = [await alone.numbers(), await watched.numbers()];
    expect(b.parameters).toEqual(a.parameters);
    expect(b.state).toEqual(a.state);
    const curve = ({ rows }: Opened) =>
      rows.map(({ iteration, trainLoss, testError }) => ({ iteration, trainLoss, testError }));
    expect(curve(watched).at(-1)).toEqual(curve(alone).at(-1));

    // Who follows gives way to the next who does, and to who leaves.
    await inspector.features(question, true);
    const waiting = [inspector.features(question, true), inspector.statistics(NETWORK, true)];
    inspector.leave();
    expect(await Promise.all(waiting)).toEqual([null, null]);

    // Nothing is kept when nobody looks any longer.
    experiment.forget();
    await experiment.idle();
    expect(gpu.transient.bytes).toBe(bytes);
  });

  test('dispatches nothing once it is closed', async () => {
    const [alone, closed] = [await open(), await open()];
    const { inspector, experiment } = closed;
    await inspector.features({ network: NETWORK, picture: CHOICE }, true);
    await inspector.statistics(NETWORK);
    const waiting = inspector.features({ network: NETWORK, picture: CHOICE }, true);
    inspector.leave();
    experiment.forget();
    expect(await waiting).toBeNull();
    await experiment.idle();
    const pass = gpu.device.createCommandEncoder().beginComputePass();
    const dispatched = vi.spyOn(
      Object.getPrototypeOf(pass) as GPUComputePassEncoder,
      'dispatchWorkgroups',
    );
    const counts = [];
    for (const each of [alone, closed]) {
      dispatched.mockClear();
      each.experiment.start();
      await each.experiment.idle();
      counts.push(dispatched.mock.calls.length);
    }
    expect(counts[0]).toBeGreaterThan(100);
    expect(counts[1]).toBe(counts[0]);
  });

  test('takes less than a tenth of the time while it follows, as often as its spacing allows', async () => {
    // On this clock a training step takes 50 ms, a look 60, and the pause after it eleven times as much.
    const clock = { now: 0 };
    const { experiment, inspector } = await open({
      steps: 60,
      evalEvery: 60,
      now: () => clock.now,
    });
    const step = GpuNetwork.prototype.run;
    vi.spyOn(GpuNetwork.prototype, 'run').mockImplementation(function (this: GpuNetwork, ...args) {
      step.apply(this, args);
      if (args[0] === 'train') clock.now += 50;
    });
    const probe = Probe.prototype.run;
    vi.spyOn(Probe.prototype, 'run').mockImplementation(function (this: Probe, ...args) {
      clock.now += 60;
      return probe.apply(this, args);
    });
    // Who pauses wakes when training has brought the clock there.
    vi.spyOn(globalThis, 'setTimeout').mockImplementation((act: () => void, wait = 0) => {
      const due = clock.now + wait;
      const ask = () =>
        clock.now >= due || experiment.state !== 'running' ? act() : void setImmediate(ask);
      return setImmediate(ask) as unknown as NodeJS.Timeout;
    });
    experiment.start();
    let looks = 0;
    const isDone = () => experiment.state === 'finished';
    while (!isDone()) {
      await inspector.features({ network: NETWORK, picture: CHOICE }, true);
      if (!isDone()) looks++;
    }
    // One in 720 ms of the 3000 and more.
    expect(looks).toBeGreaterThanOrEqual(4);
    expect(looks).toBeLessThanOrEqual(5);
    expect((60 * looks) / clock.now).toBeLessThan(0.1);
  });
});
