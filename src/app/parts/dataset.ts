/**
 * The data set on the screen: the one in the form.
 */
import { useTranslation } from 'react-i18next';
import { parseSetName } from '../../data/recipe.ts';
import type { Recipe } from '../../data/recipe.ts';
import type { DatasetDescription } from '../../worker/protocol.ts';
import { useLab } from '../context.ts';
import { wholePercent } from '../format.ts';

export function useShownDataset(): DatasetDescription | undefined {
  return useLab((state) => state.datasets[state.draft.data]);
}

/** Says in the reader's language which set a name means, and what was made of it; takes the set's own title. */
export function useTitleOf(): (name: string, title: string) => string {
  const { t, i18n } = useTranslation();
  return (name, title) => {
    const { base, recipe } = parseSetName(name);
    const set = base === 'builtin' ? t('data.builtinTitle') : title;
    const parts = partsOf(recipe);
    return parts.length > 0
      ? t('data.recipe.of', { set, parts: parts.join(t('data.recipe.and')) })
      : set;
  };
  function partsOf({ classes, perClass, randomLabels, noise }: Recipe): string[] {
    return [
      ...(classes ? [t('data.recipe.classes', { count: classes.length })] : []),
      ...(perClass === null ? [] : [t('data.recipe.perClass', { count: perClass })]),
      ...(randomLabels === 0
        ? []
        : [t('data.recipe.randomLabels', { share: wholePercent(randomLabels, i18n.language) })]),
      ...(noise === 0 ? [] : [t('data.recipe.noise', { noise })]),
    ];
  }
}

export function useDatasetTitle(): string {
  const dataset = useShownDataset();
  const titleOf = useTitleOf();
  return titleOf(dataset?.id ?? 'builtin', dataset?.title ?? '');
}
