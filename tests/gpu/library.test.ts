/** The engine as a library: its arithmetic against the float64 reference, and what it refuses. */
import { afterEach, describe, expect, test } from 'vitest';
import { Network, cifarNetwork } from '../../src/library.ts';
import type { NetworkSpec, Settings, Weights } from '../../src/library.ts';
import { compareTensor, largest } from '../../src/reference/compare.ts';
import { runReference, stepReference } from '../../src/network/reference.ts';
import type { OptimizerState, ReferenceState } from '../../src/network/reference.ts';
import { normalTensor } from '../../src/ops/sample.ts';
import { clipGradients } from '../../src/reference/optimizers.ts';
import type { Tensors } from '../../src/reference/tensor.ts';
import { device } from './setup.ts';

const INPUT = { channels: 2, height: 6, width: 5 };
const SIZE = 2 * 6 * 5;
const spec = cifarNetwork({ depth: 8, residual: true, width: 3, input: INPUT, classes: 4 });
const images = normalTensor([4, 2, 6, 5], 'images');
const labels = [2, 0, 3, 1];

const opened: Network[] = [];
afterEach(() => opened.splice(0).forEach((network) => network.destroy()));

async function open(given: Partial<Settings> = {}, of = spec): Promise<Network> {
  const network = await Network.create(device, of, { batch: 4, ...given });
  opened.push(network);
  return network;
}

/** Weights of a network as the reference takes them; the rest are running statistics. */
async function stateOf(network: Network): Promise<ReferenceState> {
  const parameters: Tensors = {};
  const running: Tensors = {};
  for (const [name, values] of Object.entries(await network.weights())) {
    const part = name.includes('running_') ? running : parameters;
    part[name] = { shape: network.shapes[name] ?? [], data: Float64Array.from(values) };
  }
  return { parameters, running };
}

test.each([
  { optimizer: 'sgd', learningRate: 0.05, momentum: 0.8, weightDecay: 0.1 },
  { optimizer: 'sgd', learningRate: 0.05, nesterov: true, clipNorm: 0.5 },
  { optimizer: 'adamw', learningRate: 0.003, weightDecay: 0.1, labelSmoothing: 0.1 },
  { optimizer: 'adam', learningRate: 0.003, weightDecay: 0.1 },
] satisfies Partial<Settings>[])(
  'steps as the reference does: %o',
  async (settings: Partial<Settings>) => {
    const network = await open(settings);
    const state = await stateOf(network);
    // Steps need not wait for each other's losses.
    const losses = await Promise.all([0, 1, 2].map(() => network.step(images.data, labels)));
    expect(network.iteration).toBe(3);

    const { learningRate: lr = 0, weightDecay: weight_decay = 0, optimizer, nesterov } = settings;
    const { momentum = 0.9, labelSmoothing = 0, clipNorm } = settings;
    let kept: OptimizerState = {};
    let gradients: Tensors = {};
    for (const loss of losses) {
      const pass = runReference(spec, state, images, labels, { labelSmoothing });
      expect(loss).toBeCloseTo(pass.loss, 4);
      gradients = pass.gradients;
      const clipped = clipNorm === undefined ? gradients : clipGradients(gradients, clipNorm);
      const recipe = { optimizer, lr, weight_decay, momentum, nesterov };
      const next = stepReference(state.parameters, clipped, kept, recipe);
      state.parameters = next.parameters;
      state.running = pass.running;
      kept = next.state;
    }
    expectClose(await network.gradients(), gradients);
    expectClose(await network.weights(), { ...state.parameters, ...state.running });
  },
);

/** The same names, and values within 1e-3 of the largest. */
function expectClose(got: Weights, want: Tensors): void {
  expect(Object.keys(got).toSorted()).toEqual(Object.keys(want).toSorted());
  for (const [name, { shape, data }] of Object.entries(want)) {
    const found = { shape, data: Float64Array.from(got[name] ?? []) };
    const allowed = 1e-3 * Math.max(1e-2, largest({ shape, data }));
    expect(compareTensor(name, found, { shape, data }, allowed).ratio, name).toBeLessThan(1);
  }
}

test('Adam counts the updates of each projection where some shortcuts are cut', async () => {
  const block = (name: string, out_channels: number, connected: boolean) => ({
    type: 'residual' as const,
    name,
    connected,
    shortcut: 'B' as const,
    zero_channels: 'end' as const,
    projection_norm: null,
    body: [{ type: 'conv2d' as const, name: 'conv', out_channels, kernel: 3, padding: 1 }],
    after: [{ type: 'relu' as const, name: 'relu' }],
  });
  const mixed: NetworkSpec = {
    ...spec,
    layers: [
      block('a', 5, true),
      block('b', 7, false),
      { type: 'global_avg_pool', name: 'pool' },
      { type: 'linear', name: 'fc', out_features: 4 },
    ],
  };
  const network = await open({ optimizer: 'adam', learningRate: 0.01 }, mixed);
  const state = await stateOf(network);
  let kept: OptimizerState = {};
  for (let step = 0; step < 3; step++) {
    const loss = await network.step(images.data, labels);
    const pass = runReference(mixed, state, images, labels);
    expect(loss).toBeCloseTo(pass.loss, 4);
    const recipe = { optimizer: 'adam' as const, lr: 0.01, weight_decay: 0 };
    const next = stepReference(state.parameters, pass.gradients, kept, recipe);
    state.parameters = next.parameters;
    kept = next.state;
  }
  expectClose(await network.weights(), state.parameters);
});

