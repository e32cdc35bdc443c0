/** Maps of where a network looks; see `shaders/attribution.wgsl`. */
import { ceilDiv, grid, read, write } from './op.ts';
import type { Emitter, KernelCall } from './op.ts';
import { ops } from './table.ts';
import { imageDims, quads } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/** Grad-CAM of activations [N, C, H, W] and the gradient of a logit at them: [N, H, W]. */
export function emitGradCam(emit: Emitter, activations: Tensor, gradient: Tensor): Tensor {
  const [n, c] = imageDims(activations.shape);
  const alpha = emit.transient('Grad-CAM weights', [n, c], 'image');
  ops.global_avg_pool.forward({
    params: {},
    inputs: { x: gradient },
    y: alpha,
    training: false,
    sampling: false,
    stored: true,
    momentsWanted: false,
    moments: () => undefined,
    handOn: () => undefined,
    emit,
    saved: {},
  });
  return emitMap(emit, 'grad_cam', activations, [alpha]);
}

/** Saliency of the gradient of a logit at the pictures [N, C, H, W]: [N, H, W]. */
export const emitSaliency = (emit: Emitter, gradient: Tensor): Tensor =>
  emitMap(emit, 'saliency', gradient, []);

function emitMap(
  emit: Emitter,
  entry: 'grad_cam' | 'saliency',
  x: Tensor,
  more: readonly Tensor[],
): Tensor {
  const [N, c, h, w] = imageDims(x.shape);
  const map = emit.transient(entry, [N, h, w], 'flat');
  const call: KernelCall = {
    shader: 'attribution',
    entry,
    constants: { N, HW: h * w, C4: quads(c) },
    bindings: [read(x), ...more.map(read), write(map)],
    workgroups: grid(ceilDiv(N * h * w, 64)),
  };
  emit.dispatch(call);
  return map;
}
