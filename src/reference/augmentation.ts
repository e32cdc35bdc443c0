/**
 * Random resize and crop, colour jitter and cutout in float64, with the draws of the kernels in `shaders/batch.wgsl`, where
 * the formulas and their sources stand. Pictures are [N, C, H, W], normalized.
 */
import { pcg4d } from '../random.ts';
import { augment } from './augment.ts';
import { imageShape, map, need, tensor, zeros } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/** What is done to training pictures beyond padding and mirroring; what is absent or 0 is off. */
export interface Augmentation {
  /** The short side after resizing is drawn between these multiples of the picture's own, 1 or more. */
  resize?: readonly [from: number, to: number];
  /** Factors are drawn on 1 ± these, which are at most 1. */
  brightness: number;
  contrast: number;
  saturation: number;
  /** Side of the square that is cut out, in pixels. */
  cutout: number;
}

export const NO_AUGMENTATION: Augmentation = {
  brightness: 0,
  contrast: 0,
  saturation: 0,
  cutout: 0,
};

/** Keys of the random numbers. */
export interface Draw {
  seed: number;
  iteration: number;
}

/** Mean and deviation a channel, on 0…1. */
interface Statistics {
  mean: readonly number[];
  std: readonly number[];
}

/** Where to cut a window of the picture's size, once its short side is `side` pixels. */
export interface Crop {
  side: number;
  top: number;
  left: number;
  mirrored: boolean;
}

const STREAMS = { augment: 1, resize: 2, colour: 3, cutout: 4 } as const;

const wordsOf = ({ seed, iteration }: Draw, stream: number, picture: number) =>
  pcg4d(seed, iteration, stream, picture, new Uint32Array(4)) as unknown as [
    number,
    number,
    number,
    number,
  ];

/** The least and the greatest short side in pixels, for ranges of either order. */
export function sidesOf(
  [from, to]: readonly [number, number],
  height: number,
  width: number,
): [low: number, high: number] {
  const short = Math.min(height, width);
  const [low, high] = [from, to].map((ratio) => Math.max(short, Math.round(ratio * short)));
  return [Math.min(low!, high!), Math.max(low!, high!)];
}

/** Height and width once the short side is `side` pixels. */
export function resizedTo(side: number, height: number, width: number): [number, number] {
  const short = Math.min(height, width);
  return [Math.floor((height * side) / short + 0.5), Math.floor((width * side) / short + 0.5)];
}

/** The crops that the kernel draws for `count` pictures. */
export function drawCrops(
  range: readonly [number, number],
  [count, height, width]: readonly [number, number, number],
  draw: Draw,
): Crop[] {
  const [low, high] = sidesOf(range, height, width);
  return Array.from({ length: count }, (_, n) => {
    const [a, b, c] = wordsOf(draw, STREAMS.resize, n);
    const side = low + (a % (high - low + 1));
    const [h, w] = resizedTo(side, height, width);
    return { side, top: b % (h - height + 1), left: c % (w - width + 1), mirrored: false };
  });
}

/** Resizes each picture and cuts out a window of its own size. */
export function resizeCrop(x: Tensor, crops: readonly Crop[]): Tensor {
  const [n, c, h, w] = imageShape(x);
  const y = zeros(x.shape);
  const axis = (place: number, own: number, resized: number) => {
    const at = Math.min(own - 1, Math.max(0, ((place + 0.5) * own) / resized - 0.5));
    const low = Math.floor(at);
    return { low, high: Math.min(low + 1, own - 1), part: at - low };
  };
  let output = 0;
  for (let image = 0; image < n; image++) {
    const { side, top, left, mirrored } = crops[image]!;
    const [height, width] = resizedTo(side, h, w);
    for (let channel = 0; channel < c; channel++) {
      const value = (row: number, column: number) =>
        x.data[((image * c + channel) * h + row) * w + column]!;
      for (let i = 0; i < h; i++) {
        const row = axis(top + i, h, height);
        for (let j = 0; j < w; j++, output++) {
          const column = axis(left + (mirrored ? w - 1 - j : j), w, width);
          const between = (at: number) =>
            value(at, column.low) * (1 - column.part) + value(at, column.high) * column.part;
          y.data[output] = between(row.low) * (1 - row.part) + between(row.high) * row.part;
        }
      }
    }
  }
  return y;
}

