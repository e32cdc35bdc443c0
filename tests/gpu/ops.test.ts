/**
 * Every op on the GPU against the float64 reference, forward and backward, on the samples of the op table:
 * shapes that fit no tile, on tensors rounded to float32. Runs in Node and, as it stands, in Chromium.
 */
import { describe, expect, test } from 'vitest';
import { compareTensor, largest } from '../../src/reference/compare.ts';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { runGraph, runLoss, runOp, runOptimizer } from '../../src/engine/run_op.ts';
import { graphNode } from '../../src/network/graph.ts';
import { normalTensor } from '../../src/ops/sample.ts';
import type { Sample } from '../../src/ops/sample.ts';
import type { Op } from '../../src/ops/op.ts';
import { errorRatios, runBoth } from '../../src/lab/self_check.ts';
import { referenceParams } from '../../src/ops/reference_run.ts';
import { ops } from '../../src/ops/table.ts';
import { TUNING_NAMES } from '../../src/ops/tuning.ts';
import { drawMask } from '../../src/reference/dropout.ts';
import { softmaxCrossEntropy } from '../../src/reference/loss.ts';
import { adam, adamw, clipGradients, sgd } from '../../src/reference/optimizers.ts';
import { map, need, scalar, size, tensor } from '../../src/reference/tensor.ts';
import type { Tensor, Tensors } from '../../src/reference/tensor.ts';
import { streamOf } from '../../src/random.ts';
import { SWEEP, runReferenceOp } from '../../src/ops/sweep.ts';
import { kernelsOf, lowered } from '../lowered.ts';
import { device } from './setup.ts';

const gpu = new Gpu(device);

/** Ops whose kernels a tuning chooses. */
const TUNED_OPS = ['conv2d', 'linear', 'batch_norm'];

const both = (op: Op, sample: Sample, on: Gpu = gpu, given?: Tensor) =>
  runBoth(on, op, sample, given);
const errors = errorRatios;

describe('agrees with the reference', () => {
  test.each(SWEEP)('$title', async ({ op, sample }) => {
    const { got, want } = await both(op, sample);
    for (const [name, error] of Object.entries(errors(got, want))) {
      expect(error, name).toBeLessThan(1);
    }
  });
  test('every op has samples, and the reference knows the gradient of everything but state and masks', async () => {
    expect(Object.values<Op>(ops).filter(({ samples }) => samples.length < 3)).toEqual([]);
    for (const { op, sample, title } of SWEEP) {
      const { inputs, grads } = runReferenceOp(op, sample);
      const differentiable = Object.keys(inputs).filter(
        (name) => !['mask', 'running_mean', 'running_var'].includes(name),
      );
      expect(Object.keys(grads).toSorted(), title).toEqual(differentiable.toSorted());
    }
    const { want } = await both(ops.batch_norm, ops.batch_norm.samples[0]!);
    expect(Object.keys(want).toSorted()).toEqual(
      [
        ...['batch_mean', 'batch_var_biased', 'd(bias)', 'd(weight)', 'd(x)'],
        ...['new_running_mean', 'new_running_var', 'y'],
      ].toSorted(),
    );
  });
});

/** The samples that run on kernels in this tuning that no tuning before it in the list has. */
const swept = new Map<string, Set<string>>();
const novelties = TUNING_NAMES.map((tuning) => {
  const novel = SWEEP.filter((sample) => {
    if (!TUNED_OPS.includes(sample.op.name)) return false;
    const known = swept.get(sample.title) ?? new Set();
    swept.set(sample.title, known);
    const kernels = kernelsOf(sample, tuning).filter((kernel) => !known.has(kernel));
    kernels.forEach((kernel) => known.add(kernel));
    return kernels.length > 0;
  });
  return { tuning, novel };
});

// The first tuning is that of the sweep above.
describe.each(novelties.slice(1))(
  'agrees in the kernels of tuning $tuning',
  ({ tuning, novel }) => {
    const on = new Gpu(device, tuning);
    test.each(novel)('$title', async ({ op, sample }) => {
      const { got, want } = await both(op, sample, on);
      for (const [name, error] of Object.entries(errors(got, want))) {
        expect(error, name).toBeLessThan(1);
      }
    });
  },
);

test.each([
  ['forward', 3, 16],
  ['backward', 16, 3],
])('a tile of many channels where there are workgroups enough, %s', async (_, c, out_channels) => {
  const params = { out_channels, kernel: 2, padding: 'same' };
  const inputs = { x: [512, c, 9, 9], weight: [out_channels, c, 2, 2] };
  const sample = { params, inputs };
  const tiles = lowered({ op: ops.conv2d, sample }, 'gpu-tile').filter(
    ({ shader, constants }) => shader === 'conv2d_tile' && constants.QV === 4,
  );
  expect(tiles).toHaveLength(1);
  const { got, want } = await both(ops.conv2d, sample, new Gpu(device, 'gpu-tile'));
  for (const [name, error] of Object.entries(errors(got, want))) {
    expect(error, name).toBeLessThan(1);
  }
});

