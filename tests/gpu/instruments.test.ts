/** The chapters' questions: answered by the kernels where there is a device, by the reference where there is none. */
import { expect, test } from 'vitest';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { Instruments } from '../../src/lab/instruments.ts';
import type { OpQuestion } from '../../src/lab/instruments.ts';
import { normalTensor } from '../../src/ops/sample.ts';
import { compareTensor } from '../../src/reference/compare.ts';
import { map } from '../../src/reference/tensor.ts';
import { device } from './setup.ts';

const gpu = new Gpu(device);
const kernels = new Instruments(Promise.resolve(gpu));
const reference = new Instruments(Promise.resolve(null));

const x = normalTensor([2, 3, 4, 5], 'x');
const question: OpQuestion = {
  op: 'batch_norm',
  inputs: { x },
  gradOutput: normalTensor(x.shape, 'dL/dy'),
};

test('the kernels answer with their WGSL, and agree with the reference beside them', async () => {
  const answer = await kernels.run(question);
  expect(answer.by).toBe('gpu');
  expect(answer.kernels.map(({ phase }) => phase)).toEqual(
    expect.arrayContaining(['forward', 'backward']),
  );
  for (const { wgsl } of answer.kernels) expect(wgsl).toContain('@compute');
  const { outputs, grads } = answer.reference;
  expect(compareTensor('y', answer.y, outputs.y!, 1e-5).ratio).toBeLessThan(1);
  expect(compareTensor('d(x)', answer.grads.x, grads.x!, 1e-5).ratio).toBeLessThan(1);
});

test('without a device the reference answers, under the same names', async () => {
  const [a, b] = [await kernels.run(question), await reference.run(question)];
  expect(b.by).toBe('reference');
  expect(b.kernels).toEqual([]);
  expect(b.y).toEqual(a.reference.outputs.y);
  expect(Object.keys(b.grads)).toEqual(Object.keys(a.grads).filter((name) => name in b.grads));
  expect(Object.keys(b.state).sort()).toEqual(Object.keys(a.state).sort());
});

test('a dropout mask is drawn alike by both', async () => {
  const ones = { shape: [1, 8, 4, 4], data: new Float64Array(128).fill(1) };
  const { y, reference } = await kernels.run({
    op: 'dropout',
    params: { drop_probability: 0.4 },
    inputs: { x: ones },
    draw: { seed: 5, iteration: 3 },
  });
  expect(new Set(y.data).size).toBe(2);
  expect(compareTensor('y', y, reference.outputs.y!, 1e-6).ratio).toBeLessThan(1);
});

test('dropout in evaluation: vanilla scales with one kernel, inverted is its input and dispatches nothing', async () => {
  const ask = (mode: string) =>
    kernels.run({ op: 'dropout', params: { mode }, inputs: { x }, training: false, gradOutput: x });
  const [vanilla, inverted] = [await ask('vanilla'), await ask('inverted')];
  expect(vanilla.kernels.map(({ name }) => name)).toEqual(['dropout/dropout', 'dropout/dropout']);
  expect(inverted.kernels).toEqual([]);
  for (const [{ y, grads }, factor] of [
    [vanilla, 0.5],
    [inverted, 1],
  ] as const) {
    const expected = x.data.map((value) => factor * value);
    expect(y.data).toEqual(expected);
    expect(grads.x!.data).toEqual(expected);
  }
});

test('questions asked at once are answered each with its own, and leave no buffers behind', async () => {
  const questions = [1, 2, 3].map((value): OpQuestion => ({
    op: 'relu',
    inputs: { x: { shape: [1, 1, 1, 4], data: Float64Array.of(-value, value, 0, 2 * value) } },
  }));
  const answers = await Promise.all(questions.map((each) => kernels.run(each)));
  expect(answers.map(({ y }) => [...y.data])).toEqual([1, 2, 3].map((v) => [0, v, 0, 2 * v]));
  expect(gpu.transient.bytes).toBe(0);
});

test('a question that breaks a rule is refused, and the next is answered', async () => {
  const wrong = kernels.run({ op: 'group_norm', params: { groups: 2 }, inputs: { x } });
  await expect(wrong).rejects.toThrow(/3 channels/);
  await expect(kernels.run(question)).resolves.toMatchObject({ by: 'gpu' });
});

test('a stack of layers: outputs and gradients of every layer are the reference’s', async () => {
  const [samples, width, depth] = [5, 12, 4];
  const question = {
    x: normalTensor([samples, width], 'x'),
    layers: Array.from({ length: depth }, (_, layer) => ({
      weight: map(normalTensor([width, width], `weight${layer}`), (w) => Math.fround(w / 4)),
      bias: normalTensor([width], `bias${layer}`),
    })),
    activation: 'elu',
    params: { alpha: 0.7 },
    gradOutput: normalTensor([samples, width], 'dL/dy'),
  } as const;
  const answer = await kernels.stack(question);
  expect(answer.by).toBe('gpu');
  expect(answer.outputs).toHaveLength(depth + 1);
  expect(answer.gradients).toHaveLength(depth + 1);
  for (let layer = 0; layer <= depth; layer++) {
    for (const values of ['outputs', 'gradients'] as const) {
      const expected = answer.reference[values][layer]!;
      expect(
        compareTensor(`${values} ${layer}`, answer[values][layer], expected, 1e-5).ratio,
      ).toBeLessThan(1);
    }
  }
  expect(answer.kernels.map(({ name }) => name)).toContain('activation/activate_grad');
  const alone = await reference.stack(question);
  expect({ ...alone, kernels: [] }).toEqual({
    by: 'reference',
    ...answer.reference,
    reference: answer.reference,
    kernels: [],
  });
});
