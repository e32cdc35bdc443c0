/** The dispatches of `shaders/conv2d_winograd.wgsl`: convolutions by fewer multiplications. */
import { blocksOf, divide, divideQuads } from './convolution.ts';
import type { Convolution, Division, Geometry } from './convolution.ts';
import { ceilDiv, read, write } from './op.ts';
import type { Binding, Emitter } from './op.ts';
import type { Tensor } from './tensor.ts';
import type { Tuning } from './tuning.ts';

/** Positions of a transformed tile: the multiplications for four pixels and a pair of channels. */
const POSITIONS = 16;

/** A block of the products: tiles, and vec4s of channels at most. */
const BLOCK = { tiles: 4, quads: 4 };

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

/** An image in vec4s of channels. */
interface Field {
  height: number;
  width: number;
  quads: number;
}

/** Whether a convolution, forward and for the gradient of its input, takes this way in a tuning. */
export function runsWinograd(
  { geometry: g, channels, outChannels }: Convolution,
  { winograd }: Tuning,
): boolean {
  const taps = g.KH === 3 && g.KW === 3;
  const dense = g.STRIDE_Y * g.STRIDE_X * g.DILATION_Y * g.DILATION_X === 1;
  return (
    winograd !== 'never' &&
    taps &&
    dense &&
    Math.min(channels, outChannels) >= winograd.channels &&
    g.N * g.OH * g.OW >= winograd.pixels
  );
}

/** The products that y is made of. */
export function winogradForward(
  emit: Emitter,
  g: Geometry,
  name: string,
  x: Operand,
  weight: Tensor,
): Products {
  const from = { height: g.H, width: g.W, quads: g.IC4 };
  const to = { height: g.OH, width: g.OW, quads: g.OC4 };
  return emitProducts(emit, g, name, from, to, x, weight, false);
}

/** Those that the gradient of x is made of. */
export function winogradGradInput(
  emit: Emitter,
  g: Geometry,
  name: string,
  dy: Operand,
  weight: Tensor,
): Products {
  const from = { height: g.OH, width: g.OW, quads: g.OC4 };
  const to = { height: g.H, width: g.W, quads: g.IC4 };
  return emitProducts(emit, g, name, from, to, dy, weight, true);
}

function emitProducts(
  emit: Emitter,
  g: Geometry,
  name: string,
  from: Field,
  to: Field,
  operand: Operand,
  weight: Tensor,
  TURNED: boolean,
): Products {
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
  const T = Math.min(BLOCK.tiles, TILES);
  const QV = divideQuads(to.quads, BLOCK.quads);
  const BLOCKS = ceilDiv(TILES, T);
  emit.dispatch({
    shader,
    entry: 'winograd_product',
    constants: {
      TILES,
      T,
      BLOCKS,
      IC4: from.quads,
      OC4: to.quads,
      QV,
      BROADCAST: emit.tuning.weights === 'broadcast',
    },
    bindings: [read(pixels), read(kernels), write(products)],
    workgroups: [ceilDiv(BLOCKS, 64), to.quads / QV, POSITIONS],
    flops: 2 * POSITIONS * TILES * from.quads * 4 * to.quads * 4,
  });
  const entry = TURNED ? 'winograd_grad_input' : 'winograd_output';
  return { products, division: inverse(emit.tuning, entry, g.N, to) };
}

/** How the kernel that takes products back to pixels divides the image: a tile each, or several where none add up together. */
function inverse({ sums }: Tuning, entry: string, N: number, to: Field): Division {
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
