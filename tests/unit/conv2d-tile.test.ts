/** How tiles of convolutions lie over pictures. */
import { expect, test } from 'vitest';
import { forwardTiles, gradInputTiles, gradWeightTiles } from '../../src/ops/conv2d_tile.ts';
import { conv2dParams, describeConvolution } from '../../src/ops/convolution.ts';
import type { Convolution } from '../../src/ops/convolution.ts';
import { TUNINGS } from '../../src/ops/tuning.ts';

const BLOCK = TUNINGS['gpu-tile'].conv2d;

/** A convolution that keeps the size of square pictures, but for its stride. */
function convolution(
  batch: number,
  channels: number,
  size: number,
  params: { kernel?: number; stride?: number } = {},
): Convolution['geometry'] {
  const parsed = conv2dParams.parse({
    out_channels: channels,
    kernel: 3,
    padding: 'same',
    ...params,
  });
  const side = Math.ceil(size / (params.stride ?? 1));
  return describeConvolution(parsed, [batch, channels, size, size], [batch, channels, side, side])
    .geometry;
}

/** Invocations that compute something, in a workgroup that is full. */
const busy = ({ ACROSS, DOWN, PICTURES }: Record<string, number | boolean>): number =>
  Number(ACROSS) * Number(DOWN) * Number(PICTURES);

test.each([
  [128, 16, 32],
  [128, 32, 16],
  [128, 64, 8],
  [16, 8, 16],
  [16, 16, 8],
  [16, 32, 4],
])('%i pictures, %i channels, %i×%i fill whole workgroups', (batch, channels, size) => {
  const g = convolution(batch, channels, size);
  for (const tiles of [forwardTiles(g, BLOCK), gradInputTiles(g, BLOCK)]) {
    expect(busy(tiles!.constants)).toBe(64);
    expect(tiles!.constants.PX).toBe(4);
    expect(tiles!.whole).toBe(true);
    expect(tiles!.slices.count * tiles!.slices.pixels).toBe(batch * size * size);
  }
  const { STRANDS, RUN, DOWN, IB, OB } = gradWeightTiles(g)!.constants;
  expect(Number(STRANDS) * Number(IB) * Number(OB)).toBe(64);
  expect(((Number(RUN) / 4) * Number(DOWN)) % Number(STRANDS)).toBe(0);
});

test('a few pictures get small blocks and many workgroups, many pictures large blocks', () => {
  const workgroups = (batch: number) => {
    const { workgroups, QV } = forwardTiles(convolution(batch, 32, 16), BLOCK)!;
    return { QV, workgroups: (workgroups * 8) / QV };
  };
  expect(workgroups(16)).toEqual({ QV: 1, workgroups: 128 });
  expect(workgroups(64)).toEqual({ QV: 2, workgroups: 256 });
  expect(workgroups(128)).toEqual({ QV: 4, workgroups: 256 });
});

test.each([7, 14, 24, 28, 31])('pictures of %i×%i leave few invocations idle', (size) => {
  const g = convolution(32, 16, size);
  const { constants, workgroups } = forwardTiles(g, BLOCK)!;
  const used = (32 * size * size) / (workgroups * 64 * Number(constants.PX));
  expect(used).toBeGreaterThan(0.75);
});

test('what gains nothing by tiles has none', () => {
  const pointwise = convolution(16, 16, 32, { kernel: 1 });
  const strided = convolution(16, 16, 32, { stride: 2 });
  const tiny = convolution(1, 16, 4);
  expect(forwardTiles(pointwise, BLOCK)).toBeUndefined();
  expect(gradWeightTiles(pointwise)).toBeUndefined();
  expect(forwardTiles(strided, BLOCK)).toBeDefined();
  expect(gradInputTiles(strided, BLOCK)).toBeUndefined();
  expect(forwardTiles(tiny, BLOCK)).toBeUndefined();
});
