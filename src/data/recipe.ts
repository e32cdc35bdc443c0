/**
 * Parts and variants of sets, by name: `cifar10?classes=3,5&perClass=500&randomLabels=0.5&noise=0.1` is made from
 * `cifar10` whenever it is asked for. So a link that names it repeats it, and nothing of it has to be kept.
 */
import { FathomError } from '../errors.ts';
import type { Dataset } from './dataset.ts';
import { withClasses, withNoise, withPerClass, withRandomLabels, withSize } from './subset.ts';

/** What is made of a set. */
export interface Recipe {
  /** Labels of the classes that are left, ascending; null leaves all. */
  classes: readonly number[] | null;
  /** Most training pictures of a class; null leaves all. */
  perClass: number | null;
  /** Share of the training labels that are drawn at random, 0…1. */
  randomLabels: number;
  /** Deviation of the noise that is added to every value of all pictures, on the scale of 0…1. */
  noise: number;
}

/** The set as it is. */
export const WHOLE: Recipe = { classes: null, perClass: null, randomLabels: 0, noise: 0 };

/** What is drawn is the same for every reader, whatever the experiment's own seed. */
const RECIPE_SEED = 1;

const NAME = /^(.+)\?((?:&?(?:classes|perClass|randomLabels|noise)=[\d.,]+)+)$/;

/** A set's name in two: the set it is made from, and how. Throws a FathomError `data-recipe`. */
export function parseSetName(name: string): { base: string; recipe: Recipe } {
  const [, base, query] = NAME.exec(name) ?? [];
  // Names of files may hold question marks of their own.
  if (base === undefined || query === undefined) return { base: name, recipe: WHOLE };
  const given = new URLSearchParams(query);
  const number = (field: string, fits: (value: number) => boolean) => {
    const text = given.get(field);
    if (text === null) return null;
    if (fits(Number(text))) return Number(text);
    throw wrong(name, `${field}=${text}`);
  };
  const share = (value: number) => value >= 0 && value <= 1;
  const classes = given.get('classes')?.split(',').map(Number) ?? null;
  if (classes && !classes.every((label, i) => isLabel(label) && label > (classes[i - 1] ?? -1))) {
    throw wrong(name, `classes=${given.get('classes')}`);
  }
  return {
    base,
    recipe: {
      classes,
      perClass: number('perClass', (value) => Number.isInteger(value) && value > 0),
      randomLabels: number('randomLabels', share) ?? 0,
      noise: number('noise', share) ?? 0,
    },
  };
}

/** The name that {@link parseSetName} reads; that of the set itself where the recipe leaves it as it is. */
export function formatSetName(base: string, recipe: Recipe): string {
  const { classes, perClass, randomLabels, noise } = recipe;
  const parts = [
    ...(classes ? [`classes=${classes.join(',')}`] : []),
    ...(perClass === null ? [] : [`perClass=${perClass}`]),
    ...(randomLabels === 0 ? [] : [`randomLabels=${randomLabels}`]),
    ...(noise === 0 ? [] : [`noise=${noise}`]),
  ];
  return parts.length > 0 ? `${base}?${parts.join('&')}` : base;
}

/**
 * What a recipe makes of a set, under its own name but the same title, with the pictures at size×size: noise is added last, so that a network meets it as strong
 * as it was asked for.
 *
 * Throws FathomErrors `data-recipe` where the set has no such classes, and `too-few-pictures`.
 */
export async function derive(
  whole: Dataset,
  recipe: Recipe,
  size: number = whole.height,
): Promise<Dataset> {
  const { classes, perClass, randomLabels, noise } = recipe;
  const id = formatSetName(whole.id, recipe);
  const missing = classes?.find((label) => label >= whole.classes.length);
  if (missing !== undefined) throw wrong(id, `classes=${missing}`);
  let set = whole;
  if (classes) set = await withClasses(set, classes);
  if (perClass !== null) set = await withPerClass(set, perClass, RECIPE_SEED);
  if (randomLabels > 0) set = withRandomLabels(set, randomLabels, RECIPE_SEED);
  if (size !== set.height) set = await withSize(set, size);
  if (noise > 0) set = await withNoise(set, noise, RECIPE_SEED);
  return id === whole.id ? set : { ...set, id };
}

const isLabel = (value: number) => Number.isInteger(value) && value >= 0;

function wrong(name: string, part: string): FathomError {
  return new FathomError('data-recipe', `"${name}": ${part} cannot be made of this data set`, {
    data: name,
    part,
  });
}
