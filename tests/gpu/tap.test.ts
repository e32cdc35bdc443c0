/** What one layer hands on, against the float64 reference, and without a trace in the network. */
import { expect, test } from 'vitest';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { GpuNetwork } from '../../src/engine/network.ts';
import { Observer } from '../../src/engine/observe.ts';
import { tap } from '../../src/engine/tap.ts';
import { cifarNetwork } from '../../src/network/families.ts';
import { runReference } from '../../src/network/reference.ts';
import { normalTensor } from '../../src/ops/sample.ts';
import type { StepScalars } from '../../src/ops/step.ts';
import { conv2d } from '../../src/reference/conv2d.ts';
import { device } from './setup.ts';

const gpu = new Gpu(device);
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
const labels = Uint32Array.of(0, 3, 9, 3);

test('is what the reference computes, of the first layer, one in the middle and the last', async () => {
  const spec = cifarNetwork({
    depth: 8,
    residual: true,
    // Channels that do not fill whole vectors of four.
    width: 6,
    input: { channels: 3, height: 8, width: 8 },
    classes: 10,
  });
  const network = await GpuNetwork.create(gpu, spec, { batch: 4, seed: 3, rewirable: false });
  const x = normalTensor([4, 3, 8, 8], 'x');
  network.writeBatch(x.data, labels);
  const before = await network.readParameters();
  const parameters = Object.fromEntries(
    network.parameters.map(({ name, shape }) => [
      name,
      { shape, data: Float64Array.from(before.get(name) ?? []) },
    ]),
  );

  const first = await tap(network, 'conv1', SCALARS);
  const want = conv2d.forward(conv2d.params.parse({ padding: [1, 1, 1, 1] }), {
    x,
    weight: parameters['conv1.weight']!,
  }).y!;
  expect(first.shape).toEqual([4, 6, 8, 8]);
  expectClose(first.data, want.data);

  const logits = await tap(network, 'fc', SCALARS);
  expect(logits.shape).toEqual([4, 10]);
  expectClose(logits.data, runReference(spec, { parameters, running: {} }, x, labels).logits.data);

  const middle = await tap(network, 'layer2.0.conv2', SCALARS);
  expect(middle.shape).toEqual([4, 12, 4, 4]);
  const observer = Observer.create(network);
  await observer.compile();
  const { layers } = await observer.observe(SCALARS);
  const described = layers.find(({ path }) => path === 'layer2.0.conv2')!.output;
  expect(Math.min(...middle.data)).toBeCloseTo(described.min, 5);
  expect(Math.max(...middle.data)).toBeCloseTo(described.max, 5);
  expect(Math.hypot(...middle.data) / described.norm).toBeCloseTo(1, 5);

  expect(await network.readParameters()).toEqual(before);
  await expect(tap(network, 'layer9.0.conv1', SCALARS)).rejects.toMatchObject({ code: 'no-layer' });
  observer.destroy();
  network.destroy();
});

function expectClose(got: ArrayLike<number>, want: ArrayLike<number>): void {
  const scale = Math.max(...Array.from(want, Math.abs));
  expect(got.length).toBe(want.length);
  for (let i = 0; i < want.length; i++) {
    expect(Math.abs((got[i] ?? NaN) - (want[i] ?? NaN)) / scale).toBeLessThan(1e-4);
  }
}
