/**
 * Every op on the GPU against the float64 reference, forward and backward, on shapes that fit no tile:
 * both are run as backends of the conformance suite, on tensors rounded to float32.
 */
import { describe, expect, test } from 'vitest';
import { compareTensor, largest } from '../../src/conformance/compare.ts';
import { gpuBackend } from '../../src/conformance/gpu.ts';
import { referenceBackend } from '../../src/conformance/reference.ts';
import type { OpResult, Unsupported } from '../../src/conformance/backend.ts';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { runOp } from '../../src/engine/run_op.ts';
import { ops } from '../../src/ops/table.ts';
import { normal } from '../../src/random.ts';
import { map, need, size } from '../../src/reference/tensor.ts';
import type { Tensor, Tensors } from '../../src/reference/tensor.ts';
import { device } from './setup.ts';

const gpu = gpuBackend(device);

/** Normal numbers that float32 holds exactly. */
function random(shape: readonly number[], stream: number, mean = 0): Tensor {
  const data = Float64Array.from({ length: size(shape) }, (_, i) =>
    Math.fround(mean + normal(7, stream, i)),
  );
  return { shape, data };
}

interface Sample {
  op: string;
  params: Record<string, unknown>;
  inputs: Tensors;
}

const sample = (
  op: string,
  params: Record<string, unknown>,
  shapes: Record<string, number[]>,
  given: Tensors = {},
): Sample => ({
  op,
  params,
  inputs: {
    ...Object.fromEntries(
      Object.entries(shapes).map(([name, shape], i) => [name, random(shape, i + 1)]),
    ),
    ...given,
  },
});

const conv = (
  x: number[],
  outputs: number,
  kernel: number,
  params: Record<string, unknown> = {},
  bias = false,
): Sample =>
  sample('conv2d', params, {
    x,
    weight: [outputs, x[1] ?? 1, kernel, kernel],
    ...(bias && { bias: [outputs] }),
  });

const channels = (c: number) => ({ gamma: [c], beta: [c] });
const runningStatistics = (c: number): Tensors => ({
  running_mean: random([c], 11),
  running_var: map(random([c], 12), (v) => Math.fround(v * v + 0.1)),
});

const IMAGES = [
  [1, 1, 1, 1],
  [2, 3, 5, 7],
  [3, 6, 4, 1],
];

