/** Networks that train side by side on the same batches of one small set: what the chapter on depth compares. */
import { pick } from '../data/assemble.ts';
import type { Dataset } from '../data/dataset.ts';
import { DeviceDataset } from '../engine/dataset.ts';
import { evaluate } from '../engine/evaluate.ts';
import type { Evaluation } from '../engine/evaluate.ts';
import type { Gpu } from '../engine/gpu/gpu.ts';
import type { Mode } from '../engine/graph/lower.ts';
import { GpuNetwork } from '../engine/network.ts';
import type { StepScalars } from '../ops/step.ts';
import type { Tensor } from '../reference/tensor.ts';
import { BatchOrder, balancedSubset } from './batches.ts';
import { experimentConfig } from './config.ts';
import type { ExperimentConfig } from './config.ts';
import { specOf } from './networks.ts';
import { normalizedPictures } from './pictures.ts';
import { scalarsAt, stepScalars } from './step_scalars.ts';

/** Training pictures, where the set has as many. */
const TRAINED = 1024;
/** Steps that are read together at most. */
export const MOST_STEPS = 64;

export interface SideSetting {
  /** Channels of the first stage. */
  width: number;
  seed: number;
  /** Option A where nothing is said. */
  shortcut?: ExperimentConfig['shortcut'];
}

/** One training step of every network that takes part: its batch's mean cross-entropy, and the share of wrong answers. */
export interface SideRow {
  /** Steps done, 1-based. */
  iteration: number;
  loss: number[];
  error: number[];
}

export class SideBySide {
  /** The set, its training part cut to those pictures that are used. */
  readonly dataset: Dataset;
  readonly config: ExperimentConfig;
  /** Training steps done. */
  iteration = 0;
  private readonly gpu: Gpu;
  private readonly data: DeviceDataset;
  private readonly order: BatchOrder;
  private readonly networks: GpuNetwork[] = [];

  constructor(gpu: Gpu, dataset: Dataset, setting: SideSetting) {
    const { channels, statistics } = dataset;
    const train = pick(dataset.train, balancedSubset(dataset.train.labels, TRAINED));
    this.gpu = gpu;
    this.dataset = { ...dataset, train };
    // Nothing is drawn but the order of the batches, so that the training error is that of what is trained on.
    this.config = experimentConfig.parse({
      ...setting,
      ...{ batch: 32, learningRate: 0.05, warmup: 20, schedule: 'constant', flip: false },
    });
    const { batch, seed } = this.config;
    this.data = new DeviceDataset(gpu, train, { channels, statistics, batch });
    this.order = new BatchOrder(balancedSubset(train.labels, 0), batch, seed);
  }

  /** A network of the experiment's family, `plain-20`, at its initial weights. */
  async add(id: string): Promise<GpuNetwork> {
    const { batch, seed } = this.config;
    const network = await GpuNetwork.create(this.gpu, specOf(id, this.config, this.dataset), {
      batch,
      seed,
      // Evaluation is over the training pictures.
      data: { train: this.data, test: this.data },
      summarySlots: Math.max(MOST_STEPS, Math.ceil(this.data.count / batch)),
      rewirable: false,
    });
    this.networks.push(network);
    return network;
  }

  /** Trains networks that were added, each step on one batch for all. */
  async train(
    networks: readonly GpuNetwork[],
    steps: number,
    afterStep: () => void = () => undefined,
  ): Promise<SideRow[]> {
    const count = Math.min(steps, MOST_STEPS);
    if (count < 1) return [];
    for (let i = 0; i < count; i++) {
      const { scalars, indices } = this.passAt(this.iteration);
      for (const network of networks) network.run('train', scalars, i, indices);
      afterStep();
      this.iteration++;
      await this.gpu.device.queue.onSubmittedWorkDone();
    }
    const summaries = await Promise.all(networks.map((each) => each.readSummaries(0, count)));
    return Array.from({ length: count }, (_, i) => ({
      iteration: this.iteration - count + i + 1,
      loss: summaries.map((each) => each[i]?.loss ?? NaN),
      error: summaries.map((each) => (each[i]?.errors ?? NaN) / this.config.batch),
    }));
  }

  /** The training pass of iteration `t`. Its indices are overwritten by the next call. */
  passAt(t: number): { scalars: StepScalars; indices: Uint32Array<ArrayBuffer> } {
    return { scalars: scalarsAt(this.config, t), indices: this.order.at(t) };
  }

  /** Loss and error over all training pictures, in evaluation mode. */
  async measure(network: GpuNetwork): Promise<Evaluation> {
    const scalars = stepScalars(this.config);
    const measured = await evaluate(network, { count: this.data.count, scalars });
    if (!measured) throw new Error('nobody gave the evaluation up');
    return measured;
  }

  /** Places of the pictures that {@link logits} are of. */
  get firstBatch(): Uint32Array<ArrayBuffer> {
    return Uint32Array.from({ length: this.config.batch }, (_, i) => i % this.data.count);
  }

  /** Logits [N, classes] of the first pictures of the set, as many as a batch has. The network stays as it is. */
  async logits(network: GpuNetwork, mode: Mode): Promise<Float32Array> {
    const restore = network.snapshot();
    network.run(mode, stepScalars(this.config), 0, this.firstBatch);
    const logits = await network.readLogits(mode);
    restore();
    return logits;
  }

  /** Training pictures as the float64 reference takes them: [N, C, H, W], normalized, with their labels. */
  async pictures(places: ArrayLike<number>): Promise<{ x: Tensor; labels: Uint8Array }> {
    const train = pick(this.dataset.train, places);
    const x = await normalizedPictures(null, { ...this.dataset, train }, 0, train.count, 'train');
    return { x, labels: train.labels };
  }

  destroy(): void {
    for (const network of this.networks) network.destroy();
    this.data.destroy();
  }
}
