/**
 * Every differentiable op of the float64 reference against finite differences: for a loss
 * L = Σ g·y with random g, dL/dx ≈ (L(x + ε) − L(x − ε)) / 2ε, element by element.
 */
import { describe, expect, test } from 'vitest';
import { normal, streamOf } from '../../src/random.ts';
import { reference } from '../../src/reference/index.ts';
import type { ReferenceOp } from '../../src/reference/index.ts';
import { map, need, size, tensor } from '../../src/reference/tensor.ts';
import type { Tensor, Tensors } from '../../src/reference/tensor.ts';

const EPS = 1e-6;
const ATOL = 1e-5;
const RTOL = 1e-3;

/** What stands in for an input: a shape to fill at random, or a tensor that is not differentiated. */
type Input = readonly number[] | Tensor;
type Sample = [params: Record<string, unknown>, inputs: Record<string, Input>];

const positive = (count: number): Tensor =>
  tensor(
    [count],
    Array.from({ length: count }, (_, i) => 0.5 + i / count),
  );
const mask = (shape: readonly number[]): Tensor =>
  tensor(
    shape,
    Array.from({ length: size(shape) }, (_, i) => (i % 3 === 0 ? 0 : 1)),
  );
const labels = (...values: number[]): Tensor => tensor([values.length], values);

const elementwise: Sample[] = [
  [{}, { x: [2, 3, 4, 5] }],
  [{}, { x: [1, 1, 1, 1] }],
  [{}, { x: [3, 7] }],
];
const withParams = (params: Record<string, unknown>): Sample[] =>
  elementwise.map(([, inputs]) => [params, inputs]);

const affine = (...shape: number[]) => ({ gamma: shape, beta: shape });
const running = (channels: number) => ({
  running_mean: positive(channels),
  running_var: positive(channels),
});

const blockWeights = (from: number, to: number, norms = ['bn1', 'bn2']) => ({
  'conv1.weight': [to, from, 3, 3],
  'conv2.weight': [to, to, 3, 3],
  ...Object.fromEntries(norms.flatMap((n) => [`${n}.weight`, `${n}.bias`].map((k) => [k, [to]]))),
});

