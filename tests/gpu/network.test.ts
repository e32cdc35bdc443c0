/** Whole networks on the GPU: against the reference, against themselves, and what a step may not do. */
import { afterEach, describe, expect, test } from 'vitest';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { GpuNetwork } from '../../src/engine/network.ts';
import type { NetworkOptions } from '../../src/engine/network.ts';
import { profile } from '../../src/engine/profile.ts';
import { runGraph } from '../../src/engine/run_op.ts';
import { cifarNetwork, withShortcuts } from '../../src/network/families.ts';
import { graphNode } from '../../src/network/graph.ts';
import { runReference, stepReference } from '../../src/network/reference.ts';
import type { NetworkSpec } from '../../src/network/spec.ts';
import { ops } from '../../src/ops/table.ts';
import { TUNINGS, TUNING_NAMES } from '../../src/ops/tuning.ts';
import { normal } from '../../src/random.ts';
import { size } from '../../src/reference/tensor.ts';
import type { Tensor, Tensors } from '../../src/reference/tensor.ts';
import { device } from './setup.ts';

const BATCH = 5;
const gpu = new Gpu(device);

const residual = (shortcut: 'A' | 'B' = 'A', width = 4): NetworkSpec =>
  cifarNetwork({
    depth: 8,
    residual: true,
    shortcut,
    width,
    input: { channels: 3, height: 8, width: 8 },
    classes: 10,
  });

const random = (shape: number[], stream: number): Tensor => ({
  shape,
  data: Float64Array.from({ length: size(shape) }, (_, i) => Math.fround(normal(3, stream, i))),
});
const x = random([BATCH, 3, 8, 8], 1);
const labels = [3, 1, 4, 1, 9];

const scalars = (iteration: number, learningRate = 0.05) => ({
  learningRate,
  momentum: 0.9,
  weightDecay: 1e-4,
  nesterov: false,
  seed: 1,
  iteration,
  valid: BATCH,
  pad: 0,
  flip: false,
  maxNorm: 0,
});

const opened: GpuNetwork[] = [];
afterEach(() => opened.splice(0).forEach((network) => network.destroy()));

async function create(
  spec: NetworkSpec,
  options: Partial<NetworkOptions> = {},
  on = gpu,
  pictures = x,
) {
  const network = await GpuNetwork.create(on, spec, { batch: BATCH, seed: 1, ...options });
  network.writeBatch(pictures.data, Uint32Array.from(labels));
  opened.push(network);
  return network;
}

async function train(network: GpuNetwork, steps: number, learningRate?: number) {
  for (let t = 0; t < steps; t++) network.run('train', scalars(t, learningRate), t);
  const losses = (await network.readSummaries(0, steps)).map(({ loss }) => loss);
  return { losses, weights: await network.readParameters() };
}

/** max |a − b| / max(|b|), over tensors of the same names. */
function difference(a: ReadonlyMap<string, ArrayLike<number>>, b: Tensors): number {
  return Math.max(
    ...Object.entries(b).map(([name, { data }]) => {
      const got = a.get(name);
      const scale = Math.max(...data.map(Math.abs), 1e-12);
      return Math.max(...data.map((v, i) => Math.abs((got?.[i] ?? NaN) - v) / scale));
    }),
  );
}

const asTensors = (network: GpuNetwork, values: ReadonlyMap<string, ArrayLike<number>>): Tensors =>
  Object.fromEntries(
    [...network.parameters, ...network.state].flatMap(({ name, shape }) => {
      const data = values.get(name);
      return data ? [[name, { shape, data: Float64Array.from(data) }]] : [];
    }),
  );

