/** What can be counted in labelled pictures. */
import { inByteChunks } from './chunks.ts';
import type { ChannelStatistics } from './dataset.ts';

/**
 * Mean and biased standard deviation of every channel of N×C×H×W bytes scaled to 0…1.
 *
 * Sums are taken over integers and are exact, so the result does not depend on the order of pictures
 * (exact up to 2^53 / 255² ≈ 1.4e11 values a channel).
 *
 * @param plane height · width
 */
export async function channelStatistics(
  images: Uint8Array,
  channels: number,
  plane: number,
): Promise<ChannelStatistics> {
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  await ofPlanes(images, plane, (start, index) => {
    const c = index % channels;
    let sum = 0;
    let square = 0;
    for (let i = start; i < start + plane; i++) {
      const value = images[i] ?? 0;
      sum += value;
      square += value * value;
    }
    sums[c] = (sums[c] ?? 0) + sum;
    squares[c] = (squares[c] ?? 0) + square;
  });
  const n = images.length / channels;
  return {
    mean: Array.from(sums, (sum) => sum / n / 255),
    std: Array.from(sums, (sum, c) => {
      // n²·Var = n·Σx² − (Σx)²; the terms pass 2^53.
      const scaled = BigInt(n) * BigInt(squares[c] ?? 0) - BigInt(sum) ** 2n;
      return Math.sqrt(Number(scaled)) / n / 255;
    }),
  };
}

/** How many labels name each of `classes` classes. */
export function classCounts(labels: Uint8Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

/**
 * Per channel of N×C×H×W bytes, how many values fall into each of `bins` bins of equal width.
 *
 * @param plane height · width
 * @param bins a divisor of 256
 */
export async function channelHistograms(
  images: Uint8Array,
  channels: number,
  plane: number,
  bins = 256,
): Promise<number[][]> {
  const histograms = Array.from({ length: channels }, () => new Float64Array(bins));
  const width = 256 / bins;
  await ofPlanes(images, plane, (start, index) => {
    const histogram = histograms[index % channels];
    if (!histogram) return;
    for (let i = start; i < start + plane; i++) {
      const bin = Math.floor((images[i] ?? 0) / width);
      histogram[bin] = (histogram[bin] ?? 0) + 1;
    }
  });
  return histograms.map((histogram) => [...histogram]);
}

/** Goes over the channels of all pictures, told where each begins and how many come before it. */
function ofPlanes(
  images: Uint8Array,
  plane: number,
  work: (start: number, index: number) => void,
): Promise<void> {
  return inByteChunks(images.length / plane, plane, (from, to) => {
    for (let index = from; index < to; index++) work(index * plane, index);
  });
}
