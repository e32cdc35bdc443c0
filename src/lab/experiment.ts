/**
 * An experiment: several networks on one device, with one seed and one order of batches. They take
 * turns step by step, so that their curves advance together.
 *
 * Commands go into one queue that is drained between steps, in the order they came: nothing ever alters a
 * network while a step is being put together. What takes long (an evaluation, a step in slow motion) makes
 * way for commands that are urgent.
 */
import type { Dataset, Part } from '../data/dataset.ts';
import { placeDataset } from '../engine/dataset.ts';
import type { DeviceDataset } from '../engine/dataset.ts';
import { evaluate } from '../engine/evaluate.ts';
import { GpuNetwork } from '../engine/network.ts';
import type { Gpu } from '../engine/gpu/gpu.ts';
import { augmentationOf, recipeOf } from '../engine/graph/lower.ts';
import type { Phase } from '../engine/graph/lower.ts';
import { withShortcuts } from '../network/families.ts';
import { depthOf, isConnected } from '../network/fit.ts';
import { FathomError } from '../errors.ts';
import { buildGraph, countParameters, stepFlops } from '../network/graph.ts';
import type { StepScalars } from '../ops/step.ts';
import { liveSettings } from './config.ts';
import type { ExperimentConfig, LiveSettings } from './config.ts';
import { activationsOf } from './activations.ts';
import type { Activations } from './activations.ts';
import { BatchOrder, balancedSubset } from './batches.ts';
import { specOf } from './networks.ts';
import { scalarsAt, stepScalars } from './step_scalars.ts';
import { profileNetwork } from './profile.ts';
import type { NetworkMeasurement } from './profile.ts';
import { NetworkRun, TRAIN_SLOTS } from './run.ts';
import { Spacing } from './spacing.ts';
import { paceOf, survey } from './surface.ts';
import type { OnPoint, SurveyedLab } from './surface.ts';
import type { Survey, SurveyQuestion } from './survey.ts';
import { watchedLayers } from './watch.ts';
import type { WatchedLayer } from './watch.ts';
import type { MetricsRow } from './run.ts';

/** A command that waits for its turn. */
interface Action {
  run: () => Promise<void> | void;
  /** An evaluation gives way to it, and slow motion hurries to the end of its step. */
  urgent: boolean;
  /** It makes networks train; a pause that comes later takes it back. */
  starts: boolean;
  /** It may wait while the GPU rests. */
  patient: boolean;
  /** Tells who waits for it that it will never run. */
  abandon?: () => void;
}

/** How fast the lab goes: as the GPU allows, or one layer at a time for teaching. */
export type Pace = { kind: 'full' } | { kind: 'slow'; millisecondsPerLayer: number };

/** `pausing`: no step begins any more, and the rows of those that the GPU has in hand still come. */
export type RunState = 'ready' | 'running' | 'pausing' | 'paused' | 'finished';

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
  /** Whether it has shortcuts to connect or cut. */
  rewirable: boolean;
  parameters: number;
  /** Floating-point operations of one training step (a multiply-add counts two). */
  flopsPerStep: number;
  dispatchesPerStep: number;
}

/** How the training step of one network spends its time and memory. */
export interface NetworkProfile extends NetworkMeasurement {
  network: string;
  /** Whether its shortcuts were connected. */
  connected: boolean;
  config: ExperimentConfig;
}

/** A network of the experiment with the GPU at rest. */
export interface Subject {
  run: NetworkRun;
  config: ExperimentConfig;
  dataset: Dataset;
  /** Of the training step that it would make next. */
  scalars: StepScalars;
  indices: Uint32Array<ArrayBuffer>;
}

export type LabEvent =
  /** How a network that is watched stood before its step `iteration` + 1. */
  | { type: 'watched'; network: string; iteration: number; layers: WatchedLayer[] }
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
/** Steps whose reports are not farther apart have been reported at once. */
const TOGETHER_MS = 1;
/** Shorter rests are put off until they add up, in milliseconds: timers are no finer. */
const SHORTEST_REST = 4;
/** Floating-point operations a second of a slow GPU: what a step is taken to run at before it was timed. */
const SLOW_GPU = 2e11;
/** Of an evaluation pass, as a part of a training step. */
const EVALUATION_PER_STEP = 1 / 3;
/** Rows go out at least this often. */
const COLLECT_MILLISECONDS = 200;
const COLLECT_STEPS = TRAIN_SLOTS / 2;
/** Watching pauses so long at least, in milliseconds. */
const WATCH_PAUSE = 300;

