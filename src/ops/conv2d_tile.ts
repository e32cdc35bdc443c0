/** How the tiles of `shaders/conv2d_tile.wgsl` lie over the pixels of an image, and of how many channels its blocks are. */
import { MAX_PARTIAL, largestDivisor, mostColumns, weightSize } from './convolution.ts';
import type { Division, Geometry, SplitDivision } from './convolution.ts';
import { ceilDiv } from './op.ts';
import type { Block } from './tuning.ts';

/** Invocations of a workgroup. */
const INVOCATIONS = 64;
/** vec4s that a workgroup stages at most: 11 KiB, so that with its sums several workgroups fit into the memory of one core. */
const MOST_STAGED = 704;
/** As many workgroups keep a large GPU busy: as far as it takes, blocks have fewer channels and sums over pixels are split. */
const ENOUGH = 256;

/** The pixels that are computed, and which ones of the image in front a kernel sees from each. */
interface Field {
  N: number;
  height: number;
  width: number;
  strideY: number;
  strideX: number;
  /** From the first tap of a kernel to its last one. */
  reachY: number;
  reachX: number;
}

/** A tile, in the names of the kernel's constants. */
interface Tile {
  PX: number;
  ACROSS: number;
  DOWN: number;
  PICTURES: number;
  TILES_X: number;
  TILES_Y: number;
  SPAN: number;
  WIDTH: number;
  STAGED: number;
}

/** Forward, if the kernel has several taps and the image fills tiles; else undefined. */
export function forwardTiles(g: Geometry, block: Block): Division | undefined {
  const field = {
    N: g.N,
    height: g.OH,
    width: g.OW,
    strideY: g.STRIDE_Y,
    strideX: g.STRIDE_X,
    ...reach(g),
  };
  return divide('conv2d_tile', field, mostColumns(block.columns, g), g.IC4, g.OC4, block.quads);
}

/** The gradient of the input, if the stride is 1 and as forward. */
export function gradInputTiles(g: Geometry, block: Block): Division | undefined {
  if (g.STRIDE_Y * g.STRIDE_X > 1) return undefined;
  const field = { N: g.N, height: g.H, width: g.W, strideY: 1, strideX: 1, ...reach(g) };
  const columns = mostColumns(block.columns, g);
  const division = divide('conv2d_tile_grad_input', field, columns, g.OC4, g.IC4, block.quads);
  return (
    division && {
      ...division,
      constants: { ...division.constants, FIRST: g.PAD_LEFT - (g.KW - 1) * g.DILATION_X },
    }
  );
}

const reach = (g: Geometry) => ({
  reachY: (g.KH - 1) * g.DILATION_Y,
  reachX: (g.KW - 1) * g.DILATION_X,
});

/**
 * @param staged vec4s of channels of the image in front
 * @param computed those of the one that is computed, `mostQuads` at a time at most
 */
function divide(
  entry: string,
  field: Field,
  mostPx: number,
  staged: number,
  computed: number,
  mostQuads: number,
): Division | undefined {
  const tile = field.reachX + field.reachY > 0 ? bestTile(field, mostPx) : undefined;
  if (!tile) return undefined;
  const { PX, ACROSS, DOWN, PICTURES, STAGED } = tile;
  const workgroups = tileCount(tile, field);
  let QV = largestDivisor(computed, mostQuads);
  while (QV > 1 && (workgroups * computed) / QV < ENOUGH) QV = largestDivisor(computed, QV - 1);
  const SLICE = staged % 2 === 0 && 2 * STAGED <= MOST_STAGED ? 2 : 1;
  return {
    shader: 'conv2d_tile',
    entry,
    constants: {
      ...tile,
      ROWS: 1,
      SLICE,
      LOADS: ceilDiv(SLICE * STAGED, INVOCATIONS),
      COLUMNS: (PX - 1) * field.strideX + field.reachX + 1,
      BROADCAST: false,
      COOPERATE: true,
    },
    QV,
    workgroups,
    slices: { count: workgroups, pixels: PX * ACROSS * DOWN * PICTURES },
    whole: isWhole(tile, field),
  };
}

const tileCount = ({ PICTURES, TILES_X, TILES_Y }: Tile, { N }: Field): number =>
  ceilDiv(N, PICTURES) * TILES_Y * TILES_X;

/** Whether no tile lies over the border of a picture. */
const isWhole = ({ PX, ACROSS, DOWN }: Tile, { height, width }: Field): boolean =>
  width % (PX * ACROSS) === 0 && height % DOWN === 0;

/**
 * The tile that takes least time over the whole image: as many invocations with work as possible, in blocks as wide as possible,
 * few pixels staged. Undefined where half of the invocations would have none, for the kernels without tiles do
 * not need whole workgroups.
 */
function bestTile(field: Field, mostPx: number): Tile | undefined {
  let best: Tile | undefined;
  let least = Infinity;
  for (const tile of tilesOf(field, mostPx)) {
    // A turn of the loop multiplies for each pixel of a block, and loads weights for about the time of one pixel more.
    // Tiles over a border leave no slices of one size, so that moments take a pass of their own.
    const work = (tile.PX + 1) * (isWhole(tile, field) ? 2 : 3);
    const cost = tileCount(tile, field) * (work + tile.STAGED / 1024);
    if (cost < least) [best, least] = [tile, cost];
  }
  return best;
}

