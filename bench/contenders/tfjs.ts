/**
 * TensorFlow.js, as its users would write it with the core API: variables, `tf.variableGrads`, its momentum optimizer,
 * images NHWC and kernels HWIO.
 */
import * as tf from '@tensorflow/tfjs';
import { FathomError } from '../../src/errors.ts';
import { CLASSES, EPSILON, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY } from '../config.ts';
import type { Contender } from '../contender.ts';
import { blocksOf } from '../task.ts';
import type { Block, Task } from '../task.ts';

type Variables = Map<string, tf.Variable>;
/** Mean and variance of each batch norm by its path. */
type Statistics = Map<string, { mean: tf.Tensor1D; variance: tf.Tensor1D }>;

export class TfjsContender implements Contender {
  private readonly backend: 'webgpu' | 'webgl';
  private readonly variables: Variables = new Map();
  private readonly statistics: Statistics = new Map();
  private readonly optimizer = tf.train.momentum(LEARNING_RATE, MOMENTUM);
  private blocks: readonly Block[] = [];
  private batch: { x: tf.Tensor4D; y: tf.Tensor2D } | null = null;

  constructor(backend: 'webgpu' | 'webgl') {
    this.backend = backend;
  }

  async prepare({ config, weights, images, labels }: Task): Promise<void> {
    if (this.backend === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu');
    await this.choose();
    const { batch, size } = config;
    this.blocks = blocksOf(config);
    this.batch = tf.tidy(() => ({
      x: tf.keep(tf.tensor4d(images, [batch, 3, size, size]).transpose<tf.Tensor4D>([0, 2, 3, 1])),
      y: tf.keep(
        tf
          .oneHot(tf.tensor1d(Int32Array.from(labels), 'int32'), CLASSES)
          .toFloat()
          .as2D(batch, CLASSES),
      ),
    }));
    for (const { name, shape, values } of weights) {
      const initial = tf.tidy(() => {
        const given = tf.tensor(values, [...shape]);
        if (shape.length === 4) return given.transpose([2, 3, 1, 0]);
        return shape.length === 2 ? given.transpose() : given;
      });
      this.variables.set(name, tf.variable(initial, true));
      initial.dispose();
      const layer = /^(.*bn\d)\.weight$/.exec(name)?.[1];
      if (layer === undefined) continue;
      const channels = [shape[0] ?? 0] as [number];
      this.statistics.set(layer, { mean: tf.zeros(channels), variance: tf.ones(channels) });
    }
  }

  async step(): Promise<number> {
    await this.choose();
    const loss = tf.tidy(() => {
      const { value, grads } = tf.variableGrads(
        () => this.loss(null),
        [...this.variables.values()],
      );
      const decayed = [...this.variables.values()].map((variable) => {
        const gradient = grads[variable.name];
        if (!gradient) throw new Error(`${variable.name} has no gradient`);
        return { name: variable.name, tensor: gradient.add(variable.mul(WEIGHT_DECAY)) };
      });
      this.optimizer.applyGradients(decayed);
      return value;
    });
    return scalar(loss);
  }

  async forward(): Promise<number> {
    await this.choose();
    return scalar(tf.tidy(() => this.loss(this.statistics)));
  }

  dispose(): void {
    this.optimizer.dispose();
    tf.dispose([...this.variables.values()]);
    tf.dispose([...this.statistics.values()].flatMap(({ mean, variance }) => [mean, variance]));
    tf.dispose([this.batch?.x, this.batch?.y].filter((tensor) => tensor !== undefined));
  }

  /** Both backends live in one TensorFlow.js, one of them being the present one. */
  private async choose(): Promise<void> {
    if (tf.getBackend() === this.backend) return;
    if (!(await tf.setBackend(this.backend))) {
      throw new FathomError('bench-peer', `TensorFlow.js finds no ${this.backend} here`);
    }
  }

  /** Mean cross-entropy of the batch; with batch statistics where there are no running ones. */
  private loss(statistics: Statistics | null): tf.Scalar {
    const { batch, blocks } = this;
    if (!batch) throw new Error('prepare() comes first');
    const convolve = (path: string, x: tf.Tensor4D, stride: number) =>
      // One pixel on both sides, as in PyTorch; 'same' would pad only one side where the stride is 2.
      tf.conv2d(x, this.weight<tf.Tensor4D>(`${path}.weight`), stride, 1);
    const normalize = (path: string, x: tf.Tensor4D) => {
      const { mean, variance } = statistics?.get(path) ?? tf.moments(x, [0, 1, 2]);
      return tf.batchNorm4d(
        x,
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        this.weight<tf.Tensor1D>(`${path}.bias`),
        this.weight<tf.Tensor1D>(`${path}.weight`),
        EPSILON,
      );
    };
    let x: tf.Tensor4D = tf.relu(normalize('bn1', convolve('conv1', batch.x, 1)));
    for (const { path, channels, stride } of blocks) {
      const inner = tf.relu(normalize(`${path}.bn1`, convolve(`${path}.conv1`, x, stride)));
      const body = normalize(`${path}.bn2`, convolve(`${path}.conv2`, inner, 1));
      x = tf.relu(body.add<tf.Tensor4D>(shortcut(x, channels, stride)));
    }
    const logits = tf
      .mean<tf.Tensor2D>(x, [1, 2])
      .matMul(this.weight<tf.Tensor2D>('fc.weight'))
      .add(this.weight('fc.bias'));
    return tf.losses.softmaxCrossEntropy(batch.y, logits).asScalar();
  }

  private weight<T extends tf.Tensor>(name: string): T {
    const variable = this.variables.get(name);
    if (!variable) throw new Error(`there is no variable named ${name}`);
    return variable as tf.Tensor as T;
  }
}

/** Option A: every second pixel, and zeros in the channels that are new. Strided slices have no gradient here. */
function shortcut(x: tf.Tensor4D, channels: number, stride: number): tf.Tensor4D {
  if (stride === 1) return x;
  return tf.pad(tf.avgPool(x, 1, 2, 'valid'), [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, channels - x.shape[3]],
  ]);
}

/** The backends' queues are in order: where the loss can be read, what was asked before is done. */
async function scalar(loss: tf.Scalar): Promise<number> {
  const [value] = await loss.data();
  loss.dispose();
  return value ?? NaN;
}
