/** Leaves out of a pass what nobody reads: gradients of weights, where only those of activations are wanted. */
import type { Tensor } from '../../ops/tensor.ts';
import type { Dispatch } from './lower.ts';

/** The dispatches that the results depend on, in their order. */
export function neededFor(dispatches: readonly Dispatch[], results: readonly Tensor[]): Dispatch[] {
  const wanted = new Set(results);
  const needed = dispatches.toReversed().filter(({ bindings }) => {
    const writes = bindings.filter(({ access }) => access === 'write' || access === 'update');
    if (!writes.some((binding) => wanted.has(binding.tensor))) return false;
    for (const binding of bindings) wanted.add(binding.tensor);
    return true;
  });
  return needed.toReversed();
}
