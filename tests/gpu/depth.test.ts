/** The networks of the chapter on depth: the construction argument and the twin, as the page asks for them. */
import { afterAll, expect, test } from 'vitest';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { experimentConfig } from '../../src/lab/config.ts';
import { take } from '../../src/lab/construction.ts';
import { DepthLab } from '../../src/lab/depth.ts';
import { Experiment } from '../../src/lab/experiment.ts';
import type { SideRow } from '../../src/lab/side_by_side.ts';
import { device } from './setup.ts';
import { smallBuiltin } from './small_data.ts';

const SETTING = { width: 4, seed: 1 };
const CONFIG = { networks: ['plain-8', 'residual-8'], width: 4, size: 8, batch: 8, steps: 5 };
const gpu = new Gpu(device);
const experiment = await Experiment.create(
  new Gpu(device),
  experimentConfig.parse(CONFIG),
  await smallBuiltin(8),
  {
    emit: () => undefined,
    failed: (error) => {
      throw error;
    },
  },
);
afterAll(() => experiment.close());

const fromExperiment = (id: string) => experiment.atRest(id, take);
const lab = new DepthLab(Promise.resolve(gpu), () => smallBuiltin(8), fromExperiment);

const HERE = { ...SETTING, from: 'here' } as const;

const meanLoss = (rows: SideRow[]) =>
  rows.reduce((sum, { loss }) => sum + loss[0]! / rows.length, 0);

