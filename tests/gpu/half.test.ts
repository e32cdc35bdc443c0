/**
 * Activations stored as f16: every op against the float64 reference, and whole networks. It needs an adapter with
 * `shader-f16`, which SwiftShader is not; what holds without one stands in tests/unit/half.test.ts.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { GpuNetwork } from '../../src/engine/network.ts';
import type { NetworkOptions, Summary } from '../../src/engine/network.ts';
import { Observer } from '../../src/engine/observe.ts';
import { runOptimizer } from '../../src/engine/run_op.ts';
import { tap } from '../../src/engine/tap.ts';
import { floatToHalf, halfToFloat } from '../../src/ops/half.ts';
import { runBoth } from '../../src/lab/self_check.ts';
import { cifarNetwork } from '../../src/network/families.ts';
import type { Op } from '../../src/ops/op.ts';
import { normalTensor, sampleInputs } from '../../src/ops/sample.ts';
import type { Sample } from '../../src/ops/sample.ts';
import { SWEEP, runReferenceOp } from '../../src/ops/sweep.ts';
import type { StepScalars } from '../../src/ops/step.ts';
import { ops } from '../../src/ops/table.ts';
import type { Precision } from '../../src/ops/tensor.ts';
import { compareTensor, largest } from '../../src/reference/compare.ts';
import { map, need, tensor } from '../../src/reference/tensor.ts';
import type { Tensor, Tensors } from '../../src/reference/tensor.ts';
import { device } from './setup.ts';

const gpu = new Gpu(device);
const stores = device.features.has('shader-f16');
const rounded = (tensor: Tensor) => map(tensor, (value) => halfToFloat(floatToHalf(value)));

/** Milliseconds: lavapipe, which has shader-f16, compiles the kernels of a network for minutes on a busy machine. */
const COMPILING = 600_000;

/** The unit roundoff of f16, and what sums in f32 are allowed beside it. */
const ROUNDOFF = 2 ** -11;
const SUMS = 1e-5;

/** Inputs and dL/dy as f16 holds them: then every result that is stored is rounded once. */
async function both(op: Op, sample: Sample) {
  const flowing = new Set([...op.inputs, ...(op.optional ?? [])]);
  const inputs = Object.fromEntries(
    Object.entries(sampleInputs(sample)).map(([name, value]) => [
      name,
      flowing.has(name) ? rounded(value) : value,
    ]),
  );
  const halved = { ...sample, inputs };
  const dy = rounded(runReferenceOp(op, halved).gradOutput);
  const images = new Set(['y', ...[...flowing].map((name) => `d(${name})`)]);
  return { ...(await runBoth(gpu, op, halved, dy, 'f16')), images };
}

/** Errors in units of what is allowed: images are rounded to f16, all else is as accurate as in f32. */
function errors(got: Tensors, want: Tensors, images: ReadonlySet<string>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(want).map(([name, value]) => {
      const share = SUMS + (images.has(name) ? ROUNDOFF : 0);
      return [
        name,
        compareTensor(name, got[name], value, share * Math.max(1, largest(value))).ratio,
      ];
    }),
  );
}

describe.skipIf(!stores)('stored as f16 (needs shader-f16)', () => {
  test.each(SWEEP)('$title', async ({ op, sample }) => {
    const { got, want, images } = await both(op, sample);
    for (const [name, error] of Object.entries(errors(got, want, images))) {
      expect(error, name).toBeLessThan(1);
    }
  });

  test('an error of two roundoffs in a single element fails', async () => {
    const { got, want, images } = await both(ops.conv2d, ops.conv2d.samples[3]!);
    const y = need(want, 'y');
    const off = map(need(got, 'y'), (v, i) => (i === 0 ? v + 2 * ROUNDOFF * largest(y) : v));
    expect(errors({ ...got, y: off }, want, images).y).toBeGreaterThan(1);
  });
});

