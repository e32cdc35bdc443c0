import { useTranslation } from 'react-i18next';
import type { DatasetDescription } from '../../worker/protocol.ts';
import { megabytes } from '../format.ts';

/** Says that a set is streamed, why, and what that means for training; nothing where it lies on the GPU. */
export function Streamed({ dataset }: { dataset: DatasetDescription }) {
  const { t, i18n } = useTranslation();
  const { streamed, room, trainCount, testCount, channels, height, width } = dataset;
  const [part] = streamed;
  if (!part) return null;
  const bytes = (trainCount + testCount) * channels * height * width;
  return (
    <p className="note">
      {t(`data.streamed.${streamed.length > 1 ? 'both' : part}`, {
        size: megabytes(bytes, i18n.language),
        room: megabytes(room, i18n.language),
      })}{' '}
      {t('data.streamed.shuffle')}
    </p>
  );
}
