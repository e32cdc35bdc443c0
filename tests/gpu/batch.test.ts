/** How a batch of training pictures comes about, against the same computation on the CPU. */
import { describe, expect, test, vi } from 'vitest';
import { DeviceDataset, placeDataset } from '../../src/engine/dataset.ts';
import type { DeviceDatasetOptions } from '../../src/engine/dataset.ts';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { GpuNetwork } from '../../src/engine/network.ts';
import { runAugment } from '../../src/engine/run_op.ts';
import { cifarNetwork } from '../../src/network/families.ts';
import { storedElements, unpack } from '../../src/ops/tensor.ts';
import { normal, pcg4d } from '../../src/random.ts';
import { augment } from '../../src/reference/augment.ts';
import { need, size } from '../../src/reference/tensor.ts';
import type { Tensor } from '../../src/reference/tensor.ts';
import { device } from './setup.ts';

const gpu = new Gpu(device);
const AUGMENT_STREAM = 1;

/** What `augment` draws for picture n. */
function draws(seed: number, iteration: number, count: number, pad: number, flip: boolean) {
  const words = Array.from({ length: count }, (_, n) =>
    pcg4d(seed, iteration, AUGMENT_STREAM, n, new Uint32Array(4)),
  );
  const reach = 2 * pad + 1;
  return {
    offsets_yx: {
      shape: [count, 2],
      data: Float64Array.from(words.flatMap(([, y = 0, z = 0]) => [y % reach, z % reach])),
    },
    flip: {
      shape: [count],
      data: Float64Array.from(words.map(([first = 0]) => (flip ? first >>> 31 : 0))),
    },
  };
}

const random = (shape: number[]): Tensor => ({
  shape,
  data: Float64Array.from({ length: size(shape) }, (_, i) => Math.fround(normal(5, 1, i))),
});

describe('augmentation', () => {
  test.each([
    [[7, 3, 5, 7], 2, true],
    [[4, 1, 4, 4], 4, false],
    [[3, 5, 3, 1], 0, true],
  ])(
    'pictures %j, pad %i, mirroring %s: as the reference with the same draws',
    async (shape, pad, flip) => {
      const x = random(shape);
      const [n = 0, , h = 0, w = 0] = shape;
      const got = await runAugment(gpu, x, [h, w], { pad, flip, seed: 9, iteration: 4 });
      const want = augment.forward({ pad }, { x, ...draws(9, 4, n, pad, flip) });
      expect(got).toEqual(need(want, 'y'));
    },
  );
  test('given choices, and a window of another size', async () => {
    const x = random([3, 2, 6, 5]);
    const offsets = [0, 4, 1, 2, 3, 0];
    const flips = [1, 0, 1];
    const got = await runAugment(gpu, x, [4, 3], { pad: 2 }, { offsets, flips });
    const inputs = {
      x,
      offsets_yx: { shape: [3, 2], data: Float64Array.from(offsets) },
      flip: { shape: [3], data: Float64Array.from(flips) },
    };
    expect(got).toEqual(need(augment.forward({ pad: 2, crop: [4, 3] }, inputs), 'y'));
  });
  test('switched off it changes nothing', async () => {
    const x = random([5, 3, 4, 6]);
    expect(await runAugment(gpu, x, [4, 6], { pad: 0, flip: false, seed: 3 })).toEqual(x);
  });
  test('another iteration draws otherwise', async () => {
    const x = random([8, 3, 6, 6]);
    const at = (iteration: number) => runAugment(gpu, x, [6, 6], { pad: 2, flip: true, iteration });
    expect(await at(1)).not.toEqual(await at(2));
  });
});

