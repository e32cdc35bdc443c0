/**
 * Windows that slide over an image: what `kernel`, `stride`, `padding` and `dilation` mean, for
 * convolution and pooling alike. Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning".
 */
import { z } from 'zod';

const positive = z.int().min(1);
const atLeastZero = z.int().min(0);

/** [height, width], or one number for both. */
export const sizePair = z.union([positive, z.tuple([positive, positive])]);
type SizePair = z.infer<typeof sizePair>;

/** Zeros around an image, the same on opposite sides: [rows, columns], or one number for both. */
export const paddingPair = z.union([atLeastZero, z.tuple([atLeastZero, atLeastZero])]);

/**
 * Zeros around an image: one number, [rows, columns], or [top, left, bottom, right]. `valid`: none. `same`: so
 * many that y is as large as x, divided by the stride and rounded up; an odd one goes to the bottom or
 * the right (with stride 1 that is PyTorch's rule, with others TensorFlow's).
 */
export const padding2d = z.union([
  atLeastZero,
  z.tuple([atLeastZero, atLeastZero]),
  z.tuple([atLeastZero, atLeastZero, atLeastZero, atLeastZero]),
  z.enum(['same', 'valid']),
]);

export const pair = (size: SizePair): [height: number, width: number] =>
  typeof size === 'number' ? [size, size] : size;

export interface Window {
  kernel: SizePair;
  stride: SizePair;
  padding: z.infer<typeof padding2d>;
  dilation: SizePair;
}

/** One axis of windows that have been placed on an image. */
export interface Axis {
  kernel: number;
  stride: number;
  dilation: number;
  /** Zeros before the first pixel. */
  before: number;
  /** Number of windows; less than one where none fits. */
  count: number;
}

/** Places windows on an image of height×width pixels: the axes of rows and of columns. */
export function placeWindows(
  { kernel, stride, padding, dilation }: Window,
  height: number,
  width: number,
): [rows: Axis, columns: Axis] {
  const axis = (i: 0 | 1, size: number): Axis => {
    const shape = { kernel: pair(kernel)[i], stride: pair(stride)[i], dilation: pair(dilation)[i] };
    const reach = shape.dilation * (shape.kernel - 1) + 1;
    const [before, after] = paddingOf(padding, i, size, reach, shape.stride);
    const count = Math.floor((size + before + after - reach) / shape.stride) + 1;
    return { ...shape, before, count };
  };
  return [axis(0, height), axis(1, width)];
}

function paddingOf(
  padding: Window['padding'],
  axis: 0 | 1,
  size: number,
  reach: number,
  stride: number,
): readonly [before: number, after: number] {
  if (padding === 'valid') return [0, 0];
  if (padding === 'same') {
    const needed = (Math.ceil(size / stride) - 1) * stride + reach - size;
    const all = Math.max(0, needed);
    return [Math.floor(all / 2), Math.ceil(all / 2)];
  }
  if (typeof padding === 'number') return [padding, padding];
  if (padding.length === 2) return [padding[axis], padding[axis]];
  return axis === 0 ? [padding[0], padding[2]] : [padding[1], padding[3]];
}
