/** Facts about the float64 reference ops that finite differences cannot see. */
import { describe, expect, test } from 'vitest';
import { erf } from '../../src/reference/activations.ts';
import { conv2d } from '../../src/reference/conv2d.ts';
import { dropout } from '../../src/reference/dropout.ts';
import { reference } from '../../src/reference/index.ts';
import { softmaxCrossEntropy } from '../../src/reference/loss.ts';
import { batchNorm } from '../../src/reference/norm.ts';
import { adam, sgd } from '../../src/reference/optimizers.ts';
import { maxPool2d } from '../../src/reference/pool.ts';
import { add } from '../../src/reference/residual.ts';
import { Tape } from '../../src/reference/tape.ts';
import { tensor, zeros } from '../../src/reference/tensor.ts';

describe('erf', () => {
  // Values of mpmath at 30 digits, rounded to 17.
  test.each([
    [0, 0],
    [1e-10, 1.1283791670955126e-10],
    [0.5, 0.52049987781304654],
    [1, 0.84270079294971487],
    [2, 0.99532226501895273],
    [2.999, 0.99997776983140017],
    [3, 0.99997790950300141],
    [3.5, 0.99999925690162766],
    [5, 0.99999999999846254],
    [7, 1],
    [Infinity, 1],
  ])('erf(%d)', (x, want) => {
    expect(Math.abs(erf(x) - want)).toBeLessThanOrEqual(1e-15);
    expect(erf(-x)).toBe(-erf(x));
  });

  test('what is not a number stays one', () => {
    expect(erf(NaN)).toBeNaN();
  });
});

test('batch norm keeps its digits when the mean is a million deviations away', () => {
  const x = tensor([4, 1, 1, 1], [1e6 - 1, 1e6 + 1, 1e6 - 1, 1e6 + 1]);
  const params = batchNorm.params.parse({ training: true, eps: 1e-12 });
  const { y, batch_var_biased } = batchNorm.forward(params, { x });
  expect(batch_var_biased?.data[0]).toBeCloseTo(1, 9);
  expect(y?.data[1]).toBeCloseTo(1, 9);
});

test('batch norm in evaluation leaves the running statistics alone', () => {
  const running = { running_mean: tensor([1], [2]), running_var: tensor([1], [4]) };
  const x = tensor([1, 1, 1, 2], [2, 4]);
  const outputs = batchNorm.forward(batchNorm.params.parse({ eps: 1e-30 }), { x, ...running });
  expect([...(outputs.y?.data ?? [])]).toEqual([0, 1]);
  expect(Object.keys(outputs)).toEqual(['y']);
});

test('max pooling sends the gradient to the first of equal maxima', () => {
  const x = zeros([1, 1, 2, 2]);
  const params = maxPool2d.params.parse({ kernel: 2 });
  const gradients = maxPool2d.backward?.(params, { x }, {}, tensor([1, 1, 1, 1], [3]));
  expect([...(gradients?.x?.data ?? [])]).toEqual([3, 0, 0, 0]);
});

test('max pooling never takes the padding', () => {
  const x = tensor([1, 1, 1, 1], [-5]);
  const { y } = maxPool2d.forward(maxPool2d.params.parse({ kernel: 3, padding: 1 }), { x });
  expect([...(y?.data ?? [])]).toEqual([-5]);
});

test('cross entropy does not overflow, and a class that cannot be costs infinitely much', () => {
  const params = softmaxCrossEntropy.params.parse({});
  const logits = tensor([1, 2], [1e4, -1e4]);
  const cost = (label: number) =>
    softmaxCrossEntropy.forward(params, { logits, labels: tensor([1], [label]) }).y?.data[0];
  expect(cost(0)).toBe(0);
  expect(cost(1)).toBe(2e4);
});

test.each([-1, 2, 0.5, NaN])('cross entropy refuses the label %d', (label) => {
  const inputs = { logits: zeros([1, 2]), labels: tensor([1], [label]) };
  const params = softmaxCrossEntropy.params.parse({});
  expect(() => softmaxCrossEntropy.forward(params, inputs)).toThrow(/one of the 2 classes/);
});

test('the first step of Adam has the length of the learning rate', () => {
  const inputs = { param: tensor([2], [1, 1]), grad: tensor([2], [1e-3, -50]) };
  const { param } = adam.forward(adam.params.parse({ lr: 0.1 }), inputs);
  expect(param?.data[0]).toBeCloseTo(0.9, 5);
  expect(param?.data[1]).toBeCloseTo(1.1, 5);
});

test('momentum carries over to the next step', () => {
  const params = sgd.params.parse({ lr: 1, momentum: 0.5 });
  const one = tensor([1], [1]);
  const first = sgd.forward(params, { param: zeros([1]), grad: one });
  const second = sgd.forward(params, { ...first, grad: one });
  expect(first.param?.data[0]).toBe(-1);
  expect(second.param?.data[0]).toBe(-2.5);
});

test('a tensor that is used twice receives both gradients', () => {
  const tape = new Tape();
  const x = tensor([2], [1, 2]);
  const kept = tape.apply(dropout, { training: false }, { x });
  const y = tape.apply(add, {}, { a: x, b: kept, c: x });
  const gradient = tape.gradients(y, tensor([2], [1, 10])).get(x);
  expect([...y.data]).toEqual([3, 6]);
  expect([...(gradient?.data ?? [])]).toEqual([3, 30]);
});

describe('wrong input is refused', () => {
  const x = zeros([1, 3, 4, 4]);
  const run = (params: unknown, weight: number[]) => () =>
    conv2d.forward(conv2d.params.parse(params), { x, weight: zeros(weight) });

  test('channels that do not match', () => {
    expect(run({}, [2, 4, 3, 3])).toThrow(/weight has shape \[2,4,3,3\], expected \[2,3,3,3\]/);
  });
  test('groups that do not divide the channels', () => {
    expect(run({ groups: 2 }, [2, 1, 3, 3])).toThrow(/2 groups must divide 3 input/);
  });
  test('a kernel larger than the image', () => {
    expect(run({}, [2, 3, 5, 5])).toThrow(/does not fit/);
  });
  test('a declared size that the weight does not have', () => {
    expect(run({ kernel: 1 }, [2, 3, 3, 3])).toThrow(/expected \[2,3,1,1\]/);
  });
  test('a missing bias', () => {
    expect(run({ bias: true }, [2, 3, 3, 3])).toThrow(/"bias" is missing/);
  });
  test('a tensor whose elements do not fill its shape', () => {
    expect(() => tensor([2, 2], [1, 2, 3])).toThrow(/holds 4 elements, but 3/);
  });
  test.each(Object.keys(reference))('%s refuses a parameter that it does not know', (name) => {
    expect(reference[name]?.params.safeParse({ unheard_of: 1 }).success).toBe(false);
  });
});
