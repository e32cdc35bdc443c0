/** The dispatches of `shaders/conv2d_winograd.wgsl`: convolutions by fewer multiplications. */
import { blocksOf, divide, largestDivisor } from './convolution.ts';
import type { Convolution, Division } from './convolution.ts';
import { ceilDiv, read, write } from './op.ts';
import type { Binding, Emitter } from './op.ts';
import type { Tensor } from './tensor.ts';
import type { Tuning } from './tuning.ts';

/** Positions of a transformed tile: the multiplications for four pixels and a pair of channels. */
const POSITIONS = 16;

/** Tiles in a block of the products, and vec4s of channels, at most. */
const TILES_OF_BLOCK = 4;
const QUADS_OF_BLOCK = 4;

/** Every WebGPU device binds a buffer of so many bytes. */
const MOST_BYTES = 128 * 1024 * 1024;

/** An operand with the constants that say how to load it. */
interface Operand {
  bindings: Binding[];
  constants: Record<string, boolean>;
}

/** The products of all tiles, and how the kernel that takes them back to pixels divides these. */
interface Products {
  products: Tensor;
  division: Division;
}

/** A convolution to be done so: forward from x to y, or back from dy to the gradient of x. */
interface Filtering {
  direction: 'forward' | 'back';
  /** x, or dy. */
  operand: Operand;
  weight: Tensor;
  /** What is computed. */
  name: string;
}

/** The products that y, or the gradient of x, is made of; undefined where the tuning has the convolution done directly. */
export function winogradProducts(
  emit: Emitter,
  convolution: Convolution,
  { direction, operand, weight, name }: Filtering,
): Products | undefined {
  if (!isWorth(convolution, emit.tuning)) return undefined;
  const { geometry: g } = convolution;
  const x = { height: g.H, width: g.W, quads: g.IC4 };
  const y = { height: g.OH, width: g.OW, quads: g.OC4 };
  const TURNED = direction === 'back';
  const [from, to] = TURNED ? [y, x] : [x, y];
  const [TILES_Y, TILES_X] = [ceilDiv(to.height, 2), ceilDiv(to.width, 2)];
  const TILES = g.N * TILES_Y * TILES_X;
  const CELLS = from.quads * 4 * to.quads;
  const kernels = emit.transient(`${name}.kernels`, [POSITIONS, CELLS, 4], 'flat');
  const pixels = emit.transient(`${name}.pixels`, [POSITIONS, from.quads, TILES, 4], 'flat');
  const products = emit.transient(`${name}.products`, [POSITIONS, to.quads, TILES, 4], 'flat');
  const shader = 'conv2d_winograd';
  emit.dispatch({
    shader,
    entry: 'winograd_weight',
    constants: { IC4: g.IC4, OC4: g.OC4, TURNED, QUADS: to.quads, CELLS },
    bindings: [read(weight), write(kernels)],
    workgroups: [ceilDiv(CELLS, 64), 1, 1],
  });
  emit.dispatch({
    shader,
    entry: 'winograd_input',
    constants: {
      ...g,
      ...operand.constants,
      TURNED,
      HEIGHT: from.height,
      WIDTH: from.width,
      QUADS: from.quads,
      TOP: TURNED ? 2 - g.PAD_TOP : g.PAD_TOP,
      LEFT: TURNED ? 2 - g.PAD_LEFT : g.PAD_LEFT,
      TILES_Y,
      TILES_X,
      TILES,
    },
    bindings: [...operand.bindings, write(pixels)],
    workgroups: [ceilDiv(TILES, 64), from.quads, 1],
  });
  const T = Math.min(TILES_OF_BLOCK, TILES);
  const QV = largestDivisor(to.quads, QUADS_OF_BLOCK);
  const BLOCKS = ceilDiv(TILES, T);
  const BROADCAST = emit.tuning.weights === 'broadcast';
  emit.dispatch({
    shader,
    entry: 'winograd_product',
    constants: { TILES, T, BLOCKS, IC4: from.quads, OC4: to.quads, QV, BROADCAST },
    bindings: [read(pixels), read(kernels), write(products)],
    workgroups: [ceilDiv(BLOCKS, 64), to.quads / QV, POSITIONS],
    flops: 2 * POSITIONS * TILES * from.quads * 4 * to.quads * 4,
  });
  const entry = TURNED ? 'winograd_grad_input' : 'winograd_output';
  return { products, division: inverse(emit.tuning, entry, g.N, to) };
}

function isWorth(
  { geometry: g, channels, outChannels }: Convolution,
  { winogradFrom }: Tuning,
): boolean {
  const { KH, KW, STRIDE_Y, STRIDE_X, DILATION_Y, DILATION_X } = g;
  const fits = KH === 3 && KW === 3 && STRIDE_Y * STRIDE_X * DILATION_Y * DILATION_X === 1;
  // Transformed, an image is four times as large, and somewhat more at odd borders.
  const tiles =
    g.N * Math.max(ceilDiv(g.H, 2) * ceilDiv(g.W, 2), ceilDiv(g.OH, 2) * ceilDiv(g.OW, 2));
  const bytes = POSITIONS * tiles * Math.max(g.IC4, g.OC4) * 16;
  return fits && Math.min(channels, outChannels) >= winogradFrom && bytes <= MOST_BYTES;
}

/** How the kernel that takes products back to pixels divides the image: a tile each, or several where none add up together. */
function inverse(
  { sums }: Tuning,
  entry: string,
  N: number,
  to: { height: number; width: number; quads: number },
): Division {
  const [BANDS, TILES_X] = [ceilDiv(to.height, 2), ceilDiv(to.width, 2)];
  const PX = 2 * (sums === 'workgroup' ? 1 : divide(TILES_X, 4));
  const STRIPS = ceilDiv(to.width, PX);
  const BLOCKS = N * BANDS * STRIPS;
  return {
    shader: 'conv2d_winograd',
    entry,
    constants: {
      ROWS: 2,
      PX,
      STRIPS,
      BANDS,
      BLOCKS,
      QUADS: to.quads,
      TILES: N * BANDS * TILES_X,
      TILES_X,
      COOPERATE: sums === 'workgroup',
    },
    QV: 1,
    ...blocksOf(sums, BLOCKS, 2 * PX),
    whole: to.width % PX === 0 && to.height % 2 === 0,
  };
}
