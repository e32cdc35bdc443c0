/** The loss around a network: directions, points and ends of lines against the float64 reference, and no trace in the network. */
import { beforeAll, describe, expect, test } from 'vitest';
import { DeviceDataset } from '../../src/engine/dataset.ts';
import { evaluate } from '../../src/engine/evaluate.ts';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { initialValues } from '../../src/engine/init.ts';
import { GpuNetwork } from '../../src/engine/network.ts';
import { LossSlice, directionStream } from '../../src/engine/surface.ts';
import { cifarNetwork } from '../../src/network/families.ts';
import type { CifarNetworkOptions } from '../../src/network/families.ts';
import { runReference } from '../../src/network/reference.ts';
import type { StepScalars } from '../../src/ops/step.ts';
import { normal } from '../../src/random.ts';
import { tensor } from '../../src/reference/tensor.ts';
import { experimentConfig } from '../../src/lab/config.ts';
import { Experiment } from '../../src/lab/experiment.ts';
import type { MetricsRow } from '../../src/lab/run.ts';
import type { SurveyPoint, SurveyQuestion } from '../../src/lab/survey.ts';
import { device } from './setup.ts';
import { smallBuiltin } from './small_data.ts';

const gpu = new Gpu(device);
const SCALARS: StepScalars = {
  learningRate: 0.05,
  momentum: 0.9,
  weightDecay: 1e-4,
  nesterov: false,
  seed: 1,
  iteration: 0,
  valid: 8,
  pad: 0,
  flip: false,
  maxNorm: 0,
};
/** Two whole batches, and a part of a third. */
const COUNT = 20;

const { train, test: held, channels, statistics, classes } = await smallBuiltin(8);
const data = {
  train: new DeviceDataset(gpu, train, { channels, statistics, batch: 8 }),
  test: new DeviceDataset(gpu, held, { channels, statistics, batch: 8 }),
};

async function trained(options: Partial<CifarNetworkOptions>, seed = 3): Promise<GpuNetwork> {
  const spec = cifarNetwork({
    depth: 8,
    residual: true,
    // Filters that do not fill whole vectors of four.
    width: 6,
    input: { channels, height: 8, width: 8 },
    classes: classes.length,
    ...options,
  });
  const network = await GpuNetwork.create(gpu, spec, { batch: 8, seed, data, rewirable: false });
  for (let t = 0; t < 6; t++) {
    const indices = Uint32Array.from({ length: 8 }, (_, i) => 8 * t + i);
    network.run('train', { ...SCALARS, iteration: t }, t, indices);
  }
  return network;
}

/** Loss of the first pictures of the test set in float64, at these weights. */
async function referenceLoss(
  network: GpuNetwork,
  weights: ReadonlyMap<string, ArrayLike<number>>,
  count: number,
  training = false,
): Promise<number> {
  const shapes = [...network.parameters, ...network.state];
  const tensors = (values: ReadonlyMap<string, ArrayLike<number>>) =>
    Object.fromEntries(
      [...values].map(([name, of]) => [
        name,
        tensor(shapes.find((at) => at.name === name)!.shape, of),
      ]),
    );
  const pixels = channels * 64;
  const x = Float64Array.from(held.images.slice(0, count * pixels), (byte, i) => {
    const c = Math.floor(i / 64) % channels;
    return (byte / 255 - statistics.mean[c]!) / statistics.std[c]!;
  });
  const state = { parameters: tensors(weights), running: tensors(await network.readState()) };
  const pictures = tensor([count, channels, 8, 8], x);
  return runReference(network.spec, state, pictures, held.labels.slice(0, count), { training })
    .loss;
}

/** θ + x·δ + y·η in float64. */
function pointOf(
  network: GpuNetwork,
  weights: ReadonlyMap<string, Float32Array>,
  [x, y]: readonly [number, number],
  seed: number,
): Map<string, Float64Array> {
  return new Map(
    network.parameters.map(({ name, shape }) => {
      const w = Float64Array.from(weights.get(name)!);
      if (shape.length === 1) return [name, w];
      const filter = w.length / shape[0]!;
      const moved = w.slice();
      for (const [axis, step] of [x, y].entries()) {
        const d = w.map((_, e) => normal(seed, directionStream(axis, name), e));
        for (let from = 0; from < w.length; from += filter) {
          const norm = (of: Float64Array) => Math.hypot(...of.subarray(from, from + filter));
          const scale = norm(w) / norm(d);
          for (let e = from; e < from + filter; e++) moved[e]! += step * scale * d[e]!;
        }
      }
      return [name, moved];
    }),
  );
}

