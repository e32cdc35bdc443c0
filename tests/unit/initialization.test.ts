/** What theory expects of deviations by depth, against closed forms. */
import { expect, test } from 'vitest';
import { predict, sigmaOf } from '../../src/app/chapters/initialization/theory.ts';

const setting = { width: 256, depth: 10, std: 0.05 };

test('ReLU: the square is multiplied by nσ²/2 at each layer, and so is that of the gradient', () => {
  const { forward, backward } = predict('relu', setting);
  const factor = Math.sqrt((256 * 0.05 ** 2) / 2);
  // Var(max(0, z)) = (1/2 − 1/2π)·Var z.
  forward.slice(1).forEach((value, i) => {
    expect(value / (factor ** (i + 1) * Math.sqrt(1 - 1 / Math.PI))).toBeCloseTo(1, 4);
  });
  backward.forEach((value, layer) => expect(value / factor ** (10 - layer)).toBeCloseTo(1, 4));
});

test('without activation the factor is nσ²; Xavier keeps it at 1, Kaiming does with ReLU', () => {
  const xavier = predict('identity', { ...setting, std: sigmaOf('xavier', 256, 0) });
  for (const value of [...xavier.forward, ...xavier.backward]) expect(value).toBeCloseTo(1, 6);
  const kaiming = predict('relu', { ...setting, std: sigmaOf('kaiming', 256, 0) });
  for (const value of kaiming.backward) expect(value).toBeCloseTo(1, 6);
});

test('tanh of small signals is linear, of large ones a sign', () => {
  const small = predict('tanh', { ...setting, std: 1e-4 });
  expect(small.forward[1]! / (1e-4 * 16)).toBeCloseTo(1, 4);
  expect(predict('tanh', { ...setting, std: 10 }).forward[1]).toBeCloseTo(1, 1);
});
