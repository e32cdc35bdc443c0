/**
 * y = x Wᵀ + b, as in `torch.nn.functional.linear`. A linear layer is a 1×1 convolution of one-pixel
 * images and runs on its kernels.
 */
import { z } from 'zod';
import { convolutionBackward, convolutionForward } from './conv2d.ts';
import type { Conv2dParams } from './conv2d.ts';
import { defineOp, input, shapeError } from './op.ts';
import { elements } from './tensor.ts';

export const linearParams = z.object({
  out_features: z.int().min(1),
  bias: z.boolean().default(true),
});
export type LinearParams = z.infer<typeof linearParams>;

const asConvolution = ({ out_features, bias }: LinearParams): Conv2dParams => ({
  out_channels: out_features,
  kernel: [1, 1],
  stride: [1, 1],
  padding: [0, 0],
  bias,
});

export const linear = defineOp<LinearParams>({
  name: 'linear',
  params: linearParams,
  inputs: ['x'],
  parameters: ({ out_features, bias }, x) => {
    const fanIn = x[1] ?? 0;
    const init = { kind: 'uniform_fan_in', fanIn } as const;
    return {
      weight: { shape: [out_features, fanIn], layout: 'kernel', init },
      ...(bias && { bias: { shape: [out_features], layout: 'channels', init } }),
    };
  },
  inferShape: ({ out_features }, { x = [] }) => {
    if (x.length !== 2) {
      throw shapeError(
        `a linear layer takes vectors [N, C], not [${x.join(', ')}]; pool or flatten first`,
      );
    }
    return [x[0] ?? 0, out_features];
  },
  flops: (_, { x = [] }, y) => 2 * elements(x) * (y[1] ?? 0),
  forward: ({ params, inputs, y, emit }) => {
    const bias = params.bias ? input(inputs, 'bias') : null;
    emit.dispatch(
      convolutionForward(
        asConvolution(params),
        input(inputs, 'x'),
        input(inputs, 'weight'),
        bias,
        y,
      ),
    );
  },
  backward: (pass) => convolutionBackward(pass, asConvolution(pass.params)),
});
