/** Sums that several ops need; see `shaders/reduce.wgsl`. */
import { ceilDiv, grid, read, write } from './op.ts';
import type { Emitter, KernelCall } from './op.ts';
import { elements, imageDims, quads, storedElements } from './tensor.ts';
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

/** Workgroups that sum one stretch at most, and the least of vec4s that each sums. */
const MAX_GROUPS = 64;
const QUADS_PER_GROUP = 512;

/**
 * Dispatches a sum over flat stretches of memory, a kernel each: workgroup i takes every GROUPS-th block of 64 vec4s and
 * writes `size` floats to partial[FIRST + i].
 *
 * @returns the partial sums, COUNT times `size` floats
 */
export function emitStretchSums(
  emit: Emitter,
  name: string,
  stretches: readonly Tensor[],
  size: number,
  call: (tensors: {
    stretch: Tensor;
    partial: Tensor;
  }) => Omit<KernelCall, 'constants' | 'workgroups'>,
): { partial: Tensor; COUNT: number } {
  const groups = stretches.map((stretch) =>
    Math.min(MAX_GROUPS, ceilDiv(storedElements(stretch) / 4, QUADS_PER_GROUP)),
  );
  const COUNT = groups.reduce((a, b) => a + b, 0);
  const partial = emit.transient(name, [COUNT, size], 'flat');
  let FIRST = 0;
  stretches.forEach((stretch, i) => {
    const GROUPS = groups[i] ?? 1;
    emit.dispatch({
      ...call({ stretch, partial }),
      constants: { SIZE4: storedElements(stretch) / 4, GROUPS, FIRST },
      workgroups: [GROUPS, 1, 1],
    });
    FIRST += GROUPS;
  });
  return { partial, COUNT };
}