test.each([
  ['gpu-winograd', 33, 34],
  ['quad', 65, 64],
] as const)(
  'Winograd with more blocks than a workgroup has invocations, in tuning %s',
  async (tuning, channels, out_channels) => {
    const params = { out_channels, kernel: 3, padding: [2, 0, 1, 3], bias: true };
    const weight = [out_channels, channels, 3, 3];
    const inputs = { x: [2, channels, 23, 24], weight, bias: [out_channels] };
    const sample = { params, inputs };
    const products = lowered({ op: ops.conv2d, sample }, tuning).filter(
      ({ entry, constants }) => entry === 'winograd_product' && Number(constants.BLOCKS) > 64,
    );
    expect(products).toHaveLength(2);
    const { got, want } = await both(ops.conv2d, sample, new Gpu(device, tuning));
    for (const [name, error] of Object.entries(errors(got, want))) {
      expect(error, name).toBeLessThan(1);
    }
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
  // Steps of a twentieth, and as many of 1/8000 around 0, where what is computed as a difference loses its digits.
  const points = Array.from({ length: 4001 }, (_, i) => (i - 2000) / 20).flatMap((v) => [
    v,
    v / 400,
  ]);
  const x = { shape: [1, points.length, 1, 1], data: Float64Array.from(points, Math.fround) };
  const ones = map(x, () => 1);

  /**
   * The largest error in units in the last place: of the value itself for |x| < 1/2, where a function that goes through
   * 0 does so, elsewhere of 1 where the value is smaller.
   */
  const units = (got: Float64Array, want: Float64Array): number =>
    want.reduce((worst, v, i) => {
      const whole = Math.abs(x.data[i] ?? NaN) < 0.5 ? 1e-30 : 1;
      const unit = 2 ** -24 * Math.max(whole, Math.abs(v));
      const error = Math.abs((got[i] ?? NaN) - v) / unit;
      // Math.max hands on what is not a number.
      return Math.max(worst, error);
    }, 0);

  test.each(forms)('%s', async (_, op, params) => {
    const { got, want } = await both(op, { params, inputs: { x } }, gpu, ones);
    for (const name of ['y', 'd(x)']) {
      expect(units(need(got, name).data, need(want, name).data), name).toBeLessThan(25);
    }
  });

  test('eˣ − 1 as a difference would be found', async () => {
    const { got, want } = await both(ops.elu, { params: {}, inputs: { x } }, gpu, ones);
    const naive = map(x, (v) => (v > 0 ? v : Math.fround(Math.fround(Math.exp(v)) - 1)));
    expect(units(need(got, 'y').data, need(want, 'y').data)).toBeLessThan(25);
    expect(units(naive.data, need(want, 'y').data)).toBeGreaterThan(100);
    const broken = map(naive, (v, i) => (i === 99 ? NaN : v));
    expect(units(broken.data, need(want, 'y').data)).toBeNaN();
  });
});

