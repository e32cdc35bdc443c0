/**
 * The basic block of He et al. 2015, figure 2, composed of the ops beside it:
 *
 *   F(x) = bn2(conv2(relu(bn1(conv1(x))))),   y = relu(F(x) + shortcut(x)).
 *
 * Both convolutions are 3×3 with padding 1; conv1 has the block's stride. x: [N, C, H, W],
 * y: [N, O, ⌈H/stride⌉, ⌈W/stride⌉]. Inputs carry torchvision's names: `conv1.weight`, `bn1.weight`,
 * `bn1.bias`, `bn1.running_mean`, …, `downsample.0.weight`.
 */
import { z } from 'zod';
import { relu } from './activations.ts';
import { conv2d } from './conv2d.ts';
import { batchNorm } from './norm.ts';
import { defineOp } from './op.ts';
import { add, shortcutOptionA } from './residual.ts';
import { Tape } from './tape.ts';
import { imageShape, need } from './tensor.ts';
import type { Tensor, Tensors } from './tensor.ts';

const blockParams = z.strictObject({
  stride: z.int().min(1).default(1),
  /**
   * `none`: a plain block, y = relu(F(x)). `identity`: x itself. `end`, `both`: option A, by where the
   * zero channels go. `B`: a 1×1 convolution and a norm, `downsample.0` and `downsample.1`.
   */
  shortcut: z.enum(['none', 'identity', 'end', 'both', 'B']).default('identity'),
  training: z.boolean().default(true),
  eps: z.number().positive().default(1e-5),
});

const normInputs = (norm: string) =>
  ['weight', 'bias', 'running_mean', 'running_var'].map((name) => `${norm}.${name}`);

export const basicBlock = defineOp({
  params: blockParams,
  inputs: ['x', 'conv1.weight', 'conv2.weight'],
  optional: ['downsample.0.weight', ...['bn1', 'bn2', 'downsample.1'].flatMap(normInputs)],

  forward: (params, inputs) => ({ y: compose(new Tape(), params, inputs) }),

  backward(params, inputs, _outputs, gradOutput) {
    const tape = new Tape();
    const gradients = tape.gradients(compose(tape, params, inputs), gradOutput);
    const byName: Tensors = {};
    for (const [name, input] of Object.entries(inputs)) {
      const gradient = gradients.get(input);
      if (gradient) byName[name] = gradient;
    }
    return byName;
  },
});

/** Applies the block's ops on the tape and returns y. */
function compose(tape: Tape, params: z.output<typeof blockParams>, inputs: Tensors): Tensor {
  const { stride, shortcut, training, eps } = params;

  const convolve = (x: Tensor, name: string, stride: number, padding: number): Tensor =>
    tape.apply(conv2d, { stride, padding }, { x, weight: need(inputs, `${name}.weight`) });

  const normalize = (x: Tensor, name: string): Tensor => {
    const [weight, bias, running_mean, running_var] = normInputs(name).map((key) => inputs[key]);
    return tape.apply(
      batchNorm,
      { training, eps },
      {
        x,
        ...(weight && { weight }),
        ...(bias && { bias }),
        ...(running_mean && { running_mean }),
        ...(running_var && { running_var }),
      },
    );
  };
  const rectify = (x: Tensor): Tensor => tape.apply(relu, {}, { x });

  const x = need(inputs, 'x');
  const hidden = rectify(normalize(convolve(x, 'conv1', stride, 1), 'bn1'));
  const body = normalize(convolve(hidden, 'conv2', 1, 1), 'bn2');
  if (shortcut === 'none') return rectify(body);

  const carry = (): Tensor => {
    if (shortcut === 'identity') return x;
    if (shortcut === 'B') return normalize(convolve(x, 'downsample.0', stride, 0), 'downsample.1');
    const [, out_channels] = imageShape(body);
    return tape.apply(shortcutOptionA, { out_channels, stride, zero_channels: shortcut }, { x });
  };
  return rectify(tape.apply(add, {}, { body, shortcut: carry() }));
}
