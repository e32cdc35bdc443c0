/**
 * Every op on the GPU against the float64 reference, forward and backward, on the samples of the op table:
 * shapes that fit no tile, on tensors rounded to float32. Runs in Node and, as it stands, in Chromium.
 */
import { describe, expect, test } from 'vitest';
import { compareTensor, largest } from '../../src/conformance/compare.ts';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { runOp } from '../../src/engine/run_op.ts';
import { normalTensor } from '../../src/ops/sample.ts';
import type { Sample } from '../../src/ops/sample.ts';
import type { Op } from '../../src/ops/op.ts';
import { savedMoments } from '../../src/ops/batch_norm.ts';
import { ops } from '../../src/ops/table.ts';
import { TUNING_NAMES } from '../../src/ops/tuning.ts';
import { drawMask } from '../../src/reference/dropout.ts';
import { map, need, size } from '../../src/reference/tensor.ts';
import type { Tensor, Tensors } from '../../src/reference/tensor.ts';
import { streamOf } from '../../src/random.ts';
import { SWEEP, runReferenceOp } from '../sweep.ts';
import { device } from './setup.ts';

const gpu = new Gpu(device);

/** Ops whose kernels a tuning chooses. */
const TUNED_OPS = ['conv2d', 'linear', 'batch_norm'];

/** Largest error of each tensor as a share of 1e-5 · max(1, max|want|). */
function errors(got: Tensors, want: Tensors): Record<string, number> {
  return Object.fromEntries(
    Object.entries(want).map(([name, value]) => {
      const allowed = 1e-5 * Math.max(1, largest(value));
      return [name, compareTensor(name, got[name], value, allowed).ratio];
    }),
  );
}

/** What the kernels and the reference make of a sample, under the same names. */
async function both(
  op: Op,
  sample: Sample,
  on: Gpu = gpu,
): Promise<{ got: Tensors; want: Tensors }> {
  const { inputs, gradOutput, outputs, grads } = runReferenceOp(op, sample);
  const { training = true } = sample;
  const run = await runOp(on, op, sample.params, inputs, gradOutput, { training });
  const { coefficients } = run.saved;
  const { mean, variance } = coefficients
    ? savedMoments(coefficients, inputs.x?.shape[1] ?? 0)
    : {};
  const got: Tensors = {
    y: run.y,
    ...(mean && { batch_mean: mean }),
    ...(variance && { batch_var_biased: variance }),
  };
  for (const [name, value] of Object.entries(run.state)) got[`new_${name}`] = value;
  const named = (tensors: Tensors) =>
    Object.fromEntries(Object.entries(tensors).map(([name, value]) => [`d(${name})`, value]));
  return { got: { ...got, ...named(run.grads) }, want: { ...outputs, ...named(grads) } };
}

describe('agrees with the reference', () => {
  test.each(SWEEP)('$title', async ({ op, sample }) => {
    const { got, want } = await both(op, sample);
    for (const [name, error] of Object.entries(errors(got, want))) {
      expect(error, name).toBeLessThan(1);
    }
  });
  test('every op has samples, and every tensor that the reference gives is compared', async () => {
    expect(Object.values<Op>(ops).filter(({ samples }) => samples.length < 3)).toEqual([]);
    const [sample] = ops.batch_norm.samples;
    const { want } = await both(ops.batch_norm, sample!);
    expect(Object.keys(want).toSorted()).toEqual(
      [
        ...['batch_mean', 'batch_var_biased', 'd(bias)', 'd(weight)', 'd(x)'],
        ...['new_running_mean', 'new_running_var', 'y'],
      ].toSorted(),
    );
  });
});

describe.each(TUNING_NAMES.filter((name) => name !== 'gpu'))(
  'agrees in the kernels of tuning %s',
  (tuning) => {
    const on = new Gpu(device, tuning);
    const varied = SWEEP.filter(({ op: { name } }) => TUNED_OPS.includes(name));
    test.each(varied)('$title', async ({ op, sample }) => {
      const { got, want } = await both(op, sample, on);
      for (const [name, error] of Object.entries(errors(got, want))) {
        expect(error, name).toBeLessThan(1);
      }
    });
  },
);