/** Every op that has gradients, with the settings that change its mathematics. */
const samples: Record<string, Sample[]> = {
  conv2d: [
    [{ padding: 1 }, { x: [2, 3, 5, 4], weight: [4, 3, 3, 3] }],
    [
      { padding: 1, stride: 2, bias: true },
      { x: [2, 2, 7, 5], weight: [3, 2, 3, 3], bias: [3] },
    ],
    [{ stride: 2 }, { x: [1, 3, 5, 6], weight: [2, 3, 1, 1] }],
    [
      { stride: [1, 2], padding: [2, 0] },
      { x: [1, 2, 4, 7], weight: [2, 2, 5, 3] },
    ],
    [
      { stride: 2, padding: [0, 0, 1, 1] },
      { x: [1, 2, 6, 4], weight: [2, 2, 3, 3] },
    ],
    [
      { dilation: 2, padding: 2 },
      { x: [1, 2, 5, 6], weight: [2, 2, 3, 3] },
    ],
    [
      { groups: 2, padding: 1 },
      { x: [2, 4, 3, 4], weight: [6, 2, 3, 3] },
    ],
    [
      { groups: 3, stride: 2, padding: 1 },
      { x: [1, 3, 5, 5], weight: [3, 1, 3, 3] },
    ],
    [
      { padding: 1, kernel: 3 },
      { x: [1, 1, 1, 1], weight: [1, 1, 3, 3] },
    ],
  ],
  batch_norm: [
    [{ training: true }, { x: [3, 2, 4, 3], ...affine(2), ...running(2) }],
    [
      { training: true, eps: 0.1 },
      { x: [2, 1, 1, 1], ...affine(1) },
    ],
    [{ training: true, affine: false }, { x: [1, 3, 2, 3] }],
    [{ training: false }, { x: [2, 3, 3, 2], ...affine(3), ...running(3) }],
    [{ training: false }, { x: [1, 1, 1, 1], ...running(1) }],
  ],
  layer_norm: [
    [{ normalized_shape: [3, 4, 2] }, { x: [2, 3, 4, 2], ...affine(3, 4, 2) }],
    [
      { normalized_shape: [5], eps: 1e-3 },
      { x: [2, 5, 3, 2], ...affine(5) },
    ],
    [{ normalized_shape: [7] }, { x: [3, 7], ...affine(7) }],
    [{ normalized_shape: [1, 2, 3], affine: false }, { x: [1, 1, 2, 3] }],
  ],
  instance_norm: [
    [{}, { x: [2, 3, 4, 3], ...affine(3) }],
    [{ eps: 1e-2, affine: false }, { x: [1, 1, 5, 3] }],
  ],
  group_norm: [
    [{ groups: 2 }, { x: [2, 4, 3, 3], ...affine(4) }],
    [
      { groups: 1, eps: 1e-2 },
      { x: [1, 3, 2, 5], ...affine(3) },
    ],
    [{ groups: 3, affine: false }, { x: [2, 6, 1, 3] }],
  ],
  identity: elementwise,
  relu: elementwise,
  sigmoid: elementwise,
  tanh: elementwise,
  silu: elementwise,
  gelu: [...withParams({ approximate: 'none' }), ...withParams({ approximate: 'tanh' })],
  elu: [...elementwise, ...withParams({ alpha: 0.3 })],
  leaky_relu: [...elementwise, ...withParams({ negative_slope: 0.2 })],
  dropout: [
    [{ p: 0.3 }, { x: [2, 3, 2, 2], mask: mask([2, 3, 2, 2]) }],
    [{ p: 1 }, { x: [5], mask: tensor([5], [0, 0, 0, 0, 0]) }],
    [{ p: 0.3, training: false }, { x: [2, 5] }],
  ],
  linear: [
    [{ bias: true }, { x: [3, 5], weight: [4, 5], bias: [4] }],
    [{}, { x: [1, 1], weight: [3, 1] }],
  ],
  max_pool2d: [
    [{ kernel: 2 }, { x: [2, 2, 4, 6] }],
    [{ kernel: 3, stride: 2, padding: 1 }, { x: [1, 2, 7, 5] }],
    [{ kernel: 3, stride: 1 }, { x: [1, 1, 5, 4] }],
    [{ kernel: 2, stride: 3, ceil_mode: true }, { x: [1, 1, 6, 7] }],
    [{ kernel: [1, 3] }, { x: [1, 1, 1, 7] }],
  ],
  avg_pool2d: [
    [{ kernel: 2 }, { x: [2, 2, 4, 6] }],
    [{ kernel: 3, stride: 2, padding: 1, ceil_mode: true }, { x: [1, 2, 6, 5] }],
    [{ kernel: 3, stride: 2, padding: 1, count_include_pad: false }, { x: [1, 2, 6, 5] }],
  ],
  global_avg_pool: [
    [{}, { x: [2, 3, 5, 3] }],
    [{}, { x: [1, 1, 1, 1] }],
  ],
  softmax_cross_entropy: [
    [{}, { logits: [3, 5], labels: labels(4, 0, 2) }],
    [{ label_smoothing: 0.1 }, { logits: [2, 3], labels: labels(1, 1) }],
    [
      { reduction: 'sum', label_smoothing: 1 },
      { logits: [1, 4], labels: labels(3) },
    ],
  ],
  add: [
    [{}, { a: [2, 3, 2, 2], b: [2, 3, 2, 2] }],
    [{}, { a: [4], b: [4], c: [4] }],
  ],
  shortcut_option_a: [
    [{ out_channels: 6 }, { x: [2, 3, 5, 4] }],
    [{ out_channels: 7, zero_channels: 'both' }, { x: [1, 2, 4, 3] }],
    [{ out_channels: 2, stride: 1 }, { x: [1, 2, 1, 1] }],
  ],
  basic_block: [
    [
      { shortcut: 'none', stride: 2 },
      { x: [2, 2, 4, 4], ...blockWeights(2, 4) },
    ],
    [{ shortcut: 'identity' }, { x: [2, 2, 3, 4], ...blockWeights(2, 2) }],
    [
      { shortcut: 'end', stride: 2 },
      { x: [2, 1, 5, 4], ...blockWeights(1, 3) },
    ],
    [
      { shortcut: 'both', stride: 2 },
      { x: [2, 2, 3, 3], ...blockWeights(2, 4) },
    ],
    [
      { shortcut: 'B', stride: 2 },
      {
        x: [2, 2, 4, 3],
        ...blockWeights(2, 3, ['bn1', 'bn2', 'downsample.1']),
        'downsample.0.weight': [3, 2, 1, 1],
      },
    ],
  ],
};

