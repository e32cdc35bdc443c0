/** The engine as a library: its arithmetic against the float64 reference, and what it refuses. */
import { afterEach, describe, expect, test } from 'vitest';
import { Network, cifarNetwork } from '../../src/library.ts';
import type { NetworkSpec, Settings } from '../../src/library.ts';
import { runReference, stepReference } from '../../src/network/reference.ts';
import type { OptimizerState, ReferenceState } from '../../src/network/reference.ts';
import { normalTensor } from '../../src/ops/sample.ts';
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
  { optimizer: 'sgd', learningRate: 0.05, momentum: 0.8, weightDecay: 1e-3 },
  { optimizer: 'adamw', learningRate: 0.003, weightDecay: 0.01, labelSmoothing: 0.1 },
] as const)('steps as the reference does: $optimizer', async (settings) => {
  const network = await open(settings);
  const state = await stateOf(network);
  // Steps need not wait for each other's losses.
  const losses = await Promise.all([0, 1, 2].map(() => network.step(images.data, labels)));
  expect(network.iteration).toBe(3);

  const { learningRate: lr, weightDecay: weight_decay, optimizer } = settings;
  const momentum = optimizer === 'sgd' ? settings.momentum : 0;
  const labelSmoothing = optimizer === 'sgd' ? 0 : settings.labelSmoothing;
  let kept: OptimizerState = {};
  for (const loss of losses) {
    const pass = runReference(spec, state, images, labels, { labelSmoothing });
    expect(loss).toBeCloseTo(pass.loss, 4);
    const recipe = { optimizer, lr, weight_decay, momentum };
    const next = stepReference(state.parameters, pass.gradients, kept, recipe);
    state.parameters = next.parameters;
    state.running = pass.running;
    kept = next.state;
  }
  const gradients = await network.gradients();
  expect(Object.keys(gradients).toSorted()).toEqual(Object.keys(state.parameters).toSorted());
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
    expect(await network.weights()).toEqual(before);
    expect(network.iteration).toBe(0);
  });

  test('settings and networks that cannot be, by their place', async () => {
    const wrong = { batch: 0, learningRate: -1, learning_rate: 1 };
    await expect(open(wrong)).rejects.toThrow(
      /settings\.batch: .*settings\.learningRate: .*settings: .*learning_rate/,
    );
    const nameless = { ...spec, layers: [{ type: 'conv3d', name: 'c' }] };
    await expect(open({}, nameless as unknown as NetworkSpec)).rejects.toThrow(
      /^network\.layers\.0\.type/,
    );
    const narrow = { ...spec, input: { ...INPUT, height: 0 } };
    await expect(open({}, narrow)).rejects.toThrow(/^network\.input\.height/);
  });
});
