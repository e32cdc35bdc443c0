/** Resampling by area, and pictures of any shape made square. */
import { inChunks } from './chunks.ts';

/** Height and width of a picture. */
export interface Extent {
  height: number;
  width: number;
}

/** How a picture that is not square becomes so: its middle, all of it within margins, or all of it distorted. */
export type Fit = 'crop' | 'fit' | 'stretch';

/** A decoded picture: height × width × 4 bytes, red, green, blue and (not premultiplied) alpha. */
export interface Pixels extends Extent {
  data: Uint8Array | Uint8ClampedArray;
}

/** What lies under transparent pixels and in margins: white, as paper. */
const GROUND = 255;

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

/**
 * Resamples planes by area: an output pixel is the mean of the input it covers, rounded to the nearest
 * byte (ties to even). The mean of a plane is kept, up to that rounding.
 *
 * `out` rounds on assignment; rounding ties up would raise the mean of halved pictures.
 */
function planeResampler(from: Extent, to: Extent) {
  const rows = covers(from.height, to.height);
  const columns = covers(from.width, to.width);
  /** One plane, already resampled along its width. */
  const narrowed = new Float64Array(from.height * to.width);

  /** Reads the plane that starts at `source[at]`, writes the one that starts at `out[outAt]`. */
  return (source: Uint8Array, at: number, out: Uint8ClampedArray, outAt: number): void => {
    let write = 0;
    for (let y = 0; y < from.height; y++) {
      const row = at + y * from.width;
      for (const { first, weights } of columns) {
        let sum = 0;
        for (let j = 0; j < weights.length; j++) {
          sum += (weights[j] ?? 0) * (source[row + first + j] ?? 0);
        }
        narrowed[write++] = sum;
      }
    }
    write = outAt;
    for (const { first, weights } of rows) {
      for (let x = 0; x < to.width; x++) {
        let sum = 0;
        for (let j = 0; j < weights.length; j++) {
          sum += (weights[j] ?? 0) * (narrowed[(first + j) * to.width + x] ?? 0);
        }
        out[write++] = sum;
      }
    }
  };
}

/** Pictures a chunk of work, between which the thread may do other things. */
const CHUNK = 1000;

/** Resamples N×C×H×W bytes to N×C×size×size by area. The aspect ratio is not kept. */
export async function resizeImages(
  images: Uint8Array,
  shape: Extent & { channels: number },
  size: number,
  report?: (done: number) => void,
): Promise<Uint8Array> {
  const { channels, height, width } = shape;
  if (height === size && width === size) return images;
  const resample = planeResampler(shape, { height: size, width: size });
  const count = images.length / (channels * height * width);
  const out = new Uint8ClampedArray(count * channels * size * size);
  const work = (from: number, to: number) => {
    for (let plane = from * channels; plane < to * channels; plane++) {
      resample(images, plane * height * width, out, plane * size * size);
    }
  };
  await inChunks(count, CHUNK, work, report);
  return new Uint8Array(out.buffer);
}

/** A decoded picture as 3×size×size bytes, made square as `fit` says. */
export function squarePicture(pixels: Pixels, size: number, fit: Fit): Uint8Array {
  const from = fit === 'crop' ? square(Math.min(pixels.height, pixels.width)) : pixels;
  const to = fit === 'fit' ? within(from, size) : square(size);
  const planes = resized(planesOf(pixels, from), from, to);
  if (to.height === size && to.width === size) return planes;

  const out = new Uint8Array(3 * size * size).fill(GROUND);
  const top = Math.floor((size - to.height) / 2);
  const left = Math.floor((size - to.width) / 2);
  for (let row = 0; row < 3 * to.height; row++) {
    const plane = Math.floor(row / to.height) * size * size;
    const y = top + (row % to.height);
    out.set(planes.subarray(row * to.width, (row + 1) * to.width), plane + y * size + left);
  }
  return out;
}

/** Three planes at another extent. */
function resized(planes: Uint8Array, from: Extent, to: Extent): Uint8Array {
  if (from.height === to.height && from.width === to.width) return planes;
  const resample = planeResampler(from, to);
  const plane = to.height * to.width;
  const out = new Uint8ClampedArray(3 * plane);
  for (let c = 0; c < 3; c++) resample(planes, c * from.height * from.width, out, c * plane);
  return new Uint8Array(out.buffer);
}

const square = (size: number): Extent => ({ height: size, width: size });

/** The largest extent of the same shape within size×size. */
function within({ height, width }: Extent, size: number): Extent {
  const scale = size / Math.max(height, width);
  const scaled = (length: number) => Math.max(1, Math.round(length * scale));
  return { height: scaled(height), width: scaled(width) };
}

/** The middle `part` of a picture as three planes, laid on the ground colour where it is transparent. */
function planesOf({ height, width, data }: Pixels, part: Extent): Uint8Array {
  const top = Math.floor((height - part.height) / 2);
  const left = Math.floor((width - part.width) / 2);
  const plane = part.height * part.width;
  const planes = new Uint8ClampedArray(3 * plane);
  let write = 0;
  for (let y = 0; y < part.height; y++) {
    let read = ((top + y) * width + left) * 4;
    for (let x = 0; x < part.width; x++, read += 4, write++) {
      const alpha = data[read + 3] ?? 0;
      for (let c = 0; c < 3; c++) {
        const value = data[read + c] ?? 0;
        planes[c * plane + write] =
          alpha === 255 ? value : GROUND + ((value - GROUND) * alpha) / 255;
      }
    }
  }
  return new Uint8Array(planes.buffer);
}