describe('a batch in a network', () => {
  // Pictures of 147 bytes: hardly one begins at a whole word.
  const [count, channels, side, batch] = [11, 3, 7, 5];
  const shape = { channels, height: side, width: side };
  const images = Uint8Array.from(
    { length: count * channels * side * side },
    (_, i) => (i * 89) % 256,
  );
  const labels = Uint8Array.from({ length: count }, (_, i) => (i * 3) % 10);
  const statistics = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };
  const indices = Uint32Array.of(10, 0, 3, 3, 7);
  const perPicture = channels * side * side;
  /** Where pictures lie; all in one buffer where nothing is said. */
  type Lying = Pick<DeviceDatasetOptions, 'room' | 'bufferBytes'>;
  const SHARDED: Lying = { bufferBytes: 3 * perPicture + 50 };
  const STREAMED: Lying = { room: images.length - 1 };

  /** Normalized pictures in float64. */
  const normalized: Tensor = {
    shape: [batch, channels, side, side],
    data: Float64Array.from(
      [...indices].flatMap((picture) => {
        const plane = side * side;
        return Array.from({ length: channels * plane }, (_, i) => {
          const c = Math.floor(i / plane);
          const byte = images[picture * channels * plane + i] ?? NaN;
          return (byte / 255 - (statistics.mean[c] ?? NaN)) / (statistics.std[c] ?? NaN);
        });
      }),
    ),
  };

  /** The batch and its labels as a network got them, and what its data set takes of the GPU. */
  async function batchOf(mode: 'train' | 'evaluate', pad: number, flip: boolean, lying: Lying) {
    const data = { count, images, labels };
    const options = { channels, statistics, batch, ...lying };
    const dataset = new DeviceDataset(gpu, data, options);
    const network = await GpuNetwork.create(
      gpu,
      cifarNetwork({ depth: 8, residual: false, width: 4, input: shape, classes: 10 }),
      { batch, seed: 1, data: { train: dataset, test: dataset }, reuse: false, rewirable: false },
    );
    const scalars = {
      learningRate: 0.1,
      momentum: 0.9,
      weightDecay: 0,
      nesterov: false,
      maxNorm: 0,
    };
    const own = { ...scalars, seed: 6, iteration: 2, valid: batch, pad, flip };
    // Another batch before it: nothing of it may be left.
    network.run(mode, own, 0, Uint32Array.of(4, 4, 1, 9, 2));
    network.run(mode, own, 0, indices);

    const { lowered, pass } = network.program(mode);
    const stored = async (tensor: typeof lowered.x) =>
      gpu.read(pass.place(tensor).buffer, pass.place(tensor).offset, storedElements(tensor) * 4);
    const x = unpack(lowered.x, new Float32Array(await stored(lowered.x)));
    const given = [...new Uint32Array(await stored(lowered.labels))];
    network.destroy();
    dataset.destroy();
    const { bytes, source, streamed } = dataset;
    return { x, labels: given, bytes, streamed, shards: source.shards.length };
  }

  test.each([
    ['train', 2, true],
    ['train', 0, false],
    ['evaluate', 2, true],
  ] as const)('%s, pad %i, mirroring %s', async (mode, pad, flip) => {
    const whole = await batchOf(mode, pad, flip, {});
    expect(whole).toMatchObject({ streamed: false, shards: 1 });
    const want =
      mode === 'train'
        ? need(augment.forward({ pad }, { x: normalized, ...draws(6, 2, batch, pad, flip) }), 'y')
        : normalized;
    want.data.forEach((value, i) => {
      expect(Math.abs((whole.x[i] ?? NaN) - value)).toBeLessThan(1e-6);
    });
    expect(whole.labels).toEqual([...indices].map((i) => labels[i]));

    const sharded = await batchOf(mode, pad, flip, SHARDED);
    expect(sharded).toMatchObject({ streamed: false, shards: 4 });
    expect(sharded.bytes).toBeGreaterThanOrEqual(images.length);
    const streamed = await batchOf(mode, pad, flip, STREAMED);
    expect(streamed).toMatchObject({ streamed: true, shards: 1 });
    // Room for one batch, in whole words.
    expect(streamed.bytes).toBe(736 + 8);
    for (const { x, labels } of [sharded, streamed]) {
      expect(x).toEqual(whole.x);
      expect(labels).toEqual(whole.labels);
    }
  });

  test('a batch of a streamed set is uploaded once, however many networks take it', () => {
    const data = new DeviceDataset(
      gpu,
      { count, images, labels },
      { channels, statistics, batch, ...STREAMED },
    );
    const written = vi.spyOn(device.queue, 'writeBuffer');
    const uploads = () => written.mock.calls.splice(0).map(([{ label }]) => label);
    data.select(indices);
    expect(uploads()).toEqual(['pictures', 'picture labels']);
    data.select(Uint32Array.from(indices));
    expect(uploads()).toEqual([]);
    data.select(Uint32Array.of(10, 0, 3, 3, 8));
    expect(uploads()).toEqual(['pictures', 'picture labels']);
    written.mockRestore();
    data.destroy();
  });

  test('test pictures take what room the training pictures leave', () => {
    const part = (pictures: number) => ({
      count: pictures,
      images: images.subarray(0, pictures * perPicture),
      labels: labels.subarray(0, pictures),
    });
    const set = { id: '', title: '', classes: [], ...shape, statistics };
    const streamed = (room: number, train: number, test: number) => {
      const own = new Gpu(device, 'gpu', room * perPicture + 32);
      const data = placeDataset(own, { ...set, train: part(train), test: part(test) }, 2);
      data.train.destroy();
      data.test.destroy();
      return [data.train.streamed, data.test.streamed];
    };
    expect(streamed(11, 8, 3)).toEqual([false, false]);
    expect(streamed(10, 8, 3)).toEqual([false, true]);
    // A streamed set leaves all but a batch.
    expect(streamed(5, 8, 3)).toEqual([true, false]);
    expect(streamed(4, 8, 3)).toEqual([true, true]);
  });

  test('a batch that no buffer holds is refused by name', () => {
    const limits = vi.spyOn(device, 'limits', 'get');
    limits.mockReturnValue({ maxStorageBufferBindingSize: 4 * perPicture } as GPUSupportedLimits);
    const options = { channels, statistics, batch, ...STREAMED };
    expect(() => new DeviceDataset(gpu, { count, images, labels }, options)).toThrow(
      expect.objectContaining({ code: 'too-large' }),
    );
    limits.mockRestore();
  });
});
