/**
 * What a reference op is: its parameters, the names of its inputs, and two pure functions.
 *
 * Nothing is saved between the passes: `backward` computes again what it needs. That costs time and
 * buys functions which can be read and tested on their own.
 */
import { z } from 'zod';
import type { Tensor, Tensors } from './tensor.ts';

export interface ReferenceOp<P extends z.ZodType = z.ZodType> {
  /** Parameters, named as in `torch.nn.functional`; unknown ones are refused. */
  readonly params: P;
  /** Inputs that must be given. Absent where any number of inputs under any names will do. */
  readonly inputs?: readonly string[];
  /** Inputs that may be given. */
  readonly optional?: readonly string[];
  /** Results by name; the first result of a differentiable op is called `y`. */
  forward(params: z.output<P>, inputs: Tensors): Tensors;
  /**
   * Gradients of the loss L with respect to the inputs, by their names, from
   * gradOutput = dL/dy, which has the shape of y. Absent where nothing is differentiable.
   */
  backward?(params: z.output<P>, inputs: Tensors, outputs: Tensors, gradOutput: Tensor): Tensors;
}

/** Checks an op's types where it is written. */
export function defineOp<P extends z.ZodType>(op: ReferenceOp<P>): ReferenceOp<P> {
  return op;
}

/** An op that has no parameters. */
export const noParams = z.strictObject({});

const atLeast = (least: number) => z.int().min(least);

/** [height, width], or one number for both. */
export const pair = (least: number) =>
  z
    .union([atLeast(least), z.tuple([atLeast(least), atLeast(least)])])
    .transform((value): [number, number] => (typeof value === 'number' ? [value, value] : value));

/**
 * Rows and columns of zeros around an image: one number, [height, width] or [top, left, bottom, right];
 * `valid` is none; `same` depends on the image and is left to the op.
 */
export const padding2d = z
  .union([
    z.enum(['same', 'valid']),
    atLeast(0),
    z.tuple([atLeast(0), atLeast(0)]),
    z.tuple([atLeast(0), atLeast(0), atLeast(0), atLeast(0)]),
  ])
  .transform((value): [top: number, left: number, bottom: number, right: number] | 'same' => {
    if (value === 'same') return value;
    if (value === 'valid') return [0, 0, 0, 0];
    if (typeof value === 'number') return [value, value, value, value];
    if (value.length === 2) return [value[0], value[1], value[0], value[1]];
    return value;
  });
