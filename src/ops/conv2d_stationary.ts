/** What the invocations of `shaders/conv2d_stationary.wgsl` hold and compute. */
import { largestDivisor, weightFitsUniform } from './convolution.ts';
import type { Division, Geometry } from './convolution.ts';
import { ceilDiv } from './op.ts';
import type { Tensor } from './tensor.ts';
import type { Tuning } from './tuning.ts';

/** Kernels with more of them take long to compile. */
const MOST_TAPS = 25;
/** As many vectors keep a CPU busy: two on each of four cores. */
const ENOUGH_VECTORS = 8;

/** What is read and what is computed: x and y, or dy and dx. */
interface Correlation {
  SOURCE_H: number;
  SOURCE_W: number;
  SOURCE_C4: number;
  TARGET_H: number;
  TARGET_W: number;
  TARGET_C4: number;
  BEFORE_Y: number;
  BEFORE_X: number;
  STRIDE_Y: number;
  STRIDE_X: number;
  GRADIENT: boolean;
}

/**
 * Forward, if its weights are to be held and the convolution has several taps, none apart; else undefined.
 *
 * @param y where sums of several passes would be kept, so not if it rounds them
 */
export const forwardStationary = (g: Geometry, tuning: Tuning, y: Tensor): Division | undefined =>
  divide('conv2d_stationary', g, tuning, y, {
    SOURCE_H: g.H,
    SOURCE_W: g.W,
    SOURCE_C4: g.IC4,
    TARGET_H: g.OH,
    TARGET_W: g.OW,
    TARGET_C4: g.OC4,
    BEFORE_Y: g.PAD_TOP,
    BEFORE_X: g.PAD_LEFT,
    STRIDE_Y: g.STRIDE_Y,
    STRIDE_X: g.STRIDE_X,
    GRADIENT: false,
  });

/** The gradient of the input, as forward; of stride 1 only, for another's pixels have not all the same taps. */
export const gradInputStationary = (
  g: Geometry,
  tuning: Tuning,
  dx: Tensor,
): Division | undefined =>
  g.STRIDE_Y * g.STRIDE_X > 1
    ? undefined
    : divide('conv2d_stationary_grad_input', g, tuning, dx, {
        SOURCE_H: g.OH,
        SOURCE_W: g.OW,
        SOURCE_C4: g.OC4,
        TARGET_H: g.H,
        TARGET_W: g.W,
        TARGET_C4: g.IC4,
        BEFORE_Y: g.KH - 1 - g.PAD_TOP,
        BEFORE_X: g.KW - 1 - g.PAD_LEFT,
        STRIDE_Y: 1,
        STRIDE_X: 1,
        GRADIENT: true,
      });

function divide(
  entry: string,
  g: Geometry,
  tuning: Tuning,
  target: Tensor,
  correlation: Correlation,
): Division | undefined {
  const { held, workgroupSize } = tuning;
  const { SOURCE_W, SOURCE_C4, TARGET_H, TARGET_W, BEFORE_X, STRIDE_X } = correlation;
  const taps = g.KH * g.KW;
  const dense = g.DILATION_Y * g.DILATION_X === 1;
  const SEEN = ceilDiv(g.KW, STRIDE_X);
  // Of a row: the pixel that the first columns of the source complete, and how many no column completes, but the padding behind.
  const FIRST = Math.ceil((BEFORE_X - g.KW + 1) / STRIDE_X);
  const last = Math.floor((SOURCE_W - 1 + BEFORE_X - g.KW + STRIDE_X) / STRIDE_X);
  const AFTER = Math.max(0, TARGET_W - 1 - last);
  // More padding than a kernel covers would be pixels that no column sees.
  const covered = FIRST > -SEEN && FIRST <= 0 && AFTER < SEEN;
  if (taps === 1 || taps > Math.min(held, MOST_TAPS) || !dense || !covered) return undefined;

  const { QV, CHUNK, ROWS, SHARERS } = leastAccesses(correlation, g, tuning);
  if (CHUNK < SOURCE_C4 && target.bits === 16) return undefined;
  const rows = g.N * TARGET_H;
  const BLOCKS = rows / ROWS;
  const quad = 4 / SHARERS;
  const MERGED = tuning.pixels === 'exchange' && BLOCKS % quad === 0 ? quad : 1;
  return {
    shader: 'conv2d_stationary',
    entry,
    constants: {
      ...correlation,
      SEEN,
      FIRST,
      AFTER,
      CHUNK,
      PASSES: SOURCE_C4 / CHUNK,
      ROWS,
      BLOCKS,
      INVOCATIONS: workgroupSize,
      SHARERS,
      MERGED,
      // Those that share pixels differ in their weights.
      BROADCAST: tuning.weights === 'broadcast' && SHARERS === 1,
      BIAS: false,
      COOPERATE: false,
    },
    QV,
    sharers: SHARERS,
    workgroups: ceilDiv(BLOCKS * SHARERS, workgroupSize),
    slices: { count: BLOCKS / MERGED, pixels: MERGED * ROWS * TARGET_W },
    whole: true,
  };
}

/**
 * From how many vec4s of channels (CHUNK) to how many (QV) an invocation holds weights, how many rows it computes with them, and
 * how many neighbours (SHARERS) share the loads of its pixels, so that it accesses memory least.
 */
function leastAccesses(
  { SOURCE_C4, TARGET_H, TARGET_W, TARGET_C4, STRIDE_X }: Correlation,
  g: Geometry,
  { held, pixels, weights, workgroupSize }: Tuning,
) {
  const { N, KH, KW } = g;
  const most = Math.floor(held / (KH * KW));
  // From a storage buffer, neighbours that each load weights of their own take long to compile.
  const shares = pixels === 'exchange' && weightFitsUniform(g);
  let best = { QV: 1, CHUNK: 1, ROWS: 1, SHARERS: 1 };
  let least = Infinity;
  for (const SHARERS of shares ? [1, 2, 4] : [1]) {
    for (let QV = 1; QV <= Math.min(4, TARGET_C4); QV++) {
      for (let CHUNK = SHARERS; CHUNK <= SOURCE_C4; CHUNK += SHARERS) {
        const divides = TARGET_C4 % (QV * SHARERS) === 0 && SOURCE_C4 % CHUNK === 0;
        if (!divides || QV * CHUNK > most) continue;
        const groups = TARGET_C4 / QV;
        const ROWS = largestDivisor(
          N * TARGET_H,
          Math.floor((N * TARGET_H * groups) / (ENOUGH_VECTORS * workgroupSize)),
        );
        const passes = SOURCE_C4 / CHUNK;
        // Of a pixel in one pass: its columns of the source, what was written before and what is written (either costs two
        // loads), and its share of the weights, of which an invocation loads a quarter where four broadcast theirs.
        const columns = (STRIDE_X * KH * CHUNK) / SHARERS;
        const before = passes > 1 ? 2 * QV : 0;
        const matrixRows = weights === 'broadcast' && SHARERS === 1 ? 1 : 4;
        const weightLoads = (matrixRows * KH * KW * CHUNK * QV) / (ROWS * TARGET_W);
        const cost = groups * passes * (columns + before + 2 * QV + weightLoads);
        if (cost < least) [best, least] = [{ QV, CHUNK, ROWS, SHARERS }, cost];
      }
    }
  }
  return best;
}
