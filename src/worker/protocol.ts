/**
 * What page and worker say to each other: one discriminated union each way.
 *
 * The page sends {@link Command}s and never waits for an answer; the worker posts {@link Event}s.
 * All heavy work (parsing, WebGPU, training) happens behind this line.
 */
import type { Activations } from '../lab/activations.ts';
import type { ExperimentConfig, LiveSettings } from '../lab/config.ts';
import type { Expectation } from '../lab/expectation.ts';
import type {
  LabEvent,
  Mark,
  NetworkDescription,
  NetworkProfile,
  Pace,
  RunState as LabState,
} from '../lab/experiment.ts';
import type { DepthLab } from '../lab/depth.ts';
import type { Inspector } from '../lab/inspector.ts';
import type { Instruments } from '../lab/instruments.ts';
import type { MetricsRow } from '../lab/run.ts';
import type { OnPoint } from '../lab/surface.ts';
import type { Survey, SurveyQuestion } from '../lab/survey.ts';
import type { Trial, TuningChoice, TuningWishes } from '../lab/tuner.ts';
import type { Dataset, LoadProgress, Part, Provenance } from '../data/dataset.ts';
import type { NamedBlob } from '../data/files.ts';
import type { KnownId } from '../data/known.ts';
import type { LoadOptions } from '../data/options.ts';
import type { StoredSet } from '../data/store.ts';
import type { DataWarning } from '../data/warnings.ts';
import type { DeviceDescription } from '../engine/gpu/device.ts';
import type { TuningName } from '../ops/tuning.ts';
import type { Tensor } from '../reference/tensor.ts';

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
  /** Whether to tell what goes on in the layers (`watched`); stays so for later experiments. */
  | { type: 'watch'; on: boolean }
  /** The part of the GPU's time that training takes, above 0 and up to 1. */
  | { type: 'share'; share: number }
  /** Which variants of the kernels networks are built of from now on; answered by `tuning`. */
  | { type: 'tuning'; wishes: TuningWishes }
  /** Read a data set from files a person dropped or picked; answered by `dataset` or `failed`. */
  | { type: 'open-files'; files: NamedBlob[] };

export type { WatchedLayer } from '../lab/watch.ts';
export type { DeviceDescription, Mark, MetricsRow, NetworkDescription, Pace };

/** What the page shows of every set; the statistics are those of the training set on 0…1, at the size that is shown. */
type DatasetFacts = Pick<
  Dataset,
  'id' | 'title' | 'classes' | 'channels' | 'height' | 'width' | 'statistics'
>;

export interface DatasetDescription extends DatasetFacts {
  trainCount: number;
  testCount: number;
  /** Which parts come to the GPU batch by batch, because all pictures take more of its memory than they may. */
  streamed: Part[];
  /** Bytes of the GPU's memory that pictures may take. */
  room: number;
  /** The first pictures of the training set, N×C×H×W bytes, to show what the data is. */
  samples: { images: Uint8Array; labels: Uint8Array };
}

export type { CheckResult } from '../lab/self_check.ts';
export type { KernelText } from '../lab/kernel_text.ts';
export type { OpAnswer, OpQuestion } from '../lab/instruments.ts';
export type { SignalLayer } from '../lab/signal.ts';
export type { SignalSetting } from '../engine/signal.ts';

/** What the chapters ask the worker; each call is answered by a promise. */
export type InstrumentsApi = Pick<
  Instruments,
  'run' | 'check' | 'signal' | 'stack' | 'channels' | 'augment' | 'crops' | 'draws' | 'accuracy'
> & {
  /** A corner of what a layer of a network of the experiment hands on in its next training step. */
  activations(network: string, path?: string): Promise<Activations>;
};

export type { Activations } from '../lab/activations.ts';
export type AugmentPictures = Awaited<ReturnType<Instruments['augment']>>;
export type StackAnswer = Awaited<ReturnType<Instruments['stack']>>;
export type ChannelsAnswer = Awaited<ReturnType<Instruments['channels']>>;
export type CropsAnswer = Awaited<ReturnType<Instruments['crops']>>;
export type DrawsAnswer = Awaited<ReturnType<Instruments['draws']>>;
export type AccuracyAnswer = Awaited<ReturnType<Instruments['accuracy']>>;
export type { StackQuestion } from '../lab/stack.ts';
export type { ShownPicture } from '../lab/pictures.ts';

