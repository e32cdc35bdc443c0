import { useTranslation } from 'react-i18next';
import type { Failure } from '../../worker/protocol.ts';
import { errorSentence } from '../i18n/index.ts';
import type { Going } from './training.ts';

interface WaitingProps {
  waiting: boolean;
  going?: Going | null;
  failure: Failure | null;
  /** What is being done before anything is told of how far it is; data are loaded where nothing is said. */
  before?: 'preparing' | 'proving' | 'computing';
}

/** What is being done before an answer is there, or why there is none. */
export function Waiting({ waiting, going, failure, before }: WaitingProps) {
  const { t } = useTranslation();
  if (failure) return <p role="alert">{errorSentence(failure)}</p>;
  if (!waiting) return null;
  const task = going?.task ?? before;
  const said = task ? t(`chapter.${task}`) : t('loading');
  return (
    <p className="chapter-waiting" role="status">
      {said}
      <progress aria-label={said} {...(going && { max: going.total, value: going.done })} />
      {going && (
        <span>
          {going.done} / {going.total}
        </span>
      )}
    </p>
  );
}
