import { describe, expect, test } from 'vitest';
import { BUILTIN_CLASSES, generateBuiltin } from '../../src/data/builtin.ts';
import type { LabelledImages } from '../../src/data/dataset.ts';
import { summary } from './data-checksum.ts';

const set = await generateBuiltin({ size: 16 });

describe('the built-in set', () => {
  test('holds 4,000 and 1,000 pictures of ten classes, as many of each', () => {
    expect(set).toMatchObject({ id: 'builtin', channels: 3, height: 16, width: 16 });
    expect(set.classes).toEqual(
      'disc square triangle cross ring star5 bar half-disc frame star3'.split(' '),
    );
    for (const [part, count] of [
      [set.train, 4000],
      [set.test, 1000],
    ] as const) {
      expect(part.count).toBe(count);
      expect(part.images).toHaveLength(count * 3 * 16 * 16);
      const byClass = new Array<number>(10).fill(0);
      for (const label of part.labels) byClass[label]! += 1;
      expect(byClass).toEqual(new Array(10).fill(count / 10));
    }
  });

  test('is the same bytes every time, on every machine', () => {
    expect(summary(set).train).toMatchObject({
      images: '50bc4ca9b8cb62d6',
      labels: '54e486bba20fdb62',
    });
    expect(summary(set).test).toMatchObject({
      images: '61240125d2e4baf9',
      labels: '81041ffcd9d30c69',
    });
  });

  test('another seed gives another set', async () => {
    const other = summary(await generateBuiltin({ size: 16, seed: 1 }));
    expect(other.train.images).not.toBe(summary(set).train.images);
    expect(other.train.labels).not.toBe(summary(set).train.labels);
    expect(summary(await generateBuiltin({ size: 16, seed: 1 }))).toEqual(other);
  });

  test('classes come in random order and differ between the parts', () => {
    const start = [...set.train.labels.subarray(0, 30)];
    expect(start).not.toEqual(start.map((_, i) => i % 10));
    expect(start).not.toEqual([...set.test.labels.subarray(0, 30)]);
    expect(new Set(start).size).toBeGreaterThan(5);
  });

  test.each([8, 9, 64])(
    'can be drawn %i pixels wide',
    async (size) => {
      const drawn = await generateBuiltin({ size });
      expect(drawn.train.images).toHaveLength(4000 * 3 * size * size);
      expect(summary(drawn).train.labels).toBe(summary(set).train.labels);
    },
    30_000,
  );

  test('reports pictures as it goes', async () => {
    const seen: number[] = [];
    await generateBuiltin({ size: 8 }, (stage, done, total) => {
      expect([stage, total]).toEqual(['generate', 5000]);
      seen.push(done);
    });
    expect(seen.length).toBeGreaterThan(10);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(5000);
  });
});

/** Brightness (mean of channels) of every pixel of picture i. */
function brightness({ images }: LabelledImages, i: number, size: number): number[] {
  const plane = size * size;
  return Array.from({ length: plane }, (_, p) => {
    const at = i * 3 * plane + p;
    return (images[at]! + images[at + plane]! + images[at + 2 * plane]!) / 3;
  });
}

test('the mean picture of each class is bright where its shape is', () => {
  const size = 16;
  const at = (label: number, x: number, y: number) => {
    const column = Math.floor(((x + 1) / 2) * size);
    const row = Math.floor(((y + 1) / 2) * size);
    let sum = 0;
    let count = 0;
    set.train.labels.forEach((of, i) => {
      if (of !== label) return;
      sum += brightness(set.train, i, size)[row * size + column]!;
      count++;
    });
    return sum / count;
  };
  const contrast = (name: string, [x, y]: [number, number], [u, v]: [number, number]) => {
    const label = BUILTIN_CLASSES.indexOf(name);
    return at(label, x, y) - at(label, u, v);
  };
  // A point inside, then one outside, for a picture of mean size without tilt or shift.
  expect(contrast('disc', [0, 0], [0.9, 0.9])).toBeGreaterThan(60);
  expect(contrast('square', [0.4, 0.4], [0.95, 0.95])).toBeGreaterThan(60);
  expect(contrast('triangle', [0, 0.2], [0.6, -0.6])).toBeGreaterThan(60);
  expect(contrast('cross', [0, 0.5], [0.6, 0.6])).toBeGreaterThan(50);
  expect(contrast('ring', [0.5, 0], [0, 0])).toBeGreaterThan(20);
  expect(contrast('star5', [0, 0], [0.9, 0.9])).toBeGreaterThan(60);
  expect(contrast('bar', [0.3, 0], [0, 0.7])).toBeGreaterThan(60);
  expect(contrast('half-disc', [0, 0], [0, 0.8])).toBeGreaterThan(60);
  expect(contrast('frame', [0, 0.5], [0, 0])).toBeGreaterThan(20);
  expect(contrast('star3', [0, -0.4], [0.5, -0.5])).toBeGreaterThan(40);
});

test('every disc is brighter than its ground', () => {
  const size = 16;
  const disc = BUILTIN_CLASSES.indexOf('disc');
  const corners = [0, size - 1, size * (size - 1), size * size - 1];
  set.train.labels.forEach((label, i) => {
    if (label !== disc) return;
    const light = brightness(set.train, i, size);
    const middle = [119, 120, 135, 136].reduce((sum, p) => sum + light[p]!, 0) / 4;
    // A large, shifted disc covers at most one corner: the darkest one is always ground.
    expect(middle).toBeGreaterThan(Math.min(...corners.map((p) => light[p]!)));
  });
});
