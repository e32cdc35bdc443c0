/**
 * The network of the chapters on images and regularization: it learns, its draws are what they are called, and the float64
 * reference gives the same predictions.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateBuiltin } from '../../src/data/builtin.ts';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { trainForward } from '../../src/lab/forward.ts';
import type { Trained } from '../../src/lab/forward.ts';
import { channelsOf } from '../../src/lab/pictures.ts';
import { Predictor, SOURCES } from '../../src/lab/predictor.ts';
import { device } from './setup.ts';

const gpu = new Gpu(device);
/** Probabilities of a trained network in float32 and in float64 may differ by so much. */
const CLOSE = 2e-4;

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string) {
  expect(actual.length, what).toBe(expected.length);
  const off = Array.from(actual, (value, i) => Math.abs(value - (expected[i] ?? NaN)));
  expect(Math.max(...off), what).toBeLessThan(CLOSE);
}

/** Training in software takes its time. */
const LIMIT = 240_000;

const dataset = await generateBuiltin({ size: 16 });
let networks: Trained;
let predictor: Predictor;
let reference: Predictor;

beforeAll(async () => {
  const steps: number[] = [];
  networks = await trainForward(gpu, dataset, (done) => steps.push(done));
  expect(steps.at(-1)).toBe(150);
  predictor = new Predictor(dataset, networks.kernels);
  reference = new Predictor(dataset, networks.reference);
}, LIMIT);

afterAll(() => {
  networks.kernels.destroy();
});

test(
  'crops, by the kernels and by the reference',
  async () => {
    const crops = await predictor.crops(3, [1, 1.25]);
    const { probabilities } = crops;
    expect(crops.by).toBe('gpu');
    expect(crops.dispatches.length).toBeGreaterThan(8);
    expect(crops.crops.length).toBe(12);
    expect(probabilities.shape).toEqual([13, 10]);
    const row = (index: number) => [...probabilities.data.slice(10 * index, 10 * index + 10)];
    expect(row(0).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    // The first crop at scale 1 is the picture itself.
    expectClose(row(1), row(0), 'the first crop');
    const proven = await reference.crops(3, [1, 1.25]);
    expect(proven.by).toBe('reference');
    expectClose(probabilities.data, proven.probabilities.data, 'crops');
  },
  LIMIT,
);

test.each(SOURCES)(
  'random predictions, z being %s: drawn alike by the kernels and by the reference',
  async (source) => {
    const ask = () => predictor.draws(3, source, 40, 1, () => true);
    const { plain, draws } = await ask();
    const first = [...draws.data].filter((_, i) => i % 10 === 0);
    expect(new Set(first).size).toBeGreaterThan(10);
    // The same seed draws the same, and a pass in training mode left the network as it was.
    expect((await ask()).draws).toEqual(draws);
    // One by one, beyond the first batch too.
    const count = source === 'batch' ? 2 : 34;
    const same = await reference.draws(3, source, count, 1, () => true);
    expectClose(plain, same.plain, 'the deterministic pass');
    expectClose(same.draws.data, draws.data.subarray(0, 10 * count), 'draws');
    const others = await reference.draws(3, source, 2, 2, () => true);
    const off = Array.from(others.draws.data, (p, i) => Math.abs(p - (draws.data[i] ?? NaN)));
    expect(Math.max(...off)).toBeGreaterThan(10 * CLOSE);

    const { plain: share, byDraws } = await predictor.accuracy(source, 3, 1, () => true);
    expect(share).toBeGreaterThan(0.5);
    expect(byDraws.length).toBe(3);
    expect(byDraws[2]).toBeGreaterThan(0.4);
  },
  LIMIT,
);

test(
  'the reference counts the same right answers, and ends where nobody waits',
  async () => {
    const { plain, count } = await predictor.accuracy('augmentation', 0, 1, () => true);
    const right = await reference.accuracy('augmentation', 0, 1, () => true);
    // A picture on the border of two classes may fall to the other side.
    expect(Math.abs(right.plain - plain) * count).toBeLessThan(2);
    await expect(reference.draws(3, 'dropout', 64, 1, () => false)).rejects.toMatchObject({
      code: 'given-up',
    });
  },
  LIMIT,
);

test(
  'channels after a step of normalization, with the reference beside them',
  async () => {
    for (const step of ['raw', 'scaled'] as const) {
      const {
        channels,
        reference: float64,
        dispatches,
        by,
      } = await channelsOf(gpu, dataset, step, 0);
      expect(by).toBe('gpu');
      expect(dispatches.map(({ entry }) => entry)).toEqual(['gather']);
      for (const [c, { mean, deviation }] of channels.entries()) {
        expect(mean).toBeCloseTo(float64[c]!.mean, 6);
        expect(deviation).toBeCloseTo(float64[c]!.deviation, 6);
      }
    }
  },
  LIMIT,
);