const randomTensor = (shape: readonly number[], name: string): Tensor =>
  tensor(
    shape,
    Array.from({ length: size(shape) }, (_, i) => normal(1, streamOf(name), i)),
  );

const isTensor = (input: Input): input is Tensor => 'data' in input;

/** The gradient that is farthest off, in units of what is allowed; 1 or less passes. */
function worstGradient(op: ReferenceOp, [given, shapes]: Sample): { ratio: number; where: string } {
  const params = op.params.parse(given);
  const inputs: Tensors = {};
  for (const [name, input] of Object.entries(shapes)) {
    inputs[name] = isTensor(input) ? input : randomTensor(input, name);
  }
  const outputs = op.forward(params, inputs);
  const gradOutput = randomTensor(need(outputs, 'y').shape, 'dL/dy');
  const loss = (changed: Tensors): number =>
    need(op.forward(params, changed), 'y').data.reduce(
      (sum, value, i) => sum + value * (gradOutput.data[i] ?? NaN),
      0,
    );
  const gradients = op.backward?.(params, inputs, outputs, gradOutput) ?? {};
  let worst = { ratio: 0, where: '' };
  for (const [name, input] of Object.entries(shapes)) {
    if (isTensor(input)) continue;
    const gradient = need(gradients, name);
    const x = need(inputs, name);
    expect(gradient.shape).toEqual(x.shape);
    for (let i = 0; i < x.data.length; i++) {
      const moved = (by: number) => ({
        ...inputs,
        [name]: map(x, (value, j) => (j === i ? value + by : value)),
      });
      const numeric = (loss(moved(EPS)) - loss(moved(-EPS))) / (2 * EPS);
      const error = Math.abs((gradient.data[i] ?? NaN) - numeric);
      const ratio = error / (ATOL + RTOL * Math.abs(numeric));
      if (!(ratio <= worst.ratio)) worst = { ratio, where: `${name}[${i}]` };
    }
  }
  return worst;
}

const opOf = (name: string): ReferenceOp => {
  const op = reference[name];
  if (!op) throw new Error(`no op ${name}`);
  return op;
};

const sweep = Object.entries(samples).flatMap(([name, list]) =>
  list.map((sample) => ({ name, sample, title: `${name} ${JSON.stringify(sample[0])}` })),
);

test('the sweep covers every op that has gradients', () => {
  const differentiable = Object.keys(reference).filter((name) => opOf(name).backward);
  expect(Object.keys(samples).toSorted()).toEqual(differentiable.toSorted());
});

describe('gradients agree with finite differences', () => {
  test.each(sweep)('$title', ({ name, sample }) => {
    const { ratio, where } = worstGradient(opOf(name), sample);
    expect(ratio, where).toBeLessThanOrEqual(1);
  });
});

/** The op with each gradient a little too large in its last element. */
function slightlyWrong(op: ReferenceOp): ReferenceOp {
  return {
    ...op,
    backward: (...args) => {
      const gradients = Object.entries(op.backward?.(...args) ?? {});
      return Object.fromEntries(
        gradients.map(([name, gradient]) => {
          const last = gradient.data.length - 1;
          const off = 1e-3 + 0.01 * Math.abs(gradient.data[last] ?? NaN);
          return [name, map(gradient, (g, i) => (i === last ? g + off * (g < 0 ? -1 : 1) : g))];
        }),
      );
    },
  };
}

describe('a wrong gradient is found', () => {
  test.each(sweep)('$title', ({ name, sample }) => {
    expect(worstGradient(slightlyWrong(opOf(name)), sample).ratio).toBeGreaterThan(1);
  });
});