export class Experiment {
  config: ExperimentConfig;
  private readonly gpu: Gpu;
  private readonly dataset: Dataset;
  private readonly train: DeviceDataset;
  private readonly test: DeviceDataset;
  private readonly hooks: ExperimentHooks;
  private readonly now: () => number;
  private readonly order: BatchOrder;
  private readonly runs: NetworkRun[] = [];
  /** Scalars of the pass that comes next, written anew each time. */
  private readonly scalars: StepScalars;
  /** Where the run stands; every change is emitted. */
  state: RunState = 'ready';
  private pace: Pace = { kind: 'full' };
  private share = 1;
  /** Milliseconds that the GPU has still to rest for what it did. */
  private owed = 0;
  private actions: Action[] = [];
  private driving: Promise<void> | null = null;
  private readonly inFlight: { run: NetworkRun; done: Promise<undefined> }[] = [];
  /** Steps that were last reported at once, and what passed before. */
  private reported: { milliseconds: number; steps: { run: NetworkRun; step: number }[] } = {
    milliseconds: 0,
    steps: [],
  };
  /** When the GPU finished the step before. */
  private lastDone = 0;
  private lastCollected = 0;
  private watching = false;
  private readonly watchSpacing: Spacing;
  /** Wakes a slow-motion wait. */
  private wake: () => void = () => undefined;
  /** The first error of the GPU since training began; others follow from it. */
  private gpuError: Error | null = null;
  private created = false;
  private closed = false;
  private readonly stopListening: () => void;

  private constructor(
    gpu: Gpu,
    config: ExperimentConfig,
    dataset: Dataset,
    data: { train: DeviceDataset; test: DeviceDataset },
    hooks: ExperimentHooks,
  ) {
    this.gpu = gpu;
    this.config = config;
    this.dataset = dataset;
    this.train = data.train;
    this.test = data.test;
    this.hooks = hooks;
    this.now = hooks.now ?? (() => performance.now());
    this.watchSpacing = new Spacing(WATCH_PAUSE, this.now);
    this.order = new BatchOrder(
      balancedSubset(dataset.train.labels, config.trainCount),
      config.batch,
      config.seed,
    );
    this.scalars = stepScalars(config);
    this.stopListening = gpu.onError((error) => this.fail(error));
  }

  /**
   * Builds and compiles all networks; training begins with {@link start}.
   *
   * Throws FathomErrors, `too-large` and `no-f16` among them, and leaves nothing behind when it does.
   */
  static async create(
    gpu: Gpu,
    config: ExperimentConfig,
    dataset: Dataset,
    hooks: ExperimentHooks,
  ): Promise<Experiment> {
    const { batch, seed, storage } = config;
    const data = placeDataset(gpu, dataset, batch);
    const recipe = { ...recipeOf(config), augmentation: augmentationOf(config) };
    const experiment = new Experiment(gpu, config, dataset, data, hooks);
    const summarySlots = TRAIN_SLOTS + Math.ceil(dataset.test.count / batch);
    try {
      for (const [index, id] of config.networks.entries()) {
        const spec = specOf(id, config, dataset);
        const options = { batch, seed, data, summarySlots, recipe, storage };
        const network = await GpuNetwork.create(gpu, spec, options, (done, total) =>
          hooks.progress?.(index + done / Math.max(1, total), config.networks.length),
        );
        const flops = stepFlops(buildGraph(spec, batch));
        experiment.runs.push(
          new NetworkRun(id, network, { batch, flops }, isConnected(spec) === true),
        );
      }
      // WebGPU reports that memory has run out late: when the work before it is done.
      await gpu.device.queue.onSubmittedWorkDone();
      if (experiment.gpuError) throw experiment.gpuError;
    } catch (error) {
      experiment.destroy();
      throw error;
    }
    hooks.progress?.(config.networks.length, config.networks.length);
    experiment.created = true;
    // Until then a toggle compiles what it needs, and says what goes wrong.
    void experiment.compileAll().catch(() => undefined);
    experiment.describe();
    experiment.enter('ready');
    return experiment;
  }

  /** Trains until every network has done its steps. */
  start(): void {
    this.act(() => this.go((run) => (run.goal = Infinity)), { starts: true });
  }

