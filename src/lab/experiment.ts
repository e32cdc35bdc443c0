/**
 * An experiment: several networks on one device, with one seed and one order of batches. They take
 * turns step by step, so that their curves advance together.
 *
 * All changes go through one queue of actions that is drained between steps: nothing ever alters a
 * network while a step is being put together.
 */
import type { Dataset } from '../data/dataset.ts';
import { DeviceDataset } from '../engine/dataset.ts';
import { GpuNetwork } from '../engine/network.ts';
import type { Gpu } from '../engine/gpu/gpu.ts';
import type { Phase } from '../engine/graph/lower.ts';
import { cifarNetwork, parseNetworkId, withShortcuts } from '../network/families.ts';
import type { NetworkSpec } from '../network/spec.ts';
import { buildGraph, countParameters, stepFlops } from '../network/graph.ts';
import { liveSettings, learningRateAt } from './config.ts';
import type { ExperimentConfig, LiveSettings } from './config.ts';
import { BatchOrder } from './batches.ts';
import { NetworkRun, TRAIN_SLOTS } from './run.ts';
import type { MetricsRow } from './run.ts';

/** How fast the lab goes: as the GPU allows, or one layer at a time for teaching. */
export type Pace = { kind: 'full' } | { kind: 'slow'; millisecondsPerLayer: number };

export type RunState = 'ready' | 'running' | 'paused' | 'finished';

/** Something that happened at an iteration and belongs on the chart. */
export interface Mark {
  /** Null when it concerns every network. */
  network: string | null;
  iteration: number;
  kind: 'connected' | 'cut' | 'settings' | 'diverged';
  /** For `settings`: which changed, and to what. */
  settings?: Partial<LiveSettings>;
}

/** A network as the table shows it; the spec itself follows from id and configuration. */
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

export type LabEvent =
  | { type: 'networks'; config: ExperimentConfig; networks: NetworkDescription[] }
  | { type: 'state'; state: RunState }
  | { type: 'metrics'; rows: MetricsRow[]; imagesPerSecond: Record<string, number> }
  | { type: 'evaluating'; network: string; done: number; total: number }
  | { type: 'mark'; mark: Mark }
  | {
      type: 'phase';
      network: string;
      phase: 'forward' | 'backward' | 'update' | null;
      /** Layer path; `batch` and `loss` at the ends of the forward pass. */
      path: string;
    };

export interface ExperimentHooks {
  emit(event: LabEvent): void;
  /** Training stopped because of this. */
  failed(error: unknown): void;
  progress?(done: number, total: number): void;
  /** Milliseconds on a clock that never runs backwards. */
  now?(): number;
}

/** Steps that may wait in the GPU's queue: enough to keep it busy, few enough to pause at once. */
const STEPS_IN_FLIGHT = 2;
/** Rows go out at least this often. */
const COLLECT_MILLISECONDS = 200;
const COLLECT_STEPS = TRAIN_SLOTS / 2;

/** The spec of network `id` under a configuration and a data set. */
export function specOf(id: string, config: ExperimentConfig, dataset: Dataset): NetworkSpec {
  const { depth, residual } = parseNetworkId(id);
  const { channels, height, width } = dataset;
  return {
    ...cifarNetwork({
      depth,
      residual,
      width: config.width,
      input: { channels, height, width },
      classes: dataset.classes.length,
      shortcut: config.shortcut,
    }),
    name: id,
  };
}

export class Experiment {
  config: ExperimentConfig;
  private readonly gpu: Gpu;
  private readonly dataset: Dataset;
  private readonly train: DeviceDataset;
  private readonly test: DeviceDataset;
  private readonly hooks: ExperimentHooks;
  private readonly now: () => number;
  private readonly order: BatchOrder;
  private readonly evaluationIndices: Uint32Array<ArrayBuffer>;
  private runs: NetworkRun[] = [];
  /** Where the run stands; every change is emitted. */
  state: RunState = 'ready';
  private pace: Pace = { kind: 'full' };
  private readonly actions: (() => Promise<void>)[] = [];
  private driving: Promise<void> | null = null;
  private readonly inFlight: { run: NetworkRun; done: Promise<undefined> }[] = [];
  /** When the GPU finished the step before. */
  private lastDone = 0;
  private lastCollected = 0;
  /** Wakes a slow-motion wait. */
  private wake: () => void = () => undefined;

