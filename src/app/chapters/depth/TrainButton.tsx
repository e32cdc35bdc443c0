import { Pause, Play } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { isOver } from './study.ts';
import type { StudyState } from './study.ts';

/** Trains on what stands in a study, or pauses that. */
export function TrainButton<Q, A>({ study, name }: { study: StudyState<Q, A>; name: string }) {
  const { t } = useTranslation('depth');
  const { answer, rows, training, train, pause } = study;
  return (
    <button
      type="button"
      className="primary"
      disabled={!answer || isOver(rows)}
      onClick={() => (training ? pause() : void train())}
    >
      {training ? <Pause aria-hidden size={16} /> : <Play aria-hidden size={16} />}{' '}
      {training ? t('pause') : name}
    </button>
  );
}
