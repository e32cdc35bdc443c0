/** Inputs worth testing an op with. Every sweep of tests runs over all of them. */
import { normal, streamOf } from '../random.ts';
import { map, size } from '../reference/tensor.ts';
import type { Tensor, Tensors } from '../reference/tensor.ts';
import type { Shape } from './tensor.ts';

export interface Sample {
  /** As a person would give them: defaults may be left out. */
  params: Record<string, unknown>;
  /** Inputs, learned parameters and state by name: a shape, to be filled at random, or a tensor that stays as it is. */
  inputs: Record<string, Shape | Tensor>;
  /** True where nothing is said. */
  training?: boolean;
}

export const isTensor = (input: Shape | Tensor): input is Tensor => 'data' in input;

/** The inputs of a sample. What is random is normal, differs by name, and is the same every time. */
export function sampleInputs({ inputs }: Sample): Tensors {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [
      name,
      isTensor(input) ? input : normalTensor(input, name),
    ]),
  );
}

/** Normal numbers that float32 holds exactly. */
export function normalTensor(shape: Shape, name: string, mean = 0): Tensor {
  const stream = streamOf(name);
  const data = Float64Array.from({ length: size(shape) }, (_, i) =>
    Math.fround(mean + normal(7, stream, i)),
  );
  return { shape, data };
}

/** Zeros and ones, a quarter of them zeros. */
export const maskTensor = (...shape: number[]): Tensor =>
  map(normalTensor(shape, 'mask'), (value) => Number(value > -0.7));

/** Numbers above 0.1. */
export const positiveTensor = (shape: Shape, name: string): Tensor =>
  map(normalTensor(shape, name), (value) => Math.fround(value * value + 0.1));

/** Whole numbers, many of them equal. */
export const tiedTensor = (...shape: number[]): Tensor =>
  map(normalTensor(shape, 'ties'), Math.round);

/** Images that fit no tile: one pixel, odd sizes, one column; 1, 3 and 6 channels; batches of 1, 2 and 3. */
export const IMAGES: readonly Shape[] = [
  [1, 1, 1, 1],
  [2, 3, 5, 7],
  [3, 6, 4, 1],
];

/** Samples of an op that takes any image and has these parameters. */
export const onImages = (params: Record<string, unknown> = {}): Sample[] =>
  IMAGES.map((x) => ({ params, inputs: { x } }));
