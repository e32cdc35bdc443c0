/**
 * jax-js, as its users would write it: the whole training step is one function under `jit`, gradients come from
 * `valueAndGrad`. Every use of an array consumes one reference to it, `.ref` takes another.
 */
import {
  blockUntilReady,
  defaultDevice,
  init,
  jit,
  lax,
  nn,
  numpy as np,
  tree,
  valueAndGrad,
} from '@jax-js/jax';
import { FathomError } from '../../src/errors.ts';
import { CLASSES, EPSILON, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY } from '../config.ts';
import type { Contender } from '../contender.ts';
import { blocksOf } from '../task.ts';
import type { Block, Task } from '../task.ts';

type Arrays = Record<string, np.Array>;
type Step = (
  weights: Arrays,
  velocities: Arrays,
  x: np.Array,
  y: np.Array,
) => [np.Array, Arrays, Arrays];
type Forward = (weights: Arrays, statistics: Arrays, x: np.Array, y: np.Array) => np.Array;

export class JaxContender implements Contender {
  private readonly device: 'webgpu' | 'wasm';
  private weights: Arrays = {};
  private velocities: Arrays = {};
  private statistics: Arrays = {};
  private batch: { x: np.Array; y: np.Array } | null = null;
  private stepOnce: (Step & { dispose(): void }) | null = null;
  private forwardOnce: (Forward & { dispose(): void }) | null = null;

  constructor(device: 'webgpu' | 'wasm') {
    this.device = device;
  }

  async prepare({ config, weights, images, labels }: Task): Promise<void> {
    const { device } = this;
    if (!(await init(device)).includes(device)) {
      throw new FathomError('bench-peer', `jax-js finds no ${device} here`);
    }
    defaultDevice(device);
    const { batch, size } = config;
    const classes = new Float32Array(batch * CLASSES);
    labels.forEach((label, i) => (classes[i * CLASSES + label] = 1));
    this.batch = {
      x: np.array(images, { shape: [batch, 3, size, size], device }),
      y: np.array(classes, { shape: [batch, CLASSES], device }),
    };
    for (const { name, shape, values } of weights) {
      this.weights[name] = np.array(values, { shape: [...shape], device });
      this.velocities[name] = np.zeros([...shape], { device });
      const layer = /^(.*bn\d)\.weight$/.exec(name)?.[1];
      if (layer === undefined) continue;
      const channels = [shape[0] ?? 0, 1, 1];
      this.statistics[`${layer}.running_mean`] = np.zeros(channels, { device });
      this.statistics[`${layer}.running_var`] = np.ones(channels, { device });
    }

    const blocks = blocksOf(config);
    const loss = (given: Arrays, x: np.Array, y: np.Array) =>
      crossEntropy(logits(blocks, given, null, x), y);
    this.stepOnce = jit<Step>((weights, velocities, x, y) => {
      const [value, gradients] = valueAndGrad(loss)(tree.ref(weights), x, y);
      const next: { weights: Arrays; velocities: Arrays } = { weights: {}, velocities: {} };
      for (const name of Object.keys(weights)) {
        const weight = take(weights, name);
        const decayed = take(gradients, name).add(weight.ref.mul(WEIGHT_DECAY));
        const velocity = take(velocities, name).mul(MOMENTUM).add(decayed);
        next.weights[name] = weight.sub(velocity.ref.mul(LEARNING_RATE));
        next.velocities[name] = velocity;
      }
      return [value, next.weights, next.velocities];
    });
    this.forwardOnce = jit<Forward>((weights, statistics, x, y) =>
      crossEntropy(logits(blocks, weights, statistics, x), y),
    );
  }

  async step(): Promise<number> {
    const { batch, stepOnce } = this;
    if (!batch || !stepOnce) throw new Error('prepare() comes first');
    defaultDevice(this.device);
    const [loss, weights, velocities] = stepOnce(
      this.weights,
      this.velocities,
      batch.x.ref,
      batch.y.ref,
    );
    Object.assign(this, { weights, velocities });
    const value = await scalar(loss);
    // WebGPU's queue is in order: where the loss can be read, all is done. Wasm's is read while its workers go on.
    if (this.device === 'wasm') await blockUntilReady([weights, velocities]);
    return value;
  }

  async forward(): Promise<number> {
    const { batch, forwardOnce } = this;
    if (!batch || !forwardOnce) throw new Error('prepare() comes first');
    defaultDevice(this.device);
    const { weights, statistics } = this;
    return scalar(forwardOnce(tree.ref(weights), tree.ref(statistics), batch.x.ref, batch.y.ref));
  }

  dispose(): void {
    tree.dispose([this.weights, this.velocities, this.statistics]);
    this.batch?.x.dispose();
    this.batch?.y.dispose();
    this.stepOnce?.dispose();
    this.forwardOnce?.dispose();
  }
}

/** The network as a function of its weights; batch statistics where there are no running ones. */
function logits(
  blocks: readonly Block[],
  weights: Arrays,
  statistics: Arrays | null,
  input: np.Array,
): np.Array {
  const convolve = (path: string, x: np.Array, stride: number) =>
    lax.convGeneralDilated(
      x,
      take(weights, `${path}.weight`),
      [stride, stride],
      [
        [1, 1],
        [1, 1],
      ],
    );
  const normalize = (path: string, x: np.Array) => {
    const channels = [x.shape[1] ?? 0, 1, 1];
    const standardized = nn.standardize(x, [0, 2, 3], {
      epsilon: EPSILON,
      ...(statistics && {
        mean: take(statistics, `${path}.running_mean`),
        variance: take(statistics, `${path}.running_var`),
      }),
    });
    return standardized
      .mul(take(weights, `${path}.weight`).reshape(channels))
      .add(take(weights, `${path}.bias`).reshape(channels));
  };

  let x = nn.relu(normalize('bn1', convolve('conv1', input, 1)));
  for (const { path, channels, stride } of blocks) {
    const carried = shortcut(x.ref, channels, stride);
    const inner = nn.relu(normalize(`${path}.bn1`, convolve(`${path}.conv1`, x, stride)));
    const body = normalize(`${path}.bn2`, convolve(`${path}.conv2`, inner, 1));
    x = nn.relu(body.add(carried));
  }
  return np
    .dot(x.mean([2, 3]), take(weights, 'fc.weight').transpose())
    .add(take(weights, 'fc.bias'));
}

/** Option A: every second pixel, and zeros in the channels that are new. There are no strided slices. */
function shortcut(x: np.Array, channels: number, stride: number): np.Array {
  if (stride === 1) return x;
  const [n = 0, c = 0, h = 0, w = 0] = x.shape;
  const halves = x.reshape([n, c, h / 2, 2, w / 2, 2]).slice([], [], [], 0, [], 0);
  return np.pad(halves, [
    [0, 0],
    [0, channels - c],
    [0, 0],
    [0, 0],
  ]);
}

/** Mean over the batch; `y` is one-hot. */
function crossEntropy(logits: np.Array, y: np.Array): np.Array {
  const batch = logits.shape[0] ?? 1;
  return nn
    .logSoftmax(logits)
    .mul(y)
    .sum()
    .mul(-1 / batch);
}

function take(arrays: Arrays, name: string): np.Array {
  const array = arrays[name];
  if (!array) throw new Error(`there is no array named ${name}`);
  return array;
}

async function scalar(loss: np.Array): Promise<number> {
  const value: unknown = await loss.jsAsync();
  return Number(value);
}
