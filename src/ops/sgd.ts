/** SGD over all parameters at once; see `shaders/optimizer.wgsl`. */
import { ceilDiv, grid, read, uniform, update } from './op.ts';
import type { KernelCall } from './op.ts';
import { storedElements } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/** One update of `weight` and `velocity` (flat, equal sizes) by `gradient`. */
export function sgdCall(
  weight: Tensor,
  velocity: Tensor,
  gradient: Tensor,
  step: Tensor,
): KernelCall {
  const SIZE4 = storedElements(weight) / 4;
  return {
    shader: 'optimizer',
    entry: 'sgd',
    constants: { SIZE4 },
    bindings: [update(weight), update(velocity), read(gradient), uniform(step)],
    workgroups: grid(ceilDiv(SIZE4, 64)),
    flops: SIZE4 * 4 * 6,
  };
}
