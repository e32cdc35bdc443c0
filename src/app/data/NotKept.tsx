import { Replace } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Failure } from '../../worker/protocol.ts';
import { errorSentence } from '../i18n/index.ts';
import { useData } from './state.ts';

/** Why a set lies in memory only; where another one of its name is kept, the reader may replace that. */
export function NotKept({ failure }: { failure: Failure }) {
  const { t } = useTranslation('data');
  const replaceKept = useData((state) => state.replaceKept);
  const { data } = failure.details;
  return (
    <div className="note not-kept" role="alert">
      <p>{errorSentence(failure)}</p>
      {failure.code === 'storage-other' && (
        <button type="button" onClick={() => void replaceKept(String(data))}>
          <Replace aria-hidden size={16} />
          {t('replaceKept')}
        </button>
      )}
    </div>
  );
}
