/**
 * Two-dimensional convolution (cross-correlation, as everywhere in deep learning).
 *
 *   y[n,o,i,j] = b[o] + Σ_{c,u,v} w[o,c,u,v] · x[n, c, i·stride + u·dilation − top, j·stride + v·dilation − left]
 *
 * with x = 0 outside the image. With g groups, output channel o sees only the I = C/g input channels
 * of its own group. x: [N, C, H, W], w: [O, C/g, KH, KW], b: [O], y: [N, O, OH, OW] with
 * OH = ⌊(H + top + bottom − dilation·(KH − 1) − 1) / stride⌋ + 1.
 *
 * Source: Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning".
 */
import { z } from 'zod';
import { defineOp, padding2d, pair } from './op.ts';
import { expectShape, imageShape, need, shapeError, zeros } from './tensor.ts';
import type { Tensor, Tensors } from './tensor.ts';

const params = z.strictObject({
  stride: pair(1).default([1, 1]),
  padding: padding2d.default([0, 0, 0, 0]),
  dilation: pair(1).default([1, 1]),
  groups: z.int().min(1).default(1),
  /** Number of output channels; where given, it must agree with the weight. */
  out_channels: z.int().min(1).optional(),
  /** Size of the kernel; where given, it must agree with the weight. */
  kernel: pair(1).optional(),
  /** Whether there is a bias; where given, it must agree with the inputs. */
  bias: z.boolean().optional(),
});
type Params = z.output<typeof params>;

export const conv2d = defineOp({
  params,
  inputs: ['x', 'weight'],
  optional: ['bias'],

  forward(params, inputs) {
    const x = need(inputs, 'x');
    const weight = need(inputs, 'weight');
    const y = zeros(outputShape(params, inputs));
    eachProduct(params, x, weight, y, (iy, ix, iw) => {
      y.data[iy]! += x.data[ix]! * weight.data[iw]!;
    });
    const { bias } = inputs;
    if (bias) eachChannel(y, (i, o) => (y.data[i]! += bias.data[o]!));
    return { y };
  },

  /** Each product y += x · w of the forward pass gives dx += dy · w and dw += dy · x. */
  backward(params, inputs, _outputs, gradOutput) {
    const x = need(inputs, 'x');
    const weight = need(inputs, 'weight');
    expectShape('dL/dy', gradOutput, outputShape(params, inputs));
    const dx = zeros(x.shape);
    const dw = zeros(weight.shape);
    const dy = gradOutput.data;
    eachProduct(params, x, weight, gradOutput, (iy, ix, iw) => {
      dx.data[ix]! += dy[iy]! * weight.data[iw]!;
      dw.data[iw]! += dy[iy]! * x.data[ix]!;
    });
    const gradients: Tensors = { x: dx, weight: dw };
    if (inputs.bias) {
      const db = zeros(inputs.bias.shape);
      eachChannel(gradOutput, (i, o) => (db.data[o]! += dy[i]!));
      gradients.bias = db;
    }
    return gradients;
  },
});

/** Checks the shapes against each other and returns that of y. */
function outputShape(params: Params, inputs: Tensors): [number, number, number, number] {
  const { stride, dilation, groups } = params;
  const weight = need(inputs, 'weight');
  const [n, c, h, w] = imageShape(need(inputs, 'x'));
  const [o, , kh, kw] = imageShape(weight);
  if (c % groups !== 0 || o % groups !== 0) {
    throw shapeError(`${groups} groups must divide ${c} input and ${o} output channels`);
  }
  const [kernelHeight, kernelWidth] = params.kernel ?? [kh, kw];
  expectShape('conv2d weight', weight, [
    params.out_channels ?? o,
    c / groups,
    kernelHeight,
    kernelWidth,
  ]);
  const [top, left, bottom, right] = sides(params, [h, w], [kh, kw]);
  if (params.bias === true) need(inputs, 'bias');
  if (params.bias === false && inputs.bias)
    throw shapeError('a bias is given although bias = false');
  if (inputs.bias) expectShape('conv2d bias', inputs.bias, [o]);
  const oh = Math.floor((h + top + bottom - dilation[0] * (kh - 1) - 1) / stride[0]) + 1;
  const ow = Math.floor((w + left + right - dilation[1] * (kw - 1) - 1) / stride[1]) + 1;
  if (oh < 1 || ow < 1) {
    throw shapeError(`a ${kh}×${kw} kernel does not fit into a ${h}×${w} image with this padding`);
  }
  return [n, o, oh, ow];
}

/**
 * Zeros at the top, left, bottom and right. `same` makes OH = ⌈H / stride⌉: with stride 1 as in PyTorch, with
 * others as in TensorFlow; of an odd number the larger half comes last.
 */
function sides(
  { padding, stride, dilation }: Params,
  image: [number, number],
  kernel: [number, number],
): [top: number, left: number, bottom: number, right: number] {
  if (padding !== 'same') return padding;
  const total = ([0, 1] as const).map((axis) => {
    const windows = Math.ceil(image[axis] / stride[axis]);
    const covered = (windows - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1;
    return Math.max(0, covered - image[axis]);
  });
  const [rows = 0, columns = 0] = total;
  const [top, left] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  return [top, left, rows - top, columns - left];
}

/** Visits every product that the convolution sums: flat indices into y, x and weight. */
function eachProduct(
  params: Params,
  x: Tensor,
  weight: Tensor,
  y: Tensor,
  visit: (iy: number, ix: number, iw: number) => void,
): void {
  const { stride, dilation, groups } = params;
  const [, channels, height, width] = imageShape(x);
  const [, groupChannels, kernelHeight, kernelWidth] = imageShape(weight);
  const [images, outChannels, outHeight, outWidth] = imageShape(y);
  const [top, left] = sides(params, [height, width], [kernelHeight, kernelWidth]);
  const outChannelsPerGroup = outChannels / groups;
  let iy = 0;
  for (let n = 0; n < images; n++) {
    for (let o = 0; o < outChannels; o++) {
      const firstChannel = Math.floor(o / outChannelsPerGroup) * groupChannels;
      for (let i = 0; i < outHeight; i++) {
        for (let j = 0; j < outWidth; j++, iy++) {
          for (let c = 0; c < groupChannels; c++) {
            for (let u = 0; u < kernelHeight; u++) {
              const row = i * stride[0] + u * dilation[0] - top;
              if (row < 0 || row >= height) continue;
              const xRow = ((n * channels + firstChannel + c) * height + row) * width;
              const wRow = ((o * groupChannels + c) * kernelHeight + u) * kernelWidth;
              for (let v = 0; v < kernelWidth; v++) {
                const column = j * stride[1] + v * dilation[1] - left;
                if (column >= 0 && column < width) visit(iy, xRow + column, wRow + v);
              }
            }
          }
        }
      }
    }
  }
}

/** Visits every element of an image tensor: its flat index and its channel. */
function eachChannel(image: Tensor, visit: (index: number, channel: number) => void): void {
  const [, channels, height, width] = imageShape(image);
  for (let i = 0; i < image.data.length; i++) {
    visit(i, Math.floor(i / (height * width)) % channels);
  }
}