describe.each(TUNING_NAMES)(
  'a step agrees with the reference, with the kernels of tuning %s',
  (tuning) => {
    // Both have the same kernels, but for the projections of option B.
    const options = tuning === 'gpu' ? (['A', 'B'] as const) : (['B'] as const);
    test.each(options)('option %s', async (shortcut) => {
      // So wide that all kernels with tiles have enough to do.
      const spec = residual(shortcut, TUNINGS[tuning].pixels === 'stage' ? 8 : 4);
      const network = await create(spec, {}, new Gpu(device, tuning));
      const parameters = asTensors(network, await network.readParameters());
      const want = runReference(spec, { parameters, running: {} }, x, labels);
      const { lr, momentum, weight_decay } = { lr: 0.05, momentum: 0.9, weight_decay: 1e-4 };
      const next = stepReference(parameters, want.gradients, {}, { lr, momentum, weight_decay });

      const { losses, weights } = await train(network, 1);
      expect(losses[0]).toBeCloseTo(want.loss, 5);
      expect(difference(await network.readGradients(), want.gradients)).toBeLessThan(2e-4);
      expect(difference(weights, next.parameters)).toBeLessThan(1e-5);
      expect(difference(await network.readState(), want.running)).toBeLessThan(1e-5);
      // And the comparison can fail.
      expect(difference(weights, parameters)).toBeGreaterThan(1e-3);
    });
  },
);

describe('convolutions by Winograd, between norms and beside a shortcut', () => {
  const conv = (name: string, out_channels: number, bias = false) =>
    ({ type: 'conv2d', name, out_channels, kernel: 3, padding: 1, bias }) as const;
  const norm = (name: string) => ({ type: 'batch_norm', name }) as const;
  const relu = (name: string) => ({ type: 'relu', name }) as const;
  const wide = (channels: number): NetworkSpec => ({
    version: 1,
    name: 'wide',
    input: { channels: 3, height: 16, width: 16 },
    classes: 10,
    layers: [
      ...[conv('conv', channels), norm('bn'), relu('relu')],
      {
        type: 'residual',
        name: 'block',
        connected: true,
        shortcut: 'A',
        zero_channels: 'end',
        projection_norm: null,
        body: [
          ...[conv('conv1', channels), norm('bn1'), relu('relu1')],
          ...[conv('conv2', channels), norm('bn2')],
        ],
        after: [relu('relu2')],
      },
      ...[conv('biased', channels, true), relu('relu3')],
      { type: 'global_avg_pool', name: 'pool' },
      { type: 'linear', name: 'fc', out_features: 10 },
    ],
  });
  const images = random([BATCH, 3, 16, 16], 2);

  test.each([
    ['gpu-winograd', 32],
    ['quad', 64],
  ] as const)('in tuning %s', async (tuning, channels) => {
    const spec = wide(channels);
    const network = await create(spec, {}, new Gpu(device, tuning), images);
    const entries = network.program('train').pass.plan.dispatches.map(({ entry }) => entry);
    for (const kernel of ['winograd_output', 'winograd_grad_input']) {
      expect(entries.filter((entry) => entry.includes(kernel))).toHaveLength(3);
    }
    const parameters = asTensors(network, await network.readParameters());
    const want = runReference(spec, { parameters, running: {} }, images, labels);
    const { losses } = await train(network, 1);
    expect(losses[0]).toBeCloseTo(want.loss, 5);
    expect(difference(await network.readGradients(), want.gradients)).toBeLessThan(2e-4);
    expect(difference(await network.readState(), want.running)).toBeLessThan(1e-5);
  });
});

test.each(['software', 'quad'] as const)(
  'a step agrees with the reference where neighbours exchange pixels and merge sums, in tuning %s',
  async (tuning) => {
    const stage = (name: string, out_channels: number, stride: number) =>
      [
        {
          type: 'conv2d',
          name: `${name}.conv`,
          out_channels,
          kernel: 3,
          padding: 1,
          stride,
          bias: false,
        },
        { type: 'batch_norm', name: `${name}.bn` },
        { type: 'relu', name: `${name}.relu` },
      ] as const;
    const spec: NetworkSpec = {
      version: 1,
      name: 'stages',
      input: { channels: 3, height: 16, width: 16 },
      classes: 10,
      layers: [
        ...[stage('a', 8, 1), stage('b', 16, 2), stage('c', 16, 1)].flat(),
        { type: 'global_avg_pool', name: 'pool' },
        { type: 'linear', name: 'fc', out_features: 10 },
      ],
    };
    const batch = 16;
    const images = random([batch, 3, 16, 16], 4);
    const answers = Array.from({ length: batch }, (_, i) => (i * 7) % 10);
    const network = await GpuNetwork.create(new Gpu(device, tuning), spec, { batch, seed: 1 });
    opened.push(network);
    network.writeBatch(images.data, Uint32Array.from(answers));
    const shared = network
      .program('train')
      .pass.plan.dispatches.filter(({ entry }) => entry.startsWith('conv2d_stationary'))
      .map(({ constants: { SHARERS, MERGED } }) => [SHARERS, MERGED].join());
    for (const kind of ['1,4', '2,2', '4,1']) expect(shared).toContain(kind);
    const parameters = asTensors(network, await network.readParameters());
    const want = runReference(spec, { parameters, running: {} }, images, answers);
    network.run('train', { ...scalars(0), valid: batch }, 0);
    const [summary] = await network.readSummaries(0, 1);
    expect(summary?.loss).toBeCloseTo(want.loss, 5);
    expect(difference(await network.readGradients(), want.gradients)).toBeLessThan(2e-4);
    expect(difference(await network.readState(), want.running)).toBeLessThan(1e-5);
  },
);

