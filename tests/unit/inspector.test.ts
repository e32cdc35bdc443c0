/** What the inspector counts, covers and waits for, by hand. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { occluded, occlusionGrid } from '../../src/lab/occlusion.ts';
import {
  accuracyByClass,
  argmax,
  confusion,
  picturesOf,
  softmax,
  surestMistakes,
} from '../../src/lab/predictions.ts';
import { Spacing } from '../../src/lab/spacing.ts';
import { gradCam, saliency } from '../../src/reference/attribution.ts';
import { tensor } from '../../src/reference/tensor.ts';

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
