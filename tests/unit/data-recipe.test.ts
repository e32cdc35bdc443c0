/** Parts and variants of sets by name. */
import { describe, expect, test } from 'vitest';
import { derive, formatSetName, parseSetName, WHOLE } from '../../src/data/recipe.ts';
import type { Recipe } from '../../src/data/recipe.ts';
import { channelStatistics, classCounts } from '../../src/data/statistics.ts';
import { withClasses, withNoise, withPerClass, withSize } from '../../src/data/subset.ts';
import { failureOf, fixtureFiles, load } from './data-files.ts';

const cifar = await load(fixtureFiles('cifar10-tiny.tar.gz'), { size: undefined });

const EVERYTHING: Recipe = { classes: [0, 3, 9], perClass: 5, randomLabels: 0.5, noise: 0.1 };

describe('a name', () => {
  test.each<[string, Recipe, string]>([
    ['builtin', WHOLE, 'builtin'],
    ['cifar10', EVERYTHING, 'cifar10?classes=0,3,9&perClass=5&randomLabels=0.5&noise=0.1'],
    ['images:what?', { ...WHOLE, randomLabels: 1 }, 'images:what??randomLabels=1'],
    ['images:a?noise=high', WHOLE, 'images:a?noise=high'],
  ])('of %s made by %o is %s, and reads back', (base, recipe, name) => {
    expect(formatSetName(base, recipe)).toBe(name);
    expect(parseSetName(name)).toEqual({ base, recipe });
  });

  test.each(['randomLabels=1.5', 'noise=1.2.3', 'perClass=0', 'perClass=2.5', 'classes=3,3'])(
    'that asks for %s is refused',
    async (part) => {
      const work = Promise.resolve().then(() => parseSetName(`cifar10?${part}`));
      expect((await failureOf(work, 'data-recipe')).details).toEqual({
        data: `cifar10?${part}`,
        part,
      });
    },
  );
});

describe('a set made by a recipe', () => {
  test('is what its parts make one after the other, noise at the final size', async () => {
    const set = await derive(cifar, { ...EVERYTHING, randomLabels: 0 }, 16);
    const small = await withPerClass(await withClasses(cifar, [0, 3, 9]), 5, 1);
    const expected = await withNoise(await withSize(small, 16), 0.1, 1);
    expect(set.train.images).toEqual(expected.train.images);
    expect(set.test).toEqual(expected.test);
    expect(set.statistics).toEqual(await channelStatistics(set.train.images, 3, 256));
    expect(set.classes).toEqual(['airplane', 'cat', 'truck']);
    expect(classCounts(set.train.labels, 3)).toEqual([5, 5, 5]);
  });

  test('goes by its name, and has random labels at every size alike', async () => {
    const [small, large] = [
      await derive(cifar, EVERYTHING, 8),
      await derive(cifar, EVERYTHING, 32),
    ];
    expect(small.id).toBe(formatSetName('cifar10', EVERYTHING));
    expect(small.train.labels).toEqual(large.train.labels);
    const right = await derive(cifar, { ...EVERYTHING, randomLabels: 0 });
    expect(small.train.labels).not.toEqual(right.train.labels);
    expect(small.test.labels).toEqual(right.test.labels);
  });

  test('of nothing is the set itself', async () => {
    expect(await derive(cifar, WHOLE)).toBe(cifar);
  });

  test('of classes that the set has not is refused', async () => {
    await failureOf(derive(cifar, { ...WHOLE, classes: [9, 10] }), 'data-recipe');
  });
});