/** What the chapter on depth asks of networks that train for it alone. */
export type DepthApi = Pick<
  DepthLab,
  | 'construct'
  | 'trainConstruction'
  | 'measureReference'
  | 'compareReference'
  | 'openTwin'
  | 'trainTwin'
  | 'touchTwin'
  | 'proveTwin'
>;

export type { ConstructionAnswer, ConstructionSetting } from '../lab/construction.ts';
export type { SideRow } from '../lab/side_by_side.ts';
export type { Touch, TwinSetting, TwinState } from '../lab/twin.ts';

export type { Trial, TuningChoice, TuningWishes };
export type { Expectation } from '../lab/expectation.ts';
export type { NetworkProfile } from '../lab/experiment.ts';
export type { MemoryUse } from '../engine/memory.ts';
export type { DispatchTime } from '../engine/profile.ts';
export type { Peaks } from '../engine/peaks.ts';

/** What the page asks of the device's speed; training waits meanwhile, and carries on as if nothing had been. */
export interface ProfilerApi {
  /** Where a training step of a network of the experiment spends its time and memory. */
  profile(network: string): Promise<NetworkProfile>;
  /** What a training step of each network of a configuration would take here, from two shallow ones of its kind. */
  expect(config: ExperimentConfig): Promise<Expectation>;
  /** Tries the tunings worth it on this adapter on steps of a configuration; gives the fastest of those that are right. */
  tryTunings(config: ExperimentConfig, onTrial: (trial: Trial) => void): Promise<TuningName | null>;
}

export type { Survey, SurveyPoint, SurveyQuestion } from '../lab/survey.ts';

/** What the page asks of the loss around a network's weights; training carries on between two points. */
export interface SurfaceApi {
  /** Tells each point as it comes, from coarse to fine; `onPoint` ends it by answering false. */
  survey(question: SurveyQuestion, onPoint: OnPoint): Promise<Survey>;
  /** Seconds that one picture takes at a point of such a survey. */
  surveyPace(question: SurveyQuestion): Promise<number>;
}

/** What the page asks about the inside of a network of the experiment; training waits meanwhile, and carries on. */
export type InspectorApi = Pick<
  Inspector,
  'features' | 'attribution' | 'occlusion' | 'statistics' | 'predictions'
> & {
  /** Some test pictures as they are, on 0…1: [N, C, H, W]. */
  testPictures(places: readonly number[]): Promise<Tensor>;
  /** Nobody looks any longer: a look that waits is given up, and what looking has kept is freed. */
  leave(): void;
};

export type {
  AttributionAnswer,
  FeaturesAnswer,
  InspectedLayer,
  OcclusionAnswer,
  PictureChoice,
  PredictionsAnswer,
  Question as InspectorQuestion,
  StatisticsAnswer,
} from '../lab/inspector.ts';
export type { NormObservation } from '../engine/observe.ts';
export type { Description } from '../ops/describe.ts';

export type { DataWarning, KnownId, LoadProgress, NamedBlob, Provenance };

/** A set that the hub has. */
export interface CatalogueEntry {
  id: KnownId;
  title: string;
  /** How many. */
  classes: number;
  /** What fetching it takes. */
  bytes: number;
  pictures: { train: number; test: number };
  /** Height and width of its pictures. */
  side: number;
}

export interface Catalogue {
  sets: CatalogueEntry[];
  /** Where the hub is, unless a mirror takes its place. */
  address: string;
}

/** A set at hand. */
export interface ListedSet extends StoredSet {
  /** Whether it is found again next time; else it lies in memory. */
  kept: boolean;
}

export interface KeptSets {
  sets: ListedSet[];
  /** Bytes that have come of downloads which are not finished. */
  begun: Partial<Record<KnownId, number>>;
  /** Bytes that still fit, where that is known. */
  free: number | null;
  /** Why nothing can be kept here. */
  failure: Failure | null;
}

