/** Every kernel of a training step, timed by itself: which line of the table is the next bottleneck. */
import { Gpu } from '../src/engine/gpu/gpu.ts';
import { GpuNetwork } from '../src/engine/network.ts';
import { profile } from '../src/engine/profile.ts';
import type { Profile } from '../src/engine/profile.ts';
import { LEARNING_RATE, MOMENTUM, WEIGHT_DECAY, networkOf } from './config.ts';
import type { BenchConfig } from './config.ts';
import type { Place } from './contender.ts';
import { makeTask } from './task.ts';

export interface KernelsResult extends Profile {
  config: BenchConfig;
  /** Milliseconds of steps whose dispatches were not timed apart. */
  steps: number[];
}

export async function measureKernels(
  config: BenchConfig,
  { device, tuning, storage }: Place,
  rounds: number,
): Promise<KernelsResult> {
  const { batch } = config;
  const { images, labels } = await makeTask(config);
  const options = { batch, seed: 1, storage, rewirable: false };
  const network = await GpuNetwork.create(new Gpu(device, tuning), networkOf(config), options);
  const scalars = {
    learningRate: LEARNING_RATE,
    momentum: MOMENTUM,
    weightDecay: WEIGHT_DECAY,
    nesterov: false,
    seed: 1,
    iteration: 0,
    valid: batch,
    pad: 0,
    flip: false,
    maxNorm: 0,
  };
  try {
    network.writeBatch(images, labels);
    const steps: number[] = [];
    for (let round = -1; round < rounds; round++) {
      const start = performance.now();
      network.run('train', scalars, 0);
      await network.readSummaries(0, 1);
      if (round >= 0) steps.push(performance.now() - start);
    }
    return { config, steps, ...(await profile(network, { scalars, rounds })) };
  } finally {
    network.destroy();
  }
}
