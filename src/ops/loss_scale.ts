/** Scaling of gradients that are stored as f16, and what happens where they overflow; see `shaders/loss_scale.wgsl`. */
import { read, update } from './op.ts';
import type { Emitter } from './op.ts';
import { emitStretchSums } from './reduce.ts';
import { storedElements } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/** As PyTorch's `torch.amp.GradScaler` has it. */
const FIRST_SCALE = 2 ** 16;
const INTERVAL = 2000;
/** A gradient that is 0 for good does not overflow at any scale. */
const MOST = 2 ** 24;
const LEAST = 1;

/** The state of a new network: scale, steps since it changed, steps left out, whether the last one was not. */
export const newLossScale = (): Float32Array<ArrayBuffer> => Float32Array.of(FIRST_SCALE, 0, 0, 1);

/** Where the number of steps left out stands in it. */
export const SKIPPED = 2;

/** Dispatches the division of all gradients by the loss scale, and its adjustment. */
export function emitUnscale(emit: Emitter, gradients: readonly Tensor[], lossScale: Tensor): void {
  const { partial, COUNT } = emitStretchSums(emit, 'overflows', gradients, 1, (at) => ({
    shader: 'loss_scale',
    entry: 'unscale',
    bindings: [update(at.stretch), read(lossScale), update(at.partial)],
    flops: storedElements(at.stretch),
  }));
  emit.dispatch({
    shader: 'loss_scale',
    entry: 'adjust',
    constants: { COUNT, INTERVAL, LEAST, MOST },
    bindings: [read(partial), update(lossScale)],
    workgroups: [1, 1, 1],
  });
}
