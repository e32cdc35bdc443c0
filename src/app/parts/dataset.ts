/**
 * The data set on the screen: the one in the form.
 */
import { useTranslation } from 'react-i18next';
import type { DatasetDescription } from '../../worker/protocol.ts';
import { useLab } from '../context.ts';

export function useShownDataset(): DatasetDescription | undefined {
  return useLab((state) => state.datasets[state.draft.data]);
}

export function useDatasetTitle(): string {
  const { t } = useTranslation();
  const dataset = useShownDataset();
  return !dataset || dataset.id === 'builtin' ? t('data.builtinTitle') : dataset.title;
}
