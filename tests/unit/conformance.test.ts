/**
 * The conformance suite: every case passes on the float64 reference with a wide margin, a corrupted
 * case fails, what Fathom does not have is skipped, and what is not a case is refused.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readSuite } from '../../src/cli/suite.ts';
import { parseCase } from '../../src/conformance/format.ts';
import type { ConformanceCase } from '../../src/conformance/format.ts';
import type { ConformanceBackend } from '../../src/conformance/backend.ts';
import { referenceBackend } from '../../src/conformance/reference.ts';
import { runCase } from '../../src/conformance/run.ts';
import { map } from '../../src/reference/tensor.ts';
import type { Tensor, Tensors } from '../../src/reference/tensor.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SUITE = path.join(ROOT, 'tests/conformance');
const OP_FILE = path.join(SUITE, 'cases/ops/linear_4x10_to_7_bias.json');
const NETWORK = 'resnet20_w4_16x16_b4_batch_end_lr0.005';
const NETWORK_FILE = path.join(SUITE, `cases/nets/${NETWORK}.json`);

const suite = await readSuite(SUITE);

test('every file of the suite is a case', () => {
  expect(suite.faults).toEqual([]);
  expect(suite.cases.map(({ kind }) => kind)).toContain('op');
  expect(suite.cases.map(({ kind }) => kind)).toContain('network');
});

/** The reference, which computes each case once: its result does not depend on what is expected. */
function computed(given: ConformanceCase): ConformanceBackend {
  const { name } = given;
  return {
    runOp: (...args) => (opResults[name] ??= referenceBackend.runOp(...args)),
    runNetwork: (network) => (networkResults[name] ??= referenceBackend.runNetwork(network)),
  };
}
const opResults: Record<string, ReturnType<ConformanceBackend['runOp']>> = {};
const networkResults: Record<string, ReturnType<ConformanceBackend['runNetwork']>> = {};

describe('passes on the reference, well within the tolerance', () => {
  test.each(suite.cases)('$name', async (given) => {
    const outcome = await runCase(computed(given), given);
    expect(outcome).toMatchObject({ status: 'passed' });
    // What remains is the rounding of the files to float32.
    if (outcome.status === 'passed') expect(outcome.ratio).toBeLessThan(0.1);
  });
});

/** The largest element of a tensor raised by one percent, and a little so that zeros move too. */
function corrupt(value: Tensor): Tensor {
  const magnitudes = value.data.map(Math.abs);
  const worst = magnitudes.indexOf(Math.max(...magnitudes));
  return map(value, (v, i) => (i === worst ? v * 1.01 + Math.sign(v || 1) * 1e-3 : v));
}

/** Every case that differs from the given one in one expected tensor. */
function corruptions(given: ConformanceCase): { tensor: string; corrupted: ConformanceCase }[] {
  const each = (
    prefix: string,
    tensors: Tensors,
    put: (changed: Tensors) => ConformanceCase,
  ): { tensor: string; corrupted: ConformanceCase }[] =>
    Object.entries(tensors).map(([name, value]) => ({
      tensor: prefix + name,
      corrupted: put({ ...tensors, [name]: corrupt(value) }),
    }));
  if (given.kind === 'op') {
    return [
      ...each('outputs.', given.outputs, (outputs) => ({ ...given, outputs })),
      ...each('grads.', given.grads, (grads) => ({ ...given, grads })),
    ];
  }
  const { expected } = given;
  const put = (changed: Partial<typeof expected>) => ({
    ...given,
    expected: { ...expected, ...changed },
  });
  const losses = expected.losses.map((_, k) => ({
    tensor: `loss_${k}`,
    corrupted: put({ losses: expected.losses.map((loss, i) => (i === k ? loss * 1.01 : loss)) }),
  }));
  if (given.lossOnly) return losses;
  return [
    ...losses,
    ...each('grad/', expected.gradients, (gradients) => put({ gradients })),
    ...each('param_after_step1/', expected.parametersAfterStep1, (parametersAfterStep1) =>
      put({ parametersAfterStep1 }),
    ),
    ...each('running_after_step1/', expected.runningAfterStep1, (runningAfterStep1) =>
      put({ runningAfterStep1 }),
    ),
    ...each('', { logits_0: expected.logits }, ({ logits_0 }) =>
      put({ logits: logits_0 ?? expected.logits }),
    ),
  ];
}

describe('fails when any expected tensor is corrupted', () => {
  test.each(suite.cases)('$name', async (given) => {
    const backend = computed(given);
    for (const { tensor, corrupted } of corruptions(given)) {
      const outcome = await runCase(backend, corrupted);
      expect(outcome, tensor).toMatchObject({ status: 'failed' });
      if (outcome.status === 'failed') expect(outcome.reason).toContain(`${tensor}: largest error`);
    }
  });
});

