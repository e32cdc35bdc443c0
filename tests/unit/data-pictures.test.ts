/** Resizing by area, decoded pictures made square, and the statistics of a set. */
import { encode } from 'jpeg-js';
import { PNG } from 'pngjs';
import { describe, expect, test } from 'vitest';
import { decodeImage } from '../../src/cli/decode.ts';
import { decodePlainPng } from '../../src/data/png.ts';
import { resizeImages, squarePicture } from '../../src/data/resize.ts';
import type { Fit } from '../../src/data/resize.ts';
import { channelStatistics } from '../../src/data/statistics.ts';
import { uniform } from '../../src/random.ts';

const plane = (height: number, width: number) => ({ channels: 1, height, width });
const resize = async (values: number[], height: number, width: number, size: number) => [
  ...(await resizeImages(Uint8Array.from(values), plane(height, width), size)),
];

describe('resizeImages', () => {
  test('halves by the mean of 2×2', async () => {
    // prettier-ignore
    const picture = [
      10, 20, 0, 0,
      30, 40, 0, 1,
      255, 255, 8, 8,
      255, 255, 8, 9,
    ];
    // 0.25 rounds down, 8.25 too.
    expect(await resize(picture, 4, 4, 2)).toEqual([25, 0, 255, 8]);
  });

  test('weighs pixels by the area that is covered', async () => {
    // 3 → 2: each output pixel covers one and a half inputs an axis, weights 2/3 and 1/3.
    expect(await resize([0, 90, 180, 0, 90, 180, 0, 90, 180], 3, 3, 2)).toEqual([30, 150, 30, 150]);
    expect(await resize([0, 0, 0, 90, 90, 90, 180, 180, 180], 3, 3, 2)).toEqual([30, 30, 150, 150]);
    // Only the middle pixel: a quarter of its area of 1 in each 9/4.
    expect(await resize([0, 0, 0, 0, 225, 0, 0, 0, 0], 3, 3, 2)).toEqual([25, 25, 25, 25]);
  });

  test('enlarges: repeats pixels, mixes them where an output pixel spans two', async () => {
    expect(await resize([1, 2, 3, 4], 2, 2, 4)).toEqual([
      1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4,
    ]);
    expect(await resize([0, 100, 0, 100], 2, 2, 3)).toEqual([0, 50, 100, 0, 50, 100, 0, 50, 100]);
  });

  test('makes squares of other shapes', async () => {
    expect(await resize([10, 20, 30, 40], 1, 4, 2)).toEqual([15, 35, 15, 35]);
  });

  test('keeps pictures and channels apart', async () => {
    const shape = { channels: 2, height: 2, width: 2 };
    const flat = [1, 2, 3, 4].flatMap((value) => [value, value, value, value]);
    expect([...(await resizeImages(Uint8Array.from(flat), shape, 1))]).toEqual([1, 2, 3, 4]);
  });

  test.each([
    [28, 16],
    [32, 16],
    [32, 24],
    [28, 64],
    [7, 13],
  ])('%i → %i conserves the mean of a picture', async (from, to) => {
    const count = 20;
    const images = Uint8Array.from({ length: count * from * from }, (_, i) =>
      Math.floor(256 * uniform(1, from, i)),
    );
    const resized = await resizeImages(images, plane(from, from), to);
    const meanOf = (values: Uint8Array, i: number, size: number) =>
      values.subarray(i * size, (i + 1) * size).reduce((sum, value) => sum + value, 0) / size;
    for (let i = 0; i < count; i++) {
      // Each output pixel is rounded by at most a half, evenly up and down.
      const difference = meanOf(resized, i, to * to) - meanOf(images, i, from * from);
      expect(Math.abs(difference)).toBeLessThan((4 * Math.sqrt(1 / 12)) / to);
    }
  });

  test('the size it has already is left alone', async () => {
    const images = Uint8Array.from([1, 2, 3, 4]);
    expect(await resizeImages(images, plane(2, 2), 2)).toBe(images);
  });

  test('reports pictures as it goes', async () => {
    const seen: number[] = [];
    await resizeImages(new Uint8Array(2500 * 4), plane(2, 2), 1, (done) => seen.push(done));
    expect(seen).toEqual([1000, 2000, 2500]);
  });
});

describe('channelStatistics', () => {
  test('means and biased deviations by hand', async () => {
    // Two pictures of two channels of two pixels: channel 0 holds 0, 255, 255, 0, channel 1 always 51.
    const images = Uint8Array.from([0, 255, 51, 51, 255, 0, 51, 51]);
    const { mean, std } = await channelStatistics(images, 2, 2);
    expect(mean).toEqual([0.5, 0.2]);
    expect(std).toEqual([0.5, 0]);
  });

  test('a tiny deviation is not lost in a large mean', async () => {
    const images = new Uint8Array(1_000_000).fill(255);
    images[0] = 254;
    const { std } = await channelStatistics(images, 1, 1000);
    expect(std[0]).toBeCloseTo(Math.sqrt(1e-6 * (1 - 1e-6)) / 255, 15);
  });
});

