/**
 * That the samples of the op table reach the variants of the kernels that a single op can reach; what takes several ops (views,
 * moments, sums, folded gradients) is held by tests/gpu/vocabulary.test.ts and tests/gpu/network.test.ts.
 */
import { expect, test } from 'vitest';
import { SWEEP } from '../../src/ops/sweep.ts';
import { TUNINGS, TUNING_NAMES } from '../../src/ops/tuning.ts';
import { UNIFORM_BYTES } from '../../src/ops/op.ts';
import { ops } from '../../src/ops/table.ts';
import { storedElements } from '../../src/ops/tensor.ts';
import { lowered } from '../lowered.ts';

/** Of tiles: constants of their entry points, with values that samples have to reach; and with what they have to exceed. */
const TILE_VARIANTS: [string, string, unknown[]][] = [
  ['conv2d_tile', 'BIAS', [false, true]],
  ['conv2d_tile', 'LANES', [2, 3, 4]],
  ['conv2d_tile', 'PICTURES', [1, 2, 4]],
  ['conv2d_tile', 'STRIDE_X', [1, 2]],
  ['conv2d_tile', 'DILATION_Y', [1, 2]],
  ['conv2d_tile', 'KH', [3, 5]],
  ['conv2d_tile', 'SLICE', [1, 2]],
  ['conv2d_tile_grad_input', 'SLICE', [1, 2]],
  ['conv2d_tile_grad_input', 'PICTURES', [1, 2, 4]],
  ['conv2d_tile_grad_weight', 'STRIDE_X', [1, 2]],
  ['conv2d_tile_grad_weight', 'DILATION_Y', [1, 2]],
  ['conv2d_tile_grad_weight', 'IB', [1, 2, 8]],
  ['conv2d_tile_grad_weight', 'OB', [1, 2, 4, 8]],
  ['conv2d_tile_grad_weight', 'STRANDS', [1, 16, 64]],
];
/** What only large pictures reach, which are tiled in some tunings. */
const LARGE: [string, string, number][] = [
  ['conv2d', 'BLOCKS', 64],
  ['conv2d_grad_weight', 'SPLITS', 2],
];
const TILE_TURNS: [string, string, number][] = [
  ['conv2d_tile', 'TILES_X', 1],
  ['conv2d_tile', 'TILES_Y', 1],
  ['conv2d_tile_grad_input', 'TILES_X', 1],
  ['conv2d_tile_grad_input', 'TILES_Y', 1],
  ['conv2d_tile_grad_weight', 'TILES_X', 1],
  ['conv2d_tile_grad_weight', 'TILES_Y', 1],
  ['conv2d_tile_grad_weight', 'TILES_PER_SPLIT', 1],
];

/** The same of kernels that hold weights. */
const HELD_VARIANTS: [string, string, unknown[]][] = [
  ['conv2d_stationary', 'UNIFORM_WEIGHT', [false, true]],
  ['conv2d_stationary', 'BIAS', [false, true]],
  ['conv2d_stationary', 'BEFORE_X', [0, 1]],
  ['conv2d_stationary', 'FIRST', [-2, -1, 0]],
  ['conv2d_stationary', 'AFTER', [0, 1]],
  ['conv2d_stationary', 'STRIDE_X', [1, 2, 3]],
  ['conv2d_stationary', 'KW', [2, 3]],
  ['conv2d_stationary', 'QV', [1, 2]],
  ['conv2d_stationary_grad_input', 'UNIFORM_WEIGHT', [false, true]],
];
const HELD_TURNS: [string, string, number][] = [
  'conv2d_stationary',
  'conv2d_stationary_grad_input',
].flatMap((entry): [string, string, number][] => [
  [entry, 'PASSES', 1],
  [entry, 'BLOCKS', 8],
  [entry, 'ROWS', 1],
]);

/** The same where pixels are exchanged between neighbours. */
const EXCHANGE_VARIANTS: typeof TILE_VARIANTS = [
  ['conv2d_grad_weight', 'SHARERS', [1, 2]],
  ['conv2d_grad_weight', 'QV', [1, 2]],
  ['conv2d_stationary', 'SHARERS', [1, 2, 4]],
  ['conv2d_stationary_grad_input', 'SHARERS', [1, 2, 4]],
];

/** The same of batch norms that merge and write at once. */
const AT_ONCE_VARIANTS: typeof TILE_VARIANTS = [
  ['merge_and_normalize', 'AFFINE', [false, true]],
  ['merge_and_normalize_grad', 'AFFINE', [false, true]],
  ['merge_and_normalize_grad', 'TRAINING', [false, true]],
];

/** The same of Winograd's kernels. */
const WINOGRAD_VARIANTS: typeof TILE_VARIANTS = [
  ['winograd_weight', 'TURNED', [false, true]],
  ['winograd_output', 'BIAS', [false, true]],
  ['winograd_product', 'QV', [1, 4]],
];

test.each(TUNING_NAMES)('the samples reach these variants (tuning %s)', (tuning) => {
  const reached = SWEEP.flatMap((sample) => lowered(sample, tuning));
  /** Values that a constant of an entry point takes. */
  const values = (entry: string, constant: string) =>
    reached.filter((call) => call.entry === entry).map(({ constants }) => constants[constant]);
  const both = [false, true];
  const tiled = TUNINGS[tuning].pixels === 'stage';
  const held = TUNINGS[tuning].held > 0;
  const atOnce = TUNINGS[tuning].sums === 'invocation';
  const exchange = TUNINGS[tuning].pixels === 'exchange';
  const variants: [string, string, unknown[]][] = [
    ...(held ? HELD_VARIANTS : [['conv2d', 'UNIFORM_WEIGHT', both] as [string, string, unknown[]]]),
    ['conv2d', 'BIAS', both],
    ['conv2d', 'LANES', [1, 2, 3, 4]],
    ...(tiled ? TILE_VARIANTS : []),
    ...(tuning === 'gpu-winograd' ? WINOGRAD_VARIANTS : []),
    ...(exchange ? EXCHANGE_VARIANTS : []),
    ...(held ? [] : [['conv2d_grad_input', 'UNIFORM_WEIGHT', both] as [string, string, unknown[]]]),
    ['conv2d_direct', 'BIAS', both],
    ['merge_statistics', 'AFFINE', both],
    ['merge_grad_statistics', 'TRAINING', both],
    ...(atOnce ? AT_ONCE_VARIANTS : []),
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
  const above: (readonly [string, string, number])[] = [
    ...(tiled ? TILE_TURNS : LARGE),
    ...(held ? HELD_TURNS : []),
    ['conv2d', 'IC4', 1],
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

test.each(TUNING_NAMES)(
  'no device binds less than a norm of many channels wants (tuning %s)',
  (tuning) => {
    const [few, many] = [4096, 4100].map((c) => {
      const sample = { params: {}, inputs: { x: [9, c], weight: [c], bias: [c] } };
      const dispatches = lowered({ op: ops.batch_norm, sample }, tuning);
      for (const { tensor, access } of dispatches.flatMap(({ bindings }) => bindings)) {
        if (access === 'uniform')
          expect(storedElements(tensor) * 4).toBeLessThanOrEqual(UNIFORM_BYTES);
      }
      return dispatches.map(({ entry }) => entry);
    });
    const atOnce = TUNINGS[tuning].sums === 'invocation';
    expect(few!.includes('merge_and_normalize')).toBe(atOnce);
    expect(many).toContain('merge_statistics');
  },
);
