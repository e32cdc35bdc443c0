/** The scalars of a pass, from a configuration. */
import type { StepScalars } from '../ops/step.ts';
import type { ExperimentConfig } from './config.ts';
import { learningRateAt } from './schedule.ts';

/** Of a step that learns nothing, and of evaluation. */
export function stepScalars({ seed, batch }: ExperimentConfig): StepScalars {
  return {
    learningRate: 0,
    momentum: 0,
    weightDecay: 0,
    nesterov: false,
    seed,
    iteration: 0,
    valid: batch,
    pad: 0,
    flip: false,
    maxNorm: 0,
  };
}

/** Of training iteration `t`, written into `into`: a new object where none is given. */
export function scalarsAt(
  config: ExperimentConfig,
  t: number,
  into: StepScalars = stepScalars(config),
): StepScalars {
  const { momentum, nesterov, weightDecay, pad, flip, steps, clipNorm, batch } = config;
  return Object.assign(into, {
    learningRate: learningRateAt(config, t, steps),
    momentum,
    nesterov,
    weightDecay,
    iteration: t,
    valid: batch,
    pad,
    flip,
    maxNorm: clipNorm,
  });
}
