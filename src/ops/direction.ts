/** Points in the space of a network's weights; see `shaders/direction.wgsl` and `shaders/mix.wgsl`. */
import { ceilDiv, grid, read, uniform, write } from './op.ts';
import type { KernelCall } from './op.ts';
import { pad4, quads, storedElements } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/** Floats of the shares of {@link mixCall}. */
export const SHARES = 4;

/**
 * Fills `direction` with random numbers, each filter scaled to the norm of the weight's.
 *
 * @param weight [O, I, KH, KW] or [O, I], layout `kernel`; `direction` as well
 * @param draw its seed and stream, as `drawWords` gives them
 */
export function directionCall(weight: Tensor, direction: Tensor, draw: Tensor): KernelCall {
  const [O = 1, I = 1, KH = 1, KW = 1] = weight.shape;
  const K = KH * KW;
  const I4 = pad4(I);
  const O4 = quads(O);
  return {
    shader: 'direction',
    entry: 'direction',
    constants: { ROWS: K * I4, O, O4, I, I4, K },
    bindings: [read(weight), write(direction), uniform(draw)],
    workgroups: [O4, 1, 1],
  };
}

/** y = shares · (a, b, c): flat tensors of one size, a multiple of four; `shares` has {@link SHARES} floats. */
export function mixCall(
  [a, b, c]: readonly [Tensor, Tensor, Tensor],
  shares: Tensor,
  y: Tensor,
): KernelCall {
  const SIZE4 = storedElements(y) / 4;
  return {
    shader: 'mix',
    entry: 'mix_points',
    constants: { SIZE4 },
    bindings: [read(a), read(b), read(c), uniform(shares), write(y)],
    workgroups: grid(ceilDiv(SIZE4, 64)),
  };
}
