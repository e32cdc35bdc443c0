/**
 * The whole configuration of an experiment, as it stands in a link, in `config.json` and in the
 * settings panel. Every field has a default, so `experimentConfig.parse({})` is the first screen.
 */
import { z } from 'zod';
import { FathomError } from '../errors.ts';
import { isNetworkId, parseNetworkId } from '../network/families.ts';
import { checkTrainable } from '../network/fit.ts';
import { networkSpec } from '../network/spec.ts';
import { PRECISIONS } from '../ops/tensor.ts';
import { SCHEDULES } from './schedule.ts';

/** Bounds of the numeric settings; forms, links and the command line all read them here. */
export const BOUNDS = {
  depth: { min: 8, max: 110, step: 6 },
  width: { min: 4, max: 64, step: 4 },
  size: { min: 8, max: 64, step: 4 },
  batch: { min: 2, max: 256, step: 2 },
  trainCount: { min: 0, max: 1_000_000, step: 100 },
  steps: { min: 1, max: 64_000, step: 1 },
  evalEvery: { min: 1, max: 10_000, step: 1 },
  learningRate: { min: 0, max: 10, step: 0.001 },
  warmup: { min: 0, max: 10_000, step: 1 },
  momentum: { min: 0, max: 0.999, step: 0.01 },
  weightDecay: { min: 0, max: 1, step: 0.0001 },
  pad: { min: 0, max: 8, step: 1 },
  resizeFrom: { min: 1, max: 4, step: 0.05 },
  resizeTo: { min: 1, max: 4, step: 0.05 },
  brightness: { min: 0, max: 1, step: 0.1 },
  contrast: { min: 0, max: 1, step: 0.1 },
  saturation: { min: 0, max: 1, step: 0.1 },
  cutout: { min: 0, max: 32, step: 2 },
  labelSmoothing: { min: 0, max: 0.9, step: 0.05 },
  clipNorm: { min: 0, max: 1000, step: 0.5 },
  seed: { min: 0, max: 4_294_967_295, step: 1 },
} as const;

/** As many networks train side by side at most. */
export const MOST_NETWORKS = 12;

/** The longest name of a network by hand. */
export const LONGEST_NAME = 24;

/** What a network by hand may be called: nothing that looks like one of the family. */
export const customName = z
  .string()
  .max(LONGEST_NAME)
  .regex(
    /^(?!(plain|residual)-\d)[A-Za-z0-9_-]+$/,
    'a name consists of letters, digits, _ and -, and begins neither with plain- nor with residual- and a digit',
  );

const isOfFamily = (id: string): boolean =>
  isNetworkId(id) && parseNetworkId(id).depth <= BOUNDS.depth.max;

/** One of the family, or the name of a network by hand. */
export const networkId = z
  .string()
  .refine((id) => isOfFamily(id) || customName.safeParse(id).success, {
    error: `expected plain-D or residual-D with D = 6n+2, at most ${BOUNDS.depth.max}, and variants such as .group_norm, or the name of a network by hand`,
  });

/** A network by hand that can train on the images it was made for. */
const customNetwork = networkSpec.superRefine((spec, context) => {
  try {
    checkTrainable(spec);
  } catch (error) {
    if (!(error instanceof FathomError)) throw error;
    context.addIssue(error.message);
  }
});

const int = ({ min, max }: { min: number; max: number }) => z.int().min(min).max(max);
const real = ({ min, max }: { min: number; max: number }) => z.number().min(min).max(max);

