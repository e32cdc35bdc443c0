/**
 * One network of an experiment as it trains: where it stands, and the rows of its curves.
 */
import type { GpuNetwork, Summary } from '../engine/network.ts';
import { Observer } from '../engine/observe.ts';

/** Training error is the mean over the batches of so many last iterations. */
export const SMOOTHING_WINDOW = 50;
/** Images a second are averaged over so many last steps. */
const RATE_WINDOW = 20;
/** Summaries of so many training steps wait on the GPU at most. */
export const TRAIN_SLOTS = 1024;

/** One row of the curves. Errors are fractions 0…1. */
export interface MetricsRow {
  network: string;
  /** Training steps done, 1-based. */
  iteration: number;
  /** Mean cross-entropy of this step's batch. */
  trainLoss: number;
  /** Share of this step's batch that was classified wrongly. */
  batchError: number;
  /** The mean of `batchError` over the last {@link SMOOTHING_WINDOW} iterations. */
  trainError: number;
  /** Error on the whole test set, on the iterations where it was evaluated. */
  testError: number | null;
  /** Seconds this network has trained, evaluation left out. */
  seconds: number;
}

export class NetworkRun {
  readonly id: string;
  readonly network: GpuNetwork;
  readonly batch: number;
  /** Of one training step. */
  readonly flops: number;
  connected: boolean;
  /** Training steps submitted. */
  iteration = 0;
  /** It trains until so many steps have been submitted. */
  goal = 0;
  /** Training steps that the GPU is known to have finished. */
  finished = 0;
  /** Steps that changed nothing, for want of range (see `shaders/loss_scale.wgsl`); 0 where activations are f32. */
  skipped = 0;
  /** Iteration at which the loss stopped being a number. */
  divergedAt: number | null = null;
  /** The test set is to be evaluated before the next step. */
  evaluationDue = false;
  /** When its layers were last looked at. */
  watchedAt = 0;
  private watcher: Observer | null = null;
  /** Seconds of all steps whose rows were made. */
  private seconds = 0;
  /** Seconds of each of the last steps. */
  private readonly stepSeconds = new Float64Array(TRAIN_SLOTS);
  /** Iterations whose rows have been asked for. */
  private requested = 0;
  /** Resolves when all rows asked for have been made. */
  private reading: Promise<void> = Promise.resolve();
  /** The last row that was given out. */
  private newest: MetricsRow | null = null;
  private readonly window: number[] = [];

  constructor(
    id: string,
    network: GpuNetwork,
    { batch, flops }: { batch: number; flops: number },
    connected: boolean,
  ) {
    this.id = id;
    this.network = network;
    this.batch = batch;
    this.flops = flops;
    this.connected = connected;
  }

  /** The observer of the present wiring, made where there is none ({@link Observer.create}); it may have to be compiled. */
  observer(): Observer {
    const wired = JSON.stringify(this.network.spec.layers);
    if (!this.watcher || JSON.stringify(this.watcher.spec.layers) !== wired) {
      this.forgetObserver();
      this.watcher = Observer.create(this.network);
    }
    return this.watcher;
  }

  forgetObserver(): void {
    this.watcher?.destroy();
    this.watcher = null;
  }

  reset(connected: boolean): void {
    this.network.reset();
    this.connected = connected;
    this.iteration = 0;
    this.goal = 0;
    this.finished = 0;
    this.skipped = 0;
    this.divergedAt = null;
    this.evaluationDue = false;
    this.seconds = 0;
    this.requested = 0;
    this.reading = Promise.resolve();
    this.newest = null;
    this.window.length = 0;
  }

  /** The oldest unfinished step has finished; returns its number, counted from 0. */
  finishStep(): number {
    return this.finished++;
  }

  /** What a step took. May be said again with more to go by, until its row is made. */
  timeStep(step: number, seconds: number): void {
    this.stepSeconds[step % TRAIN_SLOTS] = seconds;
  }

  /** Training images a second, averaged over the last steps; 0 before there are any. */
  get imagesPerSecond(): number {
    const steps = Math.min(RATE_WINDOW, this.finished);
    let seconds = 0;
    for (let step = this.finished - steps; step < this.finished; step++) {
      seconds += this.stepSeconds[step % TRAIN_SLOTS] ?? 0;
    }
    return seconds > 0 ? (steps * this.batch) / seconds : 0;
  }

  /** What the last step took; null before there is any. */
  get lastSeconds(): number | null {
    return this.finished > 0 ? (this.stepSeconds[(this.finished - 1) % TRAIN_SLOTS] ?? null) : null;
  }

  /** Finished steps whose rows nobody has asked for. */
  get pendingRows(): number {
    return this.divergedAt === null ? this.finished - this.requested : 0;
  }

  /**
   * Reads what the GPU noted on finished steps since the last call and hands the rows to `give`, calls in
   * order. `testError` belongs to the newest iteration, whose row goes out again if it went out without it.
   * Rows end with the first whose loss is not a number.
   */
  collect(testError: number | null, give: (rows: MetricsRow[]) => void): Promise<void> {
    const first = this.requested;
    const last = this.finished;
    this.requested = last;
    const summaries = this.read(first, last);
    summaries.catch(() => undefined);
    const given = this.reading.then(async () => {
      if (this.divergedAt !== null) return;
      const rows: MetricsRow[] = [];
      for (const [i, summary] of (await summaries).entries()) {
        if (this.divergedAt !== null) break;
        const iteration = first + i + 1;
        rows.push(this.row(iteration, summary, iteration === last ? testError : null));
        this.skipped = summary.skipped;
        if (!Number.isFinite(summary.loss)) this.divergedAt = iteration;
      }
      if (rows.length === 0 && testError !== null && this.newest) {
        rows.push({ ...this.newest, testError });
      }
      this.newest = rows.at(-1) ?? this.newest;
      if (rows.length > 0) give(rows);
    });
    // Who asked hears of a failure; rows that are asked for later are not lost to it.
    this.reading = given.catch(() => undefined);
    return given;
  }

  /** Resolves when all rows asked for have been handed out. */
  settled(): Promise<void> {
    return this.reading;
  }

  private async read(first: number, last: number): Promise<Summary[]> {
    const parts: Promise<Summary[]>[] = [];
    for (let from = first; from < last;) {
      const slot = from % TRAIN_SLOTS;
      const count = Math.min(last - from, TRAIN_SLOTS - slot);
      parts.push(this.network.readSummaries(slot, count));
      from += count;
    }
    return (await Promise.all(parts)).flat();
  }

  private row(iteration: number, { loss, errors }: Summary, testError: number | null): MetricsRow {
    const batchError = errors / this.batch;
    this.seconds += this.stepSeconds[(iteration - 1) % TRAIN_SLOTS] ?? 0;
    this.window.push(batchError);
    if (this.window.length > SMOOTHING_WINDOW) this.window.shift();
    return {
      network: this.id,
      iteration,
      trainLoss: loss,
      batchError,
      trainError: this.window.reduce((sum, error) => sum + error, 0) / this.window.length,
      testError,
      seconds: this.seconds,
    };
  }
}
