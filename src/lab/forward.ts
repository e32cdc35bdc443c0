/**
 * The one network of the chapters on images and regularization: how it is trained, and its forward pass, by the kernels
 * and by their float64 reference on the same weights.
 */
import type { Dataset } from '../data/dataset.ts';
import { DeviceDataset } from '../engine/dataset.ts';
import type { Gpu } from '../engine/gpu/gpu.ts';
import type { Dispatch, Mode } from '../engine/graph/lower.ts';
import { GpuNetwork } from '../engine/network.ts';
import { learnedOf } from '../engine/tensors.ts';
import { predictReference } from '../network/reference.ts';
import type { ReferenceState } from '../network/reference.ts';
import type { NetworkSpec } from '../network/spec.ts';
import type { Draw } from '../reference/augmentation.ts';
import { tensor } from '../reference/tensor.ts';
import type { Tensor, Tensors } from '../reference/tensor.ts';
import { BatchOrder, balancedSubset } from './batches.ts';
import { experimentConfig } from './config.ts';
import { specOf } from './networks.ts';
import { scalarsAt, stepScalars } from './step_scalars.ts';

/** The network, and how it is trained. */
const CONFIG = experimentConfig.parse({
  networks: ['residual-8.dropout25'],
  width: 8,
  batch: 32,
  steps: 150,
  warmup: 10,
  learningRate: 0.1,
  schedule: 'cosine',
  pad: 1,
  seed: 1,
});
/** Pictures of a pass. */
export const BATCH = CONFIG.batch;

/**
 * With dropout, or without it: the weights have the same names. In `train` batch norm takes the statistics of the batch,
 * and nothing is learned.
 */
const VARIANTS = { dropout: CONFIG.networks[0] ?? '', bare: 'residual-8' } as const;
export type Variant = keyof typeof VARIANTS;

export interface ForwardQuestion {
  variant: Variant;
  mode: Mode;
  /** Of dropout's masks. */
  draw: Draw;
  /** So many rows of the answer are wanted, from the first. */
  rows: number;
}

/** A trained network, by whoever computes it. */
export interface Forward {
  /** Whose kernels make the pictures; null where the reference does. */
  readonly gpu: Gpu | null;
  /** Weights and running statistics by name. */
  readonly weights: Tensors;
  /** Logits of {@link BATCH} normalized pictures; those of the wanted rows hold. */
  logits(x: Tensor, question: ForwardQuestion): Promise<ArrayLike<number>>;
  /** What runs for such logits; nothing where the reference computes. */
  dispatches(variant: Variant, mode: Mode): readonly Dispatch[];
  destroy(): void;
}

/** The same weights twice. */
export interface Trained {
  kernels: Forward;
  reference: Forward;
}

/** Trains on a data set; `progress` is told every step. */
export async function trainForward(
  gpu: Gpu,
  dataset: Dataset,
  progress: (done: number, total: number) => unknown,
): Promise<Trained> {
  const { seed, steps } = CONFIG;
  const { train, test, channels, statistics } = dataset;
  if (test.count === 0) throw new Error('a data set has test pictures');
  const data = new DeviceDataset(gpu, train, { channels, statistics, batch: BATCH });
  const options = { batch: BATCH, seed, rewirable: false };
  const specs = {
    dropout: specOf(VARIANTS.dropout, CONFIG, dataset),
    bare: specOf(VARIANTS.bare, CONFIG, dataset),
  };
  const trainee = await GpuNetwork.create(gpu, specs.dropout, {
    ...options,
    data: { train: data, test: data },
  });
  try {
    const order = new BatchOrder(balancedSubset(train.labels, 0), BATCH, seed);
    for (let t = 0; t < steps; t++) {
      trainee.run('train', scalarsAt(CONFIG, t), 0, order.at(t));
      await gpu.device.queue.onSubmittedWorkDone();
      await progress(t + 1, steps);
    }
    const state = await learnedOf(trainee);
    const copy = async (spec: NetworkSpec) => {
      const network = await GpuNetwork.create(gpu, spec, options);
      network.copyFrom(trainee);
      return network;
    };
    const networks = { dropout: await copy(specs.dropout), bare: await copy(specs.bare) };
    return {
      kernels: new KernelForward(gpu, networks, { ...state.parameters, ...state.running }),
      reference: new ReferenceForward(specs, state),
    };
  } finally {
    trainee.destroy();
    data.destroy();
  }
}

class KernelForward implements Forward {
  readonly gpu: Gpu;
  readonly weights: Tensors;
  private readonly networks: Record<Variant, GpuNetwork>;

  constructor(gpu: Gpu, networks: Record<Variant, GpuNetwork>, weights: Tensors) {
    this.gpu = gpu;
    this.networks = networks;
    this.weights = weights;
  }

  async logits(x: Tensor, { variant, mode, draw }: ForwardQuestion): Promise<Float32Array> {
    const network = this.networks[variant];
    // A step learns nothing at rate 0, but running statistics move.
    const restore = mode === 'train' ? network.snapshot() : null;
    network.writeBatch(x.data, new Uint32Array(BATCH));
    network.run(mode, { ...stepScalars(CONFIG), ...draw }, 0);
    const logits = await network.readLogits(mode);
    restore?.();
    return logits;
  }

  dispatches(variant: Variant, mode: Mode): readonly Dispatch[] {
    const { dispatches } = this.networks[variant].program(mode).pass.plan;
    return dispatches.filter(({ phase }) => phase === 'forward');
  }

  destroy(): void {
    for (const network of Object.values(this.networks)) network.destroy();
  }
}

class ReferenceForward implements Forward {
  readonly gpu = null;
  readonly weights: Tensors;
  private readonly specs: Record<Variant, NetworkSpec>;
  private readonly state: ReferenceState;

  constructor(specs: Record<Variant, NetworkSpec>, state: ReferenceState) {
    this.specs = specs;
    this.state = state;
    this.weights = { ...state.parameters, ...state.running };
  }

  logits(x: Tensor, { variant, mode, draw, rows }: ForwardQuestion): Promise<Float64Array> {
    const training = mode === 'train';
    // Only batch statistics need the whole batch.
    const seen = training ? x : firstRows(x, rows);
    const draws = mode === 'evaluate' ? undefined : draw;
    const options = { training, ...(draws && { draws }) };
    return Promise.resolve(predictReference(this.specs[variant], this.state, seen, options).data);
  }

  dispatches(): readonly Dispatch[] {
    return [];
  }

  destroy(): void {
    // It holds no device memory.
  }
}

function firstRows({ shape, data }: Tensor, rows: number): Tensor {
  const each = data.length / (shape[0] ?? 1);
  return tensor([rows, ...shape.slice(1)], data.subarray(0, rows * each));
}
