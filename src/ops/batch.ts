/** Gathers and normalizes a batch on the GPU; see `shaders/batch.wgsl`. */
import { ceilDiv, grid, read, update, write } from './op.ts';
import type { KernelCall } from './op.ts';
import { imageDims, quads } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/** Pictures that lie in one buffer. */
export interface Shard {
  /** N×C×H×W bytes, four a word. */
  pictures: Tensor;
  /** Number of the first picture here. */
  first: number;
  count: number;
}

export interface BatchSource {
  /** All pictures: as many of them in each as one buffer may hold. */
  shards: readonly Shard[];
  /** One byte a picture, four a word. */
  labels: Tensor;
  /** Which pictures make up the batch. */
  indices: Tensor;
  /** For each vec4 of channels: mean and 1/deviation. */
  statistics: Tensor;
}

/** Fill `x` [N, C, H, W] and `labels` [N] from the pictures that `source.indices` names, shard by shard. */
export function gatherCalls(source: BatchSource, x: Tensor, labels: Tensor): KernelCall[] {
  const [N, C, H, W] = imageDims(x.shape);
  const C4 = quads(C);
  const sharded = source.shards.length > 1;
  return source.shards.map(({ pictures, first, count }, index) => {
    const fill = index === 0 ? write : update;
    return {
      shader: 'batch',
      entry: 'gather',
      constants: {
        ...{ N, C, H, W, C4, SHARDED: sharded },
        ...(sharded && { FIRST: first, COUNT: count }),
      },
      bindings: [
        read(pictures),
        read(source.labels),
        read(source.indices),
        read(source.statistics),
        fill(x),
        fill(labels),
      ],
      workgroups: grid(ceilDiv(N * H * W * C4, 64)),
    };
  });
}
