/**
 * Dropout (Srivastava et al. 2014): in training each element is dropped with a probability p, its keep
 * probability being 1 − p. What must agree between training and evaluation is the expectation:
 *
 *   inverted   training y = x·mask / (1 − p),   evaluation y = x
 *   vanilla    training y = x·mask,             evaluation y = (1 − p)·x   (as in the paper)
 *
 * The mask is an input: 0 for what is dropped, 1 for the rest. `dropout2d` drops whole channels (Tompson et
 * al. 2015): its mask is [N, C].
 */
import { z } from 'zod';
import { pcg4d } from '../random.ts';
import { defineOp } from './op.ts';
import { expectShape, imageShape, map, need, tensor } from './tensor.ts';
import type { Tensor, Tensors } from './tensor.ts';

const params = z.strictObject({
  drop_probability: z.number().min(0).max(1).default(0.5),
  mode: z.enum(['inverted', 'vanilla']).default('inverted'),
  /** Whether elements are dropped. */
  training: z.boolean().default(true),
});
type Params = z.output<typeof params>;

/** Where the mask of an element stands, and which shape the mask has. */
type MaskOf = (x: Tensor) => { shape: readonly number[]; index: (i: number) => number };

function dropoutOp(maskOf: MaskOf) {
  const apply = ({ drop_probability: p, mode, training }: Params, inputs: Tensors, x: Tensor) => {
    if (!training) return map(x, (value) => (mode === 'vanilla' ? (1 - p) * value : value));
    const mask = need(inputs, 'mask');
    const { shape, index } = maskOf(x);
    expectShape('mask', mask, shape);
    const scale = mode === 'vanilla' ? 1 : p === 1 ? 0 : 1 / (1 - p);
    return map(x, (value, i) => value * mask.data[index(i)]! * scale);
  };
  return defineOp({
    params,
    inputs: ['x'],
    optional: ['mask'],
    forward: (params, inputs) => ({ y: apply(params, inputs, need(inputs, 'x')) }),
    backward: (params, inputs, _outputs, gradOutput) => ({ x: apply(params, inputs, gradOutput) }),
  });
}

/** Every element by itself. x and mask have the same shape, whatever it is. */
export const dropout = dropoutOp((x) => ({ shape: x.shape, index: (i) => i }));

/** Channels as a whole. x: [N, C, H, W], mask: [N, C]. */
export const dropout2d = dropoutOp((x) => {
  const [n, c, h, w] = imageShape(x);
  return { shape: [n, c], index: (i) => Math.floor(i / (h * w)) };
});

/**
 * The mask that the GPU draws for x [N, C, H, W] or [N, C] (or, for dropout2d, for [N, C] alone): kept where
 * the upper 24 bits of a word, as a fraction, reach the drop probability. The word is number c mod 4 of
 * the key (seed, iteration, stream, v), where v counts groups of four channels, channels last.
 */
export function drawMask(
  shape: readonly number[],
  dropProbability: number,
  key: { seed: number; iteration: number; stream: number },
): Tensor {
  const [n = 1, c = 1, h = 1, w = 1] = shape;
  const quads = Math.ceil(c / 4);
  const words = new Uint32Array(4);
  const mask = tensor(shape, new Float64Array(n * c * h * w));
  for (let i = 0; i < mask.data.length; i++) {
    const pixel = i % (h * w);
    const channel = Math.floor(i / (h * w)) % c;
    const image = Math.floor(i / (h * w * c));
    const v = (image * h * w + pixel) * quads + Math.floor(channel / 4);
    pcg4d(key.seed, key.iteration, key.stream, v, words);
    mask.data[i] = Number((words[channel % 4]! >>> 8) / 2 ** 24 >= dropProbability);
  }
  return mask;
}