const SAMPLES: Sample[] = [
  conv([1, 1, 1, 1], 1, 3, { padding: 1 }),
  conv([2, 3, 5, 7], 4, 3, { padding: 1 }),
  conv([1, 5, 7, 5], 6, 3, { padding: 1 }, true),
  conv([2, 8, 9, 9], 16, 3, { padding: 1 }),
  conv([3, 4, 8, 8], 8, 3, { stride: 2, padding: 1 }),
  conv([2, 5, 7, 5], 3, 3, { stride: 2, padding: 1 }, true),
  conv([1, 2, 6, 5], 7, 3),
  conv([2, 4, 5, 7], 8, 1, { stride: 2 }),
  conv([2, 6, 3, 5], 5, 1, {}, true),
  conv([1, 3, 8, 9], 2, 5, { stride: 3, padding: 2 }),
  sample('linear', {}, { x: [1, 1], weight: [1, 1] }),
  sample('linear', {}, { x: [3, 13], weight: [10, 13], bias: [10] }),
  sample('batch_norm', { training: true }, { x: [2, 3, 5, 7], ...channels(3) }),
  sample('batch_norm', { training: true }, { x: [1, 1, 1, 2], ...channels(1) }),
  sample(
    'batch_norm',
    { training: true, momentum: 0.3, eps: 1e-3 },
    { x: [5, 9, 8, 8], ...channels(9) },
    runningStatistics(9),
  ),
  sample('batch_norm', {}, { x: [2, 5, 5, 7], ...channels(5) }, runningStatistics(5)),
  ...IMAGES.flatMap((x) => [
    sample('relu', {}, { x }),
    sample('sigmoid', {}, { x }),
    sample('tanh', {}, { x }),
    sample('gelu', {}, { x }),
    sample('gelu', { approximate: 'tanh' }, { x }),
    sample('silu', {}, { x }),
    sample('elu', { alpha: 0.7 }, { x }),
    sample('leaky_relu', { negative_slope: 0.2 }, { x }),
    sample('identity', {}, { x }),
    sample('global_avg_pool', {}, { x }),
    sample('add', {}, { a: x, b: x }),
    sample('layer_norm', { normalized_shape: x.slice(1), eps: 1e-3 }, { x }),
    sample('layer_norm', { normalized_shape: x.slice(1, 2), eps: 1e-3 }, { x, ...channels(x[1]!) }),
    sample('instance_norm', { eps: 1e-3 }, { x, ...channels(x[1]!) }),
    sample('group_norm', { groups: x[1] === 6 ? 3 : 1, eps: 1e-3 }, { x, ...channels(x[1]!) }),
    sample('dropout', { p: 0.25 }, { x }, { mask: map(random(x, 9), (v) => Number(v > -0.7)) }),
  ]),
  sample(
    'layer_norm',
    { normalized_shape: [5, 3, 7] },
    { x: [2, 5, 3, 7], gamma: [5, 3, 7], beta: [5, 3, 7] },
  ),
  sample('layer_norm', { normalized_shape: [9] }, { x: [5, 9], gamma: [9], beta: [9] }),
  sample('group_norm', { groups: 2 }, { x: [2, 10, 6, 5], ...channels(10) }),
  sample('dropout', { training: false }, { x: [2, 3, 2, 5] }),
  ...[
    { x: [2, 3, 5, 7], kernel: 2, stride: 2 },
    { x: [1, 1, 1, 1], kernel: 1, stride: 1 },
    { x: [2, 5, 7, 6], kernel: 3, stride: 2, padding: 1 },
    { x: [1, 4, 5, 7], kernel: 2, stride: 3, ceil_mode: true },
    { x: [1, 6, 6, 5], kernel: 3, stride: 2, padding: 1, ceil_mode: true },
    { x: [2, 2, 5, 5], kernel: [3, 2], stride: [1, 2] },
  ].flatMap(({ x, ...params }) => [
    sample('max_pool2d', params, { x }),
    sample('avg_pool2d', params, { x }),
    sample('avg_pool2d', { ...params, count_include_pad: false }, { x }),
  ]),
  // Ties: the first of equal pixels takes the gradient.
  sample(
    'max_pool2d',
    { kernel: 3, stride: 2, padding: 1 },
    {},
    { x: map(random([2, 3, 5, 7], 4), Math.round) },
  ),
  sample('shortcut_option_a', { out_channels: 8 }, { x: [2, 4, 5, 7] }),
  sample(
    'shortcut_option_a',
    { out_channels: 9, stride: 2, zero_channels: 'both' },
    { x: [1, 3, 7, 5] },
  ),
  ...['none', 'end', 'both', 'B'].map((shortcut) =>
    sample(
      'basic_block',
      { stride: 2, shortcut },
      {
        x: [2, 3, 7, 5],
        'conv1.weight': [6, 3, 3, 3],
        'conv2.weight': [6, 6, 3, 3],
        ...Object.fromEntries(
          ['bn1', 'bn2', ...(shortcut === 'B' ? ['downsample.1'] : [])].flatMap((norm) => [
            [`${norm}.weight`, [6]],
            [`${norm}.bias`, [6]],
          ]),
        ),
        ...(shortcut === 'B' && { 'downsample.0.weight': [6, 3, 1, 1] }),
      },
    ),
  ),
];

function supported(result: OpResult | Unsupported): OpResult {
  if ('unsupported' in result) throw new Error(result.unsupported);
  return result;
}

async function run(given: Sample): Promise<{ got: OpResult; want: OpResult }> {
  const { op, params, inputs } = given;
  const { outputs } = supported(await referenceBackend.runOp(op, params, inputs, undefined));
  const gradOutput = random(need(outputs, 'y').shape, 99);
  const [got, want] = await Promise.all(
    [gpu, referenceBackend].map((backend) => backend.runOp(op, params, inputs, gradOutput)),
  );
  if (!got || !want) throw new Error('two backends, two results');
  return { got: supported(got), want: supported(want) };
}

/** Largest error of each tensor as a share of 1e-5 · max(1, max|want|). */
function errors({ got, want }: { got: OpResult; want: OpResult }): Record<string, number> {
  const compared = (['outputs', 'grads'] as const).flatMap((kind) =>
    Object.entries(want[kind]).map(([name, value]) =>
      compareTensor(`${kind}.${name}`, got[kind][name], value, 1e-5 * Math.max(1, largest(value))),
    ),
  );
  return Object.fromEntries(compared.map(({ tensor, ratio }) => [tensor, ratio]));
}

const title = ({ op, params, inputs }: Sample) =>
  `${op} ${JSON.stringify(params)} ${Object.entries(inputs)
    .map(([name, { shape }]) => `${name}[${shape}]`)
    .join(' ')}`;

describe('agrees with the reference', () => {
  test.each(SAMPLES.map((given) => [title(given), given] as const))('%s', async (_, given) => {
    for (const [name, error] of Object.entries(errors(await run(given)))) {
      expect(error, name).toBeLessThan(1);
    }
  });
  test('every op of the table is among them', () => {
    const swept = new Set(SAMPLES.map(({ op }) => op));
    expect(Object.keys(ops).filter((name) => !swept.has(name))).toEqual([]);
  });
});

