/**
 * Gradient descent of one linear unit with two weights, y = w₁a₁ + w₂a₂, on inputs that are the outputs of an activation. The unit
 * learns those of a teacher with weights {@link TARGET}: L = ½(y − t)², and every gradient is computed by the kernels of `linear`.
 */
import { normal, streamOf } from '../../../random.ts';
import { tensor } from '../../../reference/tensor.ts';
import type { Tensor } from '../../../reference/tensor.ts';
import type { OpAnswer, OpQuestion } from '../../../worker/protocol.ts';
import type { Instruments } from '../ask.ts';

export type Point = readonly [number, number];

export const SAMPLES = 16;
export const STEPS = 48;
export const START: Point = [-1.5, 1];
export const TARGET: Point = [1, -1.5];
/** Deviation of what goes into the activation. */
const SPREAD = 1.5;

/** What the unit's inputs come out of: all positive, or centred on 0. */
export const INPUTS = ['sigmoid', 'tanh'] as const;
export type InputName = (typeof INPUTS)[number];

export interface DescentSetting {
  /** Learning rate. */
  rate: number;
  /** Samples a step: one after the other, or all. */
  batch: 'one' | 'all';
  seed: number;
}

/** One step: the gradient at `weights`, and what computed it. */
export interface DescentStep {
  weights: Point;
  gradient: Point;
  reference: Point;
  question: OpQuestion;
  answer: OpAnswer;
}

export interface Descent {
  /** [SAMPLES, 2]. */
  inputs: Tensor;
  steps: DescentStep[];
  /** Where each step began, and where the last one ended. */
  path: Point[];
}

/** What goes into the activation: [SAMPLES, 2], N(0, {@link SPREAD}²), as float32 holds it. */
export const preactivations = (seed: number): Tensor =>
  tensor(
    [SAMPLES, 2],
    Array.from({ length: 2 * SAMPLES }, (_, i) =>
      Math.fround(SPREAD * normal(seed, streamOf('preactivations'), i)),
    ),
  );

/** Descends from {@link START} on what one activation gives. */
export async function descend(
  instruments: Instruments,
  input: InputName,
  { rate, batch, seed }: DescentSetting,
): Promise<Descent> {
  const { y: inputs } = await instruments.run({ op: input, inputs: { x: preactivations(seed) } });
  const steps: DescentStep[] = [];
  const path: Point[] = [START];
  for (let i = 0; i < STEPS; i++) {
    const weights = path[i] ?? START;
    const samples = batch === 'all' ? inputs : row(inputs, i % SAMPLES);
    const question = gradientQuestion(samples, weights);
    const answer = await instruments.run(question);
    const gradient = pointOf(answer.grads.weight);
    steps.push({
      weights,
      gradient,
      reference: pointOf(answer.reference.grads.weight),
      question,
      answer,
    });
    path.push([
      Math.fround(weights[0] - rate * gradient[0]),
      Math.fround(weights[1] - rate * gradient[1]),
    ]);
  }
  return { inputs, steps, path };
}

/** Asks for dL/dw with the upstream gradient dL/dy = (y − t)/N. */
function gradientQuestion(samples: Tensor, weights: Point): OpQuestion {
  const [count = 1] = samples.shape;
  const errors = Array.from({ length: count }, (_, n) => {
    const [a, b] = pointOf(row(samples, n));
    return Math.fround(((weights[0] - TARGET[0]) * a + (weights[1] - TARGET[1]) * b) / count);
  });
  return {
    op: 'linear',
    params: { out_features: 1, bias: false },
    inputs: { x: samples, weight: tensor([1, 2], weights) },
    gradOutput: tensor([count, 1], errors),
  };
}

const row = ({ data }: Tensor, n: number): Tensor => tensor([1, 2], data.slice(2 * n, 2 * n + 2));

const pointOf = (of: Tensor | undefined): Point => [of?.data[0] ?? NaN, of?.data[1] ?? NaN];

/** Whether a step moves both weights up or both down. */
export const sharesSign = ({ gradient: [a, b] }: Pick<DescentStep, 'gradient'>): boolean =>
  a * b > 0;

export const distance = ([a, b]: Point): number => Math.hypot(a - TARGET[0], b - TARGET[1]);

/**
 * The loss over all samples is quadratic, L(w) = ½ (w − w*)ᵀ H (w − w*) with H the mean of aaᵀ: its contour through a point, as a
 * closed line.
 */
export function contour({ data }: Tensor, level: number): Point[] {
  const mean = (i: number, j: number) =>
    Array.from(
      { length: SAMPLES },
      (_, n) => (data[2 * n + i] ?? 0) * (data[2 * n + j] ?? 0),
    ).reduce((a, b) => a + b) / SAMPLES;
  const [h11, h12, h22] = [mean(0, 0), mean(0, 1), mean(1, 1)];
  return Array.from({ length: 121 }, (_, k) => {
    const angle = (2 * Math.PI * k) / 120;
    const [u, v] = [Math.cos(angle), Math.sin(angle)];
    const radius = Math.sqrt((2 * level) / (h11 * u * u + 2 * h12 * u * v + h22 * v * v));
    return [TARGET[0] + radius * u, TARGET[1] + radius * v];
  });
}