  /** One iteration of every network, then pause. */
  step(): void {
    this.act(
      () => {
        // Asked for again before it was done: one more.
        const stepping = this.state === 'running';
        this.go((run) => {
          run.goal = (stepping && Number.isFinite(run.goal) ? run.goal : run.iteration) + 1;
        });
      },
      { starts: true },
    );
  }

  /** No step begins after this one; `paused` when all that were begun have given out their rows. */
  pause(): void {
    this.actions = this.actions.filter(({ starts }) => !starts);
    if (this.state !== 'running') return;
    this.enter('pausing');
    this.act(
      async () => {
        await this.flush();
        this.enter('paused');
      },
      { urgent: true },
    );
  }

  /** Back to iteration 0: same seed, same weights, wired as configured. */
  reset(): void {
    this.pause();
    this.act(
      async () => {
        await this.flush();
        for (const run of this.runs) {
          const spec = specOf(run.id, this.config, this.dataset);
          await run.network.rewire(spec);
          run.reset(isConnected(spec) === true);
        }
        this.describe();
        this.enter('ready');
        if (this.watching) await this.watchAll();
      },
      { urgent: true },
    );
  }

  /** Connects or cuts all residual connections of a network; everything else carries on. */
  toggle(id: string, connected: boolean): void {
    this.act(
      async () => {
        const run = this.runs.find((candidate) => candidate.id === id);
        if (!run || run.connected === connected) return;
        await run.network.rewire(withShortcuts(run.network.spec, connected));
        run.connected = connected;
        const kind = connected ? 'connected' : 'cut';
        this.hooks.emit({ type: 'mark', mark: { network: id, iteration: run.iteration, kind } });
        this.describe();
        if (this.watching) await this.watchRun(run);
      },
      { urgent: true },
    );
  }

  /** Changes what may change while networks train, from the next step on. */
  set(settings: Partial<LiveSettings>): void {
    const checked = liveSettings.partial().parse(settings);
    this.act(() => {
      const changed = Object.fromEntries(
        Object.entries(checked).filter(
          ([name, value]) => name in settings && this.config[name as keyof LiveSettings] !== value,
        ),
      ) as Partial<LiveSettings>;
      if (Object.keys(changed).length === 0) return;
      this.config = { ...this.config, ...changed };
      const iteration = Math.max(0, ...this.runs.map((run) => run.iteration));
      if (iteration > 0) {
        this.hooks.emit({
          type: 'mark',
          mark: { network: null, iteration, kind: 'settings', settings: changed },
        });
      }
    });
  }

  /**
   * Tells from time to time what goes on in the layers of every network (`watched` events), from when the kernels for it
   * are compiled; it takes less than a tenth of the time, and nothing when it is off.
   */
  watch(on: boolean): void {
    this.act(
      async () => {
        this.watching = on;
        if (on) await this.watchAll();
        else for (const run of this.runs) run.forgetObserver();
      },
      { urgent: true },
    );
  }

  setPace(pace: Pace): void {
    this.pace = pace;
    this.wake();
  }

  /** Takes this part of the GPU's time, above 0 and up to 1: after what took a while it rests in proportion. */
  setShare(share: number): void {
    this.share = share;
    this.owed = 0;
    this.wake();
  }

