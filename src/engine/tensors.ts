/** What a network reads back and takes in, with shapes: as the float64 reference takes it. */
import type { ReferenceState } from '../network/reference.ts';
import { tensor } from '../reference/tensor.ts';
import type { Tensors } from '../reference/tensor.ts';
import type { GpuNetwork } from './network.ts';

/** Parameters, their gradients or running statistics by name, in PyTorch's order. */
export function tensorsOf(
  { parameters, state }: GpuNetwork,
  values: ReadonlyMap<string, Float32Array>,
): Tensors {
  const shapes = new Map([...parameters, ...state].map(({ name, shape }) => [name, shape]));
  return Object.fromEntries(
    [...values].map(([name, data]) => [name, tensor(shapes.get(name) ?? [], data)]),
  );
}

/** All that a network has learned. */
export async function learnedOf(network: GpuNetwork): Promise<ReferenceState> {
  return {
    parameters: tensorsOf(network, await network.readParameters()),
    running: tensorsOf(network, await network.readState()),
  };
}

/** Writes all of it into a network that has parameters and running statistics of these names and sizes, and maybe more. */
export function writeLearned(network: GpuNetwork, { parameters, running }: ReferenceState): void {
  for (const [name, { data }] of Object.entries(parameters)) network.writeParameter(name, data);
  for (const [name, { data }] of Object.entries(running)) network.writeState(name, data);
}
