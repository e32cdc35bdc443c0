/**
 * The engine as a library: what `npm run build:library` makes one ES module of. docs/engine.md shows how it is used.
 * Images are [N, C, H, W], weights [O, I, KH, KW], as in PyTorch; names are those of a torchvision state_dict.
 */
import { z } from 'zod';
import { FathomError } from './errors.ts';
import { describeDevice } from './engine/gpu/device.ts';
import { Gpu } from './engine/gpu/gpu.ts';
import { recipeOf } from './engine/graph/lower.ts';
import { GpuNetwork } from './engine/network.ts';
import { networkSpec } from './network/spec.ts';
import type { NetworkSpec } from './network/spec.ts';
import { elements } from './ops/tensor.ts';
import type { StepScalars } from './ops/step.ts';
import { PRECISIONS } from './ops/tensor.ts';
import { TUNING_NAMES, tuningFor } from './ops/tuning.ts';

export { FathomError } from './errors.ts';
export { requestDevice } from './engine/gpu/device.ts';
export type { DeviceDescription } from './engine/gpu/device.ts';
export { cifarNetwork } from './network/families.ts';
export type { CifarNetworkOptions } from './network/families.ts';
export type { NetworkSpec } from './network/spec.ts';

const rate = z.number().min(0);
const settings = z.strictObject({
  /** Images of one step. */
  batch: z.int().min(1),
  /** Of initialization and dropout. */
  seed: z.int().min(0).default(1),
  optimizer: z.enum(['sgd', 'adam', 'adamw']).default('sgd'),
  learningRate: rate.default(0.1),
  /** SGD only. */
  momentum: rate.default(0.9),
  nesterov: z.boolean().default(false),
  weightDecay: rate.default(0),
  /** ε of Szegedy et al. 2016, section 7. */
  labelSmoothing: z.number().min(0).max(1).default(0),
  /** Gradients are clipped to this norm, all together; 0 leaves them as they are. */
  clipNorm: rate.default(0),
  /** How activations and their gradients are stored. */
  storage: z.enum(PRECISIONS).default('f32'),
  /** Which variants of the kernels to take; chosen by the adapter where nothing is said. */
  tuning: z.enum(TUNING_NAMES).optional(),
});
/** Settings of {@link Network.create}: `batch`, and what is to differ from the defaults. */
export type Settings = z.input<typeof settings>;

/** Weights and running statistics by name. */
export type Weights = Record<string, Float32Array>;

/** What the networks on one device share: kernels, and the memory of a step. */
const gpus = new WeakMap<GPUDevice, Map<string, Gpu>>();

/** A network on the GPU that can be trained, evaluated, read and written. */
export class Network {
  /** Shapes of all weights and running statistics by name, in PyTorch's order of axes. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** May be changed between steps, as a schedule does. */
  learningRate: number;
  momentum: number;
  weightDecay: number;

  private readonly network: GpuNetwork;
  private readonly settings: z.output<typeof settings>;
  private readonly forget: () => void;
  private fault: Error | null = null;
  private steps = 0;
  private destroyed = false;

  private constructor(network: GpuNetwork, chosen: z.output<typeof settings>) {
    this.network = network;
    this.settings = chosen;
    this.learningRate = chosen.learningRate;
    this.momentum = chosen.momentum;
    this.weightDecay = chosen.weightDecay;
    this.shapes = Object.fromEntries(
      [...network.parameters, ...network.state].map(({ name, shape }) => [name, shape]),
    );
    this.forget = network.gpu.onError((error) => (this.fault = error));
  }

  /**
   * Compiles a network for a device; networks on one device share kernels and the memory of a step.
   *
   * @param spec what {@link cifarNetwork} gives, or one's own: see docs/engine.md
   * @throws FathomError `settings` or `network` for input that is malformed, with its place; `shape` with the layer's
   *   path where layers do not fit; `too-large` where the device cannot hold it,
   *   `no-f16` where it cannot store it
   */
  static async create(device: GPUDevice, spec: NetworkSpec, given: Settings): Promise<Network> {
    const chosen = parse(settings, given, 'settings');
    if (typeof (device as Partial<GPUDevice> | undefined)?.createBuffer !== 'function') {
      throw new FathomError(
        'device',
        'expected a GPUDevice, as requestDevice(navigator.gpu) gives in { device }, found something else',
      );
    }
    const { tuning = tuningFor(describeDevice(device)), batch, seed, storage } = chosen;
    const shared = gpus.get(device) ?? new Map<string, Gpu>();
    gpus.set(device, shared);
    const gpu = shared.get(tuning) ?? new Gpu(device, tuning);
    shared.set(tuning, gpu);
    const network = await GpuNetwork.create(gpu, parse(networkSpec, spec, 'network'), {
      batch,
      seed,
      summarySlots: 1,
      recipe: recipeOf(chosen),
      storage,
      rewirable: false,
    });
    return new Network(network, chosen);
  }

