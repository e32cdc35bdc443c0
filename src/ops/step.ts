/** Scalars of one step in the order of `struct Step` in `shaders/step.wgsl`. */
import type { Tensor } from './tensor.ts';

export interface StepScalars {
  learningRate: number;
  momentum: number;
  weightDecay: number;
  nesterov: boolean;
  seed: number;
  iteration: number;
  valid: number;
  pad: number;
  flip: boolean;
  /** The norm of all gradients together is clipped to this, where clipping is on. */
  maxNorm: number;
}

/** Bytes of the uniform buffer. */
export const STEP_BYTES = 48;

/** The tensor that stands for the scalars of the current step in every dispatch. */
export const STEP: Tensor = {
  name: 'step',
  shape: [STEP_BYTES / 4],
  layout: 'flat',
  storage: 'external',
};

/** Writes the scalars into a buffer of {@link STEP_BYTES} seen as floats and as integers. */
export function writeStep(scalars: StepScalars, floats: Float32Array, integers: Uint32Array): void {
  floats[0] = scalars.learningRate;
  floats[1] = scalars.momentum;
  floats[2] = scalars.weightDecay;
  integers[3] = Number(scalars.nesterov);
  integers[4] = scalars.seed;
  integers[5] = scalars.iteration;
  integers[6] = scalars.valid;
  integers[7] = scalars.pad;
  integers[8] = Number(scalars.flip);
  floats[9] = scalars.maxNorm;
}
