/**
 * Tensors as the engine sees them: a name, a shape, a layout and where they are kept.
 *
 * People, files and tests see NCHW images and OIHW kernels (PyTorch's and ONNX's convention). In GPU
 * memory channels come last, in groups of four, because kernels load and compute `vec4`s; missing
 * channels of the last group are zero and every kernel keeps them zero.
 */
import { halfToFloat } from './half.ts';

/** Sizes, outermost first: [N, C, H, W] for images, [O, I, KH, KW] for kernels. */
export type Shape = readonly number[];

/**
 * How elements lie in memory:
 * - `image`: [N, C, H, W] or [N, C] or [C, H, W] kept as N, H, W, ⌈C/4⌉·4
 * - `kernel`: [O, I, KH, KW] or [O, I] kept as KH, KW, ⌈I/4⌉·4, ⌈O/4⌉·4
 * - `channels`: [C] kept as ⌈C/4⌉·4
 * - `flat`: as given, no padding
 */
export type Layout = 'image' | 'kernel' | 'channels' | 'flat';

/**
 * Where a tensor lives:
 * - `transient`: from first write to last read within a step; the planner finds it a buffer
 * - `parameter`, `gradient`, `state`: for as long as the network (weights, their gradients, running statistics)
 * - `external`: owned by whoever runs the plan (pictures, labels, step scalars)
 * - `view`: nowhere, see {@link View}
 */
export type Storage = 'transient' | 'parameter' | 'gradient' | 'state' | 'external' | 'view';

export type Bits = 16 | 32;

/**
 * How activations and their gradients are stored. What is computed, weights and their gradients, statistics, sums, logits
 * and the loss are f32 either way.
 */
export const PRECISIONS = ['f32', 'f16'] as const;
export type Precision = (typeof PRECISIONS)[number];

export interface Tensor {
  readonly name: string;
  readonly shape: Shape;
  readonly layout: Layout;
  readonly storage: Storage;
  /** Of an element: 32 where nothing is said; with 16 it is an f16, which kernels widen as they load it. */
  readonly bits?: Bits;
  /** Says how to compute it where it is never written. */
  readonly view?: View;
}

/**
 * A tensor that is computed by the kernels that load it, from others of the same shape. Per channel
 *
 *   (x − centre) · slope + offset [+ g · scale],   then a ReLU where `relu` is set.
 *
 * Without g this is a normalized activation; with g, the gradient behind a batch norm, taken back through it.
 */
export interface View {
  readonly x: Tensor;
  readonly g?: Tensor;
  /** [⌈C/4⌉, 4, 4]: the vec4s centre, slope, offset, scale of every four channels. */
  readonly coefficients: Tensor;
  readonly relu: boolean;
}

/** Rounds up to a multiple of four. */
export const pad4 = (count: number): number => Math.ceil(count / 4) * 4;

/** Number of `vec4`s that hold `count` channels. */
export const quads = (count: number): number => Math.ceil(count / 4);

export const elements = (shape: Shape): number =>
  shape.reduce((product, size) => product * size, 1);

/** [N, C, H, W] of an image tensor given as [N, C, H, W], [C, H, W] (N = 1) or [N, C] (H = W = 1). */
export function imageDims(shape: Shape): [n: number, c: number, h: number, w: number] {
  const [a = 1, b = 1, c = 1, d = 1] = shape;
  if (shape.length === 3) return [1, a, b, c];
  return [a, b, c, d];
}

/** Floats a tensor occupies in GPU memory, padding included. */
export function storedElements({ shape, layout }: Pick<Tensor, 'shape' | 'layout'>): number {
  switch (layout) {
    case 'image': {
      const [n, c, h, w] = imageDims(shape);
      return n * h * w * pad4(c);
    }
    case 'kernel': {
      const [o = 1, i = 1, kh = 1, kw = 1] = shape;
      return kh * kw * pad4(i) * pad4(o);
    }
    case 'channels':
      return pad4(elements(shape));
    case 'flat':
      return elements(shape);
  }
}

/** Calls `visit(logical index, stored index)` for every element of a tensor. */
function eachElement(
  tensor: Pick<Tensor, 'shape' | 'layout'>,
  visit: (from: number, to: number) => void,
) {
  const { shape, layout } = tensor;
  if (layout === 'channels' || layout === 'flat') {
    for (let i = 0; i < elements(shape); i++) visit(i, i);
    return;
  }
  // Both remaining layouts move the second-innermost pair of axes; only the order of loops differs.
  const [a, b, h, w] = layout === 'image' ? imageDims(shape) : kernelDims(shape);
  let from = 0;
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let y = 0; y < h; y++) {
        for (let x = 0; x < w; x++, from++) {
          const to =
            layout === 'image'
              ? ((i * h + y) * w + x) * pad4(b) + j
              : ((y * w + x) * pad4(b) + j) * pad4(a) + i;
          visit(from, to);
        }
      }
    }
  }
}

function kernelDims(shape: Shape): [o: number, i: number, kh: number, kw: number] {
  const [o = 1, i = 1, kh = 1, kw = 1] = shape;
  return [o, i, kh, kw];
}

/** From NCHW / OIHW order to the layout in GPU memory; padding is zero. */
export function pack(
  tensor: Pick<Tensor, 'shape' | 'layout'>,
  data: ArrayLike<number>,
): Float32Array<ArrayBuffer> {
  const stored = new Float32Array(storedElements(tensor));
  eachElement(tensor, (from, to) => {
    stored[to] = data[from] ?? 0;
  });
  return stored;
}

/** From the layout in GPU memory back to NCHW / OIHW order. */
export function unpack(
  tensor: Pick<Tensor, 'shape' | 'layout'>,
  stored: ArrayLike<number>,
): Float32Array<ArrayBuffer> {
  const data = new Float32Array(elements(tensor.shape));
  eachElement(tensor, (from, to) => {
    data[from] = stored[to] ?? 0;
  });
  return data;
}

/** The elements that `bytes` hold, as this tensor stores them. */
export const floatsOf = (
  { bits }: Pick<Tensor, 'bits'>,
  bytes: ArrayBuffer,
): Float32Array<ArrayBuffer> =>
  bits === 16 ? Float32Array.from(new Uint16Array(bytes), halfToFloat) : new Float32Array(bytes);
