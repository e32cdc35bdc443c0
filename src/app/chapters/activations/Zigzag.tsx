import type { Data, Shape } from 'plotly.js';
import { useCallback, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Plot } from '../../charts/Plot.tsx';
import { Segmented } from '../../parts/controls.tsx';
import { useShade } from '../../theme.ts';
import { useAsked, useSettled } from '../ask.ts';
import type { Instruments } from '../ask.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Control, Slide } from '../controls.tsx';
import { Proof, evidenceOf } from '../Proof.tsx';
import { short } from '../short.ts';
import { Waiting } from '../Waiting.tsx';
import { INPUTS, START, STEPS, TARGET, contour, descend, distance, sharesSign } from './descent.ts';
import type { Descent, InputName, Point } from './descent.ts';
import { SLOPE, VALUE } from './functions.ts';
import type { State } from './index.tsx';
import { Reading, SeedControl, ViewFormula } from './parts.tsx';

/** The part of the plane that is drawn, the same for both. */
const RANGE = [-2.5, 2.2];
/** Contours of the loss. */
const LEVELS = [0.02, 0.08, 0.2, 0.45, 0.9, 1.6, 2.6];
const COLORS: Record<InputName, string> = { sigmoid: SLOPE, tanh: VALUE };

/** The same descent on inputs that are all positive, and on inputs centred on 0. */
export function Zigzag({ state, change }: InstrumentProps<State>) {
  const { t } = useTranslation('activations');
  const { rate, batch, seed, step } = state;
  const setting = useSettled(useMemo(() => ({ rate, batch, seed }), [rate, batch, seed]));
  const ask = useCallback(
    async (instruments: Instruments) => ({
      sigmoid: await descend(instruments, 'sigmoid', setting),
      tanh: await descend(instruments, 'tanh', setting),
      setting,
    }),
    [setting],
  );
  const { answer, failure, waiting } = useAsked(ask);

  return (
    <>
      <div className="controls">
        <Control name="step" label={t('zigzag.step')}>
          <Slide
            label={t('zigzag.step')}
            value={step}
            min={1}
            max={STEPS}
            step={1}
            onChange={(value) => change({ step: value })}
          />
        </Control>
        <Control name="batch" label={t('zigzag.batch')}>
          <Segmented
            label={t('zigzag.batch')}
            value={batch}
            options={(['one', 'all'] as const).map((value) => ({
              value,
              name: t(`zigzag.${value}`),
            }))}
            onChange={(value) => change({ batch: value })}
          />
        </Control>
        <Control name="rate" label={t('zigzag.rate')}>
          <Slide
            label={t('zigzag.rate')}
            value={rate}
            min={0.1}
            max={1.5}
            step={0.1}
            text={rate.toFixed(1)}
            onChange={(value) => change({ rate: value })}
          />
        </Control>
        <SeedControl seed={seed} change={(next) => change({ seed: next })} />
      </div>
      <ViewFormula
        tex={String.raw`y=w_1a_1+w_2a_2,\qquad \frac{\partial L}{\partial w_1}=\delta\,a_1,\quad \frac{\partial L}{\partial w_2}=\delta\,a_2,\qquad \delta=\frac{\partial L}{\partial y}`}
        plain="y = w₁a₁ + w₂a₂,  dL/dw₁ = δa₁,  dL/dw₂ = δa₂,  δ = dL/dy"
      />
      <Waiting waiting={waiting && !answer} failure={failure} before="computing" />
      {answer && (
        <div className="activations-pair">
          {INPUTS.map((input) => (
            <Path
              key={input}
              input={input}
              descent={answer[input]}
              rate={answer.setting.rate}
              one={answer.setting.batch === 'one'}
              step={step}
            />
          ))}
        </div>
      )}
    </>
  );
}

interface PathProps {
  input: InputName;
  descent: Descent;
  rate: number;
  /** Whether a step sees one sample. */
  one: boolean;
  /** Steps so far, at least one; the last is read. */
  step: number;
}

