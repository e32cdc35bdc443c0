import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { errorSentence } from '../../i18n/index.ts';
import { Segmented } from '../../parts/controls.tsx';
import type { InstrumentProps } from '../chapter.ts';
import { Choose, Control, Redraw, Slide } from '../controls.tsx';
import { DepthPlot } from './DepthPlot.tsx';
import { Histograms } from './Histograms.tsx';
import { DEPTH, SAMPLES, WIDTHS } from './index.tsx';
import type { State } from './index.tsx';
import { Readings } from './Readings.tsx';
import { ACTIVATIONS, predict, RULES, sigmaOf } from './theory.ts';
import { useSignal } from './useSignal.ts';

/** The slider moves in so many equal steps of log σ. */
const STEPS = 100;
const [LEAST, MOST] = [0.001, 0.5];

const placeOf = (sigma: number): number =>
  Math.round((STEPS * Math.log(sigma / LEAST)) / Math.log(MOST / LEAST));
const sigmaAt = (place: number): number =>
  Number((LEAST * (MOST / LEAST) ** (place / STEPS)).toPrecision(3));

/** Layers of random weights: histograms of every layer, deviations by depth, and one layer's numbers. */
export function Bench({ state, change }: InstrumentProps<State>) {
  const { t } = useTranslation('initialization');
  const { width, activation, rule, seed } = state;
  const std = sigmaOf(rule, width, state.sigma);
  const setting = useMemo(
    () => ({ width, depth: DEPTH, samples: SAMPLES, std, activation, seed }),
    [width, std, activation, seed],
  );
  const { layers, of, done, total, failure } = useSignal(setting);
  const prediction = useMemo(() => predict(activation, setting), [activation, setting]);

  return (
    <>
      <div className="controls">
        <Control name="rule" label={t('rule.label')}>
          <Segmented
            label={t('rule.label')}
            value={rule}
            options={RULES.map((value) => ({ value, name: t(`rule.${value}`) }))}
            onChange={(value) =>
              change({ rule: value, ...(value === 'free' && { sigma: sigmaAt(placeOf(std)) }) })
            }
          />
        </Control>
        <Control name="sigma" label="σ">
          <Slide
            label={t('sigma')}
            value={placeOf(std)}
            min={0}
            max={STEPS}
            step={1}
            text={std.toPrecision(3)}
            onChange={(place) => change({ rule: 'free', sigma: sigmaAt(place) })}
          />
        </Control>
        <Choose
          name="activation"
          label={t('activation.label')}
          value={activation}
          values={ACTIVATIONS}
          nameOf={(value) => t(`activation.${value}`)}
          onChange={(value) => change({ activation: value })}
        />
        <Control name="width" label={t('width')}>
          <Segmented
            label={t('width')}
            value={String(width)}
            options={WIDTHS.map((value) => ({ value: String(value), name: String(value) }))}
            onChange={(value) => change({ width: Number(value) })}
          />
        </Control>
        <Control name="scale" label={t('scale.label')}>
          <Segmented
            label={t('scale.label')}
            value={state.scale}
            options={[
              { value: 'one', name: t('scale.one') },
              { value: 'own', name: t('scale.own') },
            ]}
            onChange={(value) => change({ scale: value })}
          />
        </Control>
        <Control name="seed" label={t('seed')}>
          <Redraw name={t('again')} seed={seed} onChange={(next) => change({ seed: next })} />
        </Control>
      </div>
      {failure && <p role="alert">{errorSentence(failure)}</p>}
      <p className="initialization-progress" data-done={done === total}>
        <progress aria-label={t('progress')} value={done} max={total} />
        <span role="status">
          {done === total ? t('done', { samples: SAMPLES, width }) : t('layers', { done, total })}
        </span>
      </p>
      <Histograms layers={layers} depth={DEPTH} state={state} change={change} />
      <div className="initialization-below">
        <DepthPlot layers={layers} prediction={prediction} />
        <Readings
          layers={layers}
          layer={state.layer}
          std={of?.std ?? std}
          activation={of?.activation ?? activation}
          prediction={prediction}
        />
      </div>
    </>
  );
}
