import { Timer } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { NetworkFacts } from '../../network/facts.ts';
import { depthOf } from '../../network/fit.ts';
import { useLab } from '../context.ts';
import { binary, prefixed, significant } from '../format.ts';
import { errorSentence } from '../i18n/index.ts';
import { InfoTip } from '../parts/controls.tsx';
import { useProfiler } from '../profiler.ts';
import { stepTime } from './stepTime.ts';
import { useBoard } from './store.ts';

/** The whole network in numbers, and what a training step of it would take here. */
export function Totals({ facts }: { facts: NetworkFacts }) {
  const { t, i18n } = useTranslation('build');
  const spec = useBoard((board) => board.spec);
  const number = (value: number) => significant(value, i18n.language);
  const field = facts.layers.at(-1)?.field ?? [1, 1];

  return (
    <dl className="build-totals" aria-label={t('totals.label')}>
      <Total name={t('totals.depth')}>{depthOf(spec)}</Total>
      <Total name={t('totals.parameters')}>{prefixed(facts.parameters)}</Total>
      <Total name={t('totals.flops')} tip={t('totals.flopsTip')}>
        {prefixed(facts.flops)}
      </Total>
      <Total name={t('totals.bytes')} tip={t('totals.bytesTip')}>
        {binary(facts.bytes, i18n.language)}
      </Total>
      <Total name={t('totals.field')} tip={t('totals.fieldTip')}>
        {t('totals.pixels', { size: field.map(number).join('×') })}
      </Total>
      <StepTime flops={3 * facts.flops} />
    </dl>
  );
}

function Total({ name, tip, children }: { name: string; tip?: string; children: ReactNode }) {
  return (
    <div>
      <dt>
        {name} {tip && <InfoTip label={name} text={tip} />}
      </dt>
      <dd>{children}</dd>
    </div>
  );
}

/** From the speed of this device, once that was measured at the experiment's batch and image size. */
function StepTime({ flops }: { flops: number }) {
  const { t, i18n } = useTranslation('build');
  const config = useLab((state) => state.draft);
  const ready = useLab(({ device, unsupported }) => device !== null && !unsupported);
  const dataset = useLab(({ datasets, draft }) => datasets[draft.data]);
  const timed = useProfiler((state) => state.timed);
  const timing = useProfiler((state) => state.timing);
  const failure = useProfiler((state) => state.timingFailure);
  const measure = useProfiler((state) => state.timeDevice);
  const milliseconds = timed && stepTime(timed, config, dataset, flops);

  return (
    <Total name={t('totals.step', { batch: config.batch })} tip={t('totals.stepTip')}>
      {milliseconds === null ? (
        <button
          type="button"
          className="build-measure"
          disabled={!ready || timing}
          onClick={() => void measure(config)}
        >
          <Timer aria-hidden size={14} />
          {timing ? t('totals.measuring') : t('totals.measure')}
        </button>
      ) : (
        t('totals.milliseconds', { value: significant(milliseconds, i18n.language) })
      )}
      {failure && <span className="failure">{errorSentence(failure)}</span>}
    </Total>
  );
}