test('option B trains', async () => {
  const { losses } = await train(await create(residual('B')), 30);
  expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 4);
});

test('the fused plan equals the unfused one within rounding', async () => {
  const [fused, plain] = [await create(residual()), await create(residual(), { fusion: false })];
  const [a, b] = [await train(fused, 1), await train(plain, 1)];
  expect(a.losses[0]).toBeCloseTo(b.losses[0] ?? NaN, 5);
  const want = asTensors(plain, await plain.readGradients());
  expect(difference(await fused.readGradients(), want)).toBeLessThan(2e-4);
  expect(fused.program('train').pass.plan.dispatches.length).toBeLessThan(
    plain.program('train').pass.plan.dispatches.length / 2,
  );
});

test('buffers that are shared change nothing, and the same seed gives the same bits', async () => {
  const once = await train(await create(residual()), 5);
  expect(await train(await create(residual()), 5)).toEqual(once);
  expect(await train(await create(residual(), { reuse: false }), 5)).toEqual(once);
  const other = await train(await create(residual(), { seed: 2 }), 5);
  expect(other.losses).not.toEqual(once.losses);
});

test('reset begins again from the same weights', async () => {
  const network = await create(residual());
  const once = await train(network, 3);
  network.reset();
  expect(await train(network, 3)).toEqual(once);
});

test('rewiring keeps weights and compiles nothing that was compiled before', async () => {
  for (const shortcut of ['A', 'B'] as const) {
    const network = await create(residual(shortcut));
    const { weights } = await train(network, 2);
    await network.rewire(withShortcuts(network.spec, false));
    const compiled = gpu.kernels.size;
    expect(await network.readParameters()).toEqual(weights);
    const cut = await train(network, 1);
    await network.rewire(withShortcuts(network.spec, true));
    expect(await network.readParameters()).toEqual(cut.weights);
    await network.rewire(withShortcuts(network.spec, false));
    expect(gpu.kernels.size).toBe(compiled);
    // A projection that is cut off keeps its weights.
    for (const [name, values] of cut.weights) {
      if (name.includes('downsample')) expect(values).toEqual(weights.get(name));
      else expect(values).not.toEqual(weights.get(name));
    }
  }
});

test('a step is one submit and creates no GPU object', async () => {
  const network = await create(residual());
  await train(network, 1);
  const created: string[] = [];
  const count = <K extends keyof GPUDevice | keyof GPUQueue>(object: object, name: K) => {
    const original = Reflect.get(object, name) as (...args: unknown[]) => unknown;
    Object.defineProperty(object, name, {
      configurable: true,
      value: (...args: unknown[]) => {
        created.push(name);
        return original.apply(object, args);
      },
    });
    return () => Reflect.deleteProperty(object, name);
  };
  const { queue } = device;
  const restore = [
    count(device, 'createBuffer'),
    count(device, 'createBindGroup'),
    count(device, 'createBindGroupLayout'),
    count(device, 'createPipelineLayout'),
    count(device, 'createShaderModule'),
    count(device, 'createComputePipeline'),
    count(device, 'createComputePipelineAsync'),
    count(queue, 'submit'),
  ];
  try {
    network.run('train', scalars(1), 1);
    network.run('train', scalars(2), 2);
    expect(created).toEqual(['submit', 'submit']);
    await network.readSummaries(0, 1);
    expect(created).toContain('createBuffer');
  } finally {
    restore.forEach((undo) => undo());
  }
});