  /** Throws a FathomError `destroyed` when there is nothing left to work on. */
  private expectAlive(): void {
    if (!this.destroyed) return;
    throw new FathomError(
      'destroyed',
      `the network ${this.network.spec.name} was destroyed: create another`,
    );
  }

  /** Steps that were taken. */
  get iteration(): number {
    return this.steps;
  }

  /**
   * One training step on a batch: forward, backward, update. It is submitted at once, so that steps may follow each other
   * without waiting for their losses.
   *
   * @param images [batch, C, H, W], normalized as the data set asks
   * @param labels class indices, one an image
   * @returns the mean cross-entropy of the batch, before the update
   * @throws FathomError `images` or `labels` where their number or values are wrong; what the GPU reported where it failed
   */
  async step(images: ArrayLike<number>, labels: ArrayLike<number>): Promise<number> {
    const { batch } = this.settings;
    this.expectImages(images, batch);
    this.expectLabels(labels, batch);
    this.network.writeBatch(images, Uint32Array.from(labels));
    this.network.run('train', this.scalars(batch), 0);
    this.steps++;
    return (await this.summary()).loss;
  }

  /**
   * Loss and error of any number of images, with running statistics and without dropout.
   *
   * @returns the mean cross-entropy, and the share of wrong answers
   * @throws FathomError as {@link step}
   */
  async evaluate(
    images: ArrayLike<number>,
    labels: ArrayLike<number>,
  ): Promise<{ loss: number; error: number }> {
    const count = this.expectImages(images);
    this.expectLabels(labels, count);
    const sums = { loss: 0, error: 0 };
    for (const { valid } of this.submit(images, labels)) {
      const { loss, errors } = await this.summary();
      sums.loss += (loss * valid) / count;
      sums.error += errors / count;
    }
    return sums;
  }

  /** Logits [N, classes] of any number of images, with running statistics and without dropout. */
  async predict(images: ArrayLike<number>): Promise<Float32Array> {
    const count = this.expectImages(images);
    const { classes } = this.network.spec;
    const logits = new Float32Array(count * classes);
    for (const { from, valid } of this.submit(images, new Uint32Array(count))) {
      const read = await this.checked(this.network.readLogits('evaluate'));
      logits.set(read.subarray(0, valid * classes), from * classes);
    }
    return logits;
  }

  /** Weights and running statistics by name. */
  async weights(): Promise<Weights> {
    this.expectAlive();
    const [parameters, state] = await this.checked(
      Promise.all([this.network.readParameters(), this.network.readState()]),
    );
    return Object.fromEntries([...parameters, ...state]);
  }

  /** dL/d of all weights in the last step, by name. */
  async gradients(): Promise<Weights> {
    this.expectAlive();
    return Object.fromEntries(await this.checked(this.network.readGradients()));
  }

  /**
   * Sets weights and running statistics, as many as are given; what the optimizer keeps stays. `num_batches_tracked` of a
   * PyTorch state_dict is passed over.
   *
   * @throws FathomError `weights` for a name that the network has not, a wrong number of values, or one that is no number;
   *   then none is set
   */
  setWeights(weights: Readonly<Record<string, ArrayLike<number>>>): void {
    this.expectAlive();
    const given = Object.entries(weights).filter(([name]) => !name.endsWith('num_batches_tracked'));
    for (const [name, values] of given) {
      const shape = this.shapes[name];
      if (!shape) {
        const known = Object.keys(this.shapes).join(', ');
        throw new FathomError('weights', `this network has no weight "${name}"; it has ${known}`, {
          name,
        });
      }
      const wrong = Array.prototype.findIndex.call(values, (value) => !Number.isFinite(value));
      if (wrong >= 0) {
        throw new FathomError('weights', `value ${wrong} of "${name}" is ${values[wrong]}`, {
          name,
          at: wrong,
        });
      }
      if (values.length !== elements(shape)) {
        throw new FathomError(
          'weights',
          `"${name}" has shape [${shape.join(', ')}], that is ${elements(shape)} values, not ${values.length}`,
          { name, expected: elements(shape), found: values.length },
        );
      }
    }
    const learned = new Set(this.network.parameters.map(({ name }) => name));
    for (const [name, values] of given) {
      if (learned.has(name)) this.network.writeParameter(name, values);
      else this.network.writeState(name, values);
    }
  }

