import { Replace } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Failure } from '../../worker/protocol.ts';
import { useData } from '../data/state.ts';

/**
 * Where a set lies in memory because another one of its name is kept, a button that keeps it in place of that; nothing
 * for other failures. `onReplaced` hears why it could not be stored.
 */
export function ReplaceKept(props: {
  failure: Pick<Failure, 'code' | 'details'>;
  onReplaced?: (failure: Failure | null) => void;
}) {
  const { failure, onReplaced } = props;
  const { t } = useTranslation();
  const replaceKept = useData((state) => state.replaceKept);
  if (failure.code !== 'storage-other') return null;
  return (
    <button
      type="button"
      onClick={() => void replaceKept(String(failure.details['data'])).then(onReplaced)}
    >
      <Replace aria-hidden size={16} />
      {t('data.replaceKept')}
    </button>
  );
}
