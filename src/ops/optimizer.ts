/** Updates of all parameters at once, and the clipping of their gradients; see `shaders/optimizer.wgsl`. */
import { ceilDiv, grid, read, uniform, update, write } from './op.ts';
import type { Emitter, KernelCall } from './op.ts';
import { emitStretchSums } from './reduce.ts';
import { storedElements } from './tensor.ts';
import type { Tensor } from './tensor.ts';

export interface AdamParams {
  /** How much of the mean and of the mean square of gradients is kept each step. */
  betas: readonly [first: number, second: number];
  eps: number;
  /** AdamW: weight decay acts on the weights and not on the gradient. */
  decoupled: boolean;
}

/** How weights follow their gradients; rates and decay are scalars of the step. */
export type Optimizer = { kind: 'sgd' } | ({ kind: 'adam' } & AdamParams);

/** A stretch of parameters that are neighbours in memory, flat, all of equal size. */
export interface Update {
  weight: Tensor;
  gradient: Tensor;
  /** SGD's velocity, Adam's first moment. */
  first: Tensor;
  /** Adam's second moment. */
  second?: Tensor;
  /** How many updates Adam has made, for each vec4: parameters of a cut shortcut miss some. */
  updates?: Tensor;
}

/**
 * One update of a stretch.
 *
 * @param clip what {@link emitClip} returned, where gradients are clipped
 * @param lossScale where gradients had one: the update is left out if one of them is not finite
 */
export function optimizerCall(
  optimizer: Optimizer,
  { weight, gradient, first, second, updates }: Update,
  step: Tensor,
  clip?: Tensor,
  lossScale?: Tensor,
): KernelCall {
  const SIZE4 = storedElements(weight) / 4;
  const variant = { CLIP: clip !== undefined, CHECKED: lossScale !== undefined };
  const tail = [
    read(gradient),
    uniform(step),
    ...(clip ? [read(clip)] : []),
    ...(lossScale ? [read(lossScale)] : []),
  ];
  const workgroups = grid(ceilDiv(SIZE4, 64));
  if (optimizer.kind === 'sgd') {
    return {
      shader: 'optimizer',
      entry: 'sgd',
      constants: { SIZE4, ...variant },
      bindings: [update(weight), update(first), ...tail],
      workgroups,
      flops: SIZE4 * 4 * 6,
    };
  }
  if (!second || !updates) throw new Error('Adam keeps a second moment and counts its updates');
  const {
    betas: [BETA1, BETA2],
    eps: EPS,
    decoupled: DECOUPLED,
  } = optimizer;
  return {
    shader: 'optimizer',
    entry: 'adam',
    constants: {
      SIZE4,
      BETA1,
      BETA2,
      LOG_BETA1: logarithm(BETA1),
      LOG_BETA2: logarithm(BETA2),
      EPS,
      DECOUPLED,
      ...variant,
    },
    bindings: [update(weight), update(first), update(second), update(updates), ...tail],
    workgroups,
    flops: SIZE4 * 4 * 15,
  };
}

/** log β, or what stands for it where β is 0: a constant of WGSL is finite. */
const logarithm = (beta: number): number => Math.max(Math.log(beta), -1e6);

/** Dispatches the norm of all gradients together and what they are to be multiplied with: [norm, factor]. */
export function emitClip(emit: Emitter, gradients: readonly Tensor[]): Tensor {
  const { partial, COUNT } = emitStretchSums(emit, 'squares of gradients', gradients, 2, (at) => ({
    shader: 'optimizer',
    entry: 'sum_squares',
    bindings: [read(at.stretch), update(at.partial)],
    flops: 8 * storedElements(at.stretch),
  }));
  const clip = emit.transient('clip', [2], 'flat');
  emit.dispatch({
    shader: 'optimizer',
    entry: 'clip_scale',
    constants: { COUNT },
    bindings: [read(partial), write(clip), uniform(emit.step)],
    workgroups: [1, 1, 1],
  });
  return clip;
}
