/** Adam and AdamW over all parameters at once; see `shaders/optimizer.wgsl`. */
import { z } from 'zod';
import { ceilDiv, grid, read, uniform, update } from './op.ts';
import type { KernelCall } from './op.ts';
import { storedElements } from './tensor.ts';
import type { Tensor } from './tensor.ts';

const decay = z.number().gt(0).lt(1);

export const adamParams = z.object({
  /** How much of the mean and of the mean square of gradients is kept each step. */
  betas: z.tuple([decay, decay]).default([0.9, 0.999]),
  eps: z.number().positive().default(1e-8),
  /** AdamW: weight decay acts on the weights and not on the gradient. */
  decoupled: z.boolean().default(false),
});
export type AdamParams = z.infer<typeof adamParams>;

/**
 * One update of `weight` and of both moments (flat, equal sizes) by `gradient`. The step's number counts
 * from 0, and both moments are zero before step 0.
 */
export function adamCall(
  weight: Tensor,
  firstMoment: Tensor,
  secondMoment: Tensor,
  gradient: Tensor,
  step: Tensor,
  { betas: [BETA1, BETA2], eps: EPS, decoupled: DECOUPLED }: AdamParams,
): KernelCall {
  const SIZE4 = storedElements(weight) / 4;
  return {
    shader: 'optimizer',
    entry: 'adam',
    constants: {
      SIZE4,
      BETA1,
      BETA2,
      LOG_BETA1: Math.log(BETA1),
      LOG_BETA2: Math.log(BETA2),
      EPS,
      DECOUPLED,
    },
    bindings: [
      update(weight),
      update(firstMoment),
      update(secondMoment),
      read(gradient),
      uniform(step),
    ],
    workgroups: grid(ceilDiv(SIZE4, 64)),
    flops: SIZE4 * 4 * 15,
  };
}
