/**
 * Networks of all kinds on the GPU: every layer, norm, activation and order of a block that a spec can say, against
 * the float64 reference and against themselves.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { DeviceDataset } from '../../src/engine/dataset.ts';
import { evaluate } from '../../src/engine/evaluate.ts';
import type { Evaluation } from '../../src/engine/evaluate.ts';
import { GpuNetwork } from '../../src/engine/network.ts';
import type { NetworkOptions } from '../../src/engine/network.ts';
import { cifarNetwork } from '../../src/network/families.ts';
import type { CifarNetworkOptions } from '../../src/network/families.ts';
import { runReference, stepReference } from '../../src/network/reference.ts';
import { networkSpec } from '../../src/network/spec.ts';
import type { LayerSpec, NetworkSpec } from '../../src/network/spec.ts';
import { ops } from '../../src/ops/table.ts';
import { normalTensor } from '../../src/ops/sample.ts';
import type { Tensors } from '../../src/reference/tensor.ts';
import { device } from './setup.ts';

const BATCH = 5;
const INPUT = { channels: 3, height: 8, width: 8 };
const x = normalTensor([BATCH, 3, 8, 8], 'x');
const labels = [3, 1, 4, 1, 9];
const SEED = 1;
const gpu = new Gpu(device);

const cifar = (options: Partial<CifarNetworkOptions>): NetworkSpec =>
  cifarNetwork({ depth: 8, residual: true, width: 4, input: INPUT, classes: 10, ...options });

const custom = (name: string, layers: LayerSpec[]): NetworkSpec => ({
  version: 1,
  name,
  input: INPUT,
  classes: 10,
  layers,
});

/** LeCun et al. 1998 in small: biases, pooling, vectors, dropout. */
const LENET = custom('lenet', [
  { type: 'conv2d', name: 'conv1', out_channels: 6, kernel: 5, padding: 'same', bias: true },
  { type: 'tanh', name: 'tanh1' },
  { type: 'avg_pool2d', name: 'pool1', kernel: 2 },
  { type: 'dropout2d', name: 'drop1', drop_probability: 0.3 },
  { type: 'conv2d', name: 'conv2', out_channels: 9, kernel: 2, padding: 'valid', bias: true },
  { type: 'sigmoid', name: 'sigmoid2' },
  { type: 'max_pool2d', name: 'pool2', kernel: 3, stride: 1, padding: 1 },
  { type: 'flatten', name: 'flat' },
  { type: 'linear', name: 'fc1', out_features: 13 },
  { type: 'relu', name: 'relu3' },
  { type: 'dropout', name: 'drop2', drop_probability: 0.4, mode: 'vanilla' },
  { type: 'linear', name: 'fc2', out_features: 10, bias: false },
]);

/** Depthwise, grouped and dilated convolutions in residual blocks around other bodies than He's. */
const MOBILE = custom('mobile', [
  { type: 'conv2d', name: 'stem', out_channels: 6, kernel: 3, padding: [0, 0, 1, 1], stride: 2 },
  { type: 'elu', name: 'elu0' },
  {
    type: 'residual',
    name: 'wide',
    connected: true,
    shortcut: 'A',
    zero_channels: 'both',
    projection_norm: null,
    body: [
      { type: 'group_norm', name: 'norm', groups: 3 },
      { type: 'gelu', name: 'gelu', approximate: 'tanh' },
      { type: 'conv2d', name: 'depthwise', out_channels: 6, kernel: 3, groups: 6, padding: 1 },
      { type: 'silu', name: 'silu' },
      { type: 'conv2d', name: 'pointwise', out_channels: 10, kernel: 1 },
    ],
    after: [],
  },
  { type: 'leaky_relu', name: 'leaky', negative_slope: 0.1 },
  {
    type: 'residual',
    name: 'deep',
    connected: true,
    shortcut: 'B',
    zero_channels: 'end',
    projection_norm: { type: 'instance_norm', affine: false },
    body: [
      {
        type: 'conv2d',
        name: 'dilated',
        out_channels: 8,
        kernel: 3,
        dilation: 2,
        padding: 2,
        groups: 2,
      },
      { type: 'batch_norm', name: 'bn', affine: false },
      { type: 'identity', name: 'nothing' },
    ],
    after: [{ type: 'layer_norm', name: 'ln', normalized_shape: 'C' }],
  },
  { type: 'global_avg_pool', name: 'pool' },
  {
    type: 'residual',
    name: 'vectors',
    connected: true,
    shortcut: 'A',
    zero_channels: 'end',
    projection_norm: null,
    body: [
      { type: 'linear', name: 'fc', out_features: 11 },
      { type: 'tanh', name: 'tanh' },
    ],
    after: [],
  },
  {
    type: 'residual',
    name: 'projected',
    connected: true,
    shortcut: 'B',
    zero_channels: 'end',
    projection_norm: { type: 'batch_norm' },
    body: [{ type: 'linear', name: 'fc', out_features: 7, bias: false }],
    after: [
      { type: 'batch_norm', name: 'bn' },
      { type: 'relu', name: 'relu' },
    ],
  },
  { type: 'linear', name: 'fc', out_features: 10 },
]);

