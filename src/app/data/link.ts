/** The set that is looked at, in the page's address: `#/data?set=cifar10%3FrandomLabels%3D0.5`. */
import { parseSetName, WHOLE } from '../../data/recipe.ts';
import type { Recipe } from '../../data/recipe.ts';
import { FathomError } from '../../errors.ts';
import { formatRoute, parseRoute, replaceRoute } from '../route.ts';
import type { Route } from '../route.ts';

const PAGE = 'data';

/** A set by name: what it is made from, and how. */
export interface Named {
  name: string;
  base: string;
  recipe: Recipe;
}

/** What the address names, or else `fallback`; where that cannot be, why, and the whole set in its place. */
export function readSet(query: string, fallback: string): Named & { failure: FathomError | null } {
  const name = new URLSearchParams(query).get('set') ?? fallback;
  try {
    return { name, ...parseSetName(name), failure: null };
  } catch (error) {
    if (!(error instanceof FathomError)) throw error;
    const base = name.slice(0, name.lastIndexOf('?'));
    return { name: base, base, recipe: WHOLE, failure: error };
  }
}

/** Whether the address names a set. */
export const namesSet = (query: string): boolean => new URLSearchParams(query).has('set');

const routeTo = (name: string): Route => ({
  page: PAGE,
  query: new URLSearchParams({ set: name }).toString(),
});

export const setLink = (name: string): string => formatRoute(routeTo(name));

/** Looks at another part or variant of a set; makes no step in the history. */
export const chooseSet = (name: string): void => replaceRoute(routeTo(name));

/** Shows a set that was loaded; not where that failed, or where the reader has left for another page meanwhile. */
export function showSet(name: string | null): void {
  if (name !== null && parseRoute(location.hash).page === PAGE) location.hash = setLink(name);
}

/** Whether the reader's own images are worked on instead: `#/data?own`. */
export const readsOwn = (query: string): boolean => new URLSearchParams(query).has('own');

export const OWN_LINK = formatRoute({ page: PAGE, query: 'own=' });
