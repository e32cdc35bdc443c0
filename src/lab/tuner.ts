/**
 * Which variants of the kernels are best on a device, found by trying: with each, a small network takes a step whose
 * gradients are held to the float64 reference, and a step of the size that is trained is timed.
 */
import { Gpu } from '../engine/gpu/gpu.ts';
import { GpuNetwork } from '../engine/network.ts';
import { learnedOf, tensorsOf } from '../engine/tensors.ts';
import { cifarNetwork } from '../network/families.ts';
import { runReference } from '../network/reference.ts';
import { TUNING_NAMES, candidatesFor } from '../ops/tuning.ts';
import type { AdapterTraits, TuningName } from '../ops/tuning.ts';
import { normal } from '../random.ts';
import { compareTensor, largest } from '../reference/compare.ts';
import type { ExperimentConfig } from './config.ts';
import { timeNetwork } from './expectation.ts';
import type { DataShape } from './networks.ts';

export interface Trial {
  tuning: TuningName;
  /** Of one training step of {@link TRIED}; null where the kernels are wrong. */
  milliseconds: number | null;
  /** The largest error of a gradient, in units of what is allowed: 1 or less passes. */
  error: number;
  /** What the adapter refused, where it did. */
  failure?: string;
}

/** The network whose steps are timed. */
export const TRIED = 'residual-8';

/** Allowed is an error of this share of the largest value of a gradient. */
const TOLERANCE = 2e-4;
/** Another tuning has to be faster by this share than the first: less is noise. */
const MARGIN = 0.05;

/** The network whose gradients are held to the reference; wide enough for blocks of several vec4s, and for Winograd's way in every tuning. */
const CHECKED = cifarNetwork({
  depth: 8,
  residual: true,
  shortcut: 'B',
  width: 16,
  input: { channels: 3, height: 8, width: 8 },
  classes: 10,
});
const BATCH = 4;
const PIXELS = BATCH * 3 * 8 * 8;

/**
 * Tries one tuning after the other; stop it by leaving the loop.
 *
 * @param config its width, batch and recipe are those of the step that is timed
 */
export async function* tryTunings(
  device: GPUDevice,
  tunings: readonly TuningName[],
  config: ExperimentConfig,
  data: DataShape,
): AsyncGenerator<Trial, void> {
  for (const tuning of tunings) {
    const gpu = new Gpu(device, tuning);
    try {
      const error = await gradientError(gpu);
      const timed = error <= 1 ? await timeNetwork(gpu, TRIED, config, data) : null;
      yield { tuning, milliseconds: timed?.milliseconds ?? null, error };
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      yield { tuning, milliseconds: null, error: Infinity, failure };
    }
  }
}

/** The fastest of those that are right; the first of them, unless another is clearly faster. Null where none is. */
export function fastest(trials: readonly Trial[]): TuningName | null {
  const [first, ...others] = trials.flatMap(({ tuning, milliseconds }) =>
    milliseconds === null ? [] : [{ tuning, milliseconds }],
  );
  if (!first) return null;
  const threshold = first.milliseconds * (1 - MARGIN);
  const faster = others.filter(({ milliseconds }) => milliseconds < threshold);
  return (faster.toSorted((a, b) => a.milliseconds - b.milliseconds)[0] ?? first).tuning;
}

async function gradientError(gpu: Gpu): Promise<number> {
  const images = Float64Array.from({ length: PIXELS }, (_, i) => Math.fround(normal(1, 0, i)));
  const labels = Array.from({ length: BATCH }, (_, i) => i);
  const network = await GpuNetwork.create(gpu, CHECKED, {
    batch: BATCH,
    seed: 1,
    rewirable: false,
  });
  try {
    const learned = await learnedOf(network);
    const x = { shape: [BATCH, 3, 8, 8], data: images };
    const want = runReference(CHECKED, learned, x, labels).gradients;

    network.writeBatch(images, Uint32Array.from(labels));
    network.run('train', STANDING_STILL, 0);
    const got = tensorsOf(network, await network.readGradients());
    return Math.max(
      ...Object.entries(want).map(
        ([name, value]) =>
          compareTensor(name, got[name], value, TOLERANCE * largest(value) || TOLERANCE).ratio,
      ),
    );
  } finally {
    network.destroy();
  }
}

/** A step that changes no weight. */
const STANDING_STILL = {
  learningRate: 0,
  momentum: 0,
  weightDecay: 0,
  nesterov: false,
  seed: 1,
  iteration: 0,
  valid: BATCH,
  pad: 0,
  flip: false,
  maxNorm: 0,
};

/** What a reader pinned, and what was found fastest on each adapter, by {@link adapterKey}. */
export interface TuningWishes {
  pinned: TuningName | null;
  measured: Readonly<Record<string, TuningName>>;
}

/** The tuning in use, and why. */
export interface TuningChoice {
  tuning: TuningName;
  reason: 'pinned' | 'measured' | 'adapter';
  /** Worth trying on this adapter. */
  candidates: TuningName[];
  adapter: string;
}

/** The same for adapters that run kernels alike. */
export const adapterKey = (adapter: Record<'vendor' | 'architecture' | 'description', string>) =>
  [adapter.vendor, adapter.architecture, adapter.description].join('/');

/** What is pinned, or else was found fastest here, or else suits adapters of this kind. */
export function chooseTuning(
  adapter: AdapterTraits & Parameters<typeof adapterKey>[0],
  { pinned, measured }: TuningWishes,
): TuningChoice {
  const candidates = candidatesFor(adapter);
  const key = adapterKey(adapter);
  const found = TUNING_NAMES.find((name) => name === measured[key]);
  const choice = { candidates, adapter: key };
  if (pinned) return { ...choice, tuning: pinned, reason: 'pinned' };
  if (found) return { ...choice, tuning: found, reason: 'measured' };
  return { ...choice, tuning: candidates[0], reason: 'adapter' };
}
