/** What the inspector counts, covers and waits for, by hand. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { stripOf, withLook } from '../../src/app/inspect/history.ts';
import { bytesOf } from '../../src/app/inspect/own.ts';
import { mapAt, mosaicOf, signed } from '../../src/app/inspect/paint.ts';
import { occluded, occlusionGrid } from '../../src/lab/occlusion.ts';
import {
  accuracyByClass,
  confusion,
  picturesOf,
  surestMistakes,
} from '../../src/app/inspect/answers.ts';
import { argmax, softmax } from '../../src/lab/predictions.ts';
import { Spacing } from '../../src/lab/spacing.ts';
import { gradCam, saliency } from '../../src/reference/attribution.ts';
import { tensor } from '../../src/reference/tensor.ts';
import type { Description, StatisticsAnswer } from '../../src/worker/protocol.ts';

describe('predictions', () => {
  const said = {
    labels: Uint8Array.of(0, 0, 1, 1, 1, 0),
    predicted: Uint8Array.of(0, 1, 1, 0, 0, 1),
    confidence: Float32Array.of(0.9, 0.6, 0.8, 0.7, 0.99, 0.95),
  };

  test('are counted by right class and answer', () => {
    const counts = confusion(said, 3);
    expect(counts).toEqual([
      [1, 2, 0],
      [2, 1, 0],
      [0, 0, 0],
    ]);
    expect(accuracyByClass(counts)).toEqual([1 / 3, 1 / 3, null]);
  });

  test('open the pictures behind a cell, and the mistakes, the surest first', () => {
    expect(picturesOf(said, 1, 0)).toEqual([4, 3]);
    expect(picturesOf(said, 0, 0)).toEqual([0]);
    expect(picturesOf(said, 2, 0)).toEqual([]);
    expect(surestMistakes(said)).toEqual([4, 5, 3, 1]);
  });

  test('are probabilities, however large the logits', () => {
    expect(softmax([1000, 1000])).toEqual([0.5, 0.5]);
    expect(softmax([0, Math.log(3)])[1]).toBeCloseTo(0.75, 12);
    expect(argmax([1, 3, 3, 2])).toBe(1);
  });
});

describe('colours and places', () => {
  test('of a mosaic are found again, and its gaps are nobody’s', () => {
    const mosaic = mosaicOf(5, 2, 3, 1.7);
    expect(mosaic).toEqual({ columns: 3, rows: 2, width: 11, height: 5 });
    expect(mapAt(mosaic, 5, [2, 3], 0, 0)).toEqual({ map: 0, row: 0, column: 0 });
    expect(mapAt(mosaic, 5, [2, 3], 2, 4)).toEqual({ map: 3, row: 1, column: 2 });
    for (const [x, y] of [
      [3, 0],
      [0, 2],
      [8, 4],
      [11, 0],
      [-1, 0],
    ] as const) {
      expect(mapAt(mosaic, 5, [2, 3], x, y)).toBeNull();
    }
  });

  test.each([
    [1, 1.7, 1],
    [4, 1.7, 2],
    [7, 1.7, 4],
    [16, 1.7, 4],
    [64, 1.7, 8],
    [32, 1.7, 8],
    [16, 3, 8],
  ])('%d square maps, %d times as wide as high, stand in %d columns', (count, ratio, columns) => {
    expect(mosaicOf(count, 8, 8, ratio).columns).toBe(columns);
  });

  test('go from blue through the ground to orange, and stop at the ends', () => {
    for (const shade of ['light', 'dark'] as const) {
      const [red, , blue] = signed(1, shade);
      expect(red).toBeGreaterThan(blue);
      expect(signed(-1, shade)[2]).toBeGreaterThan(signed(-1, shade)[0]);
      expect(signed(3, shade)).toEqual(signed(1, shade));
      expect(signed(0, shade)).toEqual(signed(-0, shade));
    }
  });

  test('of pictures of one’s own become planes, or brightness', () => {
    const rgba = Uint8ClampedArray.of(255, 0, 0, 255, 10, 20, 30, 255);
    expect([...bytesOf(rgba, { channels: 3, height: 1, width: 2 })]).toEqual([
      255, 10, 0, 20, 0, 30,
    ]);
    expect([...bytesOf(rgba, { channels: 1, height: 1, width: 2 })]).toEqual([76, 18]);
  });
});

describe('histograms over time', () => {
  const described = (min: number, max: number, bins: number[]): Description => ({
    count: bins.reduce((a, b) => a + b, 0),
    mean: 0,
    deviation: 0,
    norm: 0,
    min,
    max,
    zeros: 0,
    notFinite: 0,
    bins,
  });

  test('stand on one axis, and every element is on it', () => {
    const { low, high, columns } = stripOf(
      [described(0, 1, [1, 3]), described(-1, 1, [2, 2]), described(0.5, 0.5, [0, 4])],
      4,
    );
    expect([low, high]).toEqual([-1, 1]);
    expect(columns[0]).toEqual([0, 0, 0.25, 0.75]);
    expect(columns[1]).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(columns[2]).toEqual([0, 0, 0, 1]);
  });

  test('begin anew with another network or a reset', () => {
    const look = (network: string, iteration: number) =>
      ({ network, iteration, layers: [], parameters: [], norms: [] }) satisfies StatisticsAnswer;
    const two = withLook(withLook([], look('a', 1)), look('a', 5));
    expect(two.map(({ iteration }) => iteration)).toEqual([1, 5]);
    expect(withLook(two, look('a', 5))).toHaveLength(2);
    expect(withLook(two, look('a', 0)).map(({ iteration }) => iteration)).toEqual([0]);
    expect(withLook(two, look('b', 9))).toHaveLength(1);
  });
});

describe('occlusion', () => {
  test.each([
    [8, 8, { rows: 8, columns: 8, stride: 1, side: 2 }],
    [32, 32, { rows: 16, columns: 16, stride: 2, side: 8 }],
    [48, 33, { rows: 24, columns: 17, stride: 2, side: 8 }],
    [1, 1, { rows: 1, columns: 1, stride: 1, side: 1 }],
  ])('of %d × %d pixels goes over all of them', (height, width, grid) => {
    expect(occlusionGrid(height, width)).toEqual(grid);
  });

  test('covers a patch in every channel, and is cut off at the edge', () => {
    const x = tensor([1, 2, 3, 3], Array(18).fill(1));
    const grid = { rows: 3, columns: 3, stride: 1, side: 3 };
    const { shape, data } = occluded(x, grid, 4, 5);
    expect(shape).toEqual([5, 2, 3, 3]);
    // The middle one covers everything, the last its own corner.
    expect([...data.subarray(0, 18)]).toEqual(Array(18).fill(0));
    const corner = [1, 1, 1, 1, 0, 0, 1, 0, 0];
    expect([...data.subarray(72)]).toEqual([...corner, ...corner]);
  });
});

describe('maps', () => {
  test('of Grad-CAM weigh channels by their mean gradient, and keep what is positive', () => {
    const activations = tensor([1, 2, 1, 2], [1, 2, 3, -4]);
    const gradient = tensor([1, 2, 1, 2], [1, 3, -1, 0]);
    // α = 2 and −1/2.
    expect([...gradCam(activations, gradient).data]).toEqual([0.5, 6]);
    const opposed = tensor([1, 2, 1, 2], [-1, -3, 1, 0]);
    expect([...gradCam(activations, opposed).data]).toEqual([0, 0]);
  });

  test('of saliency are the largest gradient of a pixel, whatever its sign', () => {
    const gradient = tensor([2, 2, 1, 2], [1, -3, -2, 0, 0, 0, 0, -7]);
    const { shape, data } = saliency(gradient);
    expect(shape).toEqual([2, 1, 2]);
    expect([...data]).toEqual([2, 3, 0, 7]);
  });
});

describe('who follows the training', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const takes = (milliseconds: number) => () =>
    new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

  test.each([
    [100, 1100],
    [2, 500],
  ])('after a look of %d ms pauses for %d', async (took, pause) => {
    const spacing = new Spacing();
    await spacing.pause();
    const look = spacing.look(takes(took));
    await vi.advanceTimersByTimeAsync(took);
    await look;
    let over = false;
    void spacing.pause().then(() => (over = true));
    await vi.advanceTimersByTimeAsync(pause - 1);
    expect(over).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(over).toBe(true);
  });

  test('pauses after a look that failed, too', async () => {
    const spacing = new Spacing();
    await expect(spacing.look(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const began = performance.now();
    const paused = spacing.pause();
    await vi.advanceTimersByTimeAsync(1000);
    await paused;
    expect(performance.now() - began).toBe(1000);
  });
});
