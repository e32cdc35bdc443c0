import { Dices, Pause, Play, RotateCcw, StepForward } from 'lucide-react';
import { Slider } from 'radix-ui';
import { useTranslation } from 'react-i18next';
import { useLab, useLabGlance, useLabStore } from '../context.ts';
import { canResume, iterationsDone, pendingSettings } from '../store.ts';
import { Segmented, Tip } from './controls.tsx';

const LAYER_MS = { min: 20, max: 1000, default: 200 };

/** Start, Pause, Step, Reset, New seed; the pace; and what is going on. */
export function Transport() {
  const { t } = useTranslation();
  const run = useLab((state) => state.run);
  const pending = useLab((state) => pendingSettings(state).length > 0);
  const { start, pause, step, reset, newSeed } = useLabStore().getState();
  const able = run === 'ready' || canResume(run);
  const built = able || run === 'running' || run === 'finished';

  return (
    <section className="transport" aria-label={t('transport.label')}>
      <div className="buttons">
        {run === 'running' ? (
          <button type="button" className="primary" onClick={pause}>
            <Pause aria-hidden size={18} />
            {t('transport.pause')}
          </button>
        ) : (
          <button type="button" className="primary" disabled={!able} onClick={start}>
            <Play aria-hidden size={18} />
            {canResume(run) ? t('transport.resume') : t('transport.start')}
          </button>
        )}
        <Tip text={t('transport.stepTip')}>
          <button type="button" disabled={!able} onClick={step}>
            <StepForward aria-hidden size={16} />
            {t('transport.step')}
          </button>
        </Tip>
        <Tip text={t('transport.resetTip')}>
          <button type="button" disabled={!built && !pending} onClick={reset}>
            <RotateCcw aria-hidden size={16} />
            {t('transport.reset')}
          </button>
        </Tip>
        <Tip text={t('transport.newSeedTip')}>
          <button type="button" disabled={!built} onClick={newSeed}>
            <Dices aria-hidden size={16} />
            {t('transport.newSeed')}
          </button>
        </Tip>
      </div>
      <PaceControl />
      <Status />
    </section>
  );
}

function PaceControl() {
  const { t } = useTranslation();
  const pace = useLab((state) => state.pace);
  const setPace = useLab((state) => state.setPace);

  return (
    <div className="pace">
      <Tip text={t('transport.slowTip')}>
        <div>
          <Segmented
            label={t('transport.pace')}
            value={pace.kind}
            options={[
              { value: 'full', name: t('transport.full') },
              { value: 'slow', name: t('transport.slow') },
            ]}
            onChange={(kind) =>
              setPace(kind === 'full' ? { kind } : { kind, millisecondsPerLayer: LAYER_MS.default })
            }
          />
        </div>
      </Tip>
      {pace.kind === 'slow' && (
        <div className="slider-field">
          <Slider.Root
            className="slider"
            min={LAYER_MS.min}
            max={LAYER_MS.max}
            step={20}
            value={[pace.millisecondsPerLayer]}
            onValueChange={([value]) =>
              setPace({ kind: 'slow', millisecondsPerLayer: value ?? LAYER_MS.default })
            }
          >
            <Slider.Track className="slider-track">
              <Slider.Range className="slider-range" />
            </Slider.Track>
            <Slider.Thumb className="slider-thumb" aria-label={t('transport.layerTime')} />
          </Slider.Root>
          <output>{t('transport.milliseconds', { value: pace.millisecondsPerLayer })}</output>
        </div>
      )}
    </div>
  );
}

/** One line: the state, the iteration, and how far long work is. */
function Status() {
  const { t } = useTranslation();
  const run = useLab((state) => state.run);
  const steps = useLab((state) => state.config.steps);
  const hasDevice = useLab((state) => state.device !== null);
  const done = useLabGlance(iterationsDone);
  const evaluating = useLabGlance((state) => state.evaluating);
  const progress = useLabGlance((state) => state.progress);

  const work = !hasDevice ? 'device' : progress && (progress.stage ?? progress.task);
  return (
    <div className="status" data-run={run}>
      <span className="status-words">
        <strong role="status">{t(`run.${run}`)}</strong>
        {work ? (
          <span>{t(`progress.${work}`)}…</span>
        ) : (
          run !== 'empty' &&
          run !== 'preparing' && <span>{t('run.iteration', { done, steps })}</span>
        )}
        {!work && evaluating && (
          <span className="quietly">{t('run.evaluating', { network: evaluating.network })}</span>
        )}
      </span>
      {work ? (
        <progress
          aria-label={t(`progress.${work}`)}
          {...(progress && progress.total > 0 ? { value: progress.done, max: progress.total } : {})}
        />
      ) : (
        <progress aria-label={t('transport.label')} value={done} max={steps} />
      )}
    </div>
  );
}
