import { inChunks } from './chunks.ts';

/** Which input pixels an output pixel covers along one axis, and how much of it each one fills. */
interface Cover {
  first: number;
  /** Shares of the output pixel; they sum to 1. */
  weights: number[];
}

/** Output pixel i covers [i·from/to, (i+1)·from/to) of the input axis. */
function covers(from: number, to: number): Cover[] {
  return Array.from({ length: to }, (_, i) => {
    // In units of 1/to of an input pixel all borders are integers.
    const start = i * from;
    const end = start + from;
    const first = Math.floor(start / to);
    const last = Math.ceil(end / to) - 1;
    const weights: number[] = [];
    for (let j = first; j <= last; j++) {
      weights.push((Math.min(end, (j + 1) * to) - Math.max(start, j * to)) / from);
    }
    return { first, weights };
  });
}

/** Pictures a chunk of work, between which the thread may do other things. */
const CHUNK = 1000;

/**
 * Resamples N×C×H×W bytes to N×C×size×size by area: an output pixel is the mean of the input it
 * covers, rounded to the nearest byte (ties to even). The aspect ratio is not kept. The mean of a picture is, up to
 * that rounding.
 */
export async function resizeImages(
  images: Uint8Array,
  shape: { channels: number; height: number; width: number },
  size: number,
  report?: (done: number) => void,
): Promise<Uint8Array> {
  const { channels, height, width } = shape;
  if (height === size && width === size) return images;
  const rows = covers(height, size);
  const columns = covers(width, size);
  const count = images.length / (channels * height * width);
  // Rounds on assignment, ties to even: rounding ties up would raise the mean of halved pictures.
  const out = new Uint8ClampedArray(count * channels * size * size);
  /** One plane, already resampled along its width: height × size. */
  const narrowed = new Float64Array(height * size);

  const resizePlane = (plane: number) => {
    let at = 0;
    for (let y = 0; y < height; y++) {
      const row = (plane * height + y) * width;
      for (const { first, weights } of columns) {
        let sum = 0;
        for (let j = 0; j < weights.length; j++) {
          sum += (weights[j] ?? 0) * (images[row + first + j] ?? 0);
        }
        narrowed[at++] = sum;
      }
    }
    at = plane * size * size;
    for (const { first, weights } of rows) {
      for (let x = 0; x < size; x++) {
        let sum = 0;
        for (let j = 0; j < weights.length; j++) {
          sum += (weights[j] ?? 0) * (narrowed[(first + j) * size + x] ?? 0);
        }
        out[at++] = sum;
      }
    }
  };

  const work = (from: number, to: number) => {
    for (let plane = from * channels; plane < to * channels; plane++) resizePlane(plane);
  };
  await inChunks(count, CHUNK, work, report);
  return new Uint8Array(out.buffer);
}
