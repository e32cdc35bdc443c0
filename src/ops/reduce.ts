/** Sums that several ops need; see `shaders/reduce.wgsl`. */
import { ceilDiv, grid, read, write } from './op.ts';
import type { KernelCall } from './op.ts';
import { elements, imageDims, quads } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/** out = Σ_s partial[s, ·]: partial holds `splits` copies of `size` floats. */
export function sumPartials(
  partial: Tensor,
  out: Tensor,
  splits: number,
  size: number,
): KernelCall {
  return {
    shader: 'reduce',
    entry: 'sum_partials',
    constants: { SPLITS: splits, SIZE4: size / 4 },
    bindings: [read(partial), write(out)],
    workgroups: grid(ceilDiv(size / 4, 64)),
    flops: splits * size,
  };
}

/** out[c] = Σ_{n,h,w} x[n,c,h,w]: the gradient of a bias. */
export function channelSum(x: Tensor, out: Tensor): KernelCall {
  const [n, c, h, w] = imageDims(x.shape);
  return {
    shader: 'reduce',
    entry: 'channel_sum',
    constants: { PIXELS: n * h * w, C4: quads(c) },
    bindings: [read(x), write(out)],
    workgroups: [quads(c), 1, 1],
    flops: elements(x.shape),
  };
}