describe('a relative error of 1e-4 in a single element fails', () => {
  const firsts = Object.values<Op>(ops).map((op) => ({ op, name: op.name }));
  test.each(firsts)('$name', async ({ op }) => {
    const sample = op.samples.at(-1)!;
    const { got, want } = await both(op, sample);
    for (const [name, value] of Object.entries(want)) {
      const off = map(need(got, name), (v, i) => (i === 0 ? v + 1e-4 * largest(value) + 1e-4 : v));
      expect(errors({ ...got, [name]: off }, want)[name], name).toBeGreaterThan(1);
    }
  });
});

describe('activations hold float32 accuracy from −100 to 100', () => {
  const names = [
    'relu',
    'leaky_relu',
    'elu',
    'silu',
    'gelu',
    'sigmoid',
    'tanh',
    'identity',
  ] as const;
  const forms: [string, Op, Record<string, unknown>][] = [
    ...names.map((name): [string, Op, Record<string, unknown>] => [name, ops[name], {}]),
    ['gelu, tanh form', ops.gelu, { approximate: 'tanh' }],
  ];
  // Steps of a twentieth, and as many of 1/8000 around 0.
  const points = Array.from({ length: 4001 }, (_, i) => (i - 2000) / 20).flatMap((v) => [
    v,
    v / 400,
  ]);
  const x = { shape: [1, points.length, 1, 1], data: Float64Array.from(points, Math.fround) };

  test.each(forms)('%s', async (_, op, params) => {
    const { got, want } = await both(op, { params, inputs: { x } });
    for (const name of ['y', 'd(x)']) {
      const [a, b] = [need(got, name).data, need(want, name).data];
      // 25 units in the last place of the value, or of 1 where it is smaller; dL/dy is random, up to 4.
      const worst = Math.max(
        ...b.map((v, i) => Math.abs((a[i] ?? NaN) - v) / Math.max(1, Math.abs(v))),
      );
      expect(worst, name).toBeLessThan(3e-6);
    }
  });
});

test.each(['relu', 'leaky_relu', 'elu', 'silu', 'gelu', 'sigmoid', 'tanh'] as const)(
  '%s hands on what is not a number',
  async (name) => {
    const x = { shape: [1, 2, 1, 2], data: Float64Array.of(1, NaN, -1, NaN) };
    const { y } = await runOp(gpu, ops[name], {}, { x }, undefined, { training: true });
    expect(Array.from(y.data, Number.isNaN)).toEqual([false, true, false, true]);
  },
);

describe('batch norm', () => {
  const inputs = {
    x: normalTensor([4, 6, 5, 7], 'x'),
    shortcut: normalTensor([4, 6, 5, 7], 'shortcut'),
    weight: normalTensor([6], 'weight'),
    bias: normalTensor([6], 'bias'),
  };
  test('fused with shortcut and ReLU equals the ops one by one', async () => {
    const dy = normalTensor([4, 6, 5, 7], 'dy');
    const { shortcut, ...plain } = inputs;
    const options = { training: true };
    const fused = await runOp(gpu, ops.batch_norm, { relu: true }, inputs, dy, options);
    const norm = await runOp(gpu, ops.batch_norm, {}, plain, undefined, options);
    const sum = await runOp(gpu, ops.add, {}, { a: norm.y, b: shortcut }, undefined, options);
    const relu = await runOp(gpu, ops.relu, {}, { x: sum.y }, dy, options);
    const dsum = need(relu.grads, 'x');
    const back = await runOp(gpu, ops.batch_norm, {}, plain, dsum, options);
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
    const x = normalTensor([8, 5, 16, 16], 'x', 100);
    for (const op of [ops.batch_norm, ops.group_norm, ops.instance_norm, ops.layer_norm]) {
      const params = { affine: false, ...(op === ops.group_norm && { groups: 1 }) };
      const { want, got } = await both(op, { params, inputs: { x } });
      // x itself is rounded to 1e-5 of a deviation, and so is y at best.
      const close = compareTensor('y', got.y, need(want, 'y'), 1e-4);
      expect(close.ratio, op.name).toBeLessThan(1);
      if (op !== ops.batch_norm) continue;
      const variance = need(want, 'batch_var_biased');
      const error = compareTensor('variance', got.batch_var_biased, variance, 1e-5);
      expect(error.ratio).toBeLessThan(1);
    }
  });
});