/** What nobody would publish, and a hand may draw: blocks without a body, in a block, and behind an addition. */
const block = (name: string, body: LayerSpec[], after: LayerSpec[] = []): LayerSpec => ({
  type: 'residual',
  name,
  connected: true,
  shortcut: 'A',
  zero_channels: 'end',
  projection_norm: null,
  body,
  after,
});
const BY_HAND = custom('by hand', [
  { type: 'dropout', name: 'drop', drop_probability: 0.25 },
  { type: 'max_pool2d', name: 'pool', kernel: 2 },
  block('twice', []),
  { type: 'relu', name: 'relu' },
  { type: 'conv2d', name: 'conv', out_channels: 8, kernel: 3, padding: 1 },
  block(
    'outer',
    [
      block(
        'inner',
        [{ type: 'group_norm', name: 'gn', groups: 4 }],
        [{ type: 'gelu', name: 'act' }],
      ),
      { type: 'conv2d', name: 'conv', out_channels: 12, kernel: 3, padding: 1, stride: 2 },
    ],
    [
      block('behind', [{ type: 'batch_norm', name: 'bn' }]),
      { type: 'stage', name: 'nothing', layers: [] },
      { type: 'relu', name: 'relu' },
    ],
  ),
  { type: 'identity', name: 'same' },
  { type: 'flatten', name: 'flatten' },
  block('vectors', []),
  { type: 'linear', name: 'fc', out_features: 10 },
]);

const group = { type: 'group_norm', groups: 2 } as const;
const NETWORKS: [string, NetworkSpec][] = [
  ['layer norm over C, H, W', cifar({ norm: { type: 'layer_norm' } })],
  [
    'layer norm over C',
    cifar({ norm: { type: 'layer_norm', normalized_shape: 'C' }, shortcut: 'B' }),
  ],
  ['instance norm', cifar({ norm: { type: 'instance_norm' } })],
  ['group norm, option B', cifar({ norm: group, shortcut: 'B' })],
  ['group norm, plain', cifar({ norm: group, residual: false })],
  ['no norm', cifar({ norm: null })],
  ['batch norm without scale and shift', cifar({ norm: { type: 'batch_norm', affine: false } })],
  ['pre-activation, option A', cifar({ order: 'pre_activation' })],
  ['pre-activation, option B', cifar({ order: 'pre_activation', shortcut: 'B' })],
  ['GELU', cifar({ activation: { type: 'gelu' } })],
  ['blocks that start as the identity', cifar({ zeroInitLast: true })],
  ['LeNet with dropout', LENET],
  ['depthwise, grouped and dilated', MOBILE],
  ['blocks in odd places', BY_HAND],
];

const scalars = (iteration: number) => ({
  learningRate: 0.05,
  momentum: 0.9,
  weightDecay: 1e-4,
  nesterov: false,
  seed: SEED,
  iteration,
  valid: BATCH,
  pad: 0,
  flip: false,
  maxNorm: 1,
});

const opened: GpuNetwork[] = [];
afterEach(() => opened.splice(0).forEach((network) => network.destroy()));

async function create(spec: NetworkSpec, options: Partial<NetworkOptions> = {}) {
  const network = await GpuNetwork.create(gpu, spec, { batch: BATCH, seed: SEED, ...options });
  network.writeBatch(x.data, Uint32Array.from(labels));
  opened.push(network);
  return network;
}

async function train(network: GpuNetwork, steps: number) {
  for (let t = 0; t < steps; t++) network.run('train', scalars(t), t);
  const losses = (await network.readSummaries(0, steps)).map(({ loss }) => loss);
  return { losses, weights: await network.readParameters() };
}