  private constructor(
    gpu: Gpu,
    config: ExperimentConfig,
    dataset: Dataset,
    hooks: ExperimentHooks,
  ) {
    this.gpu = gpu;
    this.config = config;
    this.dataset = dataset;
    this.hooks = hooks;
    this.now = hooks.now ?? (() => performance.now());
    const { channels, statistics } = dataset;
    this.train = new DeviceDataset(gpu, dataset.train, channels, statistics, config.batch);
    this.test = new DeviceDataset(gpu, dataset.test, channels, statistics, config.batch);
    this.order = new BatchOrder(dataset.train.count, config.batch, config.seed);
    this.evaluationIndices = new Uint32Array(config.batch);
  }

  /** Builds and compiles all networks; training begins with {@link start}. */
  static async create(
    gpu: Gpu,
    config: ExperimentConfig,
    dataset: Dataset,
    hooks: ExperimentHooks,
  ): Promise<Experiment> {
    const experiment = new Experiment(gpu, config, dataset, hooks);
    const { batch, seed } = config;
    const data = { train: experiment.train, test: experiment.test };
    const summarySlots = TRAIN_SLOTS + Math.ceil(dataset.test.count / batch);
    try {
      for (const [index, id] of config.networks.entries()) {
        const spec = specOf(id, config, dataset);
        const options = { batch, seed, data, summarySlots };
        const network = await GpuNetwork.create(gpu, spec, options, (done, total) =>
          hooks.progress?.(index + done / Math.max(1, total), config.networks.length),
        );
        const { residual } = parseNetworkId(id);
        experiment.runs.push(new NetworkRun(id, network, batch, residual));
      }
    } catch (error) {
      experiment.destroy();
      throw error;
    }
    hooks.progress?.(config.networks.length, config.networks.length);
    experiment.describe();
    experiment.enter('ready');
    return experiment;
  }

  start(): void {
    if (this.state === 'running' || this.state === 'finished') return;
    this.enter('running');
    this.drive();
  }

  /** No step begins after this one. */
  pause(): void {
    if (this.state !== 'running') return;
    this.enter('paused');
    this.wake();
    this.act(() => this.flush());
  }

  /** One iteration of every network, then pause. */
  step(): void {
    this.pause();
    if (this.state === 'finished') return;
    this.act(async () => {
      for (const run of this.active()) await this.advance(run);
      await this.flush();
      this.enter(this.active().length === 0 ? 'finished' : 'paused');
    });
  }

  /** Back to iteration 0: same seed, same weights, wired as configured. */
  reset(): void {
    this.pause();
    this.act(async () => {
      await this.flush();
      for (const run of this.runs) {
        await run.network.rewire(specOf(run.id, this.config, this.dataset));
        run.reset(parseNetworkId(run.id).residual);
      }
      this.describe();
      this.enter('ready');
    });
  }

  /** Connects or cuts all residual connections of a network; everything else carries on. */
  toggle(id: string, connected: boolean): void {
    this.act(async () => {
      const run = this.runs.find((candidate) => candidate.id === id);
      if (!run || run.connected === connected) return;
      await run.network.rewire(withShortcuts(run.network.spec, connected));
      run.connected = connected;
      const kind = connected ? 'connected' : 'cut';
      this.hooks.emit({ type: 'mark', mark: { network: id, iteration: run.iteration, kind } });
      this.describe();
    });
  }

  /** Changes what may change while networks train. */
  set(settings: Partial<LiveSettings>): void {
    const checked = liveSettings.partial().parse(settings);
    const changed = Object.fromEntries(
      Object.entries(checked).filter(
        ([name, value]) => name in settings && this.config[name as keyof LiveSettings] !== value,
      ),
    ) as Partial<LiveSettings>;
    if (Object.keys(changed).length === 0) return;
    this.act(() => {
      this.config = { ...this.config, ...changed };
      const iteration = Math.max(0, ...this.runs.map((run) => run.iteration));
      if (iteration > 0) {
        this.hooks.emit({
          type: 'mark',
          mark: { network: null, iteration, kind: 'settings', settings: changed },
        });
      }
      return Promise.resolve();
    });
  }

