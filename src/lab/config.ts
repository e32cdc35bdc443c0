/**
 * The whole configuration of an experiment, as it stands in a link, in `config.json` and in the
 * settings panel. Every field has a default, so `experimentConfig.parse({})` is the first screen.
 */
import { z } from 'zod';
import { isCifarDepth, parseNetworkId } from '../network/families.ts';

/** Bounds of the numeric settings; forms, links and the command line all read them here. */
export const BOUNDS = {
  depth: { min: 8, max: 110, step: 6 },
  width: { min: 4, max: 64, step: 4 },
  size: { min: 8, max: 64, step: 4 },
  batch: { min: 4, max: 256, step: 4 },
  steps: { min: 1, max: 64_000, step: 1 },
  evalEvery: { min: 1, max: 10_000, step: 1 },
  learningRate: { min: 0, max: 10, step: 0.001 },
  warmup: { min: 0, max: 10_000, step: 1 },
  momentum: { min: 0, max: 0.999, step: 0.01 },
  weightDecay: { min: 0, max: 1, step: 0.0001 },
  pad: { min: 0, max: 8, step: 1 },
  seed: { min: 0, max: 4_294_967_295, step: 1 },
} as const;

export const networkId = z.string().refine(
  (id) => {
    try {
      const { depth } = parseNetworkId(id);
      return depth <= BOUNDS.depth.max;
    } catch {
      return false;
    }
  },
  { error: `expected plain-D or residual-D with D = 6n+2, at most ${BOUNDS.depth.max}` },
);

const int = ({ min, max }: { min: number; max: number }) => z.int().min(min).max(max);
const real = ({ min, max }: { min: number; max: number }) => z.number().min(min).max(max);

/** Settings that may change while networks train; the others need a reset. */
export const liveSettings = z.object({
  /** Peak learning rate of SGD. */
  learningRate: real(BOUNDS.learningRate).default(0.1),
  /** The first steps raise the learning rate linearly from lr/warmup. */
  warmup: int(BOUNDS.warmup).default(50),
  /** `constant`, or a tenth from three quarters of the steps on (`step`), or a half cosine to zero. */
  schedule: z.enum(['constant', 'step', 'cosine']).default('step'),
  momentum: real(BOUNDS.momentum).default(0.9),
  /** L2 penalty on all parameters, as in PyTorch's SGD. */
  weightDecay: real(BOUNDS.weightDecay).default(1e-4),
  /** Training pictures are padded with zeros by this many pixels and cropped back at random; 0 is off. */
  pad: int(BOUNDS.pad).default(0),
  /** Training pictures are mirrored left-right with probability one half. */
  flip: z.boolean().default(true),
  /** The test set is evaluated every so many iterations, and at the end. */
  evalEvery: int(BOUNDS.evalEvery).default(50),
});

export const experimentConfig = liveSettings.extend({
  version: z.literal(1).default(1),
  /** `builtin`, or the id of a data set that was opened from files. */
  data: z.string().default('builtin'),
  /** Pictures are resized to size×size. */
  size: int(BOUNDS.size).default(16),
  networks: z
    .array(networkId)
    .min(1)
    .max(12)
    .refine((ids) => new Set(ids).size === ids.length, {
      error: 'a network may stand in the list once',
    })
    .default(['plain-20', 'plain-56', 'residual-20', 'residual-56']),
  /** Channels of the first stage; the others have 2× and 4× as many. */
  width: int(BOUNDS.width).multipleOf(4).default(8),
  shortcut: z.enum(['A', 'B']).default('A'),
  batch: int(BOUNDS.batch).default(32),
  /** Iterations each network trains. */
  steps: int(BOUNDS.steps).default(500),
  seed: int(BOUNDS.seed).default(1),
});

export type ExperimentConfig = z.infer<typeof experimentConfig>;
export type LiveSettings = z.infer<typeof liveSettings>;

export { isCifarDepth };

/**
 * Learning rate of iteration `t` (0-based) of `steps`: linear warm-up from lr/warmup to lr over the
 * first `warmup` iterations, then the schedule.
 */
export function learningRateAt(settings: LiveSettings, t: number, steps: number): number {
  const { learningRate: lr, warmup, schedule } = settings;
  if (t < warmup) return (lr * (t + 1)) / warmup;
  if (schedule === 'step') return t >= 0.75 * steps ? lr / 10 : lr;
  if (schedule === 'cosine') {
    const progress = Math.min(1, (t - warmup) / Math.max(1, steps - warmup));
    return (lr * (1 + Math.cos(Math.PI * progress))) / 2;
  }
  return lr;
}