test.each([false, true])(
  'the built network does as the shallow one, and trains on (residual: %s)',
  async (residual) => {
    const told: number[] = [];
    const setting = { ...HERE, residual, shallow: 8, deep: 14, steps: 40 };
    const answer = await lab.construct(setting, (done) => told.push(done));
    const { rows, measured, evaluation, training, first, count, classes } = answer;
    expect(told).toEqual([8, 16, 24, 32, 40]);
    expect(rows.map(({ iteration }) => iteration)).toEqual(
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
    // It has learned something: the argument is about trained networks.
    expect(meanLoss(rows.slice(-10))).toBeLessThan(meanLoss(rows.slice(0, 10)));
    expect(answer.added).toEqual(['layer1.1', 'layer2.1', 'layer3.1']);
    expect(count).toBe(1024);

    expect(evaluation.difference / evaluation.size).toBeLessThan(1e-5);
    expect(Math.abs(measured[0].error - measured[1].error) * count).toBeLessThan(1.5);
    expect(measured[1].loss).toBeCloseTo(measured[0].loss, 4);
    for (const which of [0, 1] as const) {
      first.logits[which].forEach((value, c) => {
        expect(Math.abs(value - first.reference[which][c]!) / evaluation.size).toBeLessThan(1e-4);
      });
    }
    expect(first.logits[0]).toHaveLength(classes.length);
    // With the batch's statistics a residual block is still exactly the identity, a plain one nearly so.
    const off = training.difference / training.size;
    if (residual) expect(off).toBeLessThan(1e-5);
    else {
      expect(off).toBeGreaterThan(1e-4);
      expect(off).toBeLessThan(0.5);
    }

    // The reference, from the same weights, finds the same; a measurement that was given up leaves nothing.
    await expect(lab.measureReference(0, () => false)).rejects.toMatchObject({ code: 'given-up' });
    for (const which of [0, 1] as const) {
      const told: number[] = [];
      const found = await lab.measureReference(which, (done) => told.push(done));
      expect(told.at(-1)).toBe(1024);
      expect(found.loss).toBeCloseTo(measured[which].loss, 4);
      expect(Math.abs(found.error - measured[which].error) * count).toBeLessThan(1.5);
    }
    const inTraining = await lab.compareReference('train');
    expect(inTraining.size).toBeCloseTo(training.size, 3);
    expect(inTraining.difference).toBeCloseTo(training.difference, 3);
    // In float64 nothing is left of a difference that was rounding.
    const { difference, size } = await lab.compareReference('evaluate');
    expect(difference / size).toBeLessThan(1e-6);

    const on = await lab.trainConstruction(3);
    expect(on.map(({ iteration }) => iteration)).toEqual([41, 42, 43]);
    // On the same batch: the first step of both is that of training mode, the later ones part.
    const [a = NaN, b = NaN] = on[0]!.loss;
    if (residual) expect(b).toBeCloseTo(a, 4);
    expect(on[2]!.loss[1]).not.toBe(on[2]!.loss[0]);
  },
  300_000,
);

test('a construction begins with a network of the experiment as it stands', async () => {
  experiment.start();
  await experiment.idle();
  const setting = { ...SETTING, from: 'experiment', shallow: 8, deep: 14, steps: 40 } as const;
  // Its width is the experiment's.
  const answer = await lab.construct({ ...setting, residual: true, width: 8 }, () => true);
  expect(answer).toMatchObject({ networks: ['residual-8', 'residual-14'], steps: 5, rows: [] });
  const { learned } = await fromExperiment('residual-8');
  const given = Object.entries({ ...learned.parameters, ...learned.running });
  expect(given.length).toBe(Object.keys(answer.weights[0]).length);
  for (const [name, { data }] of given)
    expect([...answer.weights[0][name]!.data], name).toEqual([...data]);
  expect(answer.measured[1].loss).toBeCloseTo(answer.measured[0].loss, 4);
  expect((await lab.trainConstruction(1))[0]!.iteration).toBe(1);

  await expect(
    lab.construct({ ...setting, residual: true, shallow: 14, deep: 20 }, () => true),
  ).rejects.toMatchObject({ code: 'no-network' });
  experiment.toggle('residual-8', false);
  await experiment.idle();
  await expect(lab.construct({ ...setting, residual: true }, () => true)).rejects.toMatchObject({
    code: 'rewired',
  });
}, 300_000);

/** The weights as they stand, and as the reference makes them of the last step. */
async function expectProven(differs: boolean): Promise<void> {
  const { kernels, reference, operands, texts } = await lab.proveTwin();
  expect(reference.count).toBe(kernels.count);
  expect(kernels.differing > 0).toBe(differs);
  // A few weights may come out the same by rounding.
  expect(Math.abs(reference.differing - kernels.differing)).toBeLessThanOrEqual(
    0.002 * kernels.count,
  );
  expect(Math.abs(reference.distance - kernels.distance)).toBeLessThanOrEqual(
    1e-3 * kernels.distance,
  );
  expect(operands['conv1.weight']?.shape).toEqual([4, 3, 3, 3]);
  expect(texts.some(({ phase }) => phase === 'update')).toBe(true);
}

test('a twin is its original until it is touched, and what is touched holds', async () => {
  let state = await lab.openTwin({ ...SETTING, network: 'residual-14' });
  expect(state.split).toBeNull();
  expect(state.blocks.map(({ path }) => path)).toHaveLength(6);
  expect((await lab.trainTwin(2)).rows.map(({ loss }) => loss.length)).toEqual([1, 1]);

  state = await lab.touchTwin(null);
  expect(state.split).toBe(2);
  await expectProven(false);
  let step = await lab.trainTwin(3);
  for (const { loss, error } of step.rows) {
    expect(loss[1]).toBe(loss[0]);
    expect(error[1]).toBe(error[0]);
  }
  expect(step.state.weights).toMatchObject({ differing: 0, distance: 0 });
  await expectProven(false);

  const silence = { kind: 'silence', path: 'layer1.0.bn1', channel: 2, on: true } as const;
  await lab.touchTwin(silence);
  await lab.touchTwin({ kind: 'freeze', path: 'layer2.0.bn2', on: true });
  state = await lab.touchTwin({ kind: 'cut', path: 'layer3.1', on: true });
  expect(state.marks.map(({ iteration, touch }) => [iteration, touch.kind])).toEqual([
    [5, 'silence'],
    [5, 'freeze'],
    [5, 'cut'],
  ]);
  expect(state.blocks.find(({ path }) => path === 'layer3.1')?.connected).toBe(false);
  const norm = (path: string) => state.norms.find((each) => each.path === path);
  expect(norm('layer1.0.bn1')).toMatchObject({ silenced: [2], frozen: false, channels: 4 });
  expect(norm('layer2.0.bn2')).toMatchObject({ silenced: [], frozen: true });
  // So far γ and β of the silenced channel alone differ, unless β was 0.
  expect(state.weights.differing).toBe(2);
  await expectProven(true);

  step = await lab.trainTwin(2);
  expect(step.rows[1]!.loss[1]).not.toBe(step.rows[1]!.loss[0]);
  expect(step.state.weights.differing).toBeGreaterThan(1000);
  await expectProven(true);
  state = await lab.touchTwin({ ...silence, on: false });
  await expectProven(true);
  expect(state.norms.every(({ silenced }) => silenced.length === 0)).toBe(true);

  await expect(lab.touchTwin({ kind: 'cut', path: 'fc', on: true })).rejects.toMatchObject({
    code: 'no-layer',
  });
  await expect(lab.touchTwin({ ...silence, channel: 4 })).rejects.toMatchObject({
    code: 'no-channel',
  });
  // What was refused left no trace.
  expect((await lab.touchTwin(null)).marks).toHaveLength(4);
}, 300_000);

test('what cannot be is refused in words', async () => {
  const setting = { ...HERE, residual: true, shallow: 14, deep: 14, steps: 1 };
  await expect(lab.construct(setting, () => true)).rejects.toMatchObject({ code: 'not-deeper' });
  await expect(lab.trainConstruction(1)).rejects.toMatchObject({ code: 'nothing-stands' });
  const nowhere = new DepthLab(Promise.resolve(null), () => smallBuiltin(8), fromExperiment);
  await expect(nowhere.openTwin({ ...SETTING, network: 'plain-8' })).rejects.toMatchObject({
    code: 'no-webgpu',
  });
});
