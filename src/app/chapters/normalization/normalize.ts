/** Normalizes the chapter's tensor with the kernels that train networks, over any of its axes. */
import { savedMoments } from '../../../ops/batch_norm.ts';
import { map, need, tensor, zeros } from '../../../reference/tensor.ts';
import type { Tensor, Tensors } from '../../../reference/tensor.ts';
import type { OpAnswer, OpQuestion } from '../../../worker/protocol.ts';
import type { Instruments } from '../ask.ts';
import { SIZES, batchesAround, divisionOf, indexOf, membersOf, activations } from './block.ts';
import type { Activation, Method, Place, Subset } from './block.ts';

export interface Setting {
  method: Method;
  axes: Subset;
  groups: number;
  gamma: number;
  beta: number;
  /** Whose statistics batch norm takes: the batch's, or the running ones. */
  mode: 'train' | 'evaluate';
  activation: Activation;
}

export interface Step {
  question: OpQuestion;
  answer: OpAnswer;
}

/** A tensor by its elements in NCHW order, whatever order the kernel had them in. */
export interface Computed {
  values: Float64Array;
  reference: Float64Array;
  step: Step;
}

/** Mean and variance of every group. */
export interface Moments {
  mean: ArrayLike<number>;
  variance: ArrayLike<number>;
  reference: { mean: ArrayLike<number>; variance: ArrayLike<number> };
  step: Step;
}

export interface Normalized {
  x: Tensor;
  /** x̂ and y = γ·x̂ + β. */
  normalized: Computed;
  y: Computed;
  /** What normalizes x: its own statistics, or in evaluation the running ones. */
  used: Moments;
  /** Statistics of x, x̂ and y. */
  moments: { x: Moments; normalized: Moments; y: Moments };
}

/** As PyTorch's, everywhere. */
export const EPS = 1e-5;
const MOMENTUM = 0.1;
/** Batches that the running statistics have seen. */
export const SEEN = 40;

type Run = (question: OpQuestion) => Promise<Step>;
const runner =
  (instruments: Instruments): Run =>
  async (question) => ({ question, answer: await instruments.run(question) });

/**
 * An op of one method on x. Axes without a method's name are brought into a row for each group, and the kernels of
 * instance norm then take each row by itself.
 */
function questionOf(setting: Setting, x: Tensor, affine: boolean): OpQuestion {
  const { method, groups, gamma, beta } = setting;
  const filled = (shape: readonly number[], value: number) => map(zeros(shape), () => value);
  const both = (...shape: number[]): Tensors =>
    affine ? { weight: filled(shape, gamma), bias: filled(shape, beta) } : {};
  const params = { eps: EPS, affine };
  switch (method) {
    case 'batch':
      return {
        op: 'batch_norm',
        params: { momentum: MOMENTUM, ...params },
        inputs: { x, ...both(SIZES.c) },
      };
    case 'layer':
      return { op: 'layer_norm', params, inputs: { x, ...both(...x.shape.slice(1)) } };
    case 'instance':
      return { op: 'instance_norm', params, inputs: { x, ...both(SIZES.c) } };
    case 'group':
      return { op: 'group_norm', params: { groups, ...params }, inputs: { x, ...both(SIZES.c) } };
    case 'free':
      return { op: 'instance_norm', params, inputs: { x: inRows(setting, x), ...both(1) } };
  }
}

/** [groups, 1, 1, elements of a group] */
function inRows(setting: Setting, x: Tensor): Tensor {
  const members = membersOf(divisionOf(setting));
  const [first = []] = members;
  return tensor(
    [members.length, 1, 1, first.length],
    members.flat().map((i) => x.data[i] ?? NaN),
  );
}

function computed(setting: Setting, step: Step): Computed {
  const reference = need(step.answer.reference.outputs, 'y').data;
  const { data } = step.answer.y;
  if (setting.method !== 'free') {
    return { values: Float64Array.from(data), reference: Float64Array.from(reference), step };
  }
  const back = (rows: ArrayLike<number>) => {
    const values = new Float64Array(rows.length);
    membersOf(divisionOf(setting))
      .flat()
      .forEach((index, row) => (values[index] = rows[row] ?? NaN));
    return values;
  };
  return { values: back(data), reference: back(reference), step };
}

/** Mean and biased variance of every group of elements, by plain sums. */
function summed(members: readonly number[][], of: Tensor): { mean: number[]; variance: number[] } {
  const values = members.map((group) => group.map((i) => of.data[i] ?? NaN));
  const mean = values.map((group) => group.reduce((sum, v) => sum + v, 0) / group.length);
  const variance = values.map((group, i) =>
    group.reduce((sum, v) => sum + (v - (mean[i] ?? NaN)) ** 2 / group.length, 0),
  );
  return { mean, variance };
}

