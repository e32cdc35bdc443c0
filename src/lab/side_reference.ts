/**
 * What the float64 reference makes of networks that train side by side, from the weights that the kernels left: how they
 * do on the pictures, how far apart two of them are, and where the next step leads.
 */
import type { Evaluation } from '../engine/evaluate.ts';
import type { GpuNetwork } from '../engine/network.ts';
import { learnedOf, tensorsOf } from '../engine/tensors.ts';
import { predictReference, runReference, stepReference } from '../network/reference.ts';
import type { OptimizerState, ReferenceState } from '../network/reference.ts';
import type { NetworkSpec } from '../network/spec.ts';
import type { StepScalars } from '../ops/step.ts';
import { softmaxCrossEntropy } from '../reference/loss.ts';
import { tensor } from '../reference/tensor.ts';
import type { Tensor, Tensors } from '../reference/tensor.ts';
import { going } from './progress.ts';
import type { Progress } from './progress.ts';
import type { SideBySide } from './side_by_side.ts';

/** Pictures of a pass: what else the worker has to do waits for no more. */
const TOGETHER = 8;

/** A network as it stood at some step. */
export interface Standing extends ReferenceState {
  spec: NetworkSpec;
}

export const standingOf = async (network: GpuNetwork): Promise<Standing> => ({
  spec: network.spec,
  ...(await learnedOf(network)),
});

/**
 * Loss and error over all training pictures, in evaluation mode.
 *
 * @throws FathomError `given-up`
 */
export async function measureReference(
  side: SideBySide,
  { spec, ...state }: Standing,
  progress: Progress,
): Promise<Evaluation> {
  const { count } = side.dataset.train;
  let [loss, wrong] = [0, 0];
  for (let from = 0; from < count; from += TOGETHER) {
    const length = Math.min(TOGETHER, count - from);
    const { x, labels } = await side.pictures(Uint32Array.from({ length }, (_, i) => from + i));
    const logits = predictReference(spec, state, x, { training: false });
    const given = { logits, labels: tensor([length], labels) };
    const { y } = softmaxCrossEntropy.forward({ reduction: 'sum', label_smoothing: 0 }, given);
    loss += y?.data[0] ?? NaN;
    labels.forEach((label, n) => {
      const own = logits.data.subarray(n * spec.classes, (n + 1) * spec.classes);
      wrong += Number(own.indexOf(Math.max(...own)) !== label);
    });
    await going(progress, from + length, count);
  }
  return { loss: loss / count, error: wrong / count };
}

/** Logits of the pictures that {@link SideBySide.logits} are of. */
export async function logitsReference(
  side: SideBySide,
  { spec, ...state }: Standing,
  training: boolean,
): Promise<Tensor> {
  const { x } = await side.pictures(side.firstBatch);
  return predictReference(spec, state, x, { training });
}

/** A network and its optimizer before a step of SGD. */
export interface BeforeStep extends Standing {
  velocities: Tensors;
}

export const beforeStepOf = async (network: GpuNetwork): Promise<BeforeStep> => {
  const [velocities = new Map<string, Float32Array>()] = await network.readMoments();
  return { ...(await standingOf(network)), velocities: tensorsOf(network, velocities) };
};

/** All parameters after a training step on these pictures. */
export function stepped(
  { spec, velocities, ...state }: BeforeStep,
  { x, labels }: { x: Tensor; labels: ArrayLike<number> },
  { learningRate, weightDecay, momentum, nesterov }: StepScalars,
): Tensors {
  const { gradients } = runReference(spec, state, x, labels);
  const kept: OptimizerState = Object.fromEntries(
    Object.entries(velocities).map(([name, momentum_buffer]) => [name, { momentum_buffer }]),
  );
  const rates = { lr: learningRate, weight_decay: weightDecay, momentum, nesterov };
  return stepReference(state.parameters, gradients, kept, rates).parameters;
}