const tensorsOf = (network: GpuNetwork, values: ReadonlyMap<string, ArrayLike<number>>): Tensors =>
  Object.fromEntries(
    [...network.parameters, ...network.state].flatMap(({ name, shape }) => {
      const data = values.get(name);
      return data ? [[name, { shape, data: Float64Array.from(data) }]] : [];
    }),
  );

/** The largest |a − b|, as a share of the largest |b| of its tensor or of `least`, and where it is. */
function difference(a: Tensors, b: Tensors, least = 1e-12): { ratio: number; name: string } {
  let worst = { ratio: 0, name: '' };
  for (const [name, { data }] of Object.entries(b)) {
    const scale = Math.max(...data.map(Math.abs), least);
    const ratio = Math.max(...data.map((v, i) => Math.abs((a[name]?.data[i] ?? NaN) - v) / scale));
    if (!(ratio <= worst.ratio)) worst = { ratio, name };
  }
  return worst;
}

const close = (a: Tensors, b: Tensors, tolerance: number, least?: number) => {
  const { ratio, name } = difference(a, b, least);
  expect(ratio, name).toBeLessThan(tolerance);
};

describe.each(NETWORKS)('%s', (_, spec) => {
  test('a spec that survives JSON', () => {
    const parsed: unknown = JSON.parse(JSON.stringify(spec));
    expect(networkSpec.parse(parsed)).toMatchObject(spec);
  });

  test('a step agrees with the reference', async () => {
    const network = await create(spec);
    const parameters = tensorsOf(network, await network.readParameters());
    const draws = { seed: SEED, iteration: 0 };
    const want = runReference(spec, { parameters, running: {} }, x, labels, { draws });
    const settings = { lr: 0.05, momentum: 0.9, weight_decay: 1e-4 };
    const next = stepReference(parameters, want.gradients, {}, settings);

    const { losses, weights } = await train(network, 1);
    expect(losses[0]).toBeCloseTo(want.loss, 5);
    // A gradient that ought to vanish (of γ behind a norm of its own, say) is compared with the others.
    const largest = Math.max(...Object.values(want.gradients).flatMap(({ data }) => [...data]));
    const gradients = tensorsOf(network, await network.readGradients());
    close(gradients, want.gradients, 3e-4, 1e-3 * largest);
    close(tensorsOf(network, weights), next.parameters, 1e-5, 0.1);
    close(tensorsOf(network, await network.readState()), want.running, 1e-5);
    expect(difference(tensorsOf(network, weights), parameters).ratio).toBeGreaterThan(1e-3);

    // Evaluation, plain and sampled, of the network that has learned.
    const state = { parameters: next.parameters, running: want.running };
    for (const mode of ['evaluate', 'monte_carlo'] as const) {
      network.run(mode, scalars(7), 1);
      const logits = await network.readLogits(mode);
      const sampled = mode === 'monte_carlo' ? { draws: { seed: SEED, iteration: 7 } } : {};
      const expected = runReference(spec, state, x, labels, { training: false, ...sampled });
      const got = { logits: { shape: [], data: Float64Array.from(logits) } };
      close(got, { logits: expected.logits }, 2e-4);
    }
  });

  test('fused as unfused, sharing buffers or not, once as twice', async () => {
    const once = await train(await create(spec), 3);
    expect(await train(await create(spec), 3)).toEqual(once);
    expect(await train(await create(spec, { reuse: false }), 3)).toEqual(once);
    const plain = await train(await create(spec, { fusion: false }), 1);
    expect(plain.losses[0]).toBeCloseTo(once.losses[0] ?? NaN, 4);
  });
});

test('every op that a spec can name is in one of these networks', () => {
  const text = JSON.stringify(NETWORKS.map(([, spec]) => spec));
  const internal = ['add', 'shortcut_option_a'];
  const missing = Object.keys(ops).filter((name) => !text.includes(`"type":"${name}"`));
  expect(missing.toSorted()).toEqual(internal);
});

test('batch norm over a single value a channel is refused in training, by its path', async () => {
  const spec = custom('one value', [
    { type: 'avg_pool2d', name: 'pool', kernel: 8 },
    {
      type: 'stage',
      name: 'layer1',
      layers: [
        { type: 'batch_norm', name: 'bn' },
        { type: 'relu', name: 'relu' },
      ],
    },
    { type: 'flatten', name: 'flat' },
    { type: 'linear', name: 'fc', out_features: 10 },
  ]);
  const refused = GpuNetwork.create(gpu, spec, { batch: 1, seed: SEED });
  await expect(refused).rejects.toThrow(/^layer1\.bn: batch norm in training needs more than one/);
});

