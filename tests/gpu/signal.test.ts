/** A signal through layers of random weights: the kernels against float64, step by step. */
import { expect, test } from 'vitest';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { propagate, propagateReference, weightOf } from '../../src/engine/signal.ts';
import type { SignalSetting, SignalStep } from '../../src/engine/signal.ts';
import { Instruments } from '../../src/lab/instruments.ts';
import type { SignalLayer } from '../../src/lab/signal.ts';
import { compareTensor } from '../../src/reference/compare.ts';
import { device } from './setup.ts';

const gpu = new Gpu(device);
const setting: SignalSetting = {
  width: 30,
  depth: 4,
  samples: 5,
  std: 0.3,
  activation: 'relu',
  seed: 7,
};

test.each(['relu', 'tanh', 'identity'] as const)(
  'with %s, every layer forward and every gradient backward is that of float64',
  async (activation) => {
    const own = { ...setting, activation };
    const expected = [...propagateReference(own)];
    const found: SignalStep[] = [];
    for await (const step of propagate(gpu, own)) found.push(step);
    expect(found.map(({ phase, layer }) => [phase, layer])).toEqual([
      ...[0, 1, 2, 3, 4].map((layer) => ['forward', layer]),
      ...[4, 3, 2, 1, 0].map((layer) => ['backward', layer]),
    ]);
    found.forEach(({ phase, layer, values, description, dispatches }, i) => {
      const { values: exact, description: described } = expected[i]!;
      const name = `${phase} ${layer}`;
      expect(compareTensor(name, values, exact, 2e-5).ratio, name).toBeLessThan(1);
      expect(description.mean, name).toBeCloseTo(described.mean, 5);
      expect(description.deviation / described.deviation, name).toBeCloseTo(1, 4);
      expect(description.zeros, name).toBe(described.zeros);
      expect(description.bins.reduce((a, b) => a + b)).toBe(described.count);
      // The gradients of the weights are not asked for.
      expect(dispatches.some(({ shader }) => shader === 'conv2d_weight')).toBe(false);
    });
  },
);

test('the gradient is that of finite differences', () => {
  const own = { ...setting, activation: 'tanh' as const, width: 4, depth: 2, samples: 1, std: 0.8 };
  const steps = [...propagateReference(own)];
  const at = (phase: string, layer: number) =>
    steps.find((step) => step.phase === phase && step.layer === layer)!.values.data;
  const loss = (x: readonly number[]) => {
    let h = x;
    for (const layer of [1, 2]) {
      const from = h;
      h = from.map((_, o) =>
        Math.tanh(from.reduce((sum, value, i) => sum + value * weightOf(own, layer, o, i), 0)),
      );
    }
    return h.reduce((sum, value, i) => sum + value * at('backward', 2)[i]!, 0);
  };
  const x = [...at('forward', 0)];
  x.forEach((_, i) => {
    const moved = (by: number) => loss(x.map((value, j) => (j === i ? value + by : value)));
    expect(at('backward', 0)[i]).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 7);
  });
});

test('one output is proved by its row of weights; the answer ends where nobody listens', async () => {
  const layers: SignalLayer[] = [];
  await new Instruments(Promise.resolve(gpu)).signal(setting, (layer) => layers.push(layer) < 4);
  expect(layers).toHaveLength(4);
  for (const { output, layer, by, kernels } of layers) {
    expect(by).toBe('gpu');
    expect(kernels.map(({ name }) => name)).toContain('describe/describe');
    if (layer === 0) continue;
    expect(kernels.map(({ name }) => name)).toContain('draw/draw');
    expect(output?.value).toBeCloseTo(output!.reference, 5);
  }
  expect(gpu.transient.bytes).toBe(0);
});

test('without a device the reference answers; a setting that is none is refused', async () => {
  const instruments = new Instruments(Promise.resolve(null));
  const by = new Set<string>();
  await instruments.signal(setting, (layer) => by.add(layer.by).size > 0);
  expect([...by]).toEqual(['reference']);
  await expect(instruments.signal({ ...setting, width: 0 }, () => true)).rejects.toThrow('width');
});