/** One descent on the contours of its loss, and the numbers of its last step. */
function Path({ input, descent, rate, one, step }: PathProps) {
  const { t } = useTranslation('activations');
  const dark = useShade() === 'dark';
  const muted = dark ? 'rgba(154, 167, 172, 0.55)' : 'rgba(93, 104, 109, 0.45)';
  const { inputs, steps, path } = descent;
  const contours = useMemo(() => LEVELS.map((level) => contour(inputs, level)), [inputs]);
  const last = steps[step - 1];
  const end = path[step] ?? START;
  if (!last) return null;
  const walked = path.slice(0, step + 1);
  const same = steps.slice(0, step).filter(sharesSign).length;
  const evidence = evidenceOf(last.question, last.answer);
  const expected: Point = [
    last.weights[0] - rate * last.reference[0],
    last.weights[1] - rate * last.reference[1],
  ];
  const mark = (point: Point, symbol: string, size: number, text: string): Data => ({
    type: 'scatter',
    mode: 'text+markers',
    x: [point[0]],
    y: [point[1]],
    text: [text],
    textposition: 'top right',
    marker: { size, color: dark ? '#e8edee' : '#1c2326', symbol },
    hoverinfo: 'skip',
  });
  const data: Data[] = [
    ...contours.map((points): Data => ({
      type: 'scatter',
      mode: 'lines',
      x: points.map(([x]) => x),
      y: points.map(([, y]) => y),
      line: { color: muted, width: 1.2 },
      hoverinfo: 'skip',
    })),
    {
      type: 'scatter',
      mode: 'lines+markers',
      x: walked.map(([x]) => x),
      y: walked.map(([, y]) => y),
      line: { color: COLORS[input], width: 3, simplify: false },
      marker: { size: 6, color: COLORS[input] },
      hovertemplate: 'w = (%{x:.2f}, %{y:.2f})<extra></extra>',
    },
    mark(START, 'circle', 9, t('zigzag.start')),
    mark(TARGET, 'star', 13, t('zigzag.target')),
  ];

  return (
    <section aria-label={t(`zigzag.${input}`)}>
      <h3>{t(`zigzag.${input}`)}</h3>
      <Plot
        className="activations-plane"
        label={t('zigzag.plane', { name: t(`zigzag.${input}`) })}
        data={data}
        layout={{
          margin: { l: 40, r: 8, t: 6, b: 40 },
          xaxis: { title: { text: 'w₁' }, range: RANGE, dtick: 1, constrain: 'domain' },
          yaxis: {
            title: { text: 'w₂' },
            range: RANGE,
            dtick: 1,
            scaleanchor: 'x',
            constrain: 'domain',
          },
          shapes: one && input === 'sigmoid' ? quadrants(end) : [],
        }}
      />
      <p className="activations-note">{one ? t(`zigzag.${input}One`) : t(`zigzag.${input}All`)}</p>
      <dl className="readings">
        <Reading name={t('zigzag.gradient', { step })}>
          {last.gradient.map((value, i) => (
            <span key={i}>
              {i === 0 ? '(' : ', '}
              <Proof
                evidence={evidence}
                name={t('zigzag.component', { index: i + 1, step })}
                value={value}
                reference={last.reference[i] ?? NaN}
              >
                {signed(value)}
              </Proof>
            </span>
          ))}
          {')'}
        </Reading>
        <Reading name={t('zigzag.same')}>{t('zigzag.count', { same, step })}</Reading>
        <Reading name={t('zigzag.distance', { step })}>
          <Proof
            evidence={evidence}
            name={t('zigzag.distance', { step })}
            value={distance(end)}
            reference={distance(expected)}
          >
            {distance(end).toFixed(3)}
          </Proof>
        </Reading>
      </dl>
    </section>
  );
}

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${short(Math.abs(value))}`;

/** Where a step from a point can lead whose two gradients share a sign: up and right of the point, or down and left. */
const quadrants = ([x, y]: Point): Partial<Shape>[] =>
  ([10, -10] as const).map((far) => ({
    type: 'rect',
    x0: x,
    y0: y,
    x1: far,
    y1: far,
    line: { width: 0 },
    fillcolor: `${SLOPE}26`,
    layer: 'below',
  }));
