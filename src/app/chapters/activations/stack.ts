/**
 * The stack of the chapter: layers of one width whose weights are drawn once, W ~ N(0, gain²/width), each with the same bias; the same for
 * every activation.
 */
import { normal, streamOf } from '../../../random.ts';
import { tensor } from '../../../reference/tensor.ts';
import type { Tensor } from '../../../reference/tensor.ts';
import type { StackAnswer, StackQuestion } from '../../../worker/protocol.ts';
import type { Instruments } from '../ask.ts';
import { FUNCTIONS, paramsOf } from './functions.ts';
import type { FunctionName, Shape } from './functions.ts';

export const WIDTH = 64;
export const SAMPLES = 32;
export const DEEPEST = 40;

export const GAINS = ['xavier', 'kaiming'] as const;
export type Gain = (typeof GAINS)[number];

export interface StackSetting extends Shape {
  layers: number;
  gain: Gain;
  /** The bias of every unit. */
  shift: number;
  seed: number;
}

/** Normal numbers that float32 holds exactly. */
function drawn(shape: readonly number[], name: string, deviation: number, seed: number): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const at = (_: unknown, i: number) => Math.fround(deviation * normal(seed, streamOf(name), i));
  return tensor(shape, Array.from({ length: size }, at));
}

/** Variance 1/width (Glorot & Bengio 2010) or 2/width (He et al. 2015). */
export const deviationOf = (gain: Gain): number => Math.sqrt((gain === 'kaiming' ? 2 : 1) / WIDTH);

export function stackQuestion(name: FunctionName, setting: StackSetting): StackQuestion {
  const { layers, gain, shift, seed } = setting;
  const bias = tensor([WIDTH], new Float64Array(WIDTH).fill(Math.fround(shift)));
  return {
    x: drawn([SAMPLES, WIDTH], 'x', 1, seed),
    layers: Array.from({ length: layers }, (_, layer) => ({
      weight: drawn([WIDTH, WIDTH], `weight${layer + 1}`, deviationOf(gain), seed),
      bias,
    })),
    activation: name,
    params: paramsOf(name, setting),
    gradOutput: drawn([SAMPLES, WIDTH], 'dL/dy', 1, seed),
  };
}

/** What is read off one stack. Layers count from 0, which is the input. */
export interface StackReading {
  /** ‖dL/dh_l‖ over ‖dL/dh_L‖, by layer. */
  gradients: number[];
  /** Share of zeros in h_l, by layer. */
  zeros: number[];
  /** Share of units that are zero for every sample, by layer. */
  dead: number[];
}

/** The stack under one activation: what the kernels and what the reference gave. */
export interface StackResult {
  question: StackQuestion;
  answer: StackAnswer;
  reading: StackReading;
  reference: StackReading;
}

/** Runs the same stack under every activation, one after the other. */
export async function runStacks(
  instruments: Instruments,
  setting: StackSetting,
): Promise<Record<FunctionName, StackResult>> {
  const results: [FunctionName, StackResult][] = [];
  for (const name of FUNCTIONS) {
    const question = stackQuestion(name, setting);
    const answer = await instruments.stack(question);
    const result = {
      question,
      answer,
      reading: readingOf(answer),
      reference: readingOf(answer.reference),
    };
    results.push([name, result]);
  }
  return Object.fromEntries(results) as Record<FunctionName, StackResult>;
}

export function readingOf({
  outputs,
  gradients,
}: Pick<StackAnswer, 'outputs' | 'gradients'>): StackReading {
  const norms = gradients.map(({ data }) => norm(data));
  const last = norms.at(-1) ?? NaN;
  return {
    gradients: norms.map((value) => value / last),
    zeros: outputs.map(({ data }) => data.filter((h) => h === 0).length / data.length),
    dead: outputs.map((output) => deadUnits(output).length / WIDTH),
  };
}

/** The units of a layer that give 0 for every sample. */
export function deadUnits({ shape: [samples = 0, units = 0], data }: Tensor): number[] {
  return Array.from({ length: units }, (_, unit) => unit).filter((unit) =>
    Array.from({ length: samples }, (_, n) => data[n * units + unit]).every((h) => h === 0),
  );
}

/** √Σx², with the largest taken out first: gradients far below 1e-20 have squares that vanish. */
function norm(data: Float64Array): number {
  const largest = data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  if (largest === 0) return 0;
  return largest * Math.sqrt(data.reduce((sum, x) => sum + (x / largest) ** 2, 0));
}
