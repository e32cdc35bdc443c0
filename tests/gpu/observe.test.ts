/** What an observer says of a network, against the reference and against what the network then does. */
import { describe, expect, test } from 'vitest';
import { describeCall, DESCRIPTION_FLOATS, readDescription } from '../../src/ops/describe.ts';
import type { Description } from '../../src/ops/describe.ts';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { tensor } from '../../src/engine/graph/lower.ts';
import { plan } from '../../src/engine/graph/plan.ts';
import { GpuNetwork } from '../../src/engine/network.ts';
import { Observer } from '../../src/engine/observe.ts';
import { Pass } from '../../src/engine/pass.ts';
import { cifarNetwork } from '../../src/network/families.ts';
import { runReference } from '../../src/network/reference.ts';
import { normalTensor } from '../../src/ops/sample.ts';
import { elements, pack } from '../../src/ops/tensor.ts';
import type { Layout, Shape } from '../../src/ops/tensor.ts';
import type { StepScalars } from '../../src/ops/step.ts';
import { device } from './setup.ts';

const gpu = new Gpu(device);

/** The kernel's description of numbers that lie on the GPU in `layout`. */
async function describeOnGpu(
  shape: Shape,
  layout: Layout,
  data: ArrayLike<number>,
): Promise<Description> {
  const x = tensor('x', shape, layout, 'external');
  const out = tensor('out', [DESCRIPTION_FLOATS], 'flat', 'external');
  const floats = pack(x, data);
  const [source, result] = [
    gpu.storage('x', floats.byteLength),
    gpu.storage('out', 4 * DESCRIPTION_FLOATS),
  ];
  device.queue.writeBuffer(source, 0, floats);
  const call = { ...describeCall(x, out), phase: 'forward' as const, path: '' };
  const places = new Map([
    [x, { buffer: source, offset: 0 }],
    [out, { buffer: result, offset: 0 }],
  ]);
  const pass = await Pass.create(gpu, plan([call], []), places);
  const encoder = device.createCommandEncoder();
  pass.encode(encoder);
  device.queue.submit([encoder.finish()]);
  const read = new Float32Array(await gpu.read(result, 0, 4 * DESCRIPTION_FLOATS));
  source.destroy();
  result.destroy();
  return readDescription(read, elements(shape));
}

/** The same in float64. */
function describeHere(data: ArrayLike<number>): Omit<Description, 'bins'> {
  const all = Array.from(data);
  const real = all.filter(Number.isFinite);
  const mean = all.reduce((a, b) => a + b, 0) / all.length;
  return {
    count: all.length,
    mean,
    deviation: Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length),
    norm: Math.hypot(...all),
    min: Math.min(...real),
    max: Math.max(...real),
    zeros: all.filter((value) => value === 0).length,
    notFinite: all.length - real.length,
  };
}

function expectClose(
  got: Omit<Description, 'bins'>,
  want: Omit<Description, 'bins'>,
  share = 1e-5,
): void {
  const scale = Math.max(Math.abs(want.min), Math.abs(want.max), 1e-30);
  for (const name of ['count', 'zeros', 'notFinite'] as const)
    expect(got[name], name).toBe(want[name]);
  for (const name of ['mean', 'deviation', 'min', 'max'] as const) {
    expect(Math.abs(got[name] - want[name]) / scale, name).toBeLessThan(share);
  }
  expect(Math.abs(got.norm - want.norm) / Math.max(want.norm, 1e-30), 'norm').toBeLessThan(share);
}

describe('a description', () => {
  test.each<[Layout, Shape]>([
    ['image', [2, 3, 5, 7]],
    ['image', [3, 6]],
    ['image', [1, 1, 1, 1]],
    ['kernel', [5, 3, 3, 3]],
    ['kernel', [8, 8, 1, 1]],
    ['kernel', [10, 7]],
    ['channels', [6]],
  ])('of %s %j leaves the padding out', async (layout, shape) => {
    // All positive, so that padding would show in the minimum and among the zeros.
    const data = Float64Array.from(normalTensor(shape, 'x').data, (value) =>
      Math.fround(Math.abs(value) + 1),
    );
    expectClose(await describeOnGpu(shape, layout, data), describeHere(data));
  });

  test.each([1e-30, 1e30])('holds where squares leave float32: × %d', async (scale) => {
    const data = Float64Array.from(normalTensor([4, 5, 6, 7], 'x').data, (value) =>
      Math.fround(value * scale),
    );
    expectClose(await describeOnGpu([4, 5, 6, 7], 'image', data), describeHere(data));
  });

  test('counts zeros and what is no number', async () => {
    const data = Float64Array.of(0, -1, NaN, Infinity, 0, 3, -Infinity, 2);
    const { zeros, notFinite, min, max, bins } = await describeOnGpu([1, 8, 1, 1], 'image', data);
    expect({ zeros, notFinite, min, max }).toEqual({ zeros: 2, notFinite: 3, min: -1, max: 3 });
    expect(bins.reduce((a, b) => a + b, 0)).toBe(5);
  });

  test('counts the channels that are zero everywhere', async () => {
    // Channels 1 and 5 of six; 0 is zero in one picture only.
    const data = Float64Array.from({ length: 2 * 6 * 4 }, (_, i) => {
      const channel = Math.floor(i / 4) % 6;
      return channel === 1 || channel === 5 || i < 4 ? 0 : i;
    });
    expect((await describeOnGpu([2, 6, 2, 2], 'image', data)).dead).toBe(2);
    expect((await describeOnGpu([6, 1, 1, 1], 'kernel', data.slice(0, 6))).dead).toBeUndefined();
  });

  test('of zeros is zero', async () => {
    const data = new Float64Array(6);
    const got = await describeOnGpu([6], 'channels', data);
    expect(got).toMatchObject({ mean: 0, deviation: 0, norm: 0, min: 0, max: 0, zeros: 6 });
  });

  test('has a histogram from the least to the greatest', async () => {
    const data = Float64Array.from({ length: 480 }, (_, i) => i);
    const { bins } = await describeOnGpu([1, 480, 1, 1], 'image', data);
    expect(bins.reduce((a, b) => a + b, 0)).toBe(480);
    for (const count of bins) expect(Math.abs(count - 10)).toBeLessThanOrEqual(1);
  });
});

