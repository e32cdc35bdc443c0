/** Weights drawn from N(0, std²) where they lie; see `shaders/draw.wgsl`. */
import { ceilDiv, grid, uniform, write } from './op.ts';
import type { KernelCall } from './op.ts';
import { quads, storedElements } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/** Words of {@link drawWords}: a uniform struct is a multiple of 16 bytes. */
export const DRAW_WORDS = 4;

/** Fills `weight` ([O, I], layout `kernel`) as `draw` (flat, {@link DRAW_WORDS}) says. */
export function drawCall(weight: Tensor, draw: Tensor): KernelCall {
  const [O = 1, I = 1] = weight.shape;
  const SIZE4 = storedElements(weight) / 4;
  return {
    shader: 'draw',
    entry: 'draw',
    constants: { SIZE4, O, O4: quads(O), I },
    bindings: [write(weight), uniform(draw)],
    workgroups: grid(ceilDiv(SIZE4, 64)),
  };
}

/** The words of a draw: element e is `std * normal(seed, stream, e)`. */
export function drawWords(seed: number, stream: number, std: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(DRAW_WORDS);
  words[0] = seed;
  words[1] = stream;
  new Float32Array(words.buffer)[2] = std;
  return words;
}