function expectClose(
  got: ReadonlyMap<string, ArrayLike<number>>,
  want: ReadonlyMap<string, ArrayLike<number>>,
  share = 1e-6,
): void {
  for (const [name, of] of want) {
    const scale = Math.max(...Array.from(of, Math.abs));
    const found = got.get(name)!;
    for (let i = 0; i < of.length; i++) {
      expect(Math.abs(found[i]! - of[i]!), `${name}[${i}]`).toBeLessThanOrEqual(share * scale);
    }
  }
}

describe('a plane', () => {
  let network: GpuNetwork;
  let weights: Map<string, Float32Array>;
  beforeAll(async () => {
    network = await trained({});
    weights = await network.readParameters();
  });
  const options = { count: COUNT, scalars: SCALARS };

  test('has the evaluated loss in its centre, and leaves the network as it is', async () => {
    const before = [weights, await network.readState(), await network.readGradients()];
    const slice = await LossSlice.plane(network, 7, { data: data.test, statistics: 'running' });
    const centre = await slice.evaluate([0, 0], options);
    expect(await slice.readParameters()).toEqual(weights);
    const off = await slice.evaluate([0.5, -1], options);
    expect(off!.loss).not.toBe(centre!.loss);
    expect(await slice.evaluate([0, 0], options)).toEqual(centre);
    expect(centre).toEqual(await evaluate(network, options));
    slice.destroy();
    const after = [
      await network.readParameters(),
      await network.readState(),
      await network.readGradients(),
    ];
    expect(after).toEqual(before);
  });

  test.each([
    [0.4, 0],
    [0, -0.7],
    [1, 0.25],
  ] as const)('is what the reference computes at (%d, %d)', async (x, y) => {
    const slice = await LossSlice.plane(network, 7, { data: data.test, statistics: 'running' });
    const got = await slice.evaluate([x, y], options);
    const point = pointOf(network, weights, [x, y], 7);
    expectClose(await slice.readParameters(), point);
    const want = await referenceLoss(network, point, COUNT);
    expect(Math.abs(got!.loss - want) / want).toBeLessThan(1e-4);
    slice.destroy();
  });

  test('normalizes by the batch where that is asked for', async () => {
    const slice = await LossSlice.plane(network, 7, { data: data.test, statistics: 'batch' });
    const got = await slice.evaluate([0.6, 0.3], { ...options, count: 8 });
    const point = pointOf(network, weights, [0.6, 0.3], 7);
    const want = await referenceLoss(network, point, 8, true);
    expect(Math.abs(got!.loss - want) / want).toBeLessThan(1e-3);
    slice.destroy();
  });

  test('is another one with another seed, and evaluates the pictures that are named', async () => {
    const loss = async (seed: number, pictures?: Uint32Array) => {
      const slice = await LossSlice.plane(network, seed, {
        data: data.test,
        statistics: 'running',
      });
      const given = { ...options, count: 8, ...(pictures && { pictures }) };
      const got = await slice.evaluate([0.5, 0.5], given);
      slice.destroy();
      return got!.loss;
    };
    const first = await loss(7);
    expect(await loss(7)).toBe(first);
    expect(await loss(8)).not.toBe(first);
    const forwards = Uint32Array.from({ length: 8 }, (_, i) => i);
    expect(await loss(7, forwards)).toBe(first);
    expect(
      await loss(
        7,
        forwards.map((i) => 11 + i),
      ),
    ).not.toBe(first);
  });

  test('gives its memory back', async () => {
    const bytes = gpu.transient.bytes;
    const slice = await LossSlice.plane(network, 7, { data: data.train, statistics: 'batch' });
    slice.destroy();
    expect(gpu.transient.bytes).toBe(bytes);
  });
});

