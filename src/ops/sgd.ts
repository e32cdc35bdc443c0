/** SGD over all parameters at once; see `shaders/optimizer.wgsl`. */
import { ceilDiv, read, uniform, update } from './op.ts';
import type { KernelCall } from './op.ts';
import { storedElements } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/** More workgroups than this do not fit on one axis of a dispatch. */
const MAX_WORKGROUPS = 65_535;

/** One update of `weight` and `velocity` (flat, equal sizes) by `gradient`. */
export function sgdCall(
  weight: Tensor,
  velocity: Tensor,
  gradient: Tensor,
  step: Tensor,
): KernelCall {
  const SIZE4 = storedElements(weight) / 4;
  const groups = ceilDiv(SIZE4, 64);
  const rows = ceilDiv(groups, MAX_WORKGROUPS);
  return {
    shader: 'optimizer',
    entry: 'sgd',
    constants: { SIZE4 },
    bindings: [update(weight), update(velocity), read(gradient), uniform(step)],
    workgroups: [ceilDiv(groups, rows), rows, 1],
    flops: SIZE4 * 4 * 6,
  };
}
