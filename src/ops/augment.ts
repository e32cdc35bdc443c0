/** Pads, crops and mirrors pictures on the GPU; see `shaders/batch.wgsl`. */
import { ceilDiv, grid, read, uniform, write } from './op.ts';
import type { KernelCall } from './op.ts';
import { imageDims, quads } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/** What is drawn at random in training, given instead. */
export interface AugmentChoices {
  /** [N, 2] integers: top left corner of the window in the padded picture. */
  offsets: Tensor;
  /** [N] integers: 1 to mirror, else 0. */
  flips: Tensor;
}

/** From x [N, C, H, W] to windows y [N, C, CH, CW]; the padding is the step's `pad`. */
export function augmentCall(
  x: Tensor,
  y: Tensor,
  step: Tensor,
  given?: AugmentChoices,
): KernelCall {
  const [N, C, H, W] = imageDims(x.shape);
  const [, , CH, CW] = imageDims(y.shape);
  const C4 = quads(C);
  return {
    shader: 'batch',
    entry: 'augment',
    constants: { N, H, W, CH, CW, C4, GIVEN: given !== undefined },
    bindings: [
      read(x),
      write(y),
      uniform(step),
      ...(given ? [read(given.offsets), read(given.flips)] : []),
    ],
    workgroups: grid(ceilDiv(N * CH * CW * C4, 64)),
  };
}