  /**
   * Runs `work` between two steps, with the GPU at rest; training goes on afterwards as if nothing had been.
   * Rejects with what `work` throws, and with a FathomError `experiment-closed` where that comes first.
   *
   * @param patient whether it may wait while the GPU rests
   */
  between<T>(work: () => Promise<T>, patient = false): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = () => this.settle().then(work).then(resolve, reject);
      const abandon = () =>
        reject(
          new FathomError(
            'experiment-closed',
            'the experiment was replaced before this could be done: ask again',
          ),
        );
      if (this.closed) return abandon();
      this.act(run, { patient, abandon });
    });
  }

  /**
   * Runs `work` on network `id` between two steps, with the GPU at rest; see {@link between}.
   * @throws FathomError `no-network`, and as {@link between}
   */
  atRest<T>(id: string, work: (subject: Subject) => Promise<T>): Promise<T> {
    return this.between(() => {
      const run = this.runOf(id);
      const scalars = this.scalarsAt(run.iteration);
      const indices = this.order.at(run.iteration);
      return work({ run, config: this.config, dataset: this.dataset, scalars, indices });
    });
  }

  /** Profiles the training step that network `id` would make next. Rejects as {@link atRest}. */
  profile(id: string): Promise<NetworkProfile> {
    return this.atRest(id, async ({ run, scalars, indices }) => {
      const measured = await profileNetwork(run.network, { scalars, indices });
      return { network: id, connected: run.connected, config: this.config, ...measured };
    });
  }

  /**
   * What a layer of network `id` hands on in the training step that it would make next; see `lab/activations.ts`.
   * @param path of the layer; the middle one of those there are where none is given
   * @throws FathomError `no-activations`, and as {@link atRest}
   */
  activations(id: string, path?: string): Promise<Activations> {
    return this.atRest(id, ({ run, scalars, indices }) =>
      activationsOf(run, path, { scalars, indices }),
    );
  }

  /** Frees what looking at statistics between steps has kept, unless the layers are watched anyway. */
  forget(): void {
    this.act(() => {
      if (!this.watching) for (const run of this.runs) run.forgetObserver();
    });
  }

  /** The loss around a network's weights; see `lab/surface.ts`. Training goes on between two points. */
  survey(question: SurveyQuestion, onPoint: OnPoint): Promise<Survey> {
    return survey(this.surveyed(), question, onPoint);
  }

  /** Seconds that one picture takes at a point of such a survey. */
  surveyPace(question: SurveyQuestion): Promise<number> {
    return paceOf(this.surveyed(), question, this.now);
  }

  private surveyed(): SurveyedLab {
    const { train, test } = this.dataset;
    return {
      between: (work) => this.between(work, true),
      afterPass: () => this.afterPass(),
      run: (id) => this.runOf(id),
      data: {
        train: { device: this.train, labels: train.labels },
        test: { device: this.test, labels: test.labels },
      },
      scalars: stepScalars(this.config),
      submits: (id) => this.submitsFor(this.runOf(id), EVALUATION_PER_STEP),
    };
  }

  private runOf(id: string): NetworkRun {
    const run = this.runs.find((candidate) => candidate.id === id);
    if (!run) {
      throw new FathomError('no-network', `no network "${id}" takes part in this experiment`, {
        id,
      });
    }
    return run;
  }

  /** The parts of the set that are streamed: their pictures take more of the GPU's memory than they may. */
  get streamed(): Part[] {
    return (['train', 'test'] as const).filter((part) => this[part].streamed);
  }

  /** Of each network, the steps whose rows were given out, and how many of them changed nothing ({@link NetworkRun.skipped}). */
  get skipped(): { id: string; skipped: number; steps: number }[] {
    return this.runs.map(({ id, skipped, finished }) => ({ id, skipped, steps: finished }));
  }

  /** Resolves when nothing is left to do: paused, finished or ready, and all rows given out. */
  async idle(): Promise<void> {
    while (this.driving) await this.driving;
  }

  /** Stops and frees everything that belongs to this experiment. */
  async close(): Promise<void> {
    this.closed = true;
    this.watching = false;
    for (const { abandon } of this.actions.splice(0)) abandon?.();
    this.pause();
    await this.idle();
    await this.settle();
    this.destroy();
  }

  /** Says what the networks are and how they are wired. */
  describe(): void {
    const networks = this.runs.map(({ id, network, connected }): NetworkDescription => {
      const graph = buildGraph(network.spec, this.config.batch);
      return {
        id,
        depth: depthOf(network.spec),
        connected,
        rewirable: isConnected(network.spec) !== null,
        parameters: countParameters(graph),
        flopsPerStep: stepFlops(graph),
        dispatchesPerStep: network.program('train').pass.plan.dispatches.length,
      };
    });
    this.hooks.emit({ type: 'networks', config: this.config, networks });
  }

  /** Compiles what only a toggle needs; it has begun, and goes on while the networks train. */
  async compileAll(): Promise<void> {
    for (const { network } of this.runs) await network.compileAll();
  }

  private destroy(): void {
    this.stopListening();
    for (const run of this.runs) {
      run.forgetObserver();
      run.network.destroy();
    }
    this.train.destroy();
    this.test.destroy();
  }

  private enter(state: RunState): void {
    this.state = state;
    this.hooks.emit({ type: 'state', state });
  }

  /** Sets goals of the networks that can still train, and lets them. */
  private go(setGoal: (run: NetworkRun) => void): void {
    if (this.state === 'finished') return;
    this.gpuError = null;
    for (const run of this.runs) if (this.isUnfinished(run)) setGoal(run);
    if (this.state !== 'running') this.enter('running');
  }

  /** Stops training because the GPU failed; reported once, whatever follows from it. */
  private fail(error: Error): void {
    if (this.gpuError) return;
    // An experiment at rest did not cause it; one that is being created throws it when it is done.
    if (this.created && !this.driving) return;
    this.gpuError = error;
    if (!this.created) return;
    this.pause();
    this.hooks.failed(error);
  }

  private act(
    run: Action['run'],
    { urgent = false, starts = false, patient = false, abandon }: Partial<Omit<Action, 'run'>> = {},
  ): void {
    this.actions.push({ run, urgent, starts, patient, ...(abandon && { abandon }) });
    if (!patient) this.wake();
    this.driving ??= this.work();
  }

  private get urgent(): boolean {
    return this.actions.some((action) => action.urgent);
  }

  private async work(): Promise<void> {
    for (;;) {
      try {
        const action = this.actions.shift();
        if (action) await action.run();
        else if (this.state === 'running') await this.turn();
        else {
          this.driving = null;
          return;
        }
      } catch (error) {
        if (this.state === 'running' || this.state === 'pausing') this.enter('paused');
        this.hooks.failed(error);
      }
    }
  }

  private isUnfinished(run: NetworkRun): boolean {
    return run.divergedAt === null && (run.iteration < this.config.steps || run.evaluationDue);
  }

  /** One step of the network that is furthest behind. */
  private async turn(): Promise<void> {
    const next = this.next();
    if (!next) {
      await this.flush();
      if (this.state === 'running') {
        this.enter(this.runs.some((run) => this.isUnfinished(run)) ? 'paused' : 'finished');
      }
      return;
    }
    await this.advance(next);
    if (this.watching && this.watchSpacing.isDue) await this.watchNext();
    if (
      this.now() - this.lastCollected > COLLECT_MILLISECONDS ||
      next.pendingRows >= COLLECT_STEPS
    ) {
      // Not awaited: the GPU goes on while the rows come back.
      this.collect().catch((error: Error) => this.fail(error));
    }
  }

  /** The first of those that are furthest behind, or null when all have reached their goals. */
  private next(): NetworkRun | null {
    let least: NetworkRun | null = null;
    for (const run of this.runs) {
      if (!this.isUnfinished(run) || (run.iteration >= run.goal && !run.evaluationDue)) continue;
      if (!least || run.iteration < least.iteration) least = run;
    }
    return least;
  }

  /** One training step, or the evaluation that is due: one that was cut short is done before the next step. */
  private async advance(run: NetworkRun): Promise<void> {
    const { evalEvery, steps } = this.config;
    if (!run.evaluationDue) {
      await this.trainStep(run);
      run.evaluationDue = run.iteration % evalEvery === 0 || run.iteration === steps;
    }
    if (run.evaluationDue) await this.evaluate(run);
  }

  /** What the kernels of the next pass read: the settings as they are now, at iteration `t`. */
  private scalarsAt(t: number): StepScalars {
    return scalarsAt(this.config, t, this.scalars);
  }

  private async trainStep(run: NetworkRun): Promise<void> {
    const t = run.iteration;
    const scalars = this.scalarsAt(t);
    const slot = t % TRAIN_SLOTS;
    if (this.inFlight.length === 0) {
      this.lastDone = this.now();
      this.reported = { milliseconds: 0, steps: [] };
    }
    if (this.pace.kind === 'slow') {
      await this.slowStep(run, scalars, slot);
    } else {
      run.network.run('train', scalars, slot, this.order.at(t), this.submitsFor(run));
    }
    this.inFlight.push({ run, done: this.gpu.device.queue.onSubmittedWorkDone() });
    run.iteration++;
    const resting = this.share < 1 && this.pace.kind === 'full';
    while (this.inFlight.length > (resting ? 0 : STEPS_IN_FLIGHT)) {
      const elapsed = await this.finishOne();
      if (resting) await this.restAfter(elapsed);
    }
  }

  /** How many submits keep each of them short enough: those of a step are not equally long. */
  private submitsFor(run: NetworkRun, part = 1): number {
    const { longestSubmit } = this.gpu.tuning;
    const milliseconds = 1000 * part * (run.lastSeconds ?? run.flops / SLOW_GPU);
    return milliseconds > longestSubmit ? Math.ceil((2 * milliseconds) / longestSubmit) : 1;
  }

  /** Leaves the GPU alone for as long as its share says after work of so many milliseconds; a command cuts it short. */
  private async restAfter(milliseconds: number): Promise<void> {
    this.owed += milliseconds * (1 / this.share - 1);
    if (this.owed < SHORTEST_REST || this.actions.some(({ patient }) => !patient)) return;
    const { share } = this;
    const start = this.now();
    await this.wait(this.owed);
    // Timers come late: what was too long is taken off the next rest.
    if (share === this.share) this.owed -= this.now() - start;
  }

  /**
   * Waits for the oldest step in the queue; what passed since the one before is its time. Browsers report several
   * steps at once: what passed before such reports is shared by the FLOPs of their steps. Returns what passed, in
   * milliseconds.
   */
  private async finishOne(): Promise<number> {
    const finished = this.inFlight.shift();
    if (!finished) return 0;
    await finished.done;
    const now = this.now();
    const elapsed = now - this.lastDone;
    this.lastDone = now;
    const { run } = finished;
    const together = elapsed < TOGETHER_MS && this.reported.steps.length <= STEPS_IN_FLIGHT;
    if (!together) this.reported = { milliseconds: 0, steps: [] };
    const { reported } = this;
    reported.milliseconds += elapsed;
    reported.steps.push({ run, step: run.finishStep() });
    const flops = reported.steps.reduce((sum, each) => sum + each.run.flops, 0);
    for (const { run, step } of reported.steps) {
      run.timeStep(step, ((reported.milliseconds / 1000) * run.flops) / flops);
    }
    return elapsed;
  }

  /** Looks at the run that was last looked at longest ago. */
  private async watchNext(): Promise<void> {
    const [longest] = this.runs
      .filter((run) => run.observer().isCompiled)
      .toSorted((a, b) => a.watchedAt - b.watchedAt);
    if (longest) await this.watchRun(longest);
  }

  private async watchAll(): Promise<void> {
    for (const run of this.runs) await this.watchRun(run);
  }

  /** Looks at a network; where kernels are missing, as soon as they are compiled: all train on meanwhile. */
  private async watchRun(run: NetworkRun): Promise<void> {
    await this.settle();
    const observer = run.observer();
    if (!observer.isCompiled) {
      const compiled = observer.compile();
      const look = async () => {
        if (this.watching) await compiled.then(() => this.watchRun(run));
      };
      const ask = () => this.act(look, { urgent: true });
      void compiled.then(ask, ask);
      return;
    }
    const t = run.iteration;
    const observation = await this.watchSpacing.look(() =>
      observer.observe(this.scalarsAt(t), this.order.at(t)),
    );
    run.watchedAt = this.now();
    this.hooks.emit({
      type: 'watched',
      network: run.id,
      iteration: t,
      layers: watchedLayers(observation),
    });
  }

  private async settle(): Promise<void> {
    while (this.inFlight.length > 0) await this.finishOne();
  }

  /** A step one layer at a time. When a command comes in the middle, it runs to its end without waiting. */
  private async slowStep(run: NetworkRun, scalars: StepScalars, slot: number): Promise<void> {
    run.network.begin('train', scalars, this.order.at(run.iteration));
    const { segments } = run.network.program('train').pass;
    for (const [index, { phase, path }] of segments.entries()) {
      run.network.runSegment('train', index, slot);
      if (this.pace.kind !== 'slow' || this.actions.length > 0) continue;
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

  /** For what runs pass after pass from now on: rests after each as the share says; false where it is to give way. */
  private afterPass(): () => Promise<boolean> {
    let began = this.now();
    return async () => {
      if (this.share < 1) {
        await this.gpu.device.queue.onSubmittedWorkDone();
        await this.restAfter(this.now() - began);
        began = this.now();
      }
      return !this.urgent;
    };
  }

  /** Error over the whole test set. Given up when something urgent comes up, and done again later. */
  private async evaluate(run: NetworkRun): Promise<void> {
    await this.settle();
    const afterPass = this.afterPass();
    const evaluation = await evaluate(run.network, {
      count: this.test.count,
      scalars: this.scalarsAt(run.iteration),
      firstSlot: TRAIN_SLOTS,
      submits: this.submitsFor(run, EVALUATION_PER_STEP),
      onPass: async (done, total) => {
        this.hooks.emit({ type: 'evaluating', network: run.id, done, total });
        return afterPass();
      },
    });
    if (!evaluation) return;
    run.evaluationDue = false;
    await this.collectRun(run, evaluation.error);
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