  setPace(pace: Pace): void {
    this.pace = pace;
    this.wake();
  }

  /** Resolves when nothing is left to do: paused, finished or ready, and all rows given out. */
  async idle(): Promise<void> {
    while (this.driving) await this.driving;
  }

  /** Stops and frees everything that belongs to this experiment. */
  async close(): Promise<void> {
    this.pause();
    this.actions.length = 0;
    await this.idle();
    await this.settle();
    this.destroy();
  }

  private destroy(): void {
    for (const { network } of this.runs) network.destroy();
    this.train.destroy();
    this.test.destroy();
  }

  private enter(state: RunState): void {
    this.state = state;
    this.hooks.emit({ type: 'state', state });
  }

  private describe(): void {
    const networks = this.runs.map(({ id, network, connected }): NetworkDescription => {
      const graph = buildGraph(network.spec, this.config.batch);
      return {
        id,
        depth: parseNetworkId(id).depth,
        connected,
        parameters: countParameters(graph),
        flopsPerStep: stepFlops(graph),
        dispatchesPerStep: network.program('train').pass.plan.dispatches.length,
      };
    });
    this.hooks.emit({ type: 'networks', config: this.config, networks });
  }

  private act(action: () => Promise<void>): void {
    this.actions.push(action);
    this.drive();
  }

  private drive(): void {
    this.driving ??= this.work()
      .catch((error: unknown) => this.hooks.failed(error))
      .finally(() => {
        this.driving = null;
      });
  }

  private async work(): Promise<void> {
    for (;;) {
      const action = this.actions.shift();
      if (action) await action();
      else if (this.state === 'running') await this.turn();
      else return;
    }
  }

  private active(): NetworkRun[] {
    return this.runs.filter(
      (run) => run.divergedAt === null && (run.iteration < this.config.steps || run.evaluationDue),
    );
  }

  /** One step of the network that is furthest behind. */
  private async turn(): Promise<void> {
    const [first, ...others] = this.active();
    if (!first) {
      await this.flush();
      this.enter('finished');
      return;
    }
    const next = others.reduce(
      (least, run) => (run.iteration < least.iteration ? run : least),
      first,
    );
    await this.advance(next);
    const waiting = Math.max(...this.runs.map((run) => run.pendingRows));
    if (this.now() - this.lastCollected > COLLECT_MILLISECONDS || waiting >= COLLECT_STEPS) {
      // Not awaited: the GPU goes on while the rows come back. Should that fail, so does the next flush.
      this.collect().catch(() => undefined);
    }
  }

  /** One training step, and the evaluation that is due before or after it. */
  private async advance(run: NetworkRun): Promise<void> {
    const { evalEvery, steps } = this.config;
    if (run.evaluationDue) await this.evaluate(run);
    // A pause may have cut the evaluation short, or there is nothing left to train.
    if (run.evaluationDue || run.iteration >= steps) return;
    await this.trainStep(run);
    run.evaluationDue = run.iteration % evalEvery === 0 || run.iteration === steps;
    if (run.evaluationDue) await this.evaluate(run);
  }

  private scalars(t: number, valid: number) {
    const { momentum, weightDecay, seed, pad, flip, steps } = this.config;
    const learningRate = learningRateAt(this.config, t, steps);
    return {
      learningRate,
      momentum,
      weightDecay,
      nesterov: false,
      seed,
      iteration: t,
      valid,
      pad,
      flip,
    };
  }

