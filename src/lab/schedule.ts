/** The learning rate over the iterations of a run. */
export const SCHEDULES = ['constant', 'step', 'cosine', 'linear', 'one_cycle'] as const;

export interface RateSettings {
  /** The peak. */
  learningRate: number;
  /** Iterations. */
  warmup: number;
  schedule: (typeof SCHEDULES)[number];
}

/** One cycle begins at this part of the peak, and ends at this part of where it began. */
const CYCLE_START = 1 / 25;
const CYCLE_END = 1e-4;
/** The part of the iterations in which one cycle rises, where no warm-up says otherwise. */
const CYCLE_RISE = 0.3;

/** From a to b along a half cosine; `progress` from 0 to 1. */
const halfCosine = (a: number, b: number, progress: number): number =>
  b + ((a - b) * (1 + Math.cos(Math.PI * progress))) / 2;

/**
 * Learning rate of iteration `t` (0-based) of `steps`. All rise over the first `warmup` iterations, linearly from
 * lr/warmup to the peak lr (Goyal et al. 2017, section 2.2); then, with p from 0 to 1 over the rest,
 *
 * - `constant`: lr
 * - `step`: lr, and a tenth of it from three quarters of all iterations on
 * - `cosine`: lr·(1 + cos πp)/2 (Loshchilov & Hutter 2016, eq. 5)
 * - `linear`: lr·(1 − p)
 * - `one_cycle`: from lr/25 to lr, and on to lr/250,000, both along half a cosine (Smith 2018; the figures are
 *   PyTorch's OneCycleLR). Its rise is its warm-up: `warmup` iterations, or three tenths of all with 0.
 */
export function learningRateAt(
  { learningRate: lr, warmup, schedule }: RateSettings,
  t: number,
  steps: number,
): number {
  const rise = schedule === 'one_cycle' && warmup === 0 ? CYCLE_RISE * steps - 1 : warmup;
  const progress = Math.min(1, Math.max(0, (t - rise) / Math.max(1, steps - 1 - rise)));
  if (schedule === 'one_cycle') {
    return t < rise
      ? halfCosine(lr * CYCLE_START, lr, t / rise)
      : halfCosine(lr, lr * CYCLE_START * CYCLE_END, progress);
  }
  if (t < warmup) return (lr * (t + 1)) / warmup;
  switch (schedule) {
    case 'constant':
      return lr;
    case 'step':
      return t >= 0.75 * steps ? lr / 10 : lr;
    case 'cosine':
      return halfCosine(lr, 0, (t - warmup) / Math.max(1, steps - warmup));
    case 'linear':
      return lr * (1 - (t - warmup) / Math.max(1, steps - warmup));
  }
}