describe.skipIf(!stores)(
  'networks that store activations as f16 (needs shader-f16)',
  { timeout: COMPILING },
  () => {
    const BATCH = 8;
    const spec = cifarNetwork({
      depth: 8,
      residual: true,
      width: 4,
      input: { channels: 3, height: 8, width: 8 },
      classes: 10,
    });
    const pictures = normalTensor([BATCH, 3, 8, 8], 'pictures');
    const labels = Uint32Array.of(3, 1, 4, 1, 5, 9, 2, 6);
    const scalars = (iteration: number): StepScalars => ({
      learningRate: 0.05,
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
      storage: Precision,
      on = gpu,
      mode: 'train' | 'evaluate' = 'train',
    ): Promise<GpuNetwork> {
      const options: NetworkOptions = {
        batch: BATCH,
        seed: 1,
        storage,
        rewirable: false,
        modes: [mode],
      };
      const network = await GpuNetwork.create(on, spec, options);
      network.writeBatch(pictures.data, labels);
      opened.push(network);
      return network;
    }

    async function step(network: GpuNetwork, iteration = 0): Promise<Summary> {
      network.run('train', scalars(iteration), iteration);
      return (await network.readSummaries(iteration, 1))[0]!;
    }

    /** ‖a − b‖ / ‖b‖ over all tensors together. */
    function distance(
      a: ReadonlyMap<string, Float32Array>,
      b: ReadonlyMap<string, Float32Array>,
    ): number {
      const squares = [...b].map(([name, values]) => {
        const got = a.get(name);
        return [
          values.reduce((sum, v, i) => sum + ((got?.[i] ?? NaN) - v) ** 2, 0),
          values.reduce((sum, v) => sum + v * v, 0),
        ];
      });
      const [error, norm] = [0, 1].map((k) => squares.reduce((sum, pair) => sum + pair[k]!, 0));
      return Math.sqrt(error! / norm!);
    }

    // Joined kernels that load views, and single ones that load what was written; lavapipe compiles the others for too long.
    test.each(['gpu', 'software'] as const)(
      'a step is that of f32 but for roundings, tuning %s',
      async (tuning) => {
        const on = new Gpu(device, tuning);
        const [half, full] = [await create('f16', on), await create('f32', on)];
        const [a, b] = [await step(half), await step(full)];
        expect(Math.abs(a.loss - b.loss) / b.loss).toBeLessThan(8 * ROUNDOFF);
        expect(a.skipped).toBe(0);
        // Where the input of a ReLU lies within a roundoff of 0, it may let through what it held back: that share of the
        // elements of a gradient is wrong altogether, behind each of seven.
        const gradients = distance(await half.readGradients(), await full.readGradients());
        expect(gradients).toBeLessThan(Math.sqrt(7 * ROUNDOFF));
        expect(gradients).toBeGreaterThan(1e-5);
        const [planned, whole] = [half, full].map((network) => network.program('train').pass.plan);
        expect(planned!.lowerBound / whole!.lowerBound).toBeLessThan(0.62);
      },
    );

    test('an evaluation is that of f32 but for roundings', async () => {
      const losses: number[] = [];
      for (const storage of ['f16', 'f32'] as const) {
        const network = await create(storage, gpu, 'evaluate');
        expect(network.program('evaluate').pass.plan.dispatches).toHaveLength(10);
        network.run('evaluate', scalars(0), 0);
        losses.push((await network.readSummaries(0, 1))[0]!.loss);
      }
      const [half, full] = losses;
      expect(Math.abs(half! - full!) / full!).toBeLessThan(8 * ROUNDOFF);
      expect(half).not.toBe(full);
    });

    test('it trains', async () => {
      const network = await create('f16');
      const losses: number[] = [];
      for (let i = 0; i < 30; i++) losses.push((await step(network, i)).loss);
      expect(losses.at(-1)).toBeLessThan(losses[0]! / 4);
    });

    test('a step whose gradients overflow changes no weight and is counted, until the scale fits', async () => {
      const network = await create('f16');
      network.writeParameter(
        'fc.weight',
        Float32Array.from({ length: 160 }, (_, i) => 64 * (-1) ** (i >> 4)),
      );
      const before = await network.readParameters();
      const first = await step(network);
      expect(Number.isFinite(first.loss)).toBe(true);
      expect(first.skipped).toBe(1);
      expect(await network.readParameters()).toEqual(before);
      let last = first;
      for (let i = 1; i < 12; i++) last = await step(network, i);
      expect(last.skipped).toBeLessThan(11);
      expect(await network.readParameters()).not.toEqual(before);
      expect([...(await network.readParameters()).values()].flatMap((v) => [...v])).not.toContain(
        NaN,
      );
      network.reset();
      expect((await step(network)).skipped).toBe(0);
    });

    test('what looks into it sees gradients without their scale, and activations as numbers', async () => {
      const [half, full] = [await create('f16'), await create('f32')];
      const look = async (network: GpuNetwork) => {
        const observer = Observer.create(network);
        await observer.compile();
        const { layers } = await observer.observe(scalars(0));
        observer.destroy();
        return { layers, output: await tap(network, 'layer1.0.conv1', scalars(0)) };
      };
      const [got, want] = [await look(half), await look(full)];
      for (const [i, { path, gradient }] of got.layers.entries()) {
        const norm = want.layers[i]!.gradient!.norm;
        expect(Math.abs(gradient!.norm - norm) / norm, path).toBeLessThan(20 * ROUNDOFF);
      }
      // It has passed through two convolutions and a norm, and was stored three times.
      const allowed = 4 * ROUNDOFF * largest(want.output);
      expect(compareTensor('conv1', got.output, want.output, allowed).ratio).toBeLessThan(1);
      expect(rounded(got.output)).toEqual(got.output);
    });
  },
);

test.skipIf(stores)('a device without shader-f16 refuses by name', async () => {
  const input = { channels: 3, height: 8, width: 8 };
  const spec = cifarNetwork({ depth: 8, residual: true, width: 4, input, classes: 10 });
  const options = { batch: 2, seed: 1, storage: 'f16' } as const;
  await expect(GpuNetwork.create(gpu, spec, options)).rejects.toThrow(
    /lacks the feature shader-f16/,
  );
});

describe('the loss scale', () => {
  const shape = [70];
  const inputs = { param: normalTensor(shape, 'param'), grad: normalTensor(shape, 'grad') };
  const scalars = { learningRate: 0.5, momentum: 0.9 };
  const state = (...values: number[]) => tensor([4], values);
  const sgd = (on: Tensors) => runOptimizer(gpu, { kind: 'sgd' }, { ...inputs, ...on }, scalars);

  test('is divided out before the update, and doubled after 2000 steps', async () => {
    const plain = await sgd({});
    const grad = map(inputs.grad, (g) => 1024 * g);
    const scaled = await sgd({ grad, loss_scale: state(1024, 1998, 3, 0) });
    expect(scaled.param).toEqual(plain.param);
    expect([...scaled.loss_scale!.data]).toEqual([1024, 1999, 3, 1]);
    const next = await sgd({ grad, loss_scale: state(1024, 1999, 3, 1) });
    expect([...next.loss_scale!.data]).toEqual([2048, 0, 3, 1]);
    const most = await sgd({ loss_scale: state(2 ** 24, 1999, 3, 1) });
    expect([...most.loss_scale!.data]).toEqual([2 ** 24, 0, 3, 1]);
  });

  test.each([Infinity, -Infinity, NaN])('a gradient of %d stops the update', async (value) => {
    const grad = map(inputs.grad, (g, i) => (i === 69 ? value : g));
    const momentum_buffer = normalTensor(shape, 'velocity');
    for (const kind of ['sgd', 'adam'] as const) {
      const optimizer =
        kind === 'sgd'
          ? { kind }
          : { kind, betas: [0.9, 0.999] as const, eps: 1e-8, decoupled: false };
      const given = { ...inputs, momentum_buffer, exp_avg: momentum_buffer, grad };
      const run = (loss_scale: Tensor) =>
        runOptimizer(gpu, optimizer, { ...given, loss_scale }, scalars);
      const after = await run(state(1024, 7, 3, 1));
      expect(after.param).toEqual(inputs.param);
      expect(after.momentum_buffer ?? after.exp_avg).toEqual(momentum_buffer);
      expect([...after.loss_scale!.data]).toEqual([512, 0, 4, 0]);
      expect([...(await run(state(1, 7, 3, 1))).loss_scale!.data]).toEqual([1, 0, 4, 0]);
    }
  });
});
