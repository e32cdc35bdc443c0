import { Square } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { integer, megabytes } from '../format.ts';
import { useData } from './state.ts';
import type { Loading } from './state.ts';

const IN_BYTES: readonly string[] = ['download', 'read'];

/** How far a set is, in bytes and then in images, and a button that ends it. */
export function Progress({ step }: { step: Loading['step'] }) {
  const { t, i18n } = useTranslation('data');
  const { t: common } = useTranslation();
  const stop = useData((state) => state.stop);
  const words = (value: number) =>
    step && IN_BYTES.includes(step.stage)
      ? megabytes(value, i18n.language)
      : integer(value, i18n.language);
  return (
    <div className="loading">
      <progress {...(step ? { value: step.done, max: step.total } : {})} />
      <p role="status">
        {step
          ? t('loading.step', {
              stage: common(`progress.${step.stage}`),
              done: words(step.done),
              total: words(step.total),
            })
          : t('loading.begins')}
      </p>
      <button type="button" onClick={stop}>
        <Square aria-hidden size={14} />
        {t('loading.stop')}
      </button>
    </div>
  );
}
