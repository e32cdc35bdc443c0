/**
 * What to expect of an experiment on this device before it starts: two shallow networks of its width, image size and
 * batch are timed as they train, and the line through their times is followed to the depths that are asked for.
 */
import { GpuNetwork } from '../engine/network.ts';
import { timeStep } from '../engine/profile.ts';
import type { Gpu } from '../engine/gpu/gpu.ts';
import { recipeOf } from '../engine/graph/lower.ts';
import { FathomError } from '../errors.ts';
import { buildGraph, stepFlops } from '../network/graph.ts';
import type { NetworkSpec } from '../network/spec.ts';
import type { ExperimentConfig } from './config.ts';
import { stepScalars } from './step_scalars.ts';
import { extrapolate } from './timing.ts';
import type { TimedStep } from './timing.ts';
import { specOf } from './networks.ts';
import type { DataShape } from './networks.ts';

/** What a training step of each network is expected to take, in milliseconds. */
export type Expectation = Record<string, number>;

/** What follows for the networks of a configuration from the two that were timed. */
export function expectationOf(
  config: ExperimentConfig,
  data: DataShape,
  [a, b]: readonly [TimedStep, TimedStep],
): Expectation {
  const flops = (id: string) => stepFlops(buildGraph(specOf(id, config, data), config.batch));
  return Object.fromEntries(config.networks.map((id) => [id, extrapolate(a, b, flops(id))]));
}

/**
 * Times a training step of network `id` with the configuration's width, batch and recipe on made-up pictures, and frees
 * the network. `gpu` should be one that nobody else uses, as its transient buffers are resized.
 *
 * @throws FathomError `too-large`, `too-many-workgroups`, `out-of-memory`
 */
export async function timeNetwork(
  gpu: Gpu,
  id: string,
  config: ExperimentConfig,
  data: DataShape,
): Promise<TimedStep> {
  const { device } = gpu;
  const spec = specOf(id, config, data);
  // What follows from memory that ran out is kept here as well: the experiment beside this would take it for its own.
  device.pushErrorScope('validation');
  device.pushErrorScope('out-of-memory');
  const timed = timeSpec(gpu, spec, config);
  await timed.catch(() => undefined);
  const outOfMemory = await device.popErrorScope();
  await device.popErrorScope();
  if (outOfMemory) {
    throw new FathomError('out-of-memory', `the GPU has run out of memory: ${outOfMemory.message}`);
  }
  return { flops: stepFlops(buildGraph(spec, config.batch)), milliseconds: await timed };
}

async function timeSpec(gpu: Gpu, spec: NetworkSpec, config: ExperimentConfig): Promise<number> {
  const { batch, seed, storage } = config;
  const { channels, height, width } = spec.input;
  const options = { batch, seed, recipe: recipeOf(config), storage, rewirable: false };
  const network = await GpuNetwork.create(gpu, spec, options);
  try {
    const length = batch * channels * height * width;
    network.writeBatch(
      Float32Array.from({ length }, (_, i) => Math.sin(i)),
      Uint32Array.from({ length: batch }, (_, i) => i % spec.classes),
    );
    return await timeStep(network, { scalars: stepScalars(config) });
  } finally {
    network.destroy();
  }
}
