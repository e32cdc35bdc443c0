/**
 * Pooling: each output is a summary of a window of one channel.
 * x: [N, C, H, W], y: [N, C, OH, OW] with OH = ⌊(H + 2·padding − kernel) / stride⌋ + 1. With
 * `ceil_mode` the quotient is rounded up, but no window may begin beyond the image and its left
 * padding (PyTorch's rule).
 */
import { z } from 'zod';
import { defineOp, noParams, pair } from './op.ts';
import { imageShape, map, need, shapeError, tensor, zeros } from './tensor.ts';
import type { Tensor } from './tensor.ts';

const windowParams = z.strictObject({
  kernel: pair(1),
  /** As large as the kernel where not given. */
  stride: pair(1).optional(),
  padding: pair(0).default([0, 0]),
  ceil_mode: z.boolean().default(false),
});
type WindowParams = z.output<typeof windowParams>;

/** The part of one axis that a window covers. */
interface Span {
  /** First and one past the last pixel, clipped to the image. */
  from: number;
  to: number;
  /** Pixels covered with padding included (but not what `ceil_mode` adds beyond the padding). */
  padded: number;
}

/** The windows along one axis of `length` pixels. */
function spans(length: number, kernel: number, stride: number, pad: number, ceil: boolean): Span[] {
  if (pad > kernel / 2) throw shapeError(`padding ${pad} exceeds half the kernel ${kernel}`);
  const steps = (length + 2 * pad - kernel) / stride;
  let count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
  if (ceil && (count - 1) * stride >= length + pad) count--;
  if (count < 1) throw shapeError(`a window of ${kernel} does not fit into ${length} pixels`);
  return Array.from({ length: count }, (_, i) => {
    const begin = i * stride - pad;
    const end = Math.min(begin + kernel, length + pad);
    return { from: Math.max(begin, 0), to: Math.min(end, length), padded: end - begin };
  });
}

/**
 * Calls `visit` for every window, in the order of y: the flat indices of its pixels in row-major
 * order, and its size with padding included. Returns the shape of y.
 */
function eachWindow(
  params: WindowParams,
  x: Tensor,
  visit: (output: number, pixels: number[], padded: number) => void,
): number[] {
  const { kernel, stride = kernel, padding, ceil_mode } = params;
  const [n, c, h, w] = imageShape(x);
  const rows = spans(h, kernel[0], stride[0], padding[0], ceil_mode);
  const columns = spans(w, kernel[1], stride[1], padding[1], ceil_mode);
  let output = 0;
  for (let plane = 0; plane < n * c; plane++) {
    for (const row of rows) {
      for (const column of columns) {
        const pixels: number[] = [];
        for (let i = row.from; i < row.to; i++) {
          for (let j = column.from; j < column.to; j++) pixels.push((plane * h + i) * w + j);
        }
        visit(output++, pixels, row.padded * column.padded);
      }
    }
  }
  return [n, c, rows.length, columns.length];
}

/**
 * y = the largest pixel of the window; padding never wins. The gradient goes to that pixel, and to
 * the first in row-major order where several are equally large.
 */
export const maxPool2d = defineOp({
  params: windowParams,
  inputs: ['x'],
  forward(params, inputs) {
    const x = need(inputs, 'x');
    const y: number[] = [];
    const shape = eachWindow(params, x, (o, pixels) => (y[o] = x.data[firstMaximum(x, pixels)]!));
    return { y: tensor(shape, y) };
  },
  backward(params, inputs, _outputs, gradOutput) {
    const x = need(inputs, 'x');
    const dx = zeros(x.shape);
    eachWindow(params, x, (o, pixels) => {
      dx.data[firstMaximum(x, pixels)]! += gradOutput.data[o]!;
    });
    return { x: dx };
  },
});

const firstMaximum = (x: Tensor, pixels: number[]): number =>
  pixels.reduce((best, pixel) => (x.data[pixel]! > x.data[best]! ? pixel : best));

/**
 * y = sum of the window's pixels / their number, where padding counts as pixels of value 0 unless
 * `count_include_pad` is false.
 */
export const avgPool2d = defineOp({
  params: windowParams.extend({ count_include_pad: z.boolean().default(true) }),
  inputs: ['x'],
  forward(params, inputs) {
    const x = need(inputs, 'x');
    const y: number[] = [];
    const shape = eachWindow(params, x, (o, pixels, padded) => {
      const sum = pixels.reduce((total, pixel) => total + x.data[pixel]!, 0);
      y[o] = sum / (params.count_include_pad ? padded : pixels.length);
    });
    return { y: tensor(shape, y) };
  },
  backward(params, inputs, _outputs, gradOutput) {
    const x = need(inputs, 'x');
    const dx = zeros(x.shape);
    eachWindow(params, x, (o, pixels, padded) => {
      const share = gradOutput.data[o]! / (params.count_include_pad ? padded : pixels.length);
      for (const pixel of pixels) dx.data[pixel]! += share;
    });
    return { x: dx };
  },
});

/** y[n,c] = mean of channel c of image n. x: [N, C, H, W], y: [N, C]. Lin et al. 2013. */
export const globalAvgPool = defineOp({
  params: noParams,
  inputs: ['x'],
  forward(_params, inputs) {
    const x = need(inputs, 'x');
    const [n, c, h, w] = imageShape(x);
    const y = zeros([n, c]);
    x.data.forEach((value, i) => (y.data[Math.floor(i / (h * w))]! += value / (h * w)));
    return { y };
  },
  backward(_params, inputs, _outputs, gradOutput) {
    const x = need(inputs, 'x');
    const [, , h, w] = imageShape(x);
    return { x: map(x, (_, i) => gradOutput.data[Math.floor(i / (h * w))]! / (h * w)) };
  },
});
