import { useTranslation } from 'react-i18next';
import type { Failure } from '../../worker/protocol.ts';
import { errorSentence } from '../i18n/index.ts';
import type { Going } from './training.ts';

interface WaitingProps {
  waiting: boolean;
  going: Going | null;
  failure: Failure | null;
}

/** What is being done before an answer is there, or why there is none. */
export function Waiting({ waiting, going, failure }: WaitingProps) {
  const { t } = useTranslation();
  if (failure) return <p role="alert">{errorSentence(failure)}</p>;
  if (!waiting) return null;
  const text = going ? t(`chapter.${going.task}`) : t('loading');
  return (
    <p className="chapter-waiting" role="status">
      {text}
      <progress aria-label={text} max={going?.total ?? 1} value={going?.done ?? 0} />
    </p>
  );
}
