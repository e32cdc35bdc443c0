/** Random resize and crop, colour jitter, cutout: the kernels against the float64 reference with the same draws. */
import { describe, expect, test } from 'vitest';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { PLAIN_SGD, augmentationOf } from '../../src/engine/graph/lower.ts';
import { runAugmentation, runCrops, runGather } from '../../src/engine/run_pictures.ts';
import { GpuNetwork } from '../../src/engine/network.ts';
import { DeviceDataset } from '../../src/engine/dataset.ts';
import { experimentConfig } from '../../src/lab/config.ts';
import { cifarNetwork } from '../../src/network/families.ts';
import { hash } from '../../src/random.ts';
import {
  NO_AUGMENTATION,
  augmentPictures,
  drawCrops,
  resizeCrop,
} from '../../src/reference/augmentation.ts';
import type { Augmentation } from '../../src/reference/augmentation.ts';
import { size, tensor } from '../../src/reference/tensor.ts';
import type { Tensor } from '../../src/reference/tensor.ts';
import { device } from './setup.ts';

const gpu = new Gpu(device);
const draw = { seed: 9, iteration: 4 };
const statisticsOf = (channels: number) => ({
  mean: [0.4, 0.5, 0.6, 0.3, 0.45].slice(0, channels),
  std: [0.2, 0.25, 0.3, 0.15, 0.2].slice(0, channels),
});
const bytesOf = (shape: readonly number[]) =>
  Uint8Array.from({ length: size(shape) }, (_, i) => hash(5, 1, i) % 256);

/** Normalized pictures. */
function pictures(shape: readonly number[]): Tensor {
  const [, c = 1, h = 1, w = 1] = shape;
  const { mean, std } = statisticsOf(c);
  const values = Float64Array.from(bytesOf(shape), (byte, i) => {
    const channel = Math.floor(i / (h * w)) % c;
    return Math.fround((byte / 255 - mean[channel]!) / std[channel]!);
  });
  return tensor(shape, values);
}

function expectClose(got: Tensor, want: Tensor): void {
  expect(got.shape).toEqual(want.shape);
  const off = want.data.map((value, i) => Math.abs(value - got.data[i]!));
  expect(Math.max(...off)).toBeLessThan(2e-5);
}

const KINDS: [string, Partial<Augmentation>][] = [
  ['resize and crop', { resize: [1.14, 2.14] }],
  ['resize, one scale', { resize: [1.5, 1.5] }],
  ['brightness', { brightness: 0.4 }],
  ['contrast', { contrast: 1 }],
  ['saturation', { saturation: 0.9 }],
  ['all colours', { brightness: 0.3, contrast: 0.3, saturation: 0.3 }],
  ['cutout', { cutout: 3 }],
  ['all', { resize: [1, 2], brightness: 0.3, contrast: 0.2, saturation: 0.5, cutout: 4 }],
];

describe('augmentation as the reference with the same draws', () => {
  test.each(KINDS)('%s', async (_, part) => {
    for (const [shape, pad, flip] of [
      [[5, 3, 8, 8], 0, false],
      [[4, 1, 7, 9], 2, true],
      [[3, 5, 6, 5], 1, true],
    ] as const) {
      const x = pictures(shape);
      const statistics = statisticsOf(shape[1]);
      const augmentation = { ...NO_AUGMENTATION, ...part, pad, flip };
      const { y } = await runAugmentation(gpu, x, augmentation, statistics, draw);
      expectClose(y, augmentPictures(x, augmentation, statistics, draw));
      if (shape[1] === 3) expect(y).not.toEqual(x);
    }
  });
  test('what is off costs no dispatch', async () => {
    const off = augmentationOf(experimentConfig.parse({}));
    const count = async (augmentation: Augmentation) => {
      const all = { ...augmentation, pad: 0, flip: false };
      const run = await runAugmentation(gpu, pictures([2, 3, 6, 6]), all, statisticsOf(3), draw);
      return run.dispatches.length;
    };
    expect(await count(off)).toBe(1);
    expect(await count({ ...off, cutout: 2 })).toBe(2);
    expect(await count({ ...off, cutout: 2, contrast: 0.1, resize: [1, 2] })).toBe(4);
  });
  test('another iteration draws otherwise, and every short side in the range comes up', () => {
    const sides = (iteration: number) =>
      drawCrops([1.25, 1.75], [400, 8, 8], { seed: 1, iteration }).map(({ side }) => side);
    expect(new Set(sides(1))).toEqual(new Set([10, 11, 12, 13, 14]));
    expect(sides(1)).not.toEqual(sides(2));
  });
});

test('given crops, mirrored or not, and the whole picture at its own size', async () => {
  const x = pictures([3, 3, 8, 6]);
  const crops = [
    { side: 6, top: 0, left: 0, mirrored: false },
    { side: 9, top: 4, left: 3, mirrored: true },
    { side: 12, top: 0, left: 6, mirrored: false },
  ];
  const { y } = await runCrops(gpu, x, crops);
  expectClose(y, resizeCrop(x, crops));
  expect([...y.data.slice(0, 144)]).toEqual([...x.data.slice(0, 144)]);
});

test('bytes are normalized', async () => {
  const shape = [3, 3, 5, 7];
  const { y } = await runGather(gpu, bytesOf(shape), shape, statisticsOf(3));
  expectClose(y, pictures(shape));
});

test('a network trains on the augmented pictures', async () => {
  const shape = [6, 3, 8, 8];
  const data = { count: 6, images: bytesOf(shape), labels: new Uint8Array(6) };
  const losses: number[] = [];
  for (const cutout of [0, 6]) {
    const dataset = new DeviceDataset(gpu, data, {
      channels: 3,
      statistics: statisticsOf(3),
      batch: 6,
    });
    const network = await GpuNetwork.create(
      gpu,
      cifarNetwork({
        depth: 8,
        residual: false,
        width: 4,
        input: { channels: 3, height: 8, width: 8 },
        classes: 10,
      }),
      {
        batch: 6,
        seed: 1,
        rewirable: false,
        data: { train: dataset, test: dataset },
        recipe: { ...PLAIN_SGD, augmentation: { ...NO_AUGMENTATION, cutout } },
      },
    );
    const scalars = { learningRate: 0, momentum: 0, weightDecay: 0, nesterov: false, maxNorm: 0 };
    network.run(
      'train',
      { ...scalars, ...draw, valid: 6, pad: 0, flip: false },
      0,
      Uint32Array.of(0, 1, 2, 3, 4, 5),
    );
    losses.push((await network.readSummaries(0, 1))[0]!.loss);
    network.destroy();
    dataset.destroy();
  }
  expect(losses[0]).not.toBe(losses[1]);
});