  private async trainStep(run: NetworkRun): Promise<void> {
    const t = run.iteration;
    const scalars = this.scalars(t, this.config.batch);
    const slot = t % TRAIN_SLOTS;
    if (this.inFlight.length === 0) this.lastDone = this.now();
    if (this.pace.kind === 'slow' && this.state === 'running') {
      await this.slowStep(run, scalars, slot);
    } else {
      run.network.run('train', scalars, slot, this.order.at(t));
    }
    this.inFlight.push({ run, done: this.gpu.device.queue.onSubmittedWorkDone() });
    run.iteration++;
    while (this.inFlight.length > STEPS_IN_FLIGHT) await this.finishOne();
  }

  /** Waits for the oldest step in the queue; what passed since the one before is its time. */
  private async finishOne(): Promise<void> {
    const step = this.inFlight.shift();
    if (!step) return;
    await step.done;
    const now = this.now();
    step.run.finishStep((now - this.lastDone) / 1000);
    this.lastDone = now;
  }

  private async settle(): Promise<void> {
    while (this.inFlight.length > 0) await this.finishOne();
  }

  /** A step one layer at a time. Paused in the middle, it runs to its end without waiting. */
  private async slowStep(
    run: NetworkRun,
    scalars: ReturnType<Experiment['scalars']>,
    slot: number,
  ): Promise<void> {
    run.network.begin('train', scalars, this.order.at(run.iteration));
    const { segments } = run.network.program('train').pass;
    for (const [index, { phase, path }] of segments.entries()) {
      run.network.runSegment('train', index, slot);
      if (this.pace.kind !== 'slow' || this.state !== 'running') continue;
      this.hooks.emit({ type: 'phase', network: run.id, phase: SHOWN_PHASE[phase], path });
      await this.wait(this.pace.millisecondsPerLayer);
    }
    this.hooks.emit({ type: 'phase', network: run.id, phase: null, path: '' });
  }

  private wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Error over the whole test set. Given up when a pause comes in between, and done again later. */
  private async evaluate(run: NetworkRun): Promise<void> {
    await this.settle();
    const began = this.state;
    const { count } = this.test;
    const { batch } = this.config;
    const total = Math.ceil(count / batch);
    const queue: Promise<undefined>[] = [];
    for (let b = 0; b < total; b++) {
      const valid = Math.min(batch, count - b * batch);
      for (let i = 0; i < batch; i++)
        this.evaluationIndices[i] = Math.min(b * batch + i, count - 1);
      const scalars = this.scalars(run.iteration, valid);
      run.network.run('evaluate', scalars, TRAIN_SLOTS + b, this.evaluationIndices);
      queue.push(this.gpu.device.queue.onSubmittedWorkDone());
      if (queue.length > STEPS_IN_FLIGHT) await queue.shift();
      this.hooks.emit({ type: 'evaluating', network: run.id, done: b + 1, total });
      if (this.state !== began) return;
    }
    const summaries = await run.network.readSummaries(TRAIN_SLOTS, total);
    const errors = summaries.reduce((sum, summary) => sum + summary.errors, 0);
    run.evaluationDue = false;
    await this.collectRun(run, errors / count);
  }

  /** Waits for the GPU and gives out every row there is. */
  private async flush(): Promise<void> {
    await this.settle();
    await this.collect();
    await Promise.all(this.runs.map((run) => run.settled()));
  }

  private async collect(): Promise<void> {
    this.lastCollected = this.now();
    const ready = this.runs.filter((run) => run.pendingRows > 0);
    await Promise.all(ready.map((run) => this.collectRun(run, null)));
  }

  private collectRun(run: NetworkRun, testError: number | null): Promise<void> {
    return run.collect(testError, (rows) => {
      const imagesPerSecond = Object.fromEntries(
        this.runs.map((each) => [each.id, each.imagesPerSecond]),
      );
      this.hooks.emit({ type: 'metrics', rows, imagesPerSecond });
      if (run.divergedAt !== null) {
        const mark: Mark = { network: run.id, iteration: run.divergedAt, kind: 'diverged' };
        this.hooks.emit({ type: 'mark', mark });
      }
    });
  }
}

const SHOWN_PHASE: Record<Phase, 'forward' | 'backward' | 'update'> = {
  batch: 'forward',
  forward: 'forward',
  loss: 'forward',
  backward: 'backward',
  update: 'update',
};
