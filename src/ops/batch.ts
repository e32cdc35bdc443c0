/** Gathers and normalizes a batch on the GPU; see `shaders/batch.wgsl`. */
import { ceilDiv, grid, read, write } from './op.ts';
import type { KernelCall } from './op.ts';
import { imageDims, quads } from './tensor.ts';
import type { Tensor } from './tensor.ts';

export interface BatchSource {
  /** N×C×H×W bytes, four a word. */
  pictures: Tensor;
  /** One byte a picture, four a word. */
  labels: Tensor;
  /** Which pictures make up the batch. */
  indices: Tensor;
  /** For each vec4 of channels: mean and 1/deviation. */
  statistics: Tensor;
}

/** Fills `x` [N, C, H, W] and `labels` [N] from the pictures that `source.indices` names. */
export function gatherCall(source: BatchSource, x: Tensor, labels: Tensor): KernelCall {
  const [N, C, H, W] = imageDims(x.shape);
  const C4 = quads(C);
  return {
    shader: 'batch',
    entry: 'gather',
    constants: { N, C, H, W, C4 },
    bindings: [
      read(source.pictures),
      read(source.labels),
      read(source.indices),
      read(source.statistics),
      write(x),
      write(labels),
    ],
    workgroups: grid(ceilDiv(N * H * W * C4, 64)),
  };
}