test('blocks whose last norm starts at zero compute their shortcut', async () => {
  const network = await create(cifar({ zeroInitLast: true }));
  const zeros = [...(await network.readParameters())].filter(([name]) => /bn2\.weight/.test(name));
  expect(zeros.length).toBe(3);
  for (const [, values] of zeros) expect(Math.max(...values.map(Math.abs))).toBe(0);
  const { losses, weights } = await train(network, 20);
  expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 2);
  expect(Math.max(...(weights.get('layer1.0.bn2.weight') ?? []))).toBeGreaterThan(0);
});

test('dropout that is left on changes an evaluation, and repeats bit for bit', async () => {
  const network = await create(LENET);
  const logits = async (mode: 'evaluate' | 'monte_carlo', iteration: number) => {
    network.run(mode, scalars(iteration), 0);
    return network.readLogits(mode);
  };
  const plain = await logits('evaluate', 0);
  expect(await logits('evaluate', 1)).toEqual(plain);
  const sampled = await logits('monte_carlo', 0);
  expect(sampled).not.toEqual(plain);
  expect(await logits('monte_carlo', 1)).not.toEqual(sampled);
  expect(await logits('monte_carlo', 0)).toEqual(sampled);
});

describe('evaluation over a whole data set', () => {
  // 13 pictures are two batches of five and one of three.
  const COUNT = 13;
  const images = Uint8Array.from({ length: COUNT * 3 * 64 }, (_, i) => (i * 89 + i / 7) % 256);
  const classes = Uint8Array.from({ length: COUNT }, (_, i) => (i * 7) % 10);
  const statistics = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };
  const pictures = {
    shape: [COUNT, 3, 8, 8],
    data: Float64Array.from(images, (byte, i) => {
      const c = Math.floor(i / 64) % 3;
      return (byte / 255 - statistics.mean[c]!) / statistics.std[c]!;
    }),
  };

  test.each([
    ['residual', cifar({})],
    ['LeNet', LENET],
    ['depthwise, grouped and dilated', MOBILE],
  ])('%s: as the reference over all pictures at once, whatever the batch', async (_, spec) => {
    const results: (Evaluation | null)[] = [];
    for (const batch of [5, 13]) {
      const own = { count: COUNT, images, labels: classes };
      const test = new DeviceDataset(gpu, own, { channels: 3, statistics, batch });
      const network = await GpuNetwork.create(gpu, spec, {
        batch,
        seed: SEED,
        data: { train: test, test },
      });
      opened.push(network);
      const parameters = tensorsOf(network, await network.readParameters());
      const options = { training: false };
      const labels = [...classes];
      const want = runReference(spec, { parameters, running: {} }, pictures, labels, options);
      const wrong = labels.filter((label, n) => {
        const row = [...want.logits.data.subarray(10 * n, 10 * n + 10)];
        return row.indexOf(Math.max(...row)) !== label;
      });
      const got = await evaluate(network, { count: COUNT, scalars: scalars(0) });
      expect(got?.loss).toBeCloseTo(want.loss, 5);
      expect(got?.error).toBe(wrong.length / COUNT);
      results.push(got);
      test.destroy();
    }
    expect(results[0]?.loss).toBeCloseTo(results[1]?.loss ?? NaN, 6);
  });

  test('is given up where it is told to be', async () => {
    const test = new DeviceDataset(
      gpu,
      { count: COUNT, images, labels: classes },
      { channels: 3, statistics, batch: 5 },
    );
    const data = { train: test, test };
    const own = await GpuNetwork.create(gpu, LENET, { batch: BATCH, seed: SEED, data });
    opened.push(own);
    const seen: number[] = [];
    const onPass = (done: number) => seen.push(done) < 2;
    expect(await evaluate(own, { count: COUNT, scalars: scalars(0), onPass })).toBeNull();
    expect(seen).toEqual([1, 2]);
    test.destroy();
  });
});

describe('gradient clipping', () => {
  const dispatches = (network: GpuNetwork) => network.program('train').lowered.dispatches;

  test('costs nothing where it is off, and two dispatches where it is on', async () => {
    const recipe = { optimizer: { kind: 'sgd' }, labelSmoothing: 0, clip: true } as const;
    const [off, on] = [await create(MOBILE), await create(MOBILE, { recipe })];
    expect(dispatches(off).some(({ entry }) => /squares|clip/.test(entry))).toBe(false);
    expect(dispatches(on).length).toBe(dispatches(off).length + 2);
  });
});