  /** Back to the seed: weights, running statistics, what the optimizer keeps, and the count of steps. */
  reset(): void {
    this.expectAlive();
    this.steps = 0;
    this.network.reset();
  }

  /** Frees the memory of this network. The device stays. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.forget();
    this.network.destroy();
  }

  /** Submits images batch by batch in evaluation; the caller reads what it wants before it goes on. */
  private *submit(images: ArrayLike<number>, labels: ArrayLike<number>) {
    const { batch } = this.settings;
    const size = this.imageSize;
    const count = labels.length;
    for (let from = 0; from < count; from += batch) {
      const valid = Math.min(batch, count - from);
      const [x, y] = [new Float32Array(batch * size), new Uint32Array(batch)];
      for (let i = 0; i < valid * size; i++) x[i] = images[from * size + i] ?? NaN;
      for (let i = 0; i < valid; i++) y[i] = labels[from + i] ?? 0;
      this.network.writeBatch(x, y);
      this.network.run('evaluate', this.scalars(valid), 0);
      yield { from, valid };
    }
  }

  private get imageSize(): number {
    const { channels, height, width } = this.network.spec.input;
    return channels * height * width;
  }

  private scalars(valid: number): StepScalars {
    for (const name of ['learningRate', 'momentum', 'weightDecay'] as const) {
      if (Number.isFinite(this[name])) continue;
      throw new FathomError('settings', `${name} is ${this[name]}: expected a number`, { name });
    }
    const { seed, nesterov, clipNorm, optimizer } = this.settings;
    return {
      learningRate: this.learningRate,
      momentum: optimizer === 'sgd' ? this.momentum : 0,
      weightDecay: this.weightDecay,
      nesterov,
      seed,
      iteration: this.steps,
      valid,
      pad: 0,
      flip: false,
      maxNorm: clipNorm,
    };
  }

  /** Of the last pass: it is copied before another can be submitted. */
  private async summary() {
    const [summary] = await this.checked(this.network.readSummaries(0, 1));
    return summary ?? { loss: NaN, errors: NaN, skipped: NaN };
  }

  /** What was read, unless the GPU has reported a fault since: then it is worth nothing. */
  private async checked<T>(reading: Promise<T>): Promise<T> {
    const value = await reading;
    if (this.fault) throw this.fault;
    return value;
  }

  /** How many images there are. */
  private expectImages(images: ArrayLike<number>, count?: number): number {
    this.expectAlive();
    const { channels, height, width } = this.network.spec.input;
    const found = images.length / this.imageSize;
    if (Number.isInteger(found) && found > 0 && found === (count ?? found)) return found;
    const wanted = count === undefined ? 'N' : String(count);
    throw new FathomError(
      'images',
      `images must be [${wanted}, ${channels}, ${height}, ${width}], a multiple of ${this.imageSize} values` +
        `${count === undefined ? '' : ` (${count * this.imageSize})`}, not ${images.length}`,
      { found: images.length },
    );
  }

  private expectLabels(labels: ArrayLike<number>, count: number): void {
    const { classes } = this.network.spec;
    if (labels.length !== count) {
      throw new FathomError(
        'labels',
        `${count} images need ${count} labels, not ${labels.length}`,
        {
          found: labels.length,
        },
      );
    }
    const wrong = Array.from(labels).findIndex(
      (label) => !Number.isInteger(label) || label < 0 || label >= classes,
    );
    if (wrong >= 0) {
      throw new FathomError(
        'labels',
        `label ${wrong} is ${labels[wrong]}, but classes go from 0 to ${classes - 1}`,
        { at: wrong },
      );
    }
  }
}

/** Throws a FathomError that says where `what` is not as it has to be. */
function parse<T extends z.ZodType>(schema: T, given: unknown, what: string): z.output<T> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    ({ path, message }) => `${placeOf(given, what, path)}: ${message}`,
  );
  throw new FathomError(what, faults.join('; '), { faults: faults.length });
}

/** A path into malformed input, with the names of layers in place of their numbers: `network.layers.block.body.conv`. */
function placeOf(given: unknown, what: string, path: readonly PropertyKey[]): string {
  let value = given;
  return path.reduce((place: string, key) => {
    value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
    const name = typeof key === 'number' && (value as { name?: unknown } | undefined)?.name;
    return `${place}.${typeof name === 'string' ? name : String(key)}`;
  }, what);
}