test('a loss that diverges is not finite', async () => {
  const { losses } = await train(await create(residual()), 6, 1e20);
  expect(Number.isFinite(losses[0])).toBe(true);
  expect(Number.isFinite(losses.at(-1))).toBe(false);
});

test('gradients of a tensor that feeds several nodes add up', async () => {
  // y = tanh(x) + σ(x) + pooled parts of x: every op here can fold another gradient into its own.
  const shape = [2, 3, 4, 6];
  const input = { name: 'x', shape };
  const paths = [
    graphNode('tanh', ops.tanh, {}, { x: input }),
    graphNode('relu', ops.relu, {}, { x: input }),
    graphNode(
      'max',
      ops.max_pool2d,
      { kernel: [3, 3], stride: [1, 1], padding: [1, 1] },
      { x: input },
    ),
    graphNode(
      'avg',
      ops.avg_pool2d,
      { kernel: [3, 3], stride: [1, 1], padding: [1, 1] },
      { x: input },
    ),
    graphNode('group', ops.group_norm, { groups: 3, affine: false }, { x: input }),
    graphNode('drop', ops.dropout, { drop_probability: 0.5 }, { x: input }),
    graphNode('drop2d', ops.dropout2d, {}, { x: input }),
    graphNode(
      'depthwise',
      ops.conv2d,
      { out_channels: 3, kernel: 3, padding: 'same', groups: 3 },
      { x: input },
    ),
    graphNode('option_a', ops.shortcut_option_a, { out_channels: 3, stride: 1 }, { x: input }),
    graphNode('norm', ops.batch_norm, {}, { x: input }),
    graphNode(
      'conv',
      ops.conv2d,
      { out_channels: 3, kernel: [3, 3], padding: [1, 1] },
      { x: input },
    ),
  ];
  const sums = paths.slice(1).reduce(
    (nodes, { output }, i) => {
      const before = nodes.at(-1)?.output ?? paths[0]?.output ?? input;
      return [...nodes, graphNode(`sum${i}`, ops.add, {}, { a: before, b: output })];
    },
    [] as ReturnType<typeof graphNode>[],
  );
  const inputs = {
    x: random(shape, 5),
    'conv.weight': random([3, 3, 3, 3], 6),
    'depthwise.weight': random([3, 1, 3, 3], 8),
  };
  const dy = random(shape, 7);
  const run = (nodes: typeof paths) => runGraph(gpu, nodes, inputs, dy, { training: true });
  const whole = (await run([...paths, ...sums])).grads.x;
  const parts: (Tensor | undefined)[] = [];
  for (const node of paths) parts.push((await run([node])).grads.x);
  whole?.data.forEach((value, i) => {
    const sum = parts.reduce((total, part) => total + (part?.data[i] ?? NaN), 0);
    expect(Math.abs(value - sum)).toBeLessThan(3e-5);
  });
  expect(whole?.data).toHaveLength(size(shape));
});

test('a profile times every dispatch and leaves training as it was', async () => {
  const [profiled, plain] = [await create(residual('B')), await create(residual('B'))];
  for (const network of [profiled, plain]) network.run('train', scalars(0), 0);
  const { clock, dispatches } = await profile(profiled, { scalars: scalars(1), rounds: 2 });
  for (const network of [profiled, plain]) network.run('train', scalars(1), 1);
  expect(await profiled.readSummaries(0, 2)).toEqual(await plain.readSummaries(0, 2));
  expect(await profiled.readParameters()).toEqual(await plain.readParameters());
  expect(await profiled.readState()).toEqual(await plain.readState());

  expect(clock).toBe(device.features.has('timestamp-query') ? 'device' : 'wall');
  const { plan } = profiled.program('train').pass;
  expect(dispatches.map(({ entry }) => entry)).toEqual(plan.dispatches.map(({ entry }) => entry));
  expect(dispatches.every(({ nanoseconds }) => nanoseconds >= 0)).toBe(true);
  expect(dispatches.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0)).toBeGreaterThan(0);
  expect(dispatches.find(({ path }) => path === 'conv1')).toMatchObject({
    phase: 'forward',
    entry: 'conv2d',
    shape: [BATCH, 4, 8, 8],
    flops: 2 * BATCH * 4 * 64 * 27,
  });
});
