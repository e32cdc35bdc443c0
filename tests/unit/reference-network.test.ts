/** Whole networks on the float64 reference: gradients of composed ops, names, running statistics. */
import { describe, expect, test } from 'vitest';
import { cifarNetwork } from '../../src/network/families.ts';
import { runReference, stepReference } from '../../src/network/reference.ts';
import type { OptimizerState, ReferenceState } from '../../src/network/reference.ts';
import { normal, streamOf } from '../../src/random.ts';
import { map, size, tensor } from '../../src/reference/tensor.ts';
import type { Tensor, Tensors } from '../../src/reference/tensor.ts';

const random = (name: string, shape: readonly number[], scale = 1, shift = 0): Tensor =>
  tensor(
    shape,
    Array.from({ length: size(shape) }, (_, i) => shift + scale * normal(3, streamOf(name), i)),
  );

/** Parameters of the 8-layer network of width 2 on three channels, projections included. */
function parameters(): Tensors {
  const all: Tensors = {};
  const conv = (name: string, from: number, to: number, kernel: number) => {
    const scale = Math.sqrt(2 / (from * kernel * kernel));
    all[`${name}.weight`] = random(name, [to, from, kernel, kernel], scale);
  };
  const norm = (name: string, channels: number) => {
    all[`${name}.weight`] = random(`${name}.w`, [channels], 0.2, 1);
    all[`${name}.bias`] = random(`${name}.b`, [channels], 0.2);
  };
  conv('conv1', 3, 2, 3);
  norm('bn1', 2);
  const stages = [
    { stage: 1, from: 2, to: 2 },
    { stage: 2, from: 2, to: 4 },
    { stage: 3, from: 4, to: 8 },
  ];
  for (const { stage, from, to } of stages) {
    const block = `layer${stage}.0`;
    conv(`${block}.conv1`, from, to, 3);
    norm(`${block}.bn1`, to);
    conv(`${block}.conv2`, to, to, 3);
    norm(`${block}.bn2`, to);
    if (from !== to) {
      conv(`${block}.downsample.0`, from, to, 1);
      norm(`${block}.downsample.1`, to);
    }
  }
  all['fc.weight'] = random('fc', [4, 8], 0.5);
  all['fc.bias'] = random('fc.b', [4], 0.5);
  return all;
}

const network = (
  residual: boolean,
  shortcut: 'A' | 'B' = 'A',
  zeroChannels: 'end' | 'both' = 'end',
) =>
  cifarNetwork({
    depth: 8,
    residual,
    width: 2,
    input: { channels: 3, height: 7, width: 5 },
    classes: 4,
    shortcut,
    zeroChannels,
  });
const x = random('x', [3, 3, 7, 5]);
const labels = [2, 0, 3];
const start = (): ReferenceState => ({ parameters: parameters(), running: {} });

describe('gradients agree with finite differences', () => {
  const EPS = 1e-6;
  test.each([
    ['plain', network(false)],
    ['residual, option A', network(true)],
    ['residual, zeros on both sides', network(true, 'A', 'both')],
    ['residual, option B', network(true, 'B')],
  ])('%s', (_, spec) => {
    const state = start();
    const { gradients } = runReference(spec, state, x, labels);
    for (const [name, value] of Object.entries(state.parameters)) {
      const middle = Math.floor(value.data.length / 2);
      const loss = (by: number) => {
        const moved = map(value, (v, i) => (i === middle ? v + by : v));
        const changed = { ...state, parameters: { ...state.parameters, [name]: moved } };
        return runReference(spec, changed, x, labels).loss;
      };
      const numeric = (loss(EPS) - loss(-EPS)) / (2 * EPS);
      // Without a gradient the loss must not depend on it.
      const error = Math.abs((gradients[name]?.data[middle] ?? 0) - numeric);
      expect(error, name).toBeLessThanOrEqual(1e-5 + 1e-3 * Math.abs(numeric));
    }
  });
});

const touched = (gradients: Tensors, name: string) =>
  gradients[name]?.data.some((value) => value !== 0) ?? false;

test('cutting the shortcuts leaves the projections out of the mathematics, and nothing else', () => {
  const connected = runReference(network(true, 'B'), start(), x, labels);
  const cut = runReference(network(false, 'B'), start(), x, labels);
  expect(cut.loss).not.toBeCloseTo(connected.loss, 3);
  for (const name of Object.keys(parameters())) {
    expect(touched(connected.gradients, name), name).toBe(true);
    expect(touched(cut.gradients, name), name).toBe(!name.includes('downsample'));
  }
});

test('training moves the running statistics and evaluation uses them', () => {
  const spec = network(true);
  const trained = runReference(spec, start(), x, labels);
  expect(Object.keys(trained.running)).toContain('layer3.0.bn2.running_var');
  const state = { parameters: parameters(), running: trained.running };
  const evaluated = runReference(spec, state, x, labels, { training: false });
  expect(evaluated.running).toEqual(trained.running);
  expect(evaluated.loss).not.toBeCloseTo(trained.loss, 3);
});

test('SGD steps lower the loss of one batch', () => {
  const spec = network(true);
  const state = start();
  const settings = { lr: 0.05, momentum: 0.9, weight_decay: 1e-4 };
  let buffers: OptimizerState = {};
  const losses: number[] = [];
  for (let step = 0; step < 10; step++) {
    const { loss, gradients, running } = runReference(spec, state, x, labels);
    losses.push(loss);
    state.running = running;
    const next = stepReference(state.parameters, gradients, buffers, settings);
    state.parameters = next.parameters;
    buffers = next.state;
  }
  expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] ?? NaN));
});

test('a missing parameter is named', () => {
  const state = start();
  delete state.parameters['layer2.0.bn1.bias'];
  expect(() => runReference(network(true), state, x, labels)).toThrow(/layer2\.0\.bn1\.bias/);
});