describe('squarePicture', () => {
  /** Opaque pixels of these reds; green is 255 less that, blue 0. */
  const pixels = (rows: number[][], alpha = 255) => ({
    height: rows.length,
    width: rows[0]?.length ?? 0,
    data: Uint8Array.from(rows.flat().flatMap((red) => [red, 255 - red, 0, alpha])),
  });
  const planes = (rows: number[][], size: number, fit: Fit, alpha?: number) => {
    const out = [...squarePicture(pixels(rows, alpha), size, fit)];
    const plane = size * size;
    return [out.slice(0, plane), out.slice(plane, 2 * plane), out.slice(2 * plane)];
  };
  /** 2×4. */
  const wide = [
    [10, 20, 30, 40],
    [50, 60, 70, 80],
  ];

  test('leaves a square of the right size as it is, plane by plane', () => {
    expect(
      planes(
        [
          [1, 2],
          [3, 4],
        ],
        2,
        'crop',
      ),
    ).toEqual([
      [1, 2, 3, 4],
      [254, 253, 252, 251],
      [0, 0, 0, 0],
    ]);
  });

  test('crop takes the middle', () => {
    expect(planes(wide, 2, 'crop')[0]).toEqual([20, 30, 60, 70]);
    const tall = [[1], [2], [3], [4]];
    expect(planes(tall, 1, 'crop')[0]).toEqual([2]);
  });

  test('fit keeps all of it, with white margins', () => {
    expect(planes(wide, 4, 'fit')).toEqual([
      [255, 255, 255, 255, 10, 20, 30, 40, 50, 60, 70, 80, 255, 255, 255, 255],
      [255, 255, 255, 255, 245, 235, 225, 215, 205, 195, 185, 175, 255, 255, 255, 255],
      [255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255],
    ]);
    // A line stays one pixel wide.
    expect(planes([[7, 7, 7, 7, 7, 7, 7, 7, 7, 7]], 2, 'fit')[0]).toEqual([7, 7, 255, 255]);
  });

  test('stretch distorts', () => {
    expect(planes(wide, 2, 'stretch')[0]).toEqual([15, 35, 55, 75]);
  });

  test('transparent pixels lie on white', () => {
    expect(planes([[0]], 1, 'crop', 0)).toEqual([[255], [255], [255]]);
    expect(planes([[55]], 1, 'crop', 51)).toEqual([[215], [244], [204]]);
  });
});

test('the decoder of the command line reads PNG and JPEG, and nothing else', async () => {
  const data = Buffer.from([9, 8, 7, 255, 6, 5, 4, 0]);
  const png = new Uint8Array(
    PNG.sync.write(Object.assign(new PNG({ width: 2, height: 1 }), { data })),
  );
  expect(await decodeImage(png)).toMatchObject({ height: 1, width: 2, data });
  const grey = Buffer.alloc(8 * 8 * 4, 100);
  const jpeg = new Uint8Array(encode({ width: 8, height: 8, data: grey }, 100).data);
  const decoded = await decodeImage(jpeg);
  expect([decoded.height, decoded.width, decoded.data[0]]).toEqual([8, 8, 100]);
  await expect(decodeImage(new Uint8Array(30))).rejects.toThrow('neither PNG nor JPEG');
  await expect(decodeImage(png.slice(0, 40))).rejects.toThrow();
});

describe('small plain PNGs', () => {
  const random = (length: number) =>
    Buffer.from(Array.from({ length }, (_, i) => Math.floor(256 * uniform(3, 9, i))));
  const written = (colorType: 0 | 2 | 4 | 6, options: object = {}, side = 12) => {
    const png = Object.assign(new PNG({ width: side, height: side + 1 }), {
      data: random(4 * side * (side + 1)),
    });
    return new Uint8Array(PNG.sync.write(png, { colorType, ...options }));
  };
  const colours = [0, 2, 6] as const;

  test.each(
    colours.flatMap((colour) => [0, 1, 2, 3, 4].map((filter) => [colour, filter] as const)),
  )(
    'of colour type %i, filtered in the way %i, are decoded as others decode them',
    (colorType, filterType) => {
      const png = written(colorType, { filterType });
      const decoded = decodePlainPng(png);
      expect([decoded?.width, decoded?.height]).toEqual([12, 13]);
      expect([...(decoded?.data ?? [])]).toEqual([...PNG.sync.read(Buffer.from(png)).data]);
    },
  );

  test('are told apart from all others', () => {
    expect(decodePlainPng(written(4))).toBeNull();
    expect(decodePlainPng(written(2, { bitDepth: 16 }))).toBeNull();
    expect(decodePlainPng(written(2, {}, 128))).toBeNull();
    expect(decodePlainPng(written(2).slice(0, 32))).toBeNull();
    expect(decodePlainPng(new Uint8Array(100))).toBeNull();
  });

  test('that are damaged are no pictures', () => {
    const whole = written(2);
    for (let at = 33; at < whole.length; at += 7) {
      expect(() => decodePlainPng(whole.slice(0, at)), `cut at ${at}`).toThrow();
      const flipped = whole.slice();
      flipped[at] = (flipped[at] ?? 0) ^ 8;
      expect(() => decodePlainPng(flipped), `flipped at ${at}`).toThrow();
    }
  });
});