/** All tiles that fit into workgroup memory and give work to half of the invocations or more. */
function* tilesOf(field: Field, mostPx: number): Generator<Tile> {
  const { N, height, width, strideY, strideX, reachY, reachX } = field;
  // Narrower blocks load so many weights for each pixel that those without tiles are better.
  for (let PX = mostPx; 2 * PX >= mostPx; PX--) {
    const strips = ceilDiv(width, PX);
    for (let ACROSS = 1; ACROSS <= Math.min(strips, INVOCATIONS); ACROSS++) {
      for (let DOWN = 1; DOWN <= Math.min(height, INVOCATIONS / ACROSS); DOWN++) {
        const [TILES_X, TILES_Y] = [ceilDiv(strips, ACROSS), ceilDiv(height, DOWN)];
        // Of several pictures only the whole: tiles of fewer pictures come last then, as a shorter slice has to.
        const room = Math.floor(INVOCATIONS / (ACROSS * DOWN));
        const PICTURES = TILES_X * TILES_Y === 1 ? Math.min(N, room) : 1;
        const SPAN = (DOWN - 1) * strideY + reachY + 1;
        const columns = (ACROSS * PX - 1) * strideX + reachX + 1;
        const WIDTH = columns + 1 - (columns % 2);
        const STAGED = PICTURES * SPAN * WIDTH;
        const busy = ACROSS * DOWN * PICTURES;
        if (STAGED <= MOST_STAGED && 2 * busy >= INVOCATIONS)
          yield { PX, ACROSS, DOWN, PICTURES, TILES_X, TILES_Y, SPAN, WIDTH, STAGED };
      }
    }
  }
}

/** The gradient of the weight, if the kernel has several taps and the image fills tiles; else undefined. */
export function gradWeightTiles(g: Geometry): SplitDivision | undefined {
  if (g.KH * g.KW === 1) return undefined;
  const [IB, OB] = [powerOf2(g.IC4), powerOf2(g.OC4)];
  const STRANDS = INVOCATIONS / (IB * OB);
  // A row of y, in equal parts where it is a long one.
  const strips = ceilDiv(g.OW, 4);
  const RUN = 4 * ceilDiv(strips, ceilDiv(strips, MOST_STRIPS));
  const WIDTH = (RUN - 1) * g.STRIDE_X + (g.KW - 1) * g.DILATION_X + 1;
  const DOWN = rowsOf(g.OH, RUN / 4, STRANDS, Math.floor(MOST_STAGED / (WIDTH * IB + RUN * OB)));
  if (2 * DOWN * (RUN / 4) < STRANDS) return undefined;
  const [TILES_X, TILES_Y] = [ceilDiv(g.OW, RUN), ceilDiv(g.OH, DOWN)];
  const TILES = g.N * TILES_Y * TILES_X;
  const blocks = (g.KH * g.IC4 * g.OC4) / (IB * OB);
  const mostSplits = Math.min(
    MAX_PARTIAL / weightSize(g),
    (g.N * g.OH * g.OW) / (STRANDS * PIXELS_PER_STRAND),
    ceilDiv(ENOUGH, blocks),
  );
  const TILES_PER_SPLIT = ceilDiv(TILES, Math.max(1, Math.floor(mostSplits)));
  const splits = ceilDiv(TILES, TILES_PER_SPLIT);
  const [X_STAGED, DY_STAGED] = [DOWN * WIDTH * IB, DOWN * RUN * OB];
  return {
    shader: 'conv2d_tile',
    entry: 'conv2d_tile_grad_weight',
    constants: {
      ...{ KROWS: 1, QV: 1, PX: 4, IB, OB, STRANDS, RUN, DOWN, WIDTH },
      ...{ TILES_X, TILES_Y, TILES, TILES_PER_SPLIT, X_STAGED, DY_STAGED },
      STAGED: Math.max(X_STAGED + DY_STAGED, 4 * INVOCATIONS),
      X_LOADS: ceilDiv(X_STAGED, INVOCATIONS),
      DY_LOADS: ceilDiv(DY_STAGED, INVOCATIONS),
      COLUMNS: 3 * g.STRIDE_X + (g.KW - 1) * g.DILATION_X + 1,
    },
    splits,
    workgroups: [splits, (g.KH * g.OC4) / OB, g.IC4 / IB],
  };
}

/** Output pixels that an invocation of the weight gradient sums at least, where there are so many. */
const PIXELS_PER_STRAND = 32;
/** Strips of four pixels in a run of a row, at most. */
const MOST_STRIPS = 8;

/** The largest power of two that divides a number of vec4s of channels; 8 at most, for 8 × 8 pairs are a workgroup. */
const powerOf2 = (quads: number): number => [8, 4, 2].find((part) => quads % part === 0) ?? 1;

/** How many rows of `strips` strips leave fewest strands idle; the most of them, for fewest barriers. 0 where none fit. */
function rowsOf(height: number, strips: number, strands: number, most: number): number {
  let [best, least] = [0, Infinity];
  for (let rows = Math.min(height, most); rows > 0; rows--) {
    const turns = ceilDiv(height, rows) * ceilDiv(rows * strips, strands);
    if (turns < least) [best, least] = [rows, turns];
  }
  return best;
}
