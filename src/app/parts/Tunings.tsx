import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { TUNING_NAMES } from '../../ops/tuning.ts';
import { useLab } from '../context.ts';
import { significant } from '../format.ts';
import { errorSentence } from '../i18n/index.ts';
import { useProfiler } from '../profiler.ts';
import { Choice } from './controls.tsx';

const AUTOMATIC = 'automatic';

/** Which variants of the kernels are in use and why, what each takes on this device, and a choice among them. */
export function Tunings() {
  const { t, i18n } = useTranslation();
  const id = useId();
  const choice = useLab((state) => state.tuning);
  const pinned = useLab((state) => state.wishes.pinned);
  const pin = useLab((state) => state.pinTuning);
  const keep = useLab((state) => state.keepTuning);
  const config = useLab((state) => state.draft);
  const ready = useLab(({ run, unsupported }) => run !== 'empty' && !unsupported);
  const trials = useProfiler((state) => state.trials);
  const trying = useProfiler((state) => state.trying);
  const failure = useProfiler((state) => state.tuningFailure);
  const tryTunings = useProfiler((state) => state.tryTunings);
  if (!choice) return null;
  const { tuning, reason, candidates, adapter } = choice;

  return (
    <>
      <div className="profile-ask">
        <Choice
          id={id}
          description={t('tuning.tip')}
          label={t('tuning.title')}
          value={pinned ?? AUTOMATIC}
          options={[
            { value: AUTOMATIC, name: t('tuning.automatic') },
            ...TUNING_NAMES.map((name) => ({ value: name, name })),
          ]}
          onChange={(value) => pin(value === AUTOMATIC ? null : value)}
        />
        {candidates.length > 1 && (
          <button
            type="button"
            disabled={!ready || trying}
            onClick={() => void tryTunings(config).then((best) => best && keep(adapter, best))}
          >
            {t('tuning.try')}
          </button>
        )}
      </div>
      <p role="status" className="hint">
        {trying
          ? t('tuning.trying', { name: candidates[trials.length] ?? '' })
          : t(`tuning.reason.${reason}`, { tuning })}
      </p>
      {failure && <p className="failure">{errorSentence(failure)}</p>}
      {trials.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">{t('tuning.variant')}</th>
              <th scope="col">{t('profile.ms')}</th>
              <th scope="col">{t('tuning.error')}</th>
            </tr>
          </thead>
          <tbody>
            {trials.map(({ tuning: name, milliseconds, error, failure: refused }) => (
              <tr key={name}>
                <th scope="row">
                  {name}
                  <small>{t(`tuning.of.${name}`)}</small>
                  {refused && <small className="failure">{refused}</small>}
                </th>
                <td>{milliseconds === null ? '–' : significant(milliseconds, i18n.language)}</td>
                <td className={error > 1 ? 'failure' : undefined}>
                  {Number.isFinite(error) ? significant(error, i18n.language) : '–'}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
