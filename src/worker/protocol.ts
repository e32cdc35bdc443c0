/**
 * What page and worker say to each other: one discriminated union each way.
 *
 * The page sends {@link Command}s and never waits for an answer; the worker posts {@link Event}s.
 * All heavy work (parsing, WebGPU, training) happens behind this line.
 */
import type { ExperimentConfig, LiveSettings } from '../lab/config.ts';
import type { ChannelStatistics, LoadProgress } from '../data/dataset.ts';

/** How fast the lab goes: as the GPU allows, or one layer at a time for teaching. */
export type Pace = { kind: 'full' } | { kind: 'slow'; millisecondsPerLayer: number };

export type Command =
  /** Build networks and data for this configuration, compile, stop at iteration 0. */
  | { type: 'configure'; config: ExperimentConfig }
  | { type: 'start' }
  | { type: 'pause' }
  /** One iteration of every network, then pause. */
  | { type: 'step' }
  /** Same seed, same weights, iteration 0. */
  | { type: 'reset' }
  /** Change what may change in mid-run. */
  | { type: 'set'; settings: Partial<LiveSettings> }
  /** Connect or cut all residual connections of one network; weights and optimizer state stay. */
  | { type: 'toggle'; network: string; connected: boolean }
  | { type: 'pace'; pace: Pace }
  /** Read a data set from files a person dropped or picked; answered by `dataset` or `failed`. */
  | { type: 'open-files'; files: File[] };

export interface DeviceDescription {
  vendor: string;
  architecture: string;
  description: string;
  /** True for SwiftShader, lavapipe, WARP: the app then chooses smaller defaults and says so. */
  software: boolean;
  features: string[];
}

export interface DatasetDescription {
  id: string;
  title: string;
  classes: string[];
  channels: number;
  height: number;
  width: number;
  trainCount: number;
  testCount: number;
  /** Per-channel mean and deviation of the training set on 0…1, before resizing is undone. */
  statistics: ChannelStatistics;
  /** The first pictures of the training set, N×C×H×W bytes, to show what the data is. */
  samples: { images: Uint8Array; labels: Uint8Array };
}

/** A network as the table and the drawing show it; the spec itself is derived from id and config. */
export interface NetworkDescription {
  id: string;
  depth: number;
  /** Whether its shortcuts are connected now. */
  connected: boolean;
  parameters: number;
  /** Floating-point operations of one training step (a multiply-add counts two). */
  flopsPerStep: number;
  dispatchesPerStep: number;
}

/** One row of the curves. Errors are fractions 0…1. */
export interface MetricsRow {
  network: string;
  /** Training steps done, 1-based. */
  iteration: number;
  /** Mean cross-entropy of this step's batch. */
  trainLoss: number;
  /** Share of this step's batch that was classified wrongly. */
  batchError: number;
  /** The same over the last iterations (see docs/experiments.md for the window). */
  trainError: number;
  /** Error on the whole test set, on the iterations where it was evaluated. */
  testError: number | null;
  /** Seconds this network has trained, evaluation left out. */
  seconds: number;
}

/** Something that happened at an iteration and belongs on the chart. */
export interface Mark {
  /** Null when it concerns every network. */
  network: string | null;
  iteration: number;
  kind: 'connected' | 'cut' | 'settings' | 'diverged';
  /** For `settings`: which changed, and to what. */
  settings?: Partial<LiveSettings>;
}

export type RunState = 'empty' | 'preparing' | 'ready' | 'running' | 'paused' | 'finished';

export type Event =
  | { type: 'device'; device: DeviceDescription }
  /** No training is possible here: `code` names why (no-webgpu, no-adapter, limits, lost). */
  | { type: 'unsupported'; code: string; message: string; details: Record<string, string | number> }
  | {
      type: 'progress';
      task: 'compile' | 'data';
      stage: Parameters<LoadProgress>[0] | null;
      done: number;
      total: number;
    }
  | { type: 'dataset'; dataset: DatasetDescription }
  /** Answer to `configure`, `reset` and `toggle`: what stands now. */
  | { type: 'networks'; config: ExperimentConfig; networks: NetworkDescription[] }
  | { type: 'state'; state: RunState }
  | { type: 'metrics'; rows: MetricsRow[]; imagesPerSecond: Record<string, number> }
  | { type: 'evaluating'; network: string; done: number; total: number }
  | { type: 'mark'; mark: Mark }
  /** Slow motion: this layer of this network is being computed now; null when a step is over. */
  | {
      type: 'phase';
      network: string;
      phase: 'forward' | 'backward' | 'update' | null;
      path: string;
    }
  /** A command could not be carried out; what was before still stands. */
  | {
      type: 'failed';
      command: Command['type'];
      code: string;
      message: string;
      details: Record<string, string | number>;
    };
