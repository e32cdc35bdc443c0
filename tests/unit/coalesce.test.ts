/** Several dispatches in one kernel: which may join, what they share, and whose names are whose. */
import { expect, test } from 'vitest';
import { coalesce } from '../../src/engine/graph/coalesce.ts';
import { tensor } from '../../src/engine/graph/lower.ts';
import type { Dispatch } from '../../src/engine/graph/lower.ts';
import { addCall } from '../../src/ops/elementwise.ts';
import { read, write } from '../../src/ops/op.ts';
import type { KernelCall } from '../../src/ops/op.ts';
import { channelSum } from '../../src/ops/reduce.ts';
import { ops } from '../../src/ops/table.ts';
import { lowered } from '../lowered.ts';

const image = (name: string) => tensor(name, [2, 5, 3, 3], 'image', 'transient');
const [a, b, c, d, e, f] = ['a', 'b', 'c', 'd', 'e', 'f'].map(image);
const sum = tensor('sum', [5], 'channels', 'transient');

function inPhase(call: KernelCall, phase: Dispatch['phase'] = 'backward', path = ''): Dispatch {
  return { ...call, phase, path };
}
const add = (...[x, y, out]: (typeof a)[]) => inPhase(addCall(x!, y!, out!));

const storage = ({ bindings }: Dispatch) => bindings.map(({ tensor: { name } }) => name);

test('independent neighbours become one kernel that binds once what all of them only read', () => {
  const [joined, ...rest] = coalesce([add(a, b, c), add(a, d, e)]);
  expect(rest).toEqual([]);
  expect(storage(joined!)).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(joined!.text).toMatch(/@binding\(4\) var<storage, read_write>/);
  // Each part keeps its own names, and runs on its own share of the workgroups.
  expect(joined!.text).toMatch(/fn add_part0\(/);
  expect(joined!.text).toMatch(/fn add_part1\(/);
  const [x, y, z] = joined!.workgroups;
  expect(x * y * z).toBe(2 * add(a, b, c).workgroups[0]);
});

test.each([
  ['reads what the first writes', [add(a, b, c), add(c, d, e)]],
  ['writes what the first reads', [add(a, b, c), add(d, e, a)]],
  ['writes what the first writes', [add(a, b, c), add(d, e, c)]],
])('a dispatch that %s stays apart', (_, dispatches) => {
  expect(coalesce(dispatches)).toEqual(dispatches);
});

test('only neighbours of one phase join', () => {
  const dispatches = [add(a, b, c), { ...add(a, d, e), phase: 'update' as const }];
  expect(coalesce(dispatches)).toEqual(dispatches);
});

test('no more join than the device binds buffers', () => {
  const dispatches = [add(a, b, c), add(d, e, f)];
  expect(coalesce(dispatches, 'all', 6)).toHaveLength(1);
  expect(coalesce(dispatches, 'all', 5)).toHaveLength(2);
});

test('one tensor read as two types takes two bindings, which count', () => {
  // Group norm walks its groups float by float, an addition goes by vec4s.
  const statistics = tensor('statistics', [2, 5, 2], 'flat', 'transient');
  const constants = { N: 2, HW: 9, C: 5, C4: 2, G: 5, CG: 1, LANES: 16, EPS: 1e-5 };
  const walked = inPhase({
    shader: 'group_norm',
    entry: 'statistics',
    constants,
    bindings: [read(a!), write(statistics)],
    workgroups: [3, 1, 1],
  });
  const dispatches = [add(a, b, c), walked];
  expect(storage(coalesce(dispatches, 'all', 5)[0]!)).toEqual(['a', 'b', 'c', 'a', 'statistics']);
  expect(coalesce(dispatches, 'all', 4)).toHaveLength(2);
});

test('where convolutions stay alone, what stands beside them still joins', () => {
  const weight = tensor('weight', [4, 5, 1, 1], 'kernel', 'parameter');
  const y = tensor('y', [2, 4, 3, 3], 'image', 'transient');
  const convolution = inPhase({
    shader: 'conv2d_direct',
    entry: 'conv2d_direct',
    constants: { IG: 5, OG: 4, SHARED: true, DEPTHWISE: false, BIAS: false },
    bindings: [read(a!), read(weight), write(y)],
    workgroups: [1, 1, 1],
  });
  const dispatches = [add(a, b, c), add(a, b, d), convolution, add(a, b, e), add(a, b, f)];
  expect(coalesce(dispatches, 'sums').map(({ entry }) => entry)).toEqual([
    'add+add',
    'conv2d_direct',
    'add+add',
  ]);
  expect(coalesce(dispatches, 'all').map(({ entry }) => entry)).toEqual([
    'add+add+conv2d_direct+add+add',
  ]);
});

test('the gradients of a convolution become one kernel, if their workgroups are of 64', () => {
  const sample = ops.conv2d.samples[3]!;
  const gradients = lowered({ op: ops.conv2d, sample }, 'gpu').filter(({ entry }) =>
    ['conv2d_grad_input', 'conv2d_grad_weight'].includes(entry),
  );
  expect(gradients).toHaveLength(2);
  const [joined, ...rest] = coalesce(gradients);
  expect(rest).toEqual([]);
  expect(joined!.text).toContain('const INVOCATIONS_part1 = 64;');
  const others = gradients.map((dispatch) => ({
    ...dispatch,
    constants: { ...dispatch.constants, INVOCATIONS: 8 },
  }));
  expect(() => coalesce(others)).toThrow(/is not a kernel of 64 invocations/);
});

test('parts take the same workgroup memory, as much as the one that needs most', () => {
  const statistics = tensor('statistics', [1, 2, 2, 4], 'flat', 'transient');
  const counted = inPhase({
    shader: 'batch_norm',
    entry: 'statistics',
    constants: { P: 18, C4: 2, CL: 2, SLICES: 1, SLICE: 18, COOPERATE: true },
    bindings: [read(a!), write(statistics)],
    workgroups: [1, 1, 1],
  });
  const [joined] = coalesce([inPhase(channelSum(d!, sum)), counted]);
  expect(joined!.text!.match(/var<workgroup> .*/g)).toEqual([
    'var<workgroup> memory0: array<vec4f, 64>;',
    'var<workgroup> memory1: array<vec4f, 64>;',
    'var<workgroup> memory2: array<f32, 64>;',
  ]);
  expect(joined!.text).toContain('memory0[lane] = sum;');
  expect(joined!.text).toContain('memory0[lane] = mean;');
});

test('what joined is told by its layer, its kernels and its work together', () => {
  const [joined] = coalesce([
    { ...add(a, b, c), path: 'conv1' },
    { ...inPhase(channelSum(d!, sum)), path: 'conv2' },
  ]);
  expect(joined).toMatchObject({
    path: 'conv2',
    entry: 'add+channel_sum',
    shader: 'elementwise+reduce',
  });
  expect(joined!.flops).toBe((add(a, b, c).flops ?? 0) + (channelSum(d!, sum).flops ?? 0));
});
