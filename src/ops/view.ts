/** Writing a view to memory; see `shaders/view.wgsl`. */
import { ceilDiv, grid, read, write } from './op.ts';
import type { KernelCall } from './op.ts';
import { elements, imageDims, quads } from './tensor.ts';
import type { Tensor, View } from './tensor.ts';

/** Pixels one invocation computes: coefficients are loaded once for all of them. */
const PIXELS = 8;

/** y = the view [+ shortcut]; its ReLU comes after the addition. */
export function materializeCall(
  { x, g, coefficients, relu }: View,
  y: Tensor,
  shortcut?: Tensor,
): KernelCall {
  const [n, c, h, w] = imageDims(x.shape);
  const P = n * h * w;
  const C4 = quads(c);
  return {
    shader: 'view',
    entry: 'materialize',
    constants: {
      P,
      C4,
      PX: PIXELS,
      G: g !== undefined,
      SHORTCUT: shortcut !== undefined,
      RELU: relu,
    },
    bindings: [
      read(x),
      read(coefficients),
      write(y),
      ...(g ? [read(g)] : []),
      ...(shortcut ? [read(shortcut)] : []),
    ],
    workgroups: grid(ceilDiv(ceilDiv(P, PIXELS) * C4, 64)),
    flops: 4 * elements(x.shape),
  };
}
