/** A network's loss and error over a whole data set. */
import type { StepScalars } from '../ops/step.ts';
import type { Mode } from './graph/lower.ts';
import type { GpuNetwork } from './network.ts';

export interface Evaluation {
  /** Mean cross-entropy over all pictures. */
  loss: number;
  /** Share of wrong answers. */
  error: number;
}

export interface EvaluateOptions {
  /** Pictures of the test set. */
  count: number;
  /** Which of them; the first `count` where nothing is said. */
  pictures?: Uint32Array;
  /** Seed and iteration matter where dropout is left on; the rest is not read. */
  scalars: StepScalars;
  /** The summaries take ⌈count / batch⌉ slots from here on. */
  firstSlot?: number;
  /** `monte_carlo` leaves dropout on, `batch_statistics` normalizes by the batch. */
  mode?: Exclude<Mode, 'train'>;
  /** Told after each pass how many are done, and waited for; evaluation is given up when it answers false. */
  onPass?: (done: number, total: number) => boolean | Promise<boolean>;
  /** Submits of one pass. */
  submits?: number;
}

/** So many passes wait in the GPU's queue at most. */
const PASSES_IN_FLIGHT = 2;

/**
 * Evaluates in batches; the last, partial one counts as many pictures as it holds, so that the result is the
 * same whatever the batch. Null when it was given up.
 */
export async function evaluate(
  network: GpuNetwork,
  options: EvaluateOptions,
): Promise<Evaluation | null> {
  const { count, pictures, scalars, firstSlot = 0, mode = 'evaluate', onPass, submits } = options;
  const { batch } = network.options;
  const total = Math.ceil(count / batch);
  const indices = new Uint32Array(batch);
  const queue: Promise<undefined>[] = [];
  const validIn = (b: number) => Math.min(batch, count - b * batch);
  for (let b = 0; b < total; b++) {
    // The rest of a partial batch repeats the last picture and counts nothing.
    for (let i = 0; i < batch; i++) {
      const place = Math.min(b * batch + i, count - 1);
      indices[i] = pictures ? (pictures[place] ?? 0) : place;
    }
    // Each batch draws masks of its own.
    const iteration = mode === 'monte_carlo' ? scalars.iteration + b : scalars.iteration;
    const own = { ...scalars, iteration, valid: validIn(b) };
    network.run(mode, own, firstSlot + b, indices, submits);
    queue.push(network.gpu.device.queue.onSubmittedWorkDone());
    if (queue.length > PASSES_IN_FLIGHT) await queue.shift();
    if ((await onPass?.(b + 1, total)) === false) return null;
  }
  const summaries = await network.readSummaries(firstSlot, total);
  const sums = { loss: 0, error: 0 };
  for (const [b, { loss, errors }] of summaries.entries()) {
    sums.loss += loss * validIn(b);
    sums.error += errors;
  }
  return { loss: sums.loss / count, error: sums.error / count };
}
