/** Sums that several ops need; see `shaders/reduce.wgsl`. */
import { ceilDiv, grid, read, write } from './op.ts';
import type { Emitter, KernelCall } from './op.ts';
import { elements, imageDims, quads } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/**
 * Dispatches a sum that is divided into `splits` parts: `call` writes them as copies of `size` floats each, and they are added
 * to `out` in fixed order. A sum of one part is written to `out` at once.
 */
export function emitSplitSum(
  emit: Emitter,
  out: Tensor,
  splits: number,
  size: number,
  call: (sums: Tensor) => KernelCall,
): void {
  if (splits === 1) {
    emit.dispatch(call(out));
    return;
  }
  const sums = emit.transient(`${out.name}.partial`, [splits, size], 'flat');
  emit.dispatch(call(sums));
  emit.dispatch({
    shader: 'reduce',
    entry: 'sum_partials',
    constants: { SPLITS: splits, SIZE4: size / 4 },
    bindings: [read(sums), write(out)],
    workgroups: grid(ceilDiv(size / 4, 64)),
    flops: splits * size,
  });
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
