/**
 * That the samples of the op table reach the variants of the kernels that a single op can reach; what takes several ops (views,
 * moments, sums, folded gradients) is held by tests/gpu/vocabulary.test.ts.
 */
import { expect, test } from 'vitest';
import { Lowering, Recorder, tensor } from '../../src/engine/graph/lower.ts';
import { graphNode } from '../../src/network/graph.ts';
import type { Layout, Shape } from '../../src/ops/tensor.ts';
import { TUNINGS, TUNING_NAMES } from '../../src/ops/tuning.ts';
import type { TuningName } from '../../src/ops/tuning.ts';
import { SWEEP, runReferenceOp } from '../../src/ops/sweep.ts';
import type { OpSample } from '../../src/ops/sweep.ts';

/** The dispatches of a sample, forward and backward. */
function lowered({ op, sample }: OpSample, tuning: TuningName) {
  const { inputs, outputs } = runReferenceOp(op, sample);
  const { training = true } = sample;
  const names = ['x', 'a', 'b', 'mask', 'shortcut'].filter((name) => name in inputs);
  const values = names.map((name) => [name, { name, shape: inputs[name]?.shape ?? [] }] as const);
  const node = graphNode(op.name, op, sample.params, Object.fromEntries(values));
  const recorder = new Recorder(TUNINGS[tuning]);
  const own = (specs: Record<string, { shape: Shape; layout: Layout }>) =>
    new Map(
      Object.entries(specs).map(([name, { shape, layout }]) => [
        `${op.name}.${name}`,
        tensor(name, shape, layout, 'parameter'),
      ]),
    );
  const parameters = own(node.parameters);
  const network = { parameters, gradients: parameters, state: own(node.state) };
  const graph = { name: 'one', input: node.output, output: node.output, nodes: [node] };
  const lowering = new Lowering(recorder, graph, network, { training, sampling: training });
  for (const [name, value] of values) {
    lowering.values.set(value, tensor(name, value.shape, 'image', 'external'));
  }
  lowering.forward();
  const y = lowering.values.get(node.output)!;
  lowering.gradients.set(y, tensor('dy', outputs.y?.shape ?? [], 'image', 'external'));
  lowering.backward(() => true);
  return recorder.dispatches;
}

test.each(TUNING_NAMES)('the samples reach these variants (tuning %s)', (tuning) => {
  const reached = SWEEP.flatMap((sample) => lowered(sample, tuning));
  /** Values that a constant of an entry point takes. */
  const values = (entry: string, constant: string) =>
    reached.filter((call) => call.entry === entry).map(({ constants }) => constants[constant]);
  const both = [false, true];
  const variants: [string, string, unknown[]][] = [
    ['conv2d', 'UNIFORM_WEIGHT', both],
    ['conv2d', 'BIAS', both],
    ['conv2d', 'LANES', [1, 2, 3, 4]],
    ['conv2d_grad_input', 'UNIFORM_WEIGHT', both],
    ['conv2d_direct', 'BIAS', both],
    ['merge_statistics', 'AFFINE', both],
    ['merge_grad_statistics', 'TRAINING', both],
    ['max_pool2d', 'KH', [1, 2, 3]],
    ['dropout', 'PER_CHANNEL', both],
    ['dropout', 'ACTIVE', both],
  ];
  for (const [entry, constant, wanted] of variants) {
    const got = new Set(values(entry, constant));
    for (const value of wanted) expect(got, `${entry} ${constant}`).toContain(value);
  }
  const gathers = reached
    .filter(({ entry }) => entry === 'conv2d_direct')
    .map(({ constants: { SHARED, DEPTHWISE } }) => ({ SHARED, DEPTHWISE }));
  for (const [SHARED, DEPTHWISE] of [
    [true, false],
    [false, true],
    [false, false],
    [true, true],
  ]) {
    expect(gathers).toContainEqual({ SHARED, DEPTHWISE });
  }
  // More than one workgroup, slice, turn of a loop or partial sum.
  const above: [string, string, number][] = [
    ['conv2d', 'BLOCKS', 64],
    ['conv2d', 'IC4', 1],
    ['conv2d_grad_weight', 'SPLITS', 2],
    ['conv2d_direct_grad_weight', 'SPLITS', 1],
    ['sum_partials', 'SPLITS', 2],
    ['channel_sum', 'PIXELS', 64],
    ['merge_statistics', 'SLICES', 1],
    ['merge_statistics', 'C4', 16],
    ['merge_grad_statistics', 'SLICES', 1],
  ];
  for (const [entry, constant, least] of above) {
    const most = Math.max(...values(entry, constant).map(Number));
    expect(most, `${entry} ${constant}`).toBeGreaterThan(least);
  }
});
