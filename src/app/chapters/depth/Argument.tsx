import { useCallback, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Plot } from '../../charts/Plot.tsx';
import { errorSentence } from '../../i18n/index.ts';
import { networkStyles } from '../../palette.ts';
import { useShade } from '../../theme.ts';
import { useAsked, useSettled } from '../ask.ts';
import type { Instruments } from '../ask.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Buttons, Choose, Control, Redraw, Slide } from '../controls.tsx';
import { Proof } from '../Proof.tsx';
import { short } from '../short.ts';
import { SCALES, STAGES, runArgument } from './argument.ts';
import type { ArgumentAnswer } from './argument.ts';
import type { State } from './index.tsx';
import { LayerDrawing } from './LayerDrawing.tsx';

const KINDS = ['plain', 'residual'] as const;

/** One layer, then a second one that should do no harm: what that asks of its weights, plain and residual. */
export function Argument({ state, change }: InstrumentProps<State>) {
  const { t } = useTranslation('depth');
  const { stage, scale, seed } = state;
  const setting = useSettled(useMemo(() => ({ stage, scale, seed }), [stage, scale, seed]));
  const ask = useCallback(
    (instruments: Instruments) => runArgument(instruments, setting),
    [setting],
  );
  const { answer, failure, waiting } = useAsked(ask);
  const styles = networkStyles(['plain-20', 'residual-20'], useShade());
  const colors = KINDS.map((kind) => styles.get(`${kind}-20`)?.color ?? '');

  return (
    <>
      <div className="controls">
        <Choose
          name="stage"
          label={t('argument.stage')}
          value={stage}
          values={STAGES}
          nameOf={(value) => t(`argument.${value}`)}
          onChange={(value) => change({ stage: value })}
        />
        {stage === 'two' && (
          <Control name="scale" label={t('argument.scale')}>
            <Slide
              label={t('argument.scale')}
              {...{ min: 0, max: 1.5, step: 0.05, value: scale, text: scale.toFixed(2) }}
              onChange={(value) => change({ scale: value })}
            />
          </Control>
        )}
        <Buttons name="seed">
          <Redraw
            name={t('argument.again')}
            seed={seed}
            onChange={(next) => change({ seed: next })}
          />
        </Buttons>
      </div>
      <p className="depth-say">{t(`argument.says.${stage}`)}</p>
      {failure && <p role="alert">{errorSentence(failure)}</p>}
      {answer && (
        <div className="depth-argument" aria-busy={waiting}>
          {KINDS.map((kind, i) => (
            <section key={kind} aria-label={t(`argument.${kind}`)} style={{ color: colors[i] }}>
              <h3>{t(`argument.${kind}`)}</h3>
              <LayerDrawing
                answer={answer}
                kind={kind}
                stage={setting.stage}
                label={t(`argument.drawing.${kind}`)}
              />
              {setting.stage !== 'one' && <Distance answer={answer} kind={kind} />}
            </section>
          ))}
          {setting.stage === 'two' && (
            <section className="depth-distance">
              <h3>{t('argument.plot')}</h3>
              <Plot
                label={t('argument.plot')}
                data={[
                  ...KINDS.map((kind, i) => ({
                    type: 'scatter' as const,
                    mode: 'lines' as const,
                    x: SCALES,
                    y: answer[kind].curve,
                    line: {
                      color: colors[i] ?? '',
                      width: 3,
                      dash: kind === 'plain' ? ('dash' as const) : ('solid' as const),
                    },
                    hovertemplate: '%{x:.2f}: %{y:.3f}<extra></extra>',
                  })),
                  {
                    type: 'scatter' as const,
                    mode: 'markers' as const,
                    x: [setting.scale, setting.scale],
                    y: KINDS.map((kind) => answer[kind].distance.value),
                    marker: { size: 11, color: colors },
                    hoverinfo: 'skip' as const,
                  },
                ]}
                layout={{
                  xaxis: { title: { text: t('argument.scale') }, range: [-0.04, 1.54] },
                  yaxis: { rangemode: 'tozero' },
                }}
              />
              <ul className="plot-key">
                {KINDS.map((kind, i) => (
                  <li key={kind}>
                    <i
                      style={{
                        borderTop: `3px ${kind === 'plain' ? 'dashed' : 'solid'} ${colors[i]}`,
                      }}
                    />
                    {t(`argument.${kind}`)}
                  </li>
                ))}
              </ul>
            </section>
          )}
        </div>
      )}
    </>
  );
}

function Distance({ answer, kind }: { answer: ArgumentAnswer; kind: (typeof KINDS)[number] }) {
  const { t } = useTranslation('depth');
  const { weight, y, distance } = answer[kind];
  const name = t('argument.distance');
  return (
    <dl className="readings">
      <div>
        <dt>{name}</dt>
        <dd>
          <Proof
            evidence={{
              by: y.by,
              operands: [
                { name: 'h', ...answer.h.value },
                { name: 'W2', ...weight },
                { name: 'y', ...y.value },
              ],
              kernels: y.kernels,
            }}
            name={`${t(`argument.${kind}`)}: ${name}`}
            value={distance.value}
            reference={distance.reference}
          >
            {short(distance.value)}
          </Proof>
        </dd>
      </div>
    </dl>
  );
}
