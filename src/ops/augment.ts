/** Augments pictures on the GPU; see `shaders/batch.wgsl`. */
import { NO_AUGMENTATION, jitters, sidesOf } from '../reference/augmentation.ts';
import type { Augmentation } from '../reference/augmentation.ts';
import { ceilDiv, grid, read, uniform, write } from './op.ts';
import type { Emitter, KernelCall } from './op.ts';
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

/** Windows of resized pictures [N, C, H, W], as drawn in a range of sides, or as given: [N, 4] integers (L, top, left, mirrored). */
export function resizeCropCall(
  x: Tensor,
  y: Tensor,
  how: { step: Tensor; range: readonly [number, number] } | { choices: Tensor },
): KernelCall {
  const [N, C, H, W] = imageDims(x.shape);
  const C4 = quads(C);
  const given = 'choices' in how;
  const [LOW, HIGH] = given ? [0, 0] : sidesOf(how.range, H, W);
  return {
    shader: 'batch',
    entry: 'resize_crop',
    constants: { N, H, W, C4, LOW, HIGH, GIVEN: given },
    bindings: [read(x), write(y), given ? read(how.choices) : uniform(how.step)],
    workgroups: grid(ceilDiv(N * H * W * C4, 64)),
  };
}

/** Changes the colours of pictures [N, C, H, W] at random; `statistics` as in {@link BatchSource}. */
export function colourCall(
  x: Tensor,
  statistics: Tensor,
  y: Tensor,
  step: Tensor,
  { brightness, contrast, saturation }: Augmentation,
): KernelCall {
  const [N, C, H, W] = imageDims(x.shape);
  const ranges = { BRIGHTNESS: brightness, CONTRAST: contrast, SATURATION: saturation };
  return {
    shader: 'batch',
    entry: 'colour',
    constants: { N, C, H, W, C4: quads(C), ...ranges },
    bindings: [read(x), read(statistics), write(y), uniform(step)],
    workgroups: grid(N),
  };
}

/** Sets a square of `side` pixels to zero in pictures [N, C, H, W]. */
export function cutoutCall(x: Tensor, y: Tensor, step: Tensor, side: number): KernelCall {
  const [N, C, H, W] = imageDims(x.shape);
  const C4 = quads(C);
  return {
    shader: 'batch',
    entry: 'cutout',
    constants: { N, H, W, C4, SIDE: side },
    bindings: [read(x), write(y), uniform(step)],
    workgroups: grid(ceilDiv(N * H * W * C4, 64)),
  };
}

/** Augments `pictures` into `y`: pad, crop and mirror as the step says, then what `augmentation` asks for. */
export function emitAugmentation(
  emit: Pick<Emitter, 'transient' | 'dispatch' | 'step'>,
  pictures: Tensor,
  statistics: Tensor,
  y: Tensor,
  augmentation: Augmentation = NO_AUGMENTATION,
): void {
  const { resize, cutout } = augmentation;
  const passes = [
    (x: Tensor, out: Tensor) => augmentCall(x, out, emit.step),
    resize &&
      ((x: Tensor, out: Tensor) => resizeCropCall(x, out, { step: emit.step, range: resize })),
    jitters(augmentation) &&
      ((x: Tensor, out: Tensor) => colourCall(x, statistics, out, emit.step, augmentation)),
    cutout > 0 && ((x: Tensor, out: Tensor) => cutoutCall(x, out, emit.step, cutout)),
  ].filter((pass) => !!pass);
  let x = pictures;
  for (const [index, pass] of passes.entries()) {
    const last = index === passes.length - 1;
    const out = last ? y : emit.transient(`augmented ${index + 1}`, y.shape, 'image');
    emit.dispatch(pass(x, out));
    x = out;
  }
}