/** Settings that may change while networks train; the others need a reset. */
export const liveSettings = z.object({
  /** Peak learning rate of SGD. */
  learningRate: real(BOUNDS.learningRate).default(0.1),
  /** The first steps raise the learning rate linearly from lr/warmup. */
  warmup: int(BOUNDS.warmup).default(50),
  /** How the learning rate goes on after the warm-up; see `schedule.ts`. */
  schedule: z.enum(SCHEDULES).default('step'),
  /** Of SGD; Adam has its own. */
  momentum: real(BOUNDS.momentum).default(0.9),
  /** Looks ahead along the momentum (Sutskever et al. 2013). */
  nesterov: z.boolean().default(false),
  /** L2 penalty on all parameters, as in PyTorch's SGD; with AdamW decay of the weights themselves. */
  weightDecay: real(BOUNDS.weightDecay).default(1e-4),
  /** Training pictures are padded with zeros by this many pixels and cropped back at random; 0 is off. */
  pad: int(BOUNDS.pad).default(0),
  /** Training pictures are mirrored left-right with probability one half. */
  flip: z.boolean().default(true),
  /** The test set is evaluated every so many iterations, and at the end. */
  evalEvery: int(BOUNDS.evalEvery).default(50),
});

const settings = liveSettings.extend({
  version: z.literal(1).default(1),
  /** `builtin`, or the id of a data set that was opened from files. */
  data: z.string().default('builtin'),
  /** Pictures are resized to size×size. */
  size: int(BOUNDS.size).default(16),
  networks: z
    .array(networkId)
    .min(1)
    .max(MOST_NETWORKS)
    .refine((ids) => new Set(ids).size === ids.length, {
      error: 'a network may stand in the list once',
    })
    .default(['plain-20', 'plain-56', 'residual-20', 'residual-56']),
  /** Channels of the first stage; the others have 2× and 4× as many. */
  width: int(BOUNDS.width).multipleOf(4).default(8),
  shortcut: z.enum(['A', 'B']).default('A'),
  batch: int(BOUNDS.batch).default(32),
  /** Only so many training pictures are used, as many of each class; 0 is all. */
  trainCount: int(BOUNDS.trainCount).default(0),
  /** Training pictures are resized bilinearly, to a short side drawn in a range, and cropped at random. */
  resize: z.boolean().default(false),
  /** The range as multiples of `size`, in either order; the paper's 256 … 480 over its crop of 224. */
  resizeFrom: real(BOUNDS.resizeFrom).default(1.14),
  resizeTo: real(BOUNDS.resizeTo).default(2.14),
  /** Colours of training pictures are multiplied by a factor drawn on 1 ± this; 0 is off. */
  brightness: real(BOUNDS.brightness).default(0),
  contrast: real(BOUNDS.contrast).default(0),
  saturation: real(BOUNDS.saturation).default(0),
  /** Side of a square that is cut out of training pictures; 0 is off. */
  cutout: int(BOUNDS.cutout).default(0),
  optimizer: z.enum(['sgd', 'adam', 'adamw']).default('sgd'),
  /** ε of the smoothed targets: 1 − ε for the right class plus ε/K for all. 0 is off. */
  labelSmoothing: real(BOUNDS.labelSmoothing).default(0),
  /** Gradients are scaled down where their norm, all together, exceeds this. 0 is off. */
  clipNorm: real(BOUNDS.clipNorm).default(0),
  /** How activations and their gradients are stored; all else is f32. */
  storage: z.enum(PRECISIONS).default('f32'),
  /** Iterations each network trains. */
  steps: int(BOUNDS.steps).default(500),
  seed: int(BOUNDS.seed).default(1),
  /** Networks by hand, by name; `networks` says which of them take part. */
  custom: z.record(customName, customNetwork).default({}),
});

/** Names that take part and belong to no network. */
const strangers = ({ networks, custom }: z.infer<typeof settings>): string[] =>
  networks.filter((id) => !isNetworkId(id) && !Object.hasOwn(custom, id));

export const experimentConfig = settings.refine((config) => strangers(config).length === 0, {
  path: ['networks'],
  error: ({ input }) =>
    `no network by hand is called ${strangers(input as z.infer<typeof settings>).join(', ')}`,
});

export type ExperimentConfig = z.infer<typeof experimentConfig>;
export type LiveSettings = z.infer<typeof liveSettings>;
