/**
 * Tensors of the float64 reference: a shape and its elements, row-major (the last axis runs fastest).
 * Images are [N, C, H, W], convolution weights [O, I, KH, KW], linear weights [out, in].
 */
import { FathomError } from '../errors.ts';

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Tensors by name: the inputs, outputs or gradients of an op. */
export type Tensors = Record<string, Tensor>;

/** Number of elements of a shape; 1 for a scalar, whose shape is []. */
export const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const zeros = (shape: readonly number[]): Tensor => ({
  shape,
  data: new Float64Array(size(shape)),
});

/** A tensor from numbers in row-major order. Throws when their count is not the shape's. */
export function tensor(shape: readonly number[], data: ArrayLike<number>): Tensor {
  if (data.length !== size(shape)) {
    throw shapeError(
      `shape [${shape}] holds ${size(shape)} elements, but ${data.length} are given`,
    );
  }
  return { shape, data: Float64Array.from(data) };
}

export const scalar = (value: number): Tensor => tensor([], [value]);

/** Element by element; y has the shape of x. */
export function map(x: Tensor, f: (value: number, index: number) => number): Tensor {
  return { shape: x.shape, data: x.data.map(f) };
}

/** [N, C, H, W] of an image tensor. Throws for any other number of axes. */
export function imageShape(x: Tensor): [n: number, c: number, h: number, w: number] {
  const [n, c, h, w] = x.shape;
  if (
    x.shape.length !== 4 ||
    n === undefined ||
    c === undefined ||
    h === undefined ||
    w === undefined
  ) {
    throw shapeError(`expected an image tensor [N, C, H, W], found [${x.shape}]`);
  }
  return [n, c, h, w];
}

/** [rows, columns] of a matrix. Throws for any other number of axes. */
export function matrixShape(x: Tensor): [rows: number, columns: number] {
  const [rows, columns] = x.shape;
  if (x.shape.length !== 2 || rows === undefined || columns === undefined) {
    throw shapeError(`expected a matrix [rows, columns], found [${x.shape}]`);
  }
  return [rows, columns];
}

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((length, axis) => length === b[axis]);

/** Throws unless a tensor has the shape it must have. */
export function expectShape(what: string, found: Tensor, expected: readonly number[]): void {
  if (!sameShape(found.shape, expected)) {
    throw shapeError(`${what} has shape [${found.shape}], expected [${expected}]`);
  }
}

/** The tensor of that name. Throws when there is none. */
export function need(tensors: Tensors, name: string): Tensor {
  const found = tensors[name];
  if (!found) throw new FathomError('reference-input', `the input "${name}" is missing`, { name });
  return found;
}

export function shapeError(rule: string): FathomError {
  return new FathomError('reference-shape', rule, { rule });
}
