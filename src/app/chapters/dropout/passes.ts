/**
 * Many random passes through the chapter's network, and one at test time, by the kernels of linear, relu and dropout.
 * Passes are rows of one batch: every row draws a mask of its own.
 */
import { map, need, tensor, zeros } from '../../../reference/tensor.ts';
import type { Tensor, Tensors } from '../../../reference/tensor.ts';
import type { OpAnswer, OpQuestion } from '../../../worker/protocol.ts';
import type { Instruments } from '../ask.ts';
import { INPUT, LAYERS, LINEAR } from './network.ts';

export const SCHEMES = ['vanilla', 'inverted'] as const;
export type Scheme = (typeof SCHEMES)[number];

/** Random passes that are drawn at once. */
export const PASSES = 1000;

export interface Setting {
  /** Probability that a unit is dropped. */
  drop: number;
  /** Whether units are dropped in the last hidden layer, or in both. */
  layers: 'last' | 'both';
  /** Whether the expectation is mended; without it training multiplies by the mask, and testing by nothing. */
  scaling: boolean;
  /** Of the masks. */
  seed: number;
}

/** One op that was run. */
export interface Step {
  question: OpQuestion;
  answer: OpAnswer;
}

/** One way through the network. What is the same in all rows has one row. */
export interface Forward {
  /** Activations of the two hidden layers, behind ReLU and, where there is one, behind dropout: [N, 5]. */
  hidden: readonly [Step, Step];
  /** [N, 1]. */
  y: Step;
  /** All that ran, in order. */
  steps: readonly Step[];
}

export interface Passes {
  /** Zeros and ones, [PASSES, 5], by hidden layer; null where nothing is dropped. */
  masks: readonly [Step | null, Step];
  /** By scheme: the random passes, and the one at test time. */
  vanilla: { train: Forward; test: Forward };
  inverted: { train: Forward; test: Forward };
}

/** An element of what a step computed; a step of one row stands for all rows. */
export const valueAt = ({ answer }: Step, row: number, unit: number): number =>
  elementAt(answer.y, row, unit);

/** The float64 reference's value of the same element. */
export const referenceAt = ({ answer }: Step, row: number, unit: number): number =>
  elementAt(need(answer.reference.outputs, 'y'), row, unit);

function elementAt({ shape, data }: Tensor, row: number, unit: number): number {
  const [rows = 1, units = 1] = shape;
  return data[(rows === 1 ? 0 : row) * units + unit] ?? NaN;
}

/** Runs the network as a setting asks: {@link PASSES} times in training and once in evaluation, for both schemes. */
export async function runPasses(instruments: Instruments, setting: Setting): Promise<Passes> {
  const run = async (question: OpQuestion): Promise<Step> => ({
    question,
    answer: await instruments.run(question),
  });
  const [units] = LAYERS.slice(-2);
  const ones = map(zeros([PASSES, units ?? 1]), () => 1);
  const maskOf = (layer: 1 | 2) => run(dropoutQuestion(ones, layer, 'vanilla', true, setting));
  const masks = [setting.layers === 'both' ? await maskOf(1) : null, await maskOf(2)] as const;
  const through = async (scheme: Scheme) => ({
    train: await forward(run, setting, scheme, true),
    test: await forward(run, setting, scheme, false),
  });
  return { masks, vanilla: await through('vanilla'), inverted: await through('inverted') };
}

async function forward(
  run: (question: OpQuestion) => Promise<Step>,
  setting: Setting,
  scheme: Scheme,
  training: boolean,
): Promise<Forward> {
  const steps: Step[] = [];
  const next = async (question: OpQuestion): Promise<Step> => {
    const step = await run(question);
    steps.push(step);
    return step;
  };
  const hidden = async (layer: 1 | 2, input: Tensor): Promise<Step> => {
    const before = await next(linearQuestion(layer, input));
    const after = await next({ op: 'relu', inputs: { x: before.answer.y } });
    if (layer === 1 && setting.layers === 'last') return after;
    const x = training ? repeated(after.answer.y, PASSES) : after.answer.y;
    return next(dropoutQuestion(x, layer, scheme, training, setting));
  };
  const first = await hidden(1, INPUT);
  const second = await hidden(2, first.answer.y);
  const y = await next(linearQuestion(3, second.answer.y));
  return { hidden: [first, second], y, steps };
}

function linearQuestion(layer: 1 | 2 | 3, x: Tensor): OpQuestion {
  const inputs: Tensors = { x, ...LINEAR[layer - 1] };
  return { op: 'linear', params: { out_features: LAYERS[layer] }, inputs };
}

/** Without the scaling, training is that of vanilla and evaluation that of inverted dropout. */
function dropoutQuestion(
  x: Tensor,
  layer: 1 | 2,
  scheme: Scheme,
  training: boolean,
  { drop, scaling, seed }: Setting,
): OpQuestion {
  const mode = scaling ? scheme : training ? 'vanilla' : 'inverted';
  return {
    op: 'dropout',
    params: { drop_probability: drop, mode },
    inputs: { x },
    training,
    // Layers draw independently.
    draw: { seed, iteration: layer },
  };
}

/** One row as often as it is asked for; more rows as they are. */
function repeated(x: Tensor, rows: number): Tensor {
  const [count, units = 1] = x.shape;
  if (count !== 1) return x;
  return tensor(
    [rows, units],
    Float64Array.from({ length: rows * units }, (_, i) => x.data[i % units] ?? NaN),
  );
}

/** Units that may be dropped. */
export function droppedUnits(layers: Setting['layers']): number {
  const [, first, second] = LAYERS;
  return layers === 'both' ? first + second : second;
}

/** What testing multiplies more than a network without dropout: once for each unit that evaluation scales. */
export function extraMultiplications({ steps }: Forward): number {
  return steps
    .filter(({ question: { op, params } }) => op === 'dropout' && params?.mode === 'vanilla')
    .reduce((sum, { answer }) => sum + answer.y.data.length, 0);
}

/** Kernels that evaluation dispatched for dropout. */
export const dropoutKernels = ({ steps }: Forward) =>
  steps.filter(({ question: { op } }) => op === 'dropout').flatMap(({ answer }) => answer.kernels);
