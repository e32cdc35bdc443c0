/** What a network takes of the GPU's memory. */
import type { Shape } from '../ops/tensor.ts';
import { bytesOf } from './graph/plan.ts';
import type { GpuNetwork } from './network.ts';

/** All in bytes. */
export interface MemoryUse {
  /** What this network keeps from step to step. */
  weights: number;
  gradients: number;
  /** What the optimizer keeps: velocities, or moments. */
  optimizer: number;
  /** Running means and variances. */
  statistics: number;
  /** What lives only within its training step (activations, their gradients, partial sums), as the planner placed it. */
  transient: number;
  /** The most of it that is alive at once: no plan can need less. */
  lowerBound: number;
  /** The buffers of transient tensors as they are, one set for all networks of the device. */
  shared: number;
  /** The largest tensors of a training step, largest first. */
  largest: TensorUse[];
}

export interface TensorUse {
  name: string;
  kind: 'weights' | 'transient';
  shape: Shape;
  bytes: number;
}

/** Tensors that {@link MemoryUse.largest} names. */
const LARGEST = 8;

export function memoryOf(network: GpuNetwork): MemoryUse {
  const { plan } = network.program('train').pass;
  const tensors = new Map(
    plan.dispatches.flatMap(({ bindings }) => bindings.map(({ tensor }) => [tensor.name, tensor])),
  );
  const uses = [...tensors.values()].flatMap((tensor): TensorUse[] => {
    const { name, shape, storage, layout } = tensor;
    // The update binds all weights once more, as one flat tensor.
    const isWeight = storage === 'parameter' && layout !== 'flat';
    if (!isWeight && storage !== 'transient') return [];
    return [{ name, kind: isWeight ? 'weights' : 'transient', shape, bytes: bytesOf(tensor) }];
  });
  return {
    ...network.keptBytes,
    transient: plan.sizes.reduce((sum, size) => sum + size, 0),
    lowerBound: plan.lowerBound,
    shared: network.gpu.transient.bytes,
    largest: uses.sort((a, b) => b.bytes - a.bytes).slice(0, LARGEST),
  };
}
