/** The network of the chapters on images and regularization: it learns, and its draws are what they are called. */
import { expect, test } from 'vitest';
import { generateBuiltin } from '../../src/data/builtin.ts';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { Predictor, SOURCES } from '../../src/lab/predictor.ts';
import { device } from './setup.ts';

test('crops, draws and accuracy of a trained network', async () => {
  const dataset = await generateBuiltin({ size: 16 });
  const steps: number[] = [];
  const predictor = await Predictor.train(new Gpu(device), dataset, (done) => steps.push(done));
  expect(steps.at(-1)).toBe(150);

  const { crops, probabilities } = await predictor.crops(3, [1, 1.25]);
  expect(crops.length).toBe(12);
  expect(probabilities.shape).toEqual([13, 10]);
  const row = (index: number) => [...probabilities.data.slice(10 * index, 10 * index + 10)];
  expect(row(0).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
  // The first crop at scale 1 is the picture itself.
  row(1).forEach((value, i) => {
    expect(value).toBeCloseTo(row(0)[i]!, 6);
  });

  for (const source of SOURCES) {
    const ask = () => predictor.draws(3, source, 20, 1, () => true);
    const { plain, draws } = await ask();
    row(0).forEach((value, i) => {
      expect(plain[i]).toBeCloseTo(value, 6);
    });
    const first = [...draws.data].filter((_, i) => i % 10 === 0);
    expect(new Set(first).size, source).toBeGreaterThan(10);
    // The same seed draws the same, and a pass in training mode left the network as it was.
    expect((await ask()).draws).toEqual(draws);
    const { plain: share, byDraws } = await predictor.accuracy(source, 3, 1, () => true);
    expect(share).toBeGreaterThan(0.5);
    expect(byDraws.length).toBe(3);
    expect(byDraws[2], source).toBeGreaterThan(0.4);
  }
  predictor.destroy();
}, 120_000);
