/**
 * y = x Wᵀ + b, as in `torch.nn.functional.linear`. A linear layer is a 1×1 convolution of one-pixel
 * images and runs on its kernels.
 */
import { z } from 'zod';
import { linear as reference } from '../reference/linear.ts';
import { convolutionBackward, convolutionForward } from './conv2d.ts';
import { linearConvolution } from './convolution.ts';
import { initializer, weightInit } from './init.ts';
import { defineOp, input, perImage, shapeError } from './op.ts';
import { elements } from './tensor.ts';
import type { Shape } from './tensor.ts';

export const linearParams = z.strictObject({
  out_features: z.int().min(1).describe('Number of outputs'),
  bias: z.boolean().default(true).describe('Whether a bias is learned'),
  init: initializer
    .optional()
    .describe('How the weight starts; as in PyTorch where nothing is said: U(−1/√in, 1/√in)'),
});
export type LinearParams = z.infer<typeof linearParams>;

const asConvolution = ({ out_features, bias }: LinearParams, x: Shape) =>
  linearConvolution(x[0] ?? 0, x[1] ?? 0, out_features, bias);

export const linear = defineOp<LinearParams>({
  name: 'linear',
  doc: {
    title: 'Fully connected layer',
    formula: String.raw`y = x W^\top + b`,
    gradient: String.raw`\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y} W,\quad \frac{\partial L}{\partial W} = \left(\frac{\partial L}{\partial y}\right)^{\!\top} x,\quad \frac{\partial L}{\partial b} = \sum_n \frac{\partial L}{\partial y_n}`,
    source: 'Rumelhart, Hinton & Williams 1986',
  },
  reference,
  samples: [
    { params: { out_features: 1, bias: false }, inputs: { x: [1, 1], weight: [1, 1] } },
    { params: { out_features: 10 }, inputs: { x: [3, 13], weight: [10, 13], bias: [10] } },
    { params: { out_features: 5, bias: false }, inputs: { x: [7, 8], weight: [5, 8] } },
  ],
  params: linearParams,
  inputs: ['x'],
  parameters: ({ out_features, bias, init }, x) => {
    const fanIn = x[1] ?? 0;
    const uniform = { kind: 'uniform_fan_in', fanIn } as const;
    return {
      weight: {
        shape: [out_features, fanIn],
        layout: 'kernel',
        init: init ? weightInit(init) : uniform,
      },
      ...(bias && { bias: { shape: [out_features], layout: 'channels', init: uniform } }),
    };
  },
  inferShape: ({ out_features }, { x = [] }) => {
    if (x.length !== 2) {
      throw shapeError(
        `a linear layer takes vectors [N, C], not [${x.join(', ')}]; pool or flatten first`,
        { kind: 'vectors', shape: perImage(x) },
      );
    }
    return [x[0] ?? 0, out_features];
  },
  looksAt: () => 'image',
  flops: (_, { x = [] }, y) => 2 * elements(x) * (y[1] ?? 0),
  forward: (pass) =>
    convolutionForward(pass, asConvolution(pass.params, input(pass.inputs, 'x').shape)),
  backward: (pass) =>
    convolutionBackward(pass, asConvolution(pass.params, input(pass.inputs, 'x').shape)),
});