const clamp = (value: number) => Math.min(1, Math.max(0, value));

/** Brightness, contrast, saturation, in this order. */
export function colourJitter(
  x: Tensor,
  { brightness, contrast, saturation }: Augmentation,
  { mean, std }: Statistics,
  draw: Draw,
): Tensor {
  const [n, c, h, w] = imageShape(x);
  const plane = h * w;
  const weights = c === 3 ? [0.299, 0.587, 0.114] : Array.from({ length: c }, () => 1 / c);
  const grey = (colours: readonly number[]) =>
    colours.reduce((sum, colour, channel) => sum + colour * weights[channel]!, 0);
  const y = zeros(x.shape);
  for (let image = 0; image < n; image++) {
    const words = wordsOf(draw, STREAMS.colour, image);
    const factor = (word: number, range: number) => 1 + range * ((word >>> 8) / 2 ** 23 - 1);
    const [b, k, s] = [
      factor(words[0], brightness),
      factor(words[1], contrast),
      factor(words[2], saturation),
    ];
    const place = (channel: number, pixel: number) => (image * c + channel) * plane + pixel;
    const bright = Array.from({ length: plane }, (_, pixel) =>
      weights.map((_, channel) =>
        clamp((x.data[place(channel, pixel)]! * std[channel]! + mean[channel]!) * b),
      ),
    );
    const middle = bright.reduce((sum, colours) => sum + grey(colours), 0) / plane;
    for (const [pixel, colours] of bright.entries()) {
      const contrasted = colours.map((colour) => clamp(middle + k * (colour - middle)));
      const g = grey(contrasted);
      for (const [channel, colour] of contrasted.entries()) {
        const value = clamp(g + s * (colour - g));
        y.data[place(channel, pixel)] = (value - mean[channel]!) / std[channel]!;
      }
    }
  }
  return y;
}

/** Sets a square of `side` pixels to zero. */
export function cutOut(x: Tensor, side: number, draw: Draw): Tensor {
  const [, c, h, w] = imageShape(x);
  return map(x, (value, index) => {
    const [a, b] = wordsOf(draw, STREAMS.cutout, Math.floor(index / (c * h * w)));
    const row = Math.floor(index / w) % h;
    const column = index % w;
    const [top, left] = [(a % h) - Math.floor(side / 2), (b % w) - Math.floor(side / 2)];
    const cut = row >= top && row < top + side && column >= left && column < left + side;
    return cut ? 0 : value;
  });
}

/** All that may be done to training pictures, in the order of the kernels: pad and mirror, resize, colours, cutout. */
export function augmentPictures(
  x: Tensor,
  { pad, flip, ...more }: Augmentation & { pad: number; flip: boolean },
  statistics: Statistics,
  draw: Draw,
): Tensor {
  const [n, , h, w] = imageShape(x);
  const words = Array.from({ length: n }, (_, image) => wordsOf(draw, STREAMS.augment, image));
  const reach = 2 * pad + 1;
  const offsets = words.flatMap(([, top, left]) => [top % reach, left % reach]);
  const choices = {
    offsets_yx: tensor([n, 2], offsets),
    flip: tensor(
      [n],
      words.map(([first]) => (flip ? first >>> 31 : 0)),
    ),
  };
  let y = need(augment.forward({ pad }, { x, ...choices }), 'y');
  if (more.resize) y = resizeCrop(y, drawCrops(more.resize, [n, h, w], draw));
  if (jitters(more)) y = colourJitter(y, more, statistics, draw);
  if (more.cutout > 0) y = cutOut(y, more.cutout, draw);
  return y;
}

/** Whether colours are changed at all. */
export const jitters = ({ brightness, contrast, saturation }: Augmentation): boolean =>
  brightness > 0 || contrast > 0 || saturation > 0;
