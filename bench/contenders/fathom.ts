/** Our own engine, used as the app uses it. */
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { bytesOf } from '../../src/engine/graph/plan.ts';
import { GpuNetwork } from '../../src/engine/network.ts';
import { elements } from '../../src/ops/tensor.ts';
import type { StepScalars } from '../../src/ops/step.ts';
import type { Precision } from '../../src/ops/tensor.ts';
import { LEARNING_RATE, MOMENTUM, WEIGHT_DECAY, networkOf } from '../config.ts';
import type { Contender, Facts, Place } from '../contender.ts';
import type { Task } from '../task.ts';

export class FathomContender implements Contender {
  private readonly gpu: Gpu;
  private readonly storage: Precision | undefined;
  private network: GpuNetwork | null = null;
  private errors: Error[] = [];
  private readonly forget: () => void;
  private scalars: StepScalars = {
    learningRate: LEARNING_RATE,
    momentum: MOMENTUM,
    weightDecay: WEIGHT_DECAY,
    nesterov: false,
    seed: 1,
    iteration: 0,
    valid: 0,
    pad: 0,
    flip: false,
    maxNorm: 0,
  };

  constructor({ device, tuning, storage }: Place) {
    this.storage = storage;
    this.gpu = new Gpu(device, tuning);
    this.forget = this.gpu.onError((error) => this.errors.push(error));
  }

  async prepare({ config, weights, images, labels }: Task): Promise<void> {
    const network = await GpuNetwork.create(this.gpu, networkOf(config), {
      batch: config.batch,
      seed: 1,
      storage: this.storage,
      rewirable: false,
    });
    for (const { name, values } of weights) network.writeParameter(name, values);
    network.writeBatch(images, labels);
    this.scalars.valid = config.batch;
    this.network = network;
  }

  submit(): void {
    this.trained.run('train', this.scalars, 0);
    this.scalars.iteration++;
  }

  async step(): Promise<number> {
    this.submit();
    return this.loss();
  }

  async forward(): Promise<number> {
    this.trained.run('evaluate', this.scalars, 0);
    return this.loss();
  }

  facts(): Facts {
    const { pass } = this.trained.program('train');
    return {
      parameters: this.trained.parameters.reduce((sum, { shape }) => sum + elements(shape), 0),
      pipelines: this.gpu.kernels.size,
      transientBytes: this.gpu.transient.bytes,
      lowerBoundBytes: pass.plan.lowerBound,
      boundBytes: pass.plan.dispatches
        .flatMap(({ bindings }) => bindings)
        .reduce((sum, { tensor }) => sum + bytesOf(tensor), 0),
    };
  }

  dispose(): void {
    this.network?.destroy();
    this.network = null;
    this.forget();
  }

  private get trained(): GpuNetwork {
    if (!this.network) throw new Error('prepare() comes first');
    return this.network;
  }

  private async loss(): Promise<number> {
    const [summary] = await this.trained.readSummaries(0, 1);
    const [error] = this.errors;
    if (error) throw error;
    return summary?.loss ?? NaN;
  }
}