describe('a line', () => {
  const options = { count: COUNT, scalars: SCALARS };

  test('ends at the two networks, and is a mean in between', async () => {
    const [a, b] = [await trained({}, 3), await trained({}, 4)];
    const line = await LossSlice.line(a, b, { data: data.test, statistics: 'running' });
    expect(await line.evaluate([0, 0], options)).toEqual(await evaluate(a, options));
    expect(await line.evaluate([1, 0], options)).toEqual(await evaluate(b, options));
    await line.evaluate([0.25, 0], options);
    const [ofA, ofB] = [await a.readParameters(), await b.readParameters()];
    const want = [...ofA].map(([name, values]): [string, Float64Array] => [
      name,
      Float64Array.from(values, (value, i) => 0.75 * value + 0.25 * ofB.get(name)![i]!),
    ]);
    expectClose(await line.readParameters(), new Map(want));
    line.destroy();
  });

  test('leads back to the weights of the seed', async () => {
    const network = await trained({});
    const line = await LossSlice.line(network, null, { data: data.test, statistics: 'batch' });
    await line.evaluate([1, 0], options);
    const want = network.parameters.map(({ name, ...of }): [string, Float32Array] => [
      name,
      initialValues({ name, ...of }, 3),
    ]);
    expect(await line.readParameters()).toEqual(new Map(want));
    line.destroy();
  });

  test('goes from a plain network to a residual one of its depth, and to no other', async () => {
    const [plain, residual, deeper] = [
      await trained({ residual: false }),
      await trained({}),
      await trained({ depth: 14 }),
    ];
    const to = { data: data.test, statistics: 'running' } as const;
    const line = await LossSlice.line(plain, residual, to);
    expect(await line.evaluate([0, 0], options)).toEqual(await evaluate(plain, options));
    await line.evaluate([1, 0], options);
    expect(await line.readParameters()).toEqual(await residual.readParameters());
    line.destroy();
    await expect(async () => LossSlice.line(plain, deeper, to)).rejects.toMatchObject({
      code: 'different-parameters',
    });
  });
});

test('a survey while networks train changes no curve, takes the middle first, and ends when told', async () => {
  const config = experimentConfig.parse({
    networks: ['plain-8', 'residual-8'],
    ...{ size: 8, width: 4, batch: 16, steps: 6, evalEvery: 3, warmup: 0 },
  });
  const question: SurveyQuestion = {
    network: 'residual-8',
    along: { kind: 'plane', seed: 5, range: 1 },
    points: 3,
    images: 20,
    split: 'test',
    statistics: 'running',
  };
  const run = async (survey: (experiment: Experiment) => Promise<unknown>) => {
    const rows: MetricsRow[] = [];
    const failures: unknown[] = [];
    const experiment = await Experiment.create(gpu, config, await smallBuiltin(8), {
      emit: (event) => event.type === 'metrics' && rows.push(...event.rows),
      failed: (error) => failures.push(error),
    });
    experiment.start();
    const found = await survey(experiment);
    await experiment.idle();
    const losses = rows.map(({ seconds: _, ...row }) => row);
    losses.sort((a, b) => a.network.localeCompare(b.network) || a.iteration - b.iteration);
    return { experiment, losses, failures, found };
  };
  const undisturbed = await run(() => Promise.resolve());
  await undisturbed.experiment.close();

  const points: SurveyPoint[] = [];
  const { experiment, losses, failures, found } = await run((running) =>
    running.survey(question, (point) => {
      points.push(point);
      return points.length < 4;
    }),
  );
  expect(failures).toEqual([]);
  expect(found).toMatchObject({ cancelled: true, images: 20 });
  expect(points).toHaveLength(4);
  expect(losses).toEqual(undisturbed.losses);

  // At rest, the middle is the error that was evaluated at the end.
  const last = losses.findLast(({ network, testError }) => network === 'residual-8' && testError);
  const after: SurveyPoint[] = [];
  const whole = await experiment.survey(question, (point) => after.push(point) > 0);
  expect(whole).toEqual({ cancelled: false, images: 20, iteration: 6 });
  expect(after).toHaveLength(9);
  expect(after[0]).toMatchObject({ index: 4, x: 0, y: 0, error: last!.testError });
  // Twenty pictures fill two passes, fewer than are timed.
  expect(await experiment.surveyPace(question)).toBeGreaterThan(0);

  await expect(
    experiment.survey({ ...question, network: 'plain-110' }, () => true),
  ).rejects.toMatchObject({ code: 'no-network' });
  await expect(experiment.survey({ ...question, points: 4 }, () => true)).rejects.toMatchObject({
    code: 'survey',
  });

  // An experiment that is replaced ends the surveys of it: nothing runs on what was freed.
  const left = experiment.survey(question, async () => {
    await experiment.close();
    return true;
  });
  await expect(left).rejects.toMatchObject({ code: 'experiment-closed' });
  expect(failures).toEqual([]);
});
