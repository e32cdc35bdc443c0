/** A deeper network built from a shallower one, and a copy of a network that is touched: held to what they are said to be. */
import { describe, expect, test } from 'vitest';
import { deepen } from '../../src/engine/deepen.ts';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { GpuNetwork } from '../../src/engine/network.ts';
import { tap } from '../../src/engine/tap.ts';
import { cifarNetwork } from '../../src/network/families.ts';
import type { CifarNetworkOptions } from '../../src/network/families.ts';
import { withFrozen, withShortcut } from '../../src/network/interventions.ts';
import { runReference, stepReference } from '../../src/network/reference.ts';
import { normalTensor } from '../../src/ops/sample.ts';
import type { StepScalars } from '../../src/ops/step.ts';
import { tensor } from '../../src/reference/tensor.ts';
import type { Tensors } from '../../src/reference/tensor.ts';
import { device } from './setup.ts';

const gpu = new Gpu(device);
const BATCH = 8;
const SCALARS: StepScalars = {
  learningRate: 0.05,
  momentum: 0.9,
  weightDecay: 1e-3,
  nesterov: false,
  seed: 1,
  iteration: 0,
  valid: BATCH,
  pad: 0,
  flip: false,
  maxNorm: 0,
};
const STILL = { ...SCALARS, learningRate: 0, momentum: 0, weightDecay: 0 };
const labels = Uint32Array.from({ length: BATCH }, (_, i) => (3 * i) % 10);
const batches = [1, 2, 3].map((name) => normalTensor([BATCH, 3, 8, 8], `x${name}`));

const specOf = (options: Partial<CifarNetworkOptions>) =>
  cifarNetwork({
    depth: 8,
    residual: true,
    // Channels that do not fill whole vectors of four.
    width: 6,
    input: { channels: 3, height: 8, width: 8 },
    classes: 10,
    ...options,
  });

const make = (options: Partial<CifarNetworkOptions>, seed = 3) =>
  GpuNetwork.create(gpu, specOf(options), { batch: BATCH, seed, rewirable: false });

/** One pass on a batch; its logits and its loss. */
async function pass(
  network: GpuNetwork,
  mode: 'train' | 'evaluate',
  index: number,
  scalars = STILL,
) {
  network.writeBatch(batches[index % batches.length]!.data, labels);
  network.run(mode, scalars, 0);
  const logits = await network.readLogits(mode);
  const [summary] = await network.readSummaries(0, 1);
  return { logits, ...summary! };
}

async function train(network: GpuNetwork, steps: number, from = 0): Promise<void> {
  for (let t = from; t < from + steps; t++)
    await pass(network, 'train', t, { ...SCALARS, iteration: t });
}

const apart = (a: Float32Array, b: Float32Array) =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
const size = (a: Float32Array) => Math.max(...a.map(Math.abs));

describe.each([
  ['plain', { residual: false }],
  ['residual, option A', { shortcut: 'A' }],
  ['residual, option B', { shortcut: 'B' }],
] as const)('a %s network of 20 layers built from one of 8', (_, options) => {
  test('has the outputs and the loss of the shallow one', async () => {
    const shallow = await make(options);
    const deep = await make({ ...options, depth: 20 }, 4);
    await train(shallow, 6);
    const before = await pass(shallow, 'evaluate', 0);
    expect(apart((await pass(deep, 'evaluate', 0)).logits, before.logits)).toBeGreaterThan(0.1);

    // What is measured must be the batch that is then looked at, for training mode to be the identity too.
    shallow.writeBatch(batches[0]!.data, labels);
    await deepen(shallow, deep, [{ scalars: STILL }]);
    const after = await pass(deep, 'evaluate', 0);
    expect(apart(after.logits, before.logits) / size(before.logits)).toBeLessThan(1e-5);
    expect(after.loss).toBeCloseTo(before.loss, 5);
    expect(after.errors).toBe(before.errors);

    // In training mode on the batch that was measured, as well.
    const [one, other] = [await pass(shallow, 'train', 0), await pass(deep, 'train', 0)];
    expect(apart(other.logits, one.logits) / size(one.logits)).toBeLessThan(1e-3);
    // And it learns from there.
    await train(deep, 3, 6);
    expect((await pass(deep, 'train', 0)).loss).not.toBeCloseTo(other.loss, 3);
    shallow.destroy();
    deep.destroy();
  });
});

test('in training mode a plain network is the identity only as far as the batch is like those measured', async () => {
  const [shallow, deep] = [
    await make({ residual: false }),
    await make({ residual: false, depth: 14 }),
  ];
  await train(shallow, 6);
  shallow.writeBatch(batches[0]!.data, labels);
  await deepen(shallow, deep, [{ scalars: STILL }]);
  const [one, other] = [await pass(shallow, 'train', 1), await pass(deep, 'train', 1)];
  expect(apart(other.logits, one.logits) / size(one.logits)).toBeGreaterThan(1e-4);
  shallow.destroy();
  deep.destroy();
});

test('a network without ReLU cannot be deepened so', async () => {
  const options = { residual: false, activation: { type: 'identity' } } as const;
  const [shallow, deep] = [await make(options), await make({ ...options, depth: 14 })];
  await expect(deepen(shallow, deep, [])).rejects.toMatchObject({ code: 'not-identity' });
  shallow.destroy();
  deep.destroy();
});

