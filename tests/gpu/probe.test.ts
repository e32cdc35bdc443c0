/** What a layer hands on in evaluation and where a network looks, against the float64 reference. */
import { describe, expect, test } from 'vitest';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { GpuNetwork } from '../../src/engine/network.ts';
import { Probe } from '../../src/engine/probe.ts';
import { cifarNetwork } from '../../src/network/families.ts';
import { attributeReference } from '../../src/network/reference.ts';
import type { ReferenceState } from '../../src/network/reference.ts';
import type { NetworkSpec } from '../../src/network/spec.ts';
import { template } from '../../src/network/templates.ts';
import { normalTensor, positiveTensor } from '../../src/ops/sample.ts';
import { gradCam, saliency } from '../../src/reference/attribution.ts';
import { device } from './setup.ts';

const gpu = new Gpu(device);
const input = { channels: 3, height: 8, width: 8 };
const CLASSES = [3, 0];

/** A network with running statistics that say something, and the same numbers in float64. */
async function open(spec: NetworkSpec): Promise<{ network: GpuNetwork; state: ReferenceState }> {
  const network = await GpuNetwork.create(gpu, spec, { batch: 4, seed: 3, rewirable: false });
  for (const { name, shape } of network.state) {
    const draw = name.endsWith('var') ? positiveTensor : normalTensor;
    network.writeState(name, draw(shape, name).data);
  }
  const [parameters, running] = [await network.readParameters(), await network.readState()];
  const float64 = (
    from: typeof network.parameters | typeof network.state,
    values: typeof running,
  ) =>
    Object.fromEntries(
      from.map(({ name, shape }) => [
        name,
        { shape, data: Float64Array.from(values.get(name) ?? []) },
      ]),
    );
  const state = {
    parameters: float64(network.parameters, parameters),
    running: float64(network.state, running),
  };
  return { network, state };
}

function expectClose(got: ArrayLike<number>, want: Float64Array): void {
  expect(got.length).toBe(want.length);
  const scale = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(scale).toBeGreaterThan(0);
  const off = want.reduce((most, value, i) => Math.max(most, Math.abs(value - (got[i] ?? NaN))), 0);
  expect(off / scale).toBeLessThan(1e-4);
}

const family = (residual: boolean) =>
  // Channels that do not fill whole vectors of four.
  cifarNetwork({ depth: 8, residual, width: 6, input, classes: 10 });

describe('a probe', () => {
  test.each<[string, NetworkSpec, string[]]>([
    [
      'a residual network',
      family(true),
      ['conv1', 'layer1.0.relu2', 'layer2.0.bn1', 'layer3.0.relu2'],
    ],
    ['a plain network', family(false), ['layer2.0.conv2']],
    [
      'LeNet-5',
      template('lenet_5', { input: { channels: 3, height: 16, width: 16 }, classes: 10 }),
      ['c3', 's2'],
    ],
  ])('of %s agrees with the reference', async (_, spec, paths) => {
    const { network, state } = await open(spec);
    const shape = [2, spec.input.channels, spec.input.height, spec.input.width];
    const x = normalTensor(shape, 'x');
    const want = attributeReference(spec, state, x, CLASSES);
    for (const path of paths) {
      const probe = await Probe.create(network, { batch: 2, path, attribute: true });
      const got = await probe.run(x.data, () => CLASSES);
      probe.destroy();
      const output = want.outputs.get(path)!;
      expect(got.output?.shape).toEqual(output.shape);
      expectClose(got.logits.data, want.logits.data);
      expectClose(got.output!.data, output.data);
      expectClose(got.gradCam!.data, gradCam(output, want.gradientAt(path)!).data);
      expectClose(got.saliency!.data, saliency(want.gradientAtInput).data);
    }
    network.destroy();
  });

  test('leaves weights, gradients, statistics and buffers as they are', async () => {
    const { network } = await open(family(true));
    const read = async () => [
      await network.readParameters(),
      await network.readGradients(),
      await network.readState(),
    ];
    const [before, bytes] = [await read(), gpu.transient.bytes];
    const probe = await Probe.create(network, { batch: 2, path: 'conv1', attribute: true });
    await probe.run(normalTensor([2, 3, 8, 8], 'x').data, () => CLASSES);
    probe.destroy();
    expect(await read()).toEqual(before);
    expect(gpu.transient.bytes).toBe(bytes);
    network.destroy();
  });

  test('refuses a layer that is not there, and a map of one without pixels', async () => {
    const { network } = await open(family(true));
    await expect(Probe.create(network, { batch: 1, path: 'conv9' })).rejects.toMatchObject({
      code: 'no-layer',
    });
    const options = { batch: 1, path: 'fc', attribute: true };
    await expect(Probe.create(network, options)).rejects.toMatchObject({ code: 'no-map' });
    network.destroy();
  });
});