const SCALARS: StepScalars = {
  learningRate: 0.1,
  momentum: 0.9,
  weightDecay: 1e-4,
  nesterov: false,
  seed: 1,
  iteration: 0,
  valid: 4,
  pad: 0,
  flip: false,
  maxNorm: 0,
};
const input = { channels: 3, height: 8, width: 8 };
const labels = Uint32Array.of(0, 3, 9, 3);

describe('an observation', () => {
  test.each(['residual', 'plain'])(
    'of a %s network agrees with the reference and with the step that follows',
    async (kind) => {
      const spec = cifarNetwork({
        depth: 8,
        residual: kind === 'residual',
        width: 4,
        input,
        classes: 10,
        shortcut: 'B',
      });
      const network = await GpuNetwork.create(gpu, spec, { batch: 4, seed: 3, rewirable: false });
      const x = normalTensor([4, 3, 8, 8], 'x');
      network.writeBatch(x.data, labels);
      const before = await network.readParameters();
      const observer = Observer.create(network);
      await observer.compile();
      const { layers, parameters } = await observer.observe(SCALARS);
      const norms = await observer.norms();

      // It leaves no trace.
      expect(await network.readParameters()).toEqual(before);

      const state = {
        parameters: Object.fromEntries(
          network.parameters.map(({ name, shape }) => [
            name,
            { shape, data: Float64Array.from(before.get(name) ?? []) },
          ]),
        ),
        running: {},
      };
      const { gradients, logits, running } = runReference(spec, state, x, labels);
      expect(norms.length).toBe(Object.keys(running).length / 2);
      for (const { path, running: old, batch } of norms) {
        expect(new Set(old.mean)).toEqual(new Set([0]));
        expect(new Set(old.variance)).toEqual(new Set([1]));
        // PyTorch's momentum, 0.1, from mean 0 and variance 1.
        for (const [c, mean] of running[`${path}.running_mean`]!.data.entries()) {
          const variance = running[`${path}.running_var`]!.data[c]!;
          expect(batch.mean[c]).toBeCloseTo(mean / 0.1, 4);
          expect(batch.variance[c]).toBeCloseTo((variance - 0.9) / 0.1, 4);
        }
      }
      expectClose(layers.at(-1)!.output, describeHere(logits.data));
      expect(layers.map(({ path }) => path)).toContain('layer1.0.relu1');
      for (const { gradient, path } of layers) expect(gradient, path).toBeDefined();

      network.run('train', SCALARS, 0);
      const after = await network.readParameters();
      expect(parameters.map(({ name }) => name).toSorted()).toEqual(
        Object.keys(gradients).toSorted(),
      );
      for (const { name, value, gradient, update } of parameters) {
        const [old, fresh] = [before.get(name)!, after.get(name)!];
        expectClose(value, describeHere(old));
        expectClose(gradient, describeHere(gradients[name]!.data), 1e-4);
        expectClose(update, describeHere(fresh.map((weight, i) => weight - (old[i] ?? 0))), 1e-4);
      }
      observer.destroy();
      network.destroy();
    },
  );

  test('costs the network nothing when it is gone', async () => {
    const spec = cifarNetwork({ depth: 8, residual: true, width: 4, input, classes: 10 });
    const network = await GpuNetwork.create(gpu, spec, { batch: 4, seed: 3, rewirable: false });
    const bytes = gpu.transient.bytes;
    const observer = Observer.create(network);
    await observer.compile();
    expect(gpu.transient.bytes).toBeGreaterThanOrEqual(bytes);
    observer.destroy();
    expect(gpu.transient.bytes).toBe(bytes);
    network.destroy();
  });
});
