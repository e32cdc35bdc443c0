/** From the time of two training steps to that of a third on the same device. */

/** The networks that are timed. What a block costs, work and dispatches, is their difference. */
export const TIMED = ['residual-8', 'residual-14'] as const;

/** A network's training step: its work and its time. */
export interface TimedStep {
  flops: number;
  milliseconds: number;
}

/** Follows the line through two steps to the work of a third; milliseconds. */
export function extrapolate(a: TimedStep, b: TimedStep, flops: number): number {
  // Noise may turn the line down: more work never takes less time.
  const slope = Math.max(0, (b.milliseconds - a.milliseconds) / (b.flops - a.flops));
  return b.milliseconds + slope * (flops - b.flops);
}