/** A set that was loaded. */
export interface OpenedSet {
  id: string;
  /** Why it is used from memory only. */
  notKept: Failure | null;
}

/** How files are read; what is absent is chosen by what they hold. */
export interface OpenOptions extends Pick<
  LoadOptions,
  'size' | 'fit' | 'labels' | 'seed' | 'testShare'
> {
  /** Whether a kept set of the same name is replaced; else it stays, and another one is used from memory. */
  replace?: boolean;
}

/** What there is to see of a set. */
export interface SetDetails extends DatasetFacts {
  /** Pictures of each class. */
  counts: { train: number[]; test: number[] };
  /** Of the training set: per channel, how many values fall into each of equal bins over 0…255. */
  histograms: number[][];
  provenance: Provenance | null;
  /** Training labels that are no longer those of their pictures. */
  wrongLabels: number;
  /** Training pictures, N×C×H×W bytes, class by class: their labels, and the labels before any was made random. */
  samples: { images: Uint8Array; labels: Uint8Array; truths: Uint8Array };
}

/** What the page asks of data sets; each call is answered by a promise that may reject with a {@link Failure}. */
export interface DataApi {
  /** The sets of the hub. */
  catalogue(): Promise<Catalogue>;
  /** The sets at hand without a network. */
  kept(): Promise<KeptSets>;
  /**
   * Fetches a set from the hub at `address`, and keeps it; after an error, or on a later visit, it goes on with what has
   * come. `onUnkept` hears why that would be lost with the tab.
   */
  download(
    id: KnownId,
    address: string,
    onProgress: LoadProgress,
    onUnkept: (failure: Failure) => void,
  ): Promise<OpenedSet>;
  /** Reads a set from files, and keeps it. */
  open(files: NamedBlob[], options: OpenOptions, onProgress: LoadProgress): Promise<OpenedSet>;
  /** Ends the loading that goes on. */
  stop(): Promise<void>;
  /** Keeps a set that lies in memory in place of the kept one of its name; says why that failed. */
  replaceKept(id: string): Promise<Failure | null>;
  /** Forgets what has come of a download. */
  discard(id: KnownId): Promise<void>;
  /** Forgets a set. */
  forget(id: string): Promise<void>;
  /** Takes names of sets as {@link ExperimentConfig.data} does: whole ones, and ones made by a recipe. */
  details(name: string): Promise<SetDetails>;
  warnings(name: string): Promise<DataWarning[]>;
}

/** All that the page asks the worker; each call is answered by a promise, which rejects with a {@link Failure}. */
export type WorkerApi = InstrumentsApi &
  ProfilerApi &
  SurfaceApi &
  InspectorApi &
  DataApi &
  DepthApi;

/** Opens the line of the page's questions, beside commands and events. */
export interface OpenInstruments {
  type: 'instruments';
  port: MessagePort;
}

/** What a promise of the worker is rejected with. */
export interface Failure {
  code: string;
  message: string;
  details: Record<string, string | number>;
  /** The failure behind it, which says why. */
  cause?: Failure;
}

/** `empty` before the first configuration; `preparing` while data and kernels are made ready. */
export type RunState = 'empty' | 'preparing' | LabState;

export type Event =
  | { type: 'device'; device: DeviceDescription }
  | ({ type: 'tuning' } & TuningChoice)
  /** No training is possible here: `code` names why (no-webgpu, no-adapter, limits, device-lost, worker). */
  | { type: 'unsupported'; code: string; message: string; details: Record<string, string | number> }
  | {
      type: 'progress';
      task: 'compile' | 'data';
      stage: Parameters<LoadProgress>[0] | null;
      done: number;
      total: number;
    }
  | { type: 'dataset'; dataset: DatasetDescription }
  | { type: 'state'; state: RunState }
  /** What the experiment has to say: networks, metrics, marks, phases of slow motion. */
  | Exclude<LabEvent, { type: 'state' }>
  /** A command could not be carried out; what was before still stands. */
  | {
      type: 'failed';
      command: Command['type'];
      code: string;
      message: string;
      details: Record<string, string | number>;
    };