test('evaluates and predicts any number of images, whatever the batch', async () => {
  const network = await open({ batch: 3 });
  await network.step(images.data.subarray(0, 3 * SIZE), labels.slice(0, 3));
  const state = await stateOf(network);
  const want = runReference(spec, state, images, labels, { training: false });
  const { loss, error } = await network.evaluate(images.data, labels);
  expect(loss).toBeCloseTo(want.loss, 4);
  const answers = labels.map((_, n) => {
    const row = want.logits.data.subarray(4 * n, 4 * n + 4);
    return row.indexOf(Math.max(...row));
  });
  expect(error).toBeCloseTo(answers.filter((answer, n) => answer !== labels[n]).length / 4, 6);
  const logits = await network.predict(images.data);
  expect(logits).toHaveLength(16);
  logits.forEach((logit, i) => expect(logit).toBeCloseTo(want.logits.data[i] ?? NaN, 3));
});

test('weights that are set are the weights that are read, and a reset undoes them', async () => {
  const network = await open();
  const before = await network.weights();
  network.setWeights({
    'fc.bias': [1, 2, 3, 4],
    'bn1.running_mean': Float32Array.of(5, 6, 7),
    'bn1.num_batches_tracked': [12],
  });
  const after = await network.weights();
  expect(after).toEqual({
    ...before,
    'fc.bias': Float32Array.of(1, 2, 3, 4),
    'bn1.running_mean': Float32Array.of(5, 6, 7),
  });
  await network.step(images.data, labels);
  network.reset();
  expect(network.iteration).toBe(0);
  expect(await network.weights()).toEqual(before);
});

describe('refuses', () => {
  test('images, labels and weights that do not fit, and changes nothing', async () => {
    const network = await open();
    const before = await network.weights();
    const refused: [() => Promise<unknown>, RegExp][] = [
      [
        () => network.step(images.data.subarray(1), labels),
        /^images must be \[4, 2, 6, 5\].*\(240\), not 239/,
      ],
      [() => network.step(images.data, [0, 1]), /^4 images need 4 labels, not 2/],
      [() => network.step(images.data, [0, 1, 4, 1]), /^label 2 is 4, but classes go from 0 to 3/],
      [() => network.step(images.data, [0, 1, 0.5, 1]), /^label 2 is 0.5/],
      [() => network.evaluate([], []), /^images must be \[N, 2, 6, 5\], a multiple of 60/],
      [() => network.predict(images.data.subarray(7)), /not 233/],
    ];
    for (const [act, message] of refused) await expect(act()).rejects.toThrow(message);
    expect(() => network.setWeights({ 'fc.bias': [0, 0, 0, 0], 'fc.bais': [0] })).toThrow(
      /^this network has no weight "fc\.bais"; it has conv1\.weight, /,
    );
    expect(() => network.setWeights({ 'fc.bias': [0, 0, 0, 0], 'fc.weight': [0] })).toThrow(
      /^"fc\.weight" has shape \[4, 12\], that is 48 values, not 1/,
    );
    expect(() => network.setWeights({ 'fc.bias': [0, NaN, 0, 0] })).toThrow(
      /^value 1 of "fc\.bias" is NaN/,
    );
    network.learningRate = NaN;
    await expect(network.step(images.data, labels)).rejects.toThrow(/^learningRate is NaN/);
    expect(await network.weights()).toEqual(before);
    expect(network.iteration).toBe(0);
  });

  test('work on a network that was destroyed, and what is no device', async () => {
    const network = await open();
    network.destroy();
    network.destroy();
    const destroyed = expect.objectContaining({ code: 'destroyed' }) as Error;
    await expect(network.step(images.data, labels)).rejects.toThrow(destroyed);
    await expect(network.predict(images.data)).rejects.toThrow(destroyed);
    await expect(network.weights()).rejects.toThrow(destroyed);
    expect(() => network.reset()).toThrow(destroyed);
    const nothing = Network.create({} as GPUDevice, spec, { batch: 4 });
    await expect(nothing).rejects.toThrow(expect.objectContaining({ code: 'device' }) as Error);
  });

  test('settings and networks that cannot be, by their place', async () => {
    const wrong = { batch: 0, learningRate: -1, learning_rate: 1 };
    await expect(open(wrong)).rejects.toThrow(
      /settings\.batch: .*settings\.learningRate: .*settings: .*learning_rate/,
    );
    const nameless = { ...spec, layers: [{ type: 'conv3d', name: 'c' }] };
    await expect(open({}, nameless as unknown as NetworkSpec)).rejects.toThrow(
      /^network\.layers\.c\.type/,
    );
    const narrow = { ...spec, input: { ...INPUT, height: 0 } };
    await expect(open({}, narrow)).rejects.toThrow(/^network\.input\.height/);
  });
});