describe.each([ops.dropout, ops.dropout2d])('$name', (op) => {
  const x = map(normalTensor([24, 30, 3, 5], 'x'), () => 1);
  const drawn = (iteration: number, { seed = 1, sampling = true, mode = 'inverted' } = {}) =>
    runOp(gpu, op, { drop_probability: 0.25, mode }, { x }, x, {
      training: sampling,
      scalars: { seed, iteration },
    });
  const channels = op === ops.dropout2d;

  test('drops a quarter, keeps the mean, and backward has the same mask', async () => {
    const { y, grads } = await drawn(3);
    expect(new Set(y.data)).toEqual(new Set([0, Math.fround(4 / 3)]));
    const draws = channels ? 24 * 30 : y.data.length;
    const kept = y.data.filter((v) => v > 0).length / y.data.length;
    expect(Math.abs(kept - 0.75)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / draws));
    expect(need(grads, 'x').data).toEqual(y.data);
  });
  test('draws the mask that the reference draws, bit for bit', async () => {
    const { y } = await drawn(3, { mode: 'vanilla' });
    const shape = channels ? [24, 30] : x.shape;
    const key = { seed: 1, iteration: 3, stream: streamOf(op.name) };
    const mask = drawMask(shape, 0.25, key);
    const params = op.reference.params.parse({ drop_probability: 0.25, mode: 'vanilla' });
    expect(y.data).toEqual(need(op.reference.forward(params, { x, mask }), 'y').data);
  });
  test('drops whole channels, or single elements', async () => {
    const { y } = await drawn(3);
    const planes = Array.from({ length: 24 * 30 }, (_, i) => y.data.slice(15 * i, 15 * i + 15));
    expect(planes.every((plane) => new Set(plane).size === 1)).toBe(channels);
  });
  test('the mask depends on seed and iteration, and on nothing else', async () => {
    const { y } = await drawn(3);
    expect((await drawn(3)).y.data).toEqual(y.data);
    expect((await drawn(4)).y.data).not.toEqual(y.data);
    expect((await drawn(3, { seed: 2 })).y.data).not.toEqual(y.data);
  });
  test.each(['inverted', 'vanilla'])(
    '%s: evaluation has the expectation of training',
    async (mode) => {
      const [trained, evaluated] = [
        await drawn(5, { mode }),
        await drawn(5, { mode, sampling: false }),
      ];
      const mean = (tensor: Tensor) => tensor.data.reduce((a, b) => a + b, 0) / size(tensor.shape);
      expect(new Set(evaluated.y.data).size).toBe(1);
      expect(mean(evaluated.y)).toBeCloseTo(mode === 'vanilla' ? 0.75 : 1, 6);
      const draws = channels ? 24 * 30 : size(x.shape);
      const deviation = Math.sqrt((0.25 * 0.75) / draws) / (mode === 'vanilla' ? 1 : 0.75);
      expect(Math.abs(mean(trained.y) - mean(evaluated.y))).toBeLessThan(4 * deviation);
    },
  );
});

test('more than 65,535 workgroups are spread over two axes', async () => {
  const side = 1450;
  const shape = [2, 4, side, side];
  expect(size(shape) / 4 / 64).toBeGreaterThan(65_535);
  const data = Float64Array.from({ length: size(shape) }, (_, i) => (i % 7) - 3);
  const run = await runOp(gpu, ops.relu, {}, { x: { shape, data } }, undefined, {
    training: false,
  });
  expect(run.y.data.findIndex((value, i) => value !== Math.max(0, data[i] ?? NaN))).toBe(-1);
});
