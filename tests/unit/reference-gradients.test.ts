/**
 * Every differentiable op of the float64 reference against finite differences: for a loss
 * L = Σ g·y with random g, dL/dx ≈ (L(x + ε) − L(x − ε)) / 2ε, element by element. The
 * samples are those of the op table, which the kernels are held to as well.
 */
import { describe, expect, test } from 'vitest';
import { referenceParams } from '../../src/ops/reference_run.ts';
import { isTensor, normalTensor, sampleInputs } from '../../src/ops/sample.ts';
import type { Sample } from '../../src/ops/sample.ts';
import { ops } from '../../src/ops/table.ts';
import { reference } from '../../src/reference/index.ts';
import type { ReferenceOp } from '../../src/reference/index.ts';
import * as differences from '../../src/reference/differences.ts';
import { map, tensor } from '../../src/reference/tensor.ts';
import type { Tensor } from '../../src/reference/tensor.ts';
import { SWEEP } from '../../src/ops/sweep.ts';

const labels = (...values: number[]): Tensor => tensor([values.length], values);

const blockWeights = (from: number, to: number, norms = ['bn1', 'bn2']) => ({
  'conv1.weight': [to, from, 3, 3],
  'conv2.weight': [to, to, 3, 3],
  ...Object.fromEntries(norms.flatMap((n) => [`${n}.weight`, `${n}.bias`].map((k) => [k, [to]]))),
});

/** Ops that stand outside of the table, with the settings that change their mathematics. */
const others: Record<string, Sample[]> = {
  softmax_cross_entropy: [
    { params: {}, inputs: { logits: [3, 5], labels: labels(4, 0, 2) } },
    { params: { label_smoothing: 0.1 }, inputs: { logits: [2, 3], labels: labels(1, 1) } },
    {
      params: { reduction: 'sum', label_smoothing: 1 },
      inputs: { logits: [1, 4], labels: labels(3) },
    },
  ],
  basic_block: [
    {
      params: { shortcut: 'none', stride: 2 },
      inputs: { x: [2, 2, 4, 4], ...blockWeights(2, 4) },
    },
    { params: { shortcut: 'identity' }, inputs: { x: [2, 2, 3, 4], ...blockWeights(2, 2) } },
    {
      params: { shortcut: 'end', stride: 2 },
      inputs: { x: [2, 1, 5, 4], ...blockWeights(1, 3) },
    },
    {
      params: { shortcut: 'both', stride: 2 },
      inputs: { x: [2, 2, 3, 3], ...blockWeights(2, 4) },
    },
    {
      params: { shortcut: 'B', stride: 2 },
      inputs: {
        x: [2, 2, 4, 3],
        ...blockWeights(2, 3, ['bn1', 'bn2', 'downsample.1']),
        'downsample.0.weight': [3, 2, 1, 1],
      },
    },
  ],
};

/** The gradient that is farthest off, of the inputs `names`. */
function worstGradient(op: ReferenceOp, sample: Sample, params: unknown, names: readonly string[]) {
  return differences.worstGradient(op, params, sampleInputs(sample), names, ({ shape }) =>
    normalTensor(shape, 'dL/dy'),
  );
}

/** The inputs that are drawn, and no labels. */
const drawn = ({ inputs }: Sample): string[] =>
  Object.keys(inputs).filter((name) => !isTensor(inputs[name]!));

interface Case {
  title: string;
  op: ReferenceOp;
  sample: Sample;
  params: unknown;
}

const ofTable = SWEEP.filter(({ sample }) =>
  Object.values(sample.inputs).some((input) => !isTensor(input)),
).map(({ title, op, sample }): Case => {
  return {
    title,
    op: op.reference,
    sample,
    params: referenceParams(op, sample.params, sample.training),
  };
});
const outside = Object.entries(others).flatMap(([name, list]) =>
  list.map((sample): Case => {
    const op = reference[name]!;
    const params = op.params.parse(sample.params);
    return { title: `${name} ${JSON.stringify(sample.params)}`, op, sample, params };
  }),
);
const sweep = [...ofTable, ...outside];

test('the sweep covers every op that has gradients', () => {
  const swept = new Set(sweep.map(({ op }) => op));
  const left = Object.entries(reference).filter(([, op]) => op.backward && !swept.has(op));
  expect(left.map(([name]) => name)).toEqual([]);
  for (const [name, op] of Object.entries(ops)) expect(op.reference).toBe(reference[name]);
});

describe('gradients agree with finite differences', () => {
  test.each(sweep)('$title', ({ op, sample, params }) => {
    const { ratio, where } = worstGradient(op, sample, params, drawn(sample));
    expect(ratio, where).toBeLessThanOrEqual(1);
  });
});

/** The op with one gradient a little too large in its last element. */
function slightlyWrong(op: ReferenceOp, wrong: string): ReferenceOp {
  return {
    ...op,
    backward: (...args) => {
      const gradients = Object.entries(op.backward?.(...args) ?? {});
      return Object.fromEntries(
        gradients.map(([name, gradient]) => {
          if (name !== wrong) return [name, gradient];
          const last = gradient.data.length - 1;
          const off = 1e-3 + 0.01 * Math.abs(gradient.data[last] ?? NaN);
          return [name, map(gradient, (g, i) => (i === last ? g + off * (g < 0 ? -1 : 1) : g))];
        }),
      );
    },
  };
}

describe('a wrong gradient is found, whichever it is', () => {
  test.each(sweep)('$title', ({ op, sample, params }) => {
    for (const name of drawn(sample)) {
      const { ratio } = worstGradient(slightlyWrong(op, name), sample, params, [name]);
      expect(ratio, name).toBeGreaterThan(1);
    }
  });
});
