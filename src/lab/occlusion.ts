/**
 * Occlusion (Zeiler & Fergus 2014, section 4.2): how much less probable a class becomes when a patch of the picture is
 * covered. What covers it is the mean colour of the training set, which is 0 in a normalized picture.
 */
import { imageShape, tensor } from '../reference/tensor.ts';
import type { Tensor } from '../reference/tensor.ts';

export interface OcclusionGrid {
  rows: number;
  columns: number;
  /** Pixels from one patch to the next, and side of a patch, which lies around the middle of its cell. */
  stride: number;
  side: number;
}

/** About sixteen places along the shorter side, each patch a quarter of it. */
export function occlusionGrid(height: number, width: number): OcclusionGrid {
  const short = Math.min(height, width);
  const stride = Math.max(1, Math.floor(short / 16));
  const side = Math.max(stride, Math.round(short / 4));
  return { rows: Math.ceil(height / stride), columns: Math.ceil(width / stride), stride, side };
}

/** Copies of one picture [1, C, H, W], each with another patch covered: places `from` … `from + count − 1` of the grid, row by row. */
export function occluded(x: Tensor, grid: OcclusionGrid, from: number, count: number): Tensor {
  const [, c, h, w] = imageShape(x);
  const { columns, stride, side } = grid;
  const data = new Float64Array(count * x.data.length);
  for (let n = 0; n < count; n++) {
    const place = from + n;
    const start = (at: number) => Math.round((at + 0.5) * stride - side / 2);
    const [top, left] = [start(Math.floor(place / columns)), start(place % columns)];
    const copy = data.subarray(n * x.data.length, (n + 1) * x.data.length);
    copy.set(x.data);
    for (let channel = 0; channel < c; channel++) {
      for (let row = Math.max(0, top); row < Math.min(h, top + side); row++) {
        const at = (channel * h + row) * w;
        copy.fill(0, at + Math.max(0, left), at + Math.min(w, left + side));
      }
    }
  }
  return tensor([count, c, h, w], data);
}