test('a result that is missing, misshapen or not a number fails', async () => {
  const given = await parseCase(await readFile(OP_FILE, 'utf8'), noData);
  if (given.kind !== 'op') throw new Error('expected an op');
  const { y } = given.outputs;
  if (!y) throw new Error('expected an output y');
  const judged = async (outputs: Tensors) => {
    const runOp = async () => ({ outputs, grads: given.grads });
    return runCase({ ...referenceBackend, runOp }, given);
  };
  expect(await judged({ y })).toMatchObject({ status: 'passed' });
  expect(await judged({})).toMatchObject({ reason: 'outputs.y: missing from the result' });
  const flat = { y: { ...y, shape: [y.data.length] } };
  expect(await judged(flat)).toMatchObject({ reason: 'outputs.y: has shape [28], expected [4,7]' });
  const nan = { y: map(y, (value, i) => (i === 9 ? NaN : value)) };
  const outcome = await judged(nan);
  expect(outcome).toMatchObject({ status: 'failed' });
  expect(outcome).toHaveProperty('reason', expect.stringMatching(/Infinity.*at \[1,2\]: got NaN/));
});

type Json = Record<string, unknown>;
const noData = () => Promise.reject(new Error('no data file'));

/** A case file with some of its entries replaced. */
async function edited(file: string, edit: (json: Json) => Json): Promise<ConformanceCase> {
  const json = JSON.parse(await readFile(file, 'utf8')) as Json;
  return parseCase(JSON.stringify({ ...json, ...edit(json) }), (name) =>
    readFile(path.join(path.dirname(file), name)),
  );
}
const within = (json: Json, key: string, changes: Json): Json => ({
  [key]: { ...(json[key] as Json), ...changes },
});

describe('skips what Fathom does not have, with the reason', () => {
  test.each<[string, string, (json: Json) => Json, RegExp]>([
    ['an op', OP_FILE, () => ({ op: 'bilinear' }), /no op named "bilinear"/],
    ['a parameter', OP_FILE, (j) => within(j, 'params', { sparsity: 2 }), /sparsity/],
    ['a value', OP_FILE, (j) => within(j, 'params', { bias: 'low-rank' }), /bias/],
    ['a convention', OP_FILE, (j) => within(j, 'params', { layout: 'weight [in,out]' }), /layout/],
    [
      'an input',
      OP_FILE,
      (j) => within(j, 'inputs', { scale: { dtype: 'float32', shape: [], data: [2] } }),
      /no input named "scale"/,
    ],
    ['a norm', NETWORK_FILE, (j) => within(j, 'arch', { norm: 'group' }), /norm/],
    ['a property of a network', NETWORK_FILE, (j) => within(j, 'arch', { se: 4 }), /se/],
    ['an optimizer', NETWORK_FILE, (j) => within(j, 'optimizer', { type: 'lion' }), /type/],
    ['a loss', NETWORK_FILE, () => ({ loss: 'hinge' }), /hinge/],
    ['widths', NETWORK_FILE, (j) => within(j, 'arch', { stage_widths: [4, 4, 4] }), /4, 4, 4/],
  ])('%s', async (_, file, edit, reason) => {
    const outcome = await runCase(referenceBackend, await edited(file, edit));
    expect(outcome).toMatchObject({ status: 'skipped' });
    expect(outcome).toHaveProperty('reason', expect.stringMatching(reason));
  });

  test('but a remark is no parameter', async () => {
    const given = await edited(OP_FILE, (j) => within(j, 'params', { note: 'as in the paper' }));
    expect(await runCase(referenceBackend, given)).toMatchObject({ status: 'passed' });
  });
});

test('of a plain network of depth 56 only the first loss counts', async () => {
  const deep = (arch: Json) =>
    edited(NETWORK_FILE, (j) => within(j, 'arch', { depth: 56, blocks_per_stage: 9, ...arch }));
  expect(await deep({ residual: false, shortcut: null })).toMatchObject({
    lossOnly: true,
    steps: 1,
  });
  expect(await deep({ residual: true })).toMatchObject({ lossOnly: false, steps: 5 });
});

describe('refuses what is not a case', () => {
  const tensorJson = { dtype: 'float32', shape: [2, 2], data: [1, 2, 3] };
  test.each<[string, string, (json: Json) => Json, RegExp]>([
    ['too few elements', OP_FILE, () => ({ inputs: { x: tensorJson } }), /inputs\.x.*elements/],
    ['no outputs', OP_FILE, () => ({ outputs: {} }), /nothing to compare/],
    ['a missing entry', OP_FILE, () => ({ params: undefined }), /params/],
    ['an absent data file', NETWORK_FILE, () => ({ data_file: 'absent.bin' }), /absent\.bin/],
    ['a data file elsewhere', NETWORK_FILE, () => ({ data_file: '../x.bin' }), /beside/],
    ['labels of other pictures', NETWORK_FILE, () => ({ labels: [1] }), /1 labels for 4/],
    ['a parameter without values', NETWORK_FILE, () => ({ parameters: ['fc2.bias'] }), /fc2\.bias/],
  ])('%s', async (_, file, edit, reason) => {
    await expect(edited(file, edit)).rejects.toThrow(reason);
  });

  test('a truncated data file', async () => {
    const text = await readFile(NETWORK_FILE, 'utf8');
    await expect(parseCase(text, async () => new Uint8Array(4000))).rejects.toThrow(
      /"x" ends at float 3072, but the file holds 1000/,
    );
  });

  test.each(['{"name": ', '[]', 'null', '{"name": "x"}'])('%s', async (text) => {
    await expect(parseCase(text, noData)).rejects.toThrow(/not JSON|expected an object/);
  });
});