describe('loss and optimizers', () => {
  const close = (name: string, got: Tensor | undefined, want: Tensor) => {
    const allowed = 1e-5 * Math.max(1e-3, largest(want));
    expect(compareTensor(name, got, want, allowed).ratio, name).toBeLessThan(1);
  };

  // More samples than the workgroup has invocations, classes that fill no vec4.
  test.each([0, 0.1])('cross-entropy of 70 samples, label smoothing %d', async (smoothing) => {
    const logits = map(normalTensor([70, 11], 'logits'), (z) => Math.fround(5 * z));
    const labels = Array.from({ length: 70 }, (_, n) => (n * 7) % 11);
    const run = await runLoss(gpu, logits, labels, { label_smoothing: smoothing });
    const params = { label_smoothing: smoothing, reduction: 'mean' } as const;
    const inputs = { logits, labels: tensor([70], labels) };
    const want = softmaxCrossEntropy.forward(params, inputs);
    expect(run.loss).toBeCloseTo(need(want, 'y').data[0] ?? NaN, 4);
    const answers = labels.map((_, n) => {
      const row = logits.data.subarray(n * 11, n * 11 + 11);
      return row.indexOf(Math.max(...row));
    });
    expect(run.errors).toBe(answers.filter((answer, n) => answer !== labels[n]).length);
    close('probabilities', run.probabilities, need(want, 'probs'));
    close('log probabilities', run.logProbabilities, need(want, 'log_probs'));
    const one = { shape: [], data: Float64Array.of(1) };
    const gradient = softmaxCrossEntropy.backward?.(params, inputs, want, one);
    close('gradient', run.gradient, need(gradient ?? {}, 'logits'));
  });

  const shape = [70];
  const kept = map(normalTensor(shape, 'second'), (v) => Math.fround(v * v));
  const given = {
    param: normalTensor(shape, 'param'),
    grad: normalTensor(shape, 'grad'),
  };
  const scalars = { learningRate: 0.01, weightDecay: 0.1, iteration: 4 };
  const settings = { lr: 0.01, weight_decay: 0.1 };
  const moments = { exp_avg: normalTensor(shape, 'first'), exp_avg_sq: kept };

  test.each([false, true])('SGD with momentum (Nesterov: %s)', async (nesterov) => {
    const inputs = { ...given, momentum_buffer: moments.exp_avg };
    const more = { ...scalars, momentum: 0.9, nesterov };
    const got = await runOptimizer(gpu, { kind: 'sgd' }, inputs, more);
    const want = sgd.forward({ ...settings, momentum: 0.9, nesterov }, inputs);
    for (const [name, value] of Object.entries(want)) close(name, got[name], value);
  });

  test.each([
    ['Adam', false, [0.9, 0.999]],
    ['AdamW', true, [0.9, 0.999]],
    ['Adam without memory', false, [0, 0.99]],
  ] as const)('%s in its fifth step', async (_, decoupled, [beta1, beta2]) => {
    const betas: [number, number] = [beta1, beta2];
    const optimizer = { kind: 'adam', betas, eps: 1e-8, decoupled } as const;
    const got = await runOptimizer(gpu, optimizer, { ...given, ...moments }, scalars);
    const { step: _step, ...want } = (decoupled ? adamw : adam).forward(
      { ...settings, betas, eps: 1e-8 },
      { ...given, ...moments, step: scalar(4) },
    );
    for (const [name, value] of Object.entries(want)) close(name, got[name], value);
  });

  test.each([1e-3, 1, 1e25])('gradients of size %d, clipped to a norm of 1', async (scale) => {
    const grad = map(given.grad, (g) => Math.fround(g * scale));
    const plain = { learningRate: 1, maxNorm: 1 };
    const got = await runOptimizer(gpu, { kind: 'sgd' }, { ...given, grad }, plain);
    const clipped = clipGradients({ grad }, 1);
    const want = map(given.param, (w, i) => w - (clipped.grad?.data[i] ?? NaN));
    close('param', got.param, want);
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

  // Several rows an invocation that holds weights, a stride, a bias, channels for Winograd and for several passes, and
  // for neighbours that share pixels.
  const convolutions = [
    { x: [14, 3, 11, 4], params: { out_channels: 5, kernel: 3, padding: 1, bias: true } },
    { x: [2, 6, 9, 8], params: { out_channels: 8, kernel: 3, padding: 1, stride: 2 } },
    { x: [1, 66, 5, 4], params: { out_channels: 65, kernel: 3, padding: 1 } },
    { x: [2, 6, 3, 5], params: { out_channels: 5, kernel: 1 } },
    { x: [7, 14, 9, 15], params: { out_channels: 15, kernel: 3, padding: 1 } },
  ].map(({ x, params }) => {
    const { out_channels, kernel, bias } = params;
    const weight = [out_channels, x[1]!, kernel, kernel];
    const sample = { params, inputs: { x, weight, ...(bias && { bias: [out_channels] }) } };
    return { params, ...runReferenceOp(ops.conv2d, sample) };
  });
  const under = (path: string, tensors: Tensors) =>
    Object.fromEntries(Object.entries(tensors).map(([name, value]) => [`${path}.${name}`, value]));

  test.each(
    TUNING_NAMES.flatMap((tuning) => [
      { tuning, affine: true, relu: true, added: true },
      { tuning, affine: true, relu: true, added: false },
      { tuning, affine: false, relu: false, added: false },
    ]),
  )(
    'of running estimates is done by the convolution in front of it: %o',
    async ({ tuning, affine, relu, added }) => {
      const on = new Gpu(device, tuning);
      for (const { params, inputs, outputs } of convolutions) {
        const before = need(outputs, 'y');
        const { shape } = before;
        const channels = [params.out_channels];
        const shortcut = normalTensor(shape, 'shortcut');
        const own: Tensors = {
          running_mean: normalTensor(channels, 'running_mean'),
          running_var: map(normalTensor(channels, 'running_var'), (value) => value ** 2 + 0.1),
          ...(affine && {
            weight: normalTensor(channels, 'weight'),
            bias: normalTensor(channels, 'bias'),
          }),
        };
        const { x, ...learned } = inputs;
        const given = { x: x!, shortcut, ...under('conv', learned), ...under('norm', own) };
        const conv = graphNode('conv', ops.conv2d, params, { x: { name: 'x', shape: x!.shape } });
        const adds = added && { shortcut: { name: 'shortcut', shape } };
        const norm = graphNode(
          'norm',
          ops.batch_norm,
          { affine, relu },
          { x: conv.output, ...adds },
        );
        const run = await runGraph(on, [conv, norm], given, undefined, { training: false });
        expect(run.dispatches.map(({ path }) => path)).not.toContain('norm');

        const parameters = referenceParams(ops.batch_norm, { affine }, false);
        const { y } = ops.batch_norm.reference.forward(parameters, { x: before, ...own });
        const want = map(y!, (value, i) => {
          const sum = added ? value + shortcut.data[i]! : value;
          return relu ? Math.max(0, sum) : sum;
        });
        expect(errors({ y: run.y }, { y: want }).y).toBeLessThan(1);
      }
    },
  );

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
