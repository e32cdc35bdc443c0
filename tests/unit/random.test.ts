/** The counter-based generator: known answers, and the distributions it promises. */
import { describe, expect, test } from 'vitest';
import { hash, normal, pcg4d, shuffle, streamOf, uniform } from '../../src/random.ts';

describe('pcg4d', () => {
  // From a transcription of the paper's listing in Python's unbounded integers.
  test.each([
    [
      [0, 0, 0, 0],
      [251852841, 760645481, 850445371, 3542436074],
    ],
    [
      [1, 2, 3, 4],
      [908250390, 4044648920, 3775961919, 45698095],
    ],
    [
      [0xffffffff, 0x80000000, 12345, 0xdeadbeef],
      [1353274673, 343531473, 521324226, 649344038],
    ],
  ])('%j', ([x = 0, y = 0, z = 0, w = 0], expected) => {
    expect([...pcg4d(x, y, z, w, new Uint32Array(4))]).toEqual(expected);
  });

  test('hash is its first word with a fourth key of 0', () => {
    expect(hash(0, 0, 0)).toBe(251852841);
    expect(hash(1, 2, 3)).toBe(pcg4d(1, 2, 3, 0, new Uint32Array(4))[0]);
  });
});

test('streamOf is FNV-1a, 32 bits', () => {
  // Test vectors of the authors, http://www.isthe.com/chongo/tech/comp/fnv/
  expect(streamOf('')).toBe(0x811c9dc5);
  expect(streamOf('a')).toBe(0xe40c292c);
  expect(streamOf('foobar')).toBe(0xbf9cf968);
});

const COUNT = 100_000;

/** 99.99 % quantile of χ² with 99 degrees of freedom. */
const CHI_SQUARE_LIMIT = 161.3;

/** χ² against 100 boxes that should hold as many each. */
function chiSquare(values: Iterable<number>): number {
  const boxes = new Float64Array(100);
  for (const value of values) boxes[Math.floor(value * 100)]! += 1;
  const expected = COUNT / 100;
  return boxes.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe('uniform', () => {
  const along = (key: (i: number) => number) => Array.from({ length: COUNT }, (_, i) => key(i));

  test.each([
    ['index', (i: number) => uniform(1, 2, i)],
    ['stream', (i: number) => uniform(1, i, 2)],
    ['seed', (i: number) => uniform(i, 1, 2)],
  ])('is uniform along the %s', (_, key) => {
    const values = along(key);
    expect(Math.min(...values.slice(0, 1000))).toBeGreaterThanOrEqual(0);
    expect(chiSquare(values)).toBeLessThan(CHI_SQUARE_LIMIT);
  });

  test('neighbours do not go together', () => {
    const lagged = along((i) => (uniform(1, 2, i) - 0.5) * (uniform(1, 2, i + 1) - 0.5) * 12);
    const correlation = lagged.reduce((sum, value) => sum + value) / COUNT;
    expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(COUNT));
  });
});

test('normal has the moments of a standard normal', () => {
  const moments = [0, 0, 0, 0];
  for (let i = 0; i < COUNT; i++) {
    const value = normal(7, 8, i);
    for (let k = 0; k < 4; k++) moments[k]! += value ** (k + 1) / COUNT;
  }
  // Four standard errors: Var of z, z², z³, z⁴ is 1, 2, 15, 96.
  const error = (variance: number) => 4 * Math.sqrt(variance / COUNT);
  expect(Math.abs(moments[0]!)).toBeLessThan(error(1));
  expect(Math.abs(moments[1]! - 1)).toBeLessThan(error(2));
  expect(Math.abs(moments[2]!)).toBeLessThan(error(15));
  expect(Math.abs(moments[3]! - 3)).toBeLessThan(error(96));
});

describe('shuffle', () => {
  const shuffled = (length: number, seed: number) => {
    const values = Uint32Array.from({ length }, (_, i) => i);
    shuffle(values, seed, streamOf('test'));
    return values;
  };

  test('is a permutation', () => {
    expect([...shuffled(1000, 1)].sort((a, b) => a - b)).toEqual([...Array(1000).keys()]);
    expect([...shuffled(1, 1)]).toEqual([0]);
    expect([...shuffled(0, 1)]).toEqual([]);
  });

  test('depends on the seed alone', () => {
    expect(shuffled(100, 1)).toEqual(shuffled(100, 1));
    expect(shuffled(100, 1)).not.toEqual(shuffled(100, 2));
  });

  test('all orders of four are as likely', () => {
    const counts = new Map<string, number>();
    const rounds = 24_000;
    for (let seed = 0; seed < rounds; seed++) {
      const order = shuffled(4, seed).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chi = [...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
    // 99.99 % quantile with 23 degrees of freedom.
    expect(chi).toBeLessThan(56.5);
  });
});
