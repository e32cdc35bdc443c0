/** The networks of the chapter on depth: the construction argument and the twin, as the page asks for them. */
import { expect, test } from 'vitest';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { DepthLab } from '../../src/lab/depth.ts';
import type { SideRow } from '../../src/lab/side_by_side.ts';
import { device } from './setup.ts';
import { smallBuiltin } from './small_data.ts';

const SETTING = { width: 4, seed: 1 };
const lab = new DepthLab(Promise.resolve(new Gpu(device)), () => smallBuiltin(8));

const meanLoss = (rows: SideRow[]) =>
  rows.reduce((sum, { loss }) => sum + loss[0]! / rows.length, 0);

test.each([false, true])(
  'the built network does as the shallow one, and trains on (residual: %s)',
  async (residual) => {
    const told: number[] = [];
    const setting = { ...SETTING, residual, shallow: 8, deep: 14, steps: 40 };
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

    const on = await lab.trainConstruction(3);
    expect(on.map(({ iteration }) => iteration)).toEqual([41, 42, 43]);
    // On the same batch: the first step of both is that of training mode, the later ones part.
    const [a = NaN, b = NaN] = on[0]!.loss;
    if (residual) expect(b).toBeCloseTo(a, 4);
    expect(on[2]!.loss[1]).not.toBe(on[2]!.loss[0]);
  },
  300_000,
);

test('a twin is its original until it is touched, and what is touched holds', async () => {
  let state = await lab.openTwin({ ...SETTING, network: 'residual-14' });
  expect(state.split).toBeNull();
  expect(state.blocks.map(({ path }) => path)).toHaveLength(6);
  expect((await lab.trainTwin(2)).rows.map(({ loss }) => loss.length)).toEqual([1, 1]);

  state = await lab.touchTwin(null);
  expect(state.split).toBe(2);
  let step = await lab.trainTwin(3);
  for (const { loss, error } of step.rows) {
    expect(loss[1]).toBe(loss[0]);
    expect(error[1]).toBe(error[0]);
  }
  expect(step.state.weights).toMatchObject({ differing: 0, distance: 0 });

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

  step = await lab.trainTwin(2);
  expect(step.rows[1]!.loss[1]).not.toBe(step.rows[1]!.loss[0]);
  expect(step.state.weights.differing).toBeGreaterThan(1000);
  state = await lab.touchTwin({ ...silence, on: false });
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
  const setting = { ...SETTING, residual: true, shallow: 14, deep: 14, steps: 1 };
  await expect(lab.construct(setting, () => true)).rejects.toMatchObject({ code: 'not-deeper' });
  await expect(lab.trainConstruction(1)).rejects.toMatchObject({ code: 'nothing-stands' });
  const nowhere = new DepthLab(Promise.resolve(null), () => smallBuiltin(8));
  await expect(nowhere.openTwin({ ...SETTING, network: 'plain-8' })).rejects.toMatchObject({
    code: 'no-webgpu',
  });
});
