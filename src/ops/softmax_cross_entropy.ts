/**
 * Softmax cross-entropy, mean over the batch; see `shaders/loss.wgsl`. It ends the forward pass and
 * starts the backward pass, so it stands beside the op table rather than in it.
 */
import { ceilDiv, read, uniform, write } from './op.ts';
import type { Emitter } from './op.ts';
import { imageDims, quads } from './tensor.ts';
import type { Tensor } from './tensor.ts';

export interface LossTensors {
  /** [N, K] softmax of the logits. */
  probabilities: Tensor;
  /** (mean loss, number of wrong answers) over the first `step.valid` samples. */
  summary: Tensor;
}

/** Dispatches loss, number of errors and probabilities of logits [N, K] against labels [N]. */
export function emitLoss(emit: Emitter, logits: Tensor, labels: Tensor): LossTensors {
  const [N, K] = imageDims(logits.shape);
  const probabilities = emit.transient('probabilities', logits.shape, 'image');
  const summary = emit.transient('loss', [2], 'flat');
  emit.dispatch({
    shader: 'loss',
    entry: 'softmax_cross_entropy',
    constants: { N, K, K4: quads(K) },
    bindings: [
      read(logits),
      read(labels),
      write(probabilities),
      write(summary),
      uniform(emit.step),
    ],
    workgroups: [1, 1, 1],
  });
  return { probabilities, summary };
}

/** Dispatches dL/dlogits. */
export function emitLossGradient(
  emit: Emitter,
  { probabilities }: LossTensors,
  labels: Tensor,
): Tensor {
  const [N, K] = imageDims(probabilities.shape);
  const dlogits = emit.transient('d(logits)', probabilities.shape, 'image');
  emit.dispatch({
    shader: 'loss',
    entry: 'softmax_cross_entropy_grad',
    constants: { N, K4: quads(K) },
    bindings: [read(probabilities), read(labels), write(dlogits), uniform(emit.step)],
    workgroups: [ceilDiv(N * quads(K), 64), 1, 1],
  });
  return dlogits;
}