describe('a twin', () => {
  /** Everything that outlives a step, and can be read. */
  const everything = async (network: GpuNetwork) => [
    await network.readParameters(),
    await network.readState(),
    await network.readGradients(),
  ];

  test('that is not touched stays bit-identical', async () => {
    const [original, twin] = [await make({}), await make({}, 9)];
    await train(original, 3);
    twin.copyFrom(original);
    for (let t = 3; t < 6; t++) for (const network of [original, twin]) await train(network, 1, t);
    expect(await everything(twin)).toEqual(await everything(original));
    const other = await make({ depth: 14 });
    expect(() => other.copyFrom(original)).toThrow(/do not have the same parameters/);
    for (const network of [original, twin, other]) network.destroy();
  });

  test('with one shortcut cut computes what the reference computes without it', async () => {
    const [original, twin] = [await make({}), await make({}, 9)];
    await train(original, 3);
    twin.copyFrom(original);
    const spec = withShortcut(twin.spec, 'layer1.0', false);
    await twin.rewire(spec);
    const { logits } = await pass(twin, 'evaluate', 0);
    const want = runReference(spec, await stateOf(twin), batches[0]!, labels, { training: false });
    const off = [...logits].map((value, i) => Math.abs(value - want.logits.data[i]!));
    expect(Math.max(...off) / size(logits)).toBeLessThan(1e-4);
    expect(apart((await pass(original, 'evaluate', 0)).logits, logits)).toBeGreaterThan(1e-2);
    expect(() => withShortcut(twin.spec, 'layer9.0', false)).toThrow(/no residual at "layer9.0"/);
    for (const network of [original, twin]) network.destroy();
  });

  test('with a frozen batch norm learns as the reference does, and that norm stays', async () => {
    const [original, twin] = [await make({}), await make({}, 9)];
    await train(original, 3);
    twin.copyFrom(original);
    const path = 'layer2.0.bn1';
    const spec = withFrozen(twin.spec, path, true);
    await twin.rewire(spec);
    const start = await stateOf(twin);
    const [parametersBefore, stateBefore] = await everything(twin);
    // Without momentum, so that the optimizer's past does not matter.
    const scalars = { ...SCALARS, momentum: 0 };
    await pass(twin, 'train', 0, scalars);

    const { gradients, running } = runReference(spec, start, batches[0]!, labels);
    expect(Object.keys(gradients)).not.toContain(`${path}.weight`);
    const settings = { lr: scalars.learningRate, weight_decay: scalars.weightDecay };
    const { parameters } = stepReference(start.parameters, gradients, {}, settings);
    const end = await stateOf(twin);
    for (const [want, got] of [
      [parameters, end.parameters],
      [running, end.running],
    ] as const) {
      for (const [name, { data }] of Object.entries(want)) {
        const off = got[name]!.data.map((value, i) => Math.abs(value - data[i]!));
        expect(Math.max(...off), name).toBeLessThan(1e-4);
      }
    }
    await train(twin, 2, 4);
    const [parametersAfter, stateAfter] = await everything(twin);
    for (const name of ['weight', 'bias'])
      expect(parametersAfter!.get(`${path}.${name}`)).toEqual(
        parametersBefore!.get(`${path}.${name}`),
      );
    for (const name of ['running_mean', 'running_var'])
      expect(stateAfter!.get(`${path}.${name}`)).toEqual(stateBefore!.get(`${path}.${name}`));
    expect(parametersAfter!.get('layer2.0.bn2.weight')).not.toEqual(
      parametersBefore!.get('layer2.0.bn2.weight'),
    );
    for (const network of [original, twin]) network.destroy();
  });
});

test('one channel of a norm is written, and silences what it hands on', async () => {
  const network = await make({});
  const path = 'layer1.0.bn1';
  for (const name of ['weight', 'bias']) network.writeChannel(`${path}.${name}`, 5, 0);
  network.writeBatch(batches[0]!.data, labels);
  const { data } = await tap(network, path, STILL);
  const channel = (c: number) => [...data].filter((_, i) => Math.floor(i / 64) % 6 === c);
  expect(new Set(channel(5).map(Math.abs))).toEqual(new Set([0]));
  expect(Math.max(...channel(4).map(Math.abs))).toBeGreaterThan(0.1);
  expect(() => network.writeChannel(`${path}.weight`, 6, 0)).toThrow(/no channel 6/);
  expect(() => network.writeChannel('conv1.weight', 0, 0)).toThrow(/no channel 0/);
  network.destroy();
});

/** Parameters and statistics as the reference takes them. */
async function stateOf(network: GpuNetwork): Promise<{ parameters: Tensors; running: Tensors }> {
  const [parameters, state] = [await network.readParameters(), await network.readState()];
  const tensors = (
    entries: GpuNetwork['state'] | GpuNetwork['parameters'],
    values: Map<string, Float32Array>,
  ) =>
    Object.fromEntries(
      entries.map(({ name, shape }) => [
        name,
        tensor(shape, Float64Array.from(values.get(name) ?? [])),
      ]),
    );
  return {
    parameters: tensors(network.parameters, parameters),
    running: tensors(network.state, state),
  };
}
