/** Sets made from others. */
import { describe, expect, test } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { channelHistograms, channelStatistics, classCounts } from '../../src/data/statistics.ts';
import { warningsOf } from '../../src/data/warnings.ts';
import {
  withClasses,
  withNoise,
  withPerClass,
  withRandomLabels,
  withSize,
} from '../../src/data/subset.ts';
import { summary } from './data-checksum.ts';
import { failureOf, fixtureFiles, load } from './data-files.ts';

const cifar = await load(fixtureFiles('cifar10-tiny.tar.gz'));
const picture = ({ images }: Dataset['train'], index: number) =>
  images.slice(index * 768, (index + 1) * 768);

/** 20,000 grey pictures of 2×2 pixels, of four classes. */
function large(value = 128): Dataset {
  const part = (count: number) => ({
    count,
    images: new Uint8Array(count * 4).fill(value),
    labels: Uint8Array.from({ length: count }, (_, i) => i % 4),
  });
  const train = part(20_000);
  const shape = { channels: 1, height: 2, width: 2 };
  const classes = ['a', 'b', 'c', 'd'];
  return {
    id: 'x',
    title: 'X',
    classes,
    ...shape,
    train,
    test: part(100),
    statistics: { mean: [value / 255], std: [0] },
  };
}

test('a set that another is made from stays as it was', async () => {
  const before = summary(cifar);
  await withClasses(cifar, [1, 9]);
  await withPerClass(cifar, 3, 1);
  withRandomLabels(cifar, 0.5, 1);
  await withNoise(cifar, 0.1, 1);
  expect(summary(cifar)).toEqual(before);
});

describe('by class', () => {
  test('the pictures of some classes, numbered anew', async () => {
    const set = await withClasses(cifar, [9, 1]);
    expect(set.classes).toEqual(['truck', 'automobile']);
    const kept = [...cifar.train.labels.keys()].filter((i) =>
      [1, 9].includes(cifar.train.labels[i] ?? 0),
    );
    expect(set.train.count).toBe(kept.length);
    kept.forEach((index, i) => {
      expect(set.train.labels[i]).toBe(cifar.train.labels[index] === 9 ? 0 : 1);
      expect(picture(set.train, i)).toEqual(picture(cifar.train, index));
    });
    expect(set.test.labels.every((label) => label < 2)).toBe(true);
    expect(set.statistics).toEqual(await channelStatistics(set.train.images, 3, 256));
    expect(set.statistics).not.toEqual(cifar.statistics);
  });

  test('no class at all is no set', async () => {
    await failureOf(withClasses(cifar, []), 'too-few-pictures');
  });
});

describe('by number a class', () => {
  test('so many of each, the smaller draw within the larger one, in their order', async () => {
    const set = await withPerClass(large(), 100, 1);
    expect(classCounts(set.train.labels, 4)).toEqual([100, 100, 100, 100]);
    expect(set.test.count).toBe(100);
    const names = Array.from(cifar.train.labels, (_, i) => String(i));
    const named = { ...cifar, train: { ...cifar.train, names } };
    const draw = async (count: number, seed = 1) =>
      (await withPerClass(named, count, seed)).train.names ?? [];
    const two = await draw(2);
    expect(await draw(3)).toEqual(expect.arrayContaining(two));
    const numbers = two.map(Number);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(await draw(2, 2)).not.toEqual(two);
    // More than there are: all.
    expect(await draw(1000)).toHaveLength(100);
  });
});

describe('random labels', () => {
  test('as many as the share says, drawn among all classes; test labels stay', () => {
    const set = withRandomLabels(large(), 0.4, 1);
    const before = large().train.labels;
    const changed = set.train.labels.filter((label, i) => label !== before[i]).length / 20_000;
    // A label drawn anew is the old one in a quarter of the cases. Standard deviation 0.0032.
    expect(changed).toBeGreaterThan(0.3 - 0.016);
    expect(changed).toBeLessThan(0.3 + 0.016);
    for (const count of classCounts(set.train.labels, 4)) {
      expect(Math.abs(count / 20_000 - 0.25)).toBeLessThan(0.016);
    }
    expect(set.test.labels).toEqual(large().test.labels);
    expect(set.statistics).toEqual(large().statistics);
  });

  test('none, all, and the same ones again', () => {
    expect(withRandomLabels(cifar, 0, 1).train.labels).toEqual(cifar.train.labels);
    const [half, all] = [0.5, 1].map((share) => withRandomLabels(cifar, share, 1).train.labels);
    half?.forEach((label, i) => expect([all?.[i], cifar.train.labels[i]]).toContain(label));
    expect(withRandomLabels(cifar, 0.5, 1).train.labels).toEqual(half);
    expect(withRandomLabels(cifar, 0.5, 2).train.labels).not.toEqual(half);
  });
});

describe('noise', () => {
  test('has the deviation asked for, and no mean', async () => {
    const set = await withNoise(large(), 0.1, 1);
    expect(set.statistics.mean[0]).toBeCloseTo(128 / 255, 3);
    // The samples that are picked from have a standard error of 0.3 %, rounding adds 1/12 of a step.
    expect(Math.abs((set.statistics.std[0] ?? 0) / 0.1 - 1)).toBeLessThan(0.012);
    const values = [...set.train.images];
    const skew = values.reduce((sum, value) => sum + (value - 128) ** 3, 0) / values.length;
    expect(Math.abs(skew / 25.5 ** 3)).toBeLessThan(0.05);
    const within = values.filter((value) => Math.abs(value - 128) <= 25.5).length / values.length;
    expect(Math.abs(within - 0.683)).toBeLessThan(0.01);
    // Neighbours have nothing to do with each other.
    const covariance =
      values.reduce((sum, value, i) => sum + (value - 128) * ((values[i + 1] ?? 128) - 128), 0) /
      values.length;
    expect(Math.abs(covariance / 25.5 ** 2)).toBeLessThan(0.02);
  });

  test('is cut off at black and white, differs by part and by seed', async () => {
    const white = await withNoise(large(255), 0.2, 1);
    expect(Math.max(...white.test.images)).toBe(255);
    expect(Math.min(...white.test.images)).toBeGreaterThan(0);
    const set = await withNoise(large(), 0.1, 1);
    expect([...set.train.images.subarray(0, 100)]).not.toEqual([
      ...set.test.images.subarray(0, 100),
    ]);
    expect(summary(await withNoise(large(), 0.1, 1))).toEqual(summary(set));
    expect(summary(await withNoise(large(), 0.1, 2))).not.toEqual(summary(set));
    expect(summary(await withNoise(large(), 0, 2))).toEqual(summary(large()));
  });
});

test('another size is what the files give at that size', async () => {
  const whole = await load(fixtureFiles('cifar10-tiny.tar.gz'), { size: 32 });
  expect(summary(await withSize(whole, 16))).toEqual(summary(cifar));
});

test('what looks at every picture lets other messages through meanwhile', async () => {
  const images = new Uint8Array(2 ** 23);
  const part = { count: 2 ** 13, images, labels: new Uint8Array(2 ** 13) };
  const set = { ...large(), height: 32, width: 32, train: part, test: part };
  const works: (() => Promise<unknown>)[] = [
    () => warningsOf(set),
    () => withNoise(set, 0.1, 1),
    () => channelHistograms(images, 1, 1024),
    () => withClasses(set, [0, 1]),
  ];
  for (const work of works) {
    let messages = 0;
    const others = setInterval(() => messages++);
    await work();
    clearInterval(others);
    expect(messages).toBeGreaterThanOrEqual(2);
  }
});
