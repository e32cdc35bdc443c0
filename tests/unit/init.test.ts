/** Initial weights: fans and gains against PyTorch's figures, and that what is drawn has the deviation it should. */
import { describe, expect, test } from 'vitest';
import { initialValues } from '../../src/engine/init.ts';
import { distribution, fans, gain, weightInit } from '../../src/ops/init.ts';
import type { WeightInit } from '../../src/ops/init.ts';

// torch.nn.init.calculate_gain
test.each([
  ['identity', 1, undefined],
  ['sigmoid', 1, undefined],
  ['tanh', 1.6666666666666667, undefined],
  ['relu', 1.4142135623730951, undefined],
  ['leaky_relu', 1.3867504905630728, 0.2],
  ['gelu', 1.4142135623730951, undefined],
] as const)('gain of %s', (nonlinearity, want, slope) => {
  expect(gain(nonlinearity, slope)).toBeCloseTo(want, 15);
});

// torch.nn.init._calculate_fan_in_and_fan_out
test('fans', () => {
  expect(fans([6, 2, 3, 5])).toEqual({ in: 30, out: 90 });
  expect(fans([7, 4])).toEqual({ in: 4, out: 7 });
});

const SHAPE = [32, 16, 3, 3];
const draw = (init: WeightInit, name = 'weight', seed = 1) =>
  initialValues({ name, shape: SHAPE, layout: 'kernel', init: weightInit(init) }, seed);
const [FAN_IN, FAN_OUT] = [16 * 9, 32 * 9];

describe('what is drawn', () => {
  const NORMAL: [string, WeightInit, number][] = [
    ['Kaiming, fan in', { kind: 'kaiming_normal' }, Math.sqrt(2 / FAN_IN)],
    ['Kaiming, fan out', { kind: 'kaiming_normal', fan: 'out' }, Math.sqrt(2 / FAN_OUT)],
    [
      'Kaiming before tanh',
      { kind: 'kaiming_normal', nonlinearity: 'tanh' },
      5 / 3 / Math.sqrt(FAN_IN),
    ],
    [
      'Xavier before a sigmoid',
      { kind: 'xavier_normal', nonlinearity: 'sigmoid' },
      Math.sqrt(2 / (FAN_IN + FAN_OUT)),
    ],
    ['a given deviation', { kind: 'normal', std: 0.3 }, 0.3],
  ];
  const UNIFORM: [string, WeightInit, number][] = [
    ['Kaiming uniform', { kind: 'kaiming_uniform' }, Math.sqrt(6 / FAN_IN)],
    // Glorot & Bengio have no gain.
    ['Xavier uniform', { kind: 'xavier_uniform' }, Math.sqrt(6 / (FAN_IN + FAN_OUT))],
  ];
  const moments = (values: Float32Array) => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    return { mean, std: Math.sqrt(variance) };
  };

  test.each(NORMAL)('%s', (_, init, std) => {
    const values = draw(init);
    const n = values.length;
    const found = moments(values);
    // Four standard errors of the mean and of the deviation.
    expect(Math.abs(found.mean)).toBeLessThan((4 * std) / Math.sqrt(n));
    expect(Math.abs(found.std / std - 1)).toBeLessThan(4 / Math.sqrt(2 * n));
    expect(Math.max(...values)).toBeGreaterThan(2.5 * std);
  });
  test.each(UNIFORM)('%s', (_, init, bound) => {
    const values = draw(init);
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(bound);
    expect(Math.max(...values)).toBeGreaterThan(0.99 * bound);
    expect(Math.min(...values)).toBeLessThan(-0.99 * bound);
    expect(Math.abs(moments(values).std / (bound / Math.sqrt(3)) - 1)).toBeLessThan(0.03);
  });
  test('depends on the seed and the name alone', () => {
    const init = { kind: 'kaiming_normal' } as const;
    expect(draw(init)).toEqual(draw(init));
    expect(draw(init, 'other')).not.toEqual(draw(init));
    expect(draw(init, 'weight', 2)).not.toEqual(draw(init));
  });
  test('constants', () => {
    expect(new Set(draw({ kind: 'constant', value: 0 }))).toEqual(new Set([0]));
  });
});

// Places of the ones of torch.nn.init.dirac_.
test.each([
  [[6, 2, 3, 3], 2, [4, 31, 58, 85]],
  [[3, 5, 3, 2], 1, [3, 39, 75]],
])('a Dirac kernel of shape %j with %d groups', (shape, groups, ones) => {
  const init = weightInit({ kind: 'dirac' }, groups);
  expect(distribution(init, shape)).toEqual({ kind: 'dirac', groups });
  const values = initialValues({ name: 'w', shape, layout: 'kernel', init }, 1);
  expect([...values.keys()].filter((i) => values[i] !== 0)).toEqual(ones);
  expect(Math.max(...values)).toBe(1);
});