/** Mean and variance of every group as the op takes them, and summed here. */
function momentsOf(setting: Setting, of: Tensor, step: Step): Moments {
  const members = membersOf(divisionOf(setting));
  const reference = summed(members, of);
  const { coefficients, statistics } = step.answer.saved;
  if (coefficients) {
    const saved = savedMoments(coefficients, SIZES.c);
    return { mean: saved.mean.data, variance: saved.variance.data, reference, step };
  }
  if (statistics) {
    // (μ, 1/√(σ² + ε)) of one group after the other.
    const column = (k: number) => members.map((_, i) => statistics.data[2 * i + k] ?? NaN);
    const deviations = column(1).map((scale) => Math.max(0, scale ** -2 - EPS));
    return { mean: column(0), variance: deviations, reference, step };
  }
  return { ...reference, reference, step };
}

export async function normalize(instruments: Instruments, setting: Setting): Promise<Normalized> {
  const run = runner(instruments);
  const x = activations(setting.activation);
  const running =
    setting.method === 'batch' && setting.mode === 'evaluate'
      ? await runningStatistics(run, setting)
      : null;
  const through = async (affine: boolean) => {
    const question = questionOf(setting, x, affine);
    const inputs = { ...question.inputs, ...running?.state };
    return computed(setting, await run({ ...question, inputs, training: running === null }));
  };
  const momentsAt = async (of: Tensor) =>
    momentsOf(setting, of, await run(questionOf(setting, of, false)));
  const normalized = await through(false);
  const y = await through(true);
  const shaped = ({ values }: Computed) => tensor(x.shape, values);
  const moments = {
    x: await momentsAt(x),
    normalized: await momentsAt(shaped(normalized)),
    y: await momentsAt(shaped(y)),
  };
  return { x, normalized, y, used: running?.moments ?? moments.x, moments };
}

/**
 * Running mean and variance behind {@link SEEN} batches, none of which is the one that is shown: as batch norm takes them on
 * from step to step, and by their recurrence on plain sums.
 */
async function runningStatistics(
  run: Run,
  setting: Setting,
): Promise<{ state: Tensors; moments: Moments }> {
  const members = membersOf(divisionOf(setting));
  const [{ length: m }] = members as [number[]];
  let step: Step | undefined;
  let reference = { mean: members.map(() => 0), variance: members.map(() => 1) };
  for (let batch = 1; batch <= SEEN; batch++) {
    const x = activations(setting.activation, batch);
    const { inputs, ...question } = questionOf(setting, x, false);
    step = await run({ ...question, inputs: { ...inputs, ...step?.answer.state } });
    const own = summed(members, x);
    const moved = (old: readonly number[], values: readonly number[], scale = 1) =>
      old.map((value, i) => (1 - MOMENTUM) * value + MOMENTUM * scale * (values[i] ?? NaN));
    reference = {
      mean: moved(reference.mean, own.mean),
      // The unbiased variance.
      variance: moved(reference.variance, own.variance, m / (m - 1)),
    };
  }
  if (!step) throw new Error('no batch was seen');
  const { state } = step.answer;
  const mean = need(state, 'running_mean').data;
  const variance = need(state, 'running_var').data;
  return { state, moments: { mean, variance, reference, step } };
}

/** Sizes of the batches that one picture is put into, and how many of each. */
export const BATCH_SIZES = [1, 2, 4, 8, 16, 32] as const;
export const BATCHES = 64;

export interface Fate {
  size: number;
  /** x̂ of one element in each batch. */
  values: number[];
  step: Step;
}

/** What becomes of an element of picture 0 under batch norm, among other pictures each time. */
export async function fates(
  instruments: Instruments,
  activation: Activation,
  { c, p }: Pick<Place, 'c' | 'p'>,
): Promise<Fate[]> {
  const run = runner(instruments);
  const found: Fate[] = [];
  for (const size of BATCH_SIZES) {
    const x = batchesAround(activation, c, size, BATCHES);
    const step = await run({
      op: 'batch_norm',
      params: { eps: EPS, affine: false },
      inputs: { x },
    });
    const values = Array.from(
      { length: BATCHES },
      (_, batch) => step.answer.y.data[batch * SIZES.p + p] ?? NaN,
    );
    found.push({ size, values, step });
  }
  return found;
}

export const valueAt = ({ values }: Computed, place: Place): number =>
  values[indexOf(place)] ?? NaN;
