/** An op's float64 reference, run as the op itself is run: the tests and the chapters hold the kernels to it. */
import { streamOf } from '../random.ts';
import { drawMask } from '../reference/dropout.ts';
import { need } from '../reference/tensor.ts';
import type { Tensor, Tensors } from '../reference/tensor.ts';
import type { Op } from './op.ts';

export interface ReferenceRun {
  /** By the reference's names; the op's result is `y`. */
  outputs: Tensors;
  /** dL/d of the inputs by name; empty without `gradOutput`. */
  grads: Tensors;
}

export interface ReferenceOptions {
  gradOutput?: Tensor | undefined;
  training?: boolean;
  /** Key of a dropout's mask that is not among the inputs. */
  draw?: { seed: number; iteration: number } | undefined;
}

/** An op's parameters as its reference takes them; `training` only where there are two modes. */
export function referenceParams(
  { reference }: Op,
  params: Record<string, unknown>,
  training = true,
): unknown {
  const modal = reference.params.safeParse({ ...params, training });
  return modal.success ? modal.data : reference.params.parse(params);
}

/** Runs an op's reference forward and, given dL/dy, backward. Throws when a shape or parameter does not fit. */
export function runReference(
  op: Op,
  params: Record<string, unknown>,
  inputs: Tensors,
  { gradOutput, training = true, draw }: ReferenceOptions = {},
): ReferenceRun {
  const settings = referenceParams(op, params, training);
  const given = draw && training ? withMask(op, settings, inputs, draw) : inputs;
  const outputs = op.reference.forward(settings, given);
  const grads = (gradOutput && op.reference.backward?.(settings, given, outputs, gradOutput)) ?? {};
  return { outputs, grads };
}

/** Adds the mask that the kernels draw for an op that is run by its own name. */
function withMask(
  { name }: Op,
  params: unknown,
  inputs: Tensors,
  draw: { seed: number; iteration: number },
): Tensors {
  if (!(name === 'dropout' || name === 'dropout2d') || inputs.mask) return inputs;
  const { drop_probability } = params as { drop_probability: number };
  const { shape } = need(inputs, 'x');
  const mask = drawMask(name === 'dropout' ? shape : shape.slice(0, 2), drop_probability, {
    ...draw,
    stream: streamOf(name),
  });
  return { ...inputs, mask };
}
