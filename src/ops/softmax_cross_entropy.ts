/**
 * Softmax cross-entropy, mean over the batch; see `shaders/loss.wgsl`. It ends the forward pass and
 * starts the backward pass, so it stands beside the op table rather than in it.
 */
import { ceilDiv, grid, read, uniform, write } from './op.ts';
import type { Emitter } from './op.ts';
import { imageDims, quads } from './tensor.ts';
import type { Tensor } from './tensor.ts';

export interface LossParams {
  /** Over the batch; `sum` leaves out the division by the number of samples. */
  reduction: 'mean' | 'sum';
  /** ε of Szegedy et al. 2016, section 7: the target is 1 − ε at the label plus ε/K everywhere. */
  label_smoothing: number;
}

const DEFAULTS: LossParams = { reduction: 'mean', label_smoothing: 0 };

export interface LossTensors {
  /** [N, K] softmax of the logits. */
  probabilities: Tensor;
  /** [N, K] their logarithms, which do not vanish where probabilities do. */
  logProbabilities: Tensor;
  /** (loss, number of wrong answers) over the first `step.valid` samples. */
  summary: Tensor;
}

/** Dispatches loss, number of errors and probabilities of logits [N, K] against labels [N]. */
export function emitLoss(
  emit: Emitter,
  logits: Tensor,
  labels: Tensor,
  params: Partial<LossParams> = {},
): LossTensors {
  const [N, K] = imageDims(logits.shape);
  const probabilities = emit.transient('probabilities', logits.shape, 'image', 32);
  const logProbabilities = emit.transient('log probabilities', logits.shape, 'image', 32);
  const summary = emit.transient('loss', [2], 'flat');
  emit.dispatch({
    shader: 'loss',
    entry: 'softmax_cross_entropy',
    constants: { N, K, K4: quads(K), ...lossConstants(params) },
    bindings: [
      read(logits),
      read(labels),
      write(probabilities),
      write(logProbabilities),
      write(summary),
      uniform(emit.step),
    ],
    workgroups: [1, 1, 1],
  });
  return { probabilities, logProbabilities, summary };
}

/** Dispatches dL/dlogits, times the loss scale where there is one. */
export function emitLossGradient(
  emit: Emitter,
  { probabilities }: LossTensors,
  labels: Tensor,
  params: Partial<LossParams> = {},
): Tensor {
  const [N, K] = imageDims(probabilities.shape);
  const dlogits = emit.transient('d(logits)', probabilities.shape, 'image', 32);
  emit.dispatch({
    shader: 'loss',
    entry: 'softmax_cross_entropy_grad',
    constants: {
      N,
      K,
      K4: quads(K),
      ...lossConstants(params),
      SCALED: emit.lossScale !== undefined,
    },
    bindings: [
      read(probabilities),
      read(labels),
      write(dlogits),
      uniform(emit.step),
      ...(emit.lossScale ? [read(emit.lossScale)] : []),
    ],
    workgroups: grid(ceilDiv(N * quads(K), 64)),
  });
  return dlogits;
}

function lossConstants(params: Partial<LossParams>) {
  const { reduction, label_smoothing } = { ...DEFAULTS, ...params };
  return { MEAN: reduction === 'mean', SMOOTHING: label_smoothing };
}