test('a relative error of 1e-4 in a single element fails', async () => {
  const { got, want } = await run(conv([1, 2, 5, 7], 3, 3, { padding: 1 }));
  for (const name of Object.keys(want.grads)) {
    const off = { ...got, grads: { ...got.grads } };
    off.grads[name] = map(need(got.grads, name), (v) => v + 1e-4 * largest(need(got.grads, name)));
    expect(errors({ got: off, want })[`grads.${name}`]).toBeGreaterThan(1);
  }
});

test.each(['sigmoid', 'tanh', 'gelu', 'silu', 'elu', 'leaky_relu'])(
  '%s and its gradient are finite and right far out',
  async (op) => {
    const data = Float64Array.from([-100, -88, -20, -1e-4, 0, 1e-4, 20, 88, 100]);
    for (const params of op === 'gelu' ? [{}, { approximate: 'tanh' }] : [{}]) {
      const given = { op, params, inputs: { x: { shape: [1, 9, 1, 1], data } } };
      for (const error of Object.values(errors(await run(given)))) expect(error).toBeLessThan(1);
    }
  },
);

describe('batch norm', () => {
  const inputs = {
    x: random([4, 6, 5, 7], 21),
    shortcut: random([4, 6, 5, 7], 22),
    weight: random([6], 23),
    bias: random([6], 24),
  };
  test('fused with shortcut and ReLU equals the ops one by one', async () => {
    const own = new Gpu(device);
    const dy = random([4, 6, 5, 7], 25);
    const { shortcut, ...plain } = inputs;
    const options = { training: true };
    const fused = await runOp(own, ops.batch_norm, { relu: true }, inputs, dy, options);
    const norm = await runOp(own, ops.batch_norm, {}, plain, undefined, options);
    const sum = await runOp(own, ops.add, {}, { a: norm.y, b: shortcut }, undefined, options);
    const relu = await runOp(own, ops.relu, {}, { x: sum.y }, dy, options);
    const dsum = need(relu.grads, 'x');
    const back = await runOp(own, ops.batch_norm, {}, plain, dsum, options);
    const close = (name: string, got: Tensor, want: Tensor) =>
      expect(compareTensor(name, got, want, 1e-5 * Math.max(1, largest(want))).ratio).toBeLessThan(
        1,
      );
    close('y', fused.y, relu.y);
    close('shortcut', need(fused.grads, 'shortcut'), dsum);
    for (const name of ['x', 'weight', 'bias']) {
      close(name, need(fused.grads, name), need(back.grads, name));
    }
  });

  test('the variance is right where the mean is a hundred deviations', async () => {
    const x = random([8, 5, 16, 16], 31, 100);
    const { want, got } = await run(sample('batch_norm', { training: true }, channels(5), { x }));
    const variance = need(want.outputs, 'batch_var_biased');
    const error = compareTensor('variance', got.outputs.batch_var_biased, variance, 1e-5);
    expect(error.ratio).toBeLessThan(1);
  });
});

describe('dropout', () => {
  const own = new Gpu(device);
  const x = map(random([4, 6, 9, 7], 41), () => 1);
  const drawn = (iteration: number, seed = 1) =>
    runOp(own, ops.dropout, { p: 0.25 }, { x }, x, {
      training: true,
      scalars: { seed, iteration },
    });

  test('drops a quarter, keeps the mean, and backward has the same mask', async () => {
    const { y, grads } = await drawn(3);
    expect(new Set(y.data)).toEqual(new Set([0, Math.fround(4 / 3)]));
    const kept = y.data.filter((v) => v > 0).length / y.data.length;
    // Four standard deviations of 1,512 draws.
    expect(Math.abs(kept - 0.75)).toBeLessThan(0.045);
    expect(need(grads, 'x').data).toEqual(y.data);
  });
  test('the mask depends on seed and iteration, and on nothing else', async () => {
    const { y } = await drawn(3);
    expect((await drawn(3)).y.data).toEqual(y.data);
    expect((await drawn(4)).y.data).not.toEqual(y.data);
    expect((await drawn(3, 2)).y.data).not.toEqual(y.data);
  });
});

test('more than 65,535 workgroups are spread over two axes', async () => {
  const side = 1450;
  const shape = [2, 4, side, side];
  expect(size(shape) / 4 / 64).toBeGreaterThan(65_535);
  const data = Float64Array.from({ length: size(shape) }, (_, i) => (i % 7) - 3);
  const run = await runOp(new Gpu(device), ops.relu, {}, { x: { shape, data } }, undefined, {
    training: false,
  });
  expect(run.y.data.findIndex((value, i) => value !== Math.max(0, data[i] ?? NaN))).toBe(-1);
});
