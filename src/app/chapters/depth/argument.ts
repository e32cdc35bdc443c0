/**
 * The argument with one layer and with two, in numbers: h = relu(W₁x); then a second layer that should do no harm, plain
 * relu(W₂h) or residual relu(W₂h + h).
 */
import { normal, streamOf } from '../../../random.ts';
import { tensor } from '../../../reference/tensor.ts';
import type { Tensor } from '../../../reference/tensor.ts';
import type { KernelText, OpAnswer, OpQuestion } from '../../../worker/protocol.ts';
import type { Instruments } from '../ask.ts';

export const WIDTH = 4;

/** One layer; a second one with weights as they start, scaled; a second one with weights set by hand. */
export const STAGES = ['one', 'two', 'identity'] as const;
export type Stage = (typeof STAGES)[number];

/** Scales at which the distance from the identity is drawn. */
export const SCALES = Array.from({ length: 31 }, (_, i) => i / 20);

export interface ArgumentSetting {
  stage: Stage;
  scale: number;
  seed: number;
}

/** A tensor as the kernels and as the reference computed it. */
export interface Computed {
  by: OpAnswer['by'];
  value: Tensor;
  reference: Tensor;
  kernels: readonly KernelText[];
}

/** What one way to add the second layer gives. */
export interface SecondLayer {
  weight: Tensor;
  /** W₂h and what comes out. */
  z: Computed;
  y: Computed;
  /** ‖y − h‖/‖h‖: how far the layer is from the identity. */
  distance: { value: number; reference: number };
  /** The same at every one of {@link SCALES}, for weights as they start. */
  curve: number[];
}

export interface ArgumentAnswer {
  x: Tensor;
  h: Computed;
  plain: SecondLayer;
  residual: SecondLayer;
}

/** Weights N(0, 2/n), as He et al. start them, that float32 holds exactly. */
export function drawn(name: string, shape: readonly number[], seed: number, scale = 1): Tensor {
  const deviation = shape.length > 1 ? Math.sqrt(2 / WIDTH) : 1;
  const size = shape.reduce((a, b) => a * b, 1);
  const at = (_: unknown, i: number) =>
    Math.fround(scale * deviation * normal(seed, streamOf(name), i));
  return tensor(shape, Array.from({ length: size }, at));
}

/** Weights of the first layer, the first ones drawn under which at least two units of h are alive. */
export function firstWeight(x: Tensor, seed: number): Tensor {
  for (let draw = 1; ; draw++) {
    const weight = drawn(`W1 ${draw}`, [WIDTH, WIDTH], seed);
    const unit = (o: number) =>
      x.data.reduce((sum, value, i) => sum + value * (weight.data[o * WIDTH + i] ?? 0), 0);
    const alive = Array.from({ length: WIDTH }, (_, o) => unit(o)).filter((value) => value > 0.1);
    if (alive.length >= 2) return weight;
  }
}

/** The second layer's weights: as they start, or as one would set them by hand. */
export function secondWeight({ stage, scale, seed }: ArgumentSetting, residual: boolean): Tensor {
  if (stage !== 'identity') return drawn('W2', [WIDTH, WIDTH], seed, scale);
  const one = residual ? 0 : 1;
  return tensor(
    [WIDTH, WIDTH],
    Array.from({ length: WIDTH ** 2 }, (_, i) => (i % (WIDTH + 1) === 0 ? one : 0)),
  );
}

export async function runArgument(
  instruments: Instruments,
  setting: ArgumentSetting,
): Promise<ArgumentAnswer> {
  const x = tensor([1, WIDTH], drawn('x', [WIDTH], setting.seed).data);
  const run = async (
    question: OpQuestion,
    before: readonly KernelText[] = [],
  ): Promise<Computed> => {
    const { by, y, reference, kernels } = await instruments.run(question);
    return { by, value: y, reference: reference.outputs.y ?? y, kernels: [...before, ...kernels] };
  };
  const linear = (x: Tensor, weight: Tensor, before?: readonly KernelText[]) => {
    const params = { out_features: WIDTH, bias: false };
    return run({ op: 'linear', params, inputs: { x, weight } }, before);
  };
  const layer = async (h: Tensor, weight: Tensor, shortcut?: Tensor) => {
    const z = await linear(h, weight);
    const sum = shortcut
      ? await run({ op: 'add', inputs: { a: z.value, b: shortcut } }, z.kernels)
      : z;
    return { z, y: await run({ op: 'relu', inputs: { x: sum.value } }, sum.kernels) };
  };

  const { y: h } = await layer(x, firstWeight(x, setting.seed));
  // z is linear in W₂, so all scales are one batch: s·W₂·h is W₂·(s·h).
  const starting = drawn('W2', [WIDTH, WIDTH], setting.seed);
  const all = (scaled: boolean) =>
    tensor(
      [SCALES.length, WIDTH],
      SCALES.flatMap((scale) =>
        Array.from(h.value.data, (value) => Math.fround(value * (scaled ? scale : 1))),
      ),
    );
  const second = async (residual: boolean): Promise<SecondLayer> => {
    const weight = secondWeight(setting, residual);
    const { z, y } = await layer(h.value, weight, residual ? h.value : undefined);
    const { y: rows } = await layer(all(true), starting, residual ? all(false) : undefined);
    // The same in float64, from W₂h on.
    const exact = z.reference.data.map((value, i) =>
      Math.max(0, value + (residual ? (h.value.data[i] ?? NaN) : 0)),
    );
    const at = (row: number) => rows.value.data.subarray(row * WIDTH, (row + 1) * WIDTH);
    return {
      weight,
      z,
      y,
      distance: {
        value: distance(y.value.data, h.value.data),
        reference: distance(exact, h.value.data),
      },
      curve: SCALES.map((_, row) => distance(at(row), h.value.data)),
    };
  };
  return { x, h, plain: await second(false), residual: await second(true) };
}

/** ‖y − h‖/‖h‖. */
const distance = (y: Float64Array, h: Float64Array): number =>
  Math.hypot(...y.map((value, i) => value - (h[i] ?? NaN))) / Math.hypot(...h);
