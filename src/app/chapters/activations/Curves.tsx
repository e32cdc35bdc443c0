import type { Data } from 'plotly.js';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { tensor } from '../../../reference/tensor.ts';
import type { OpAnswer, OpQuestion } from '../../../worker/protocol.ts';
import { Segmented } from '../../parts/controls.tsx';
import { CHART_COLORS } from '../../charts/hooks.ts';
import { useShade } from '../../theme.ts';
import { useAsked } from '../ask.ts';
import type { Instruments } from '../ask.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Control, Slide } from '../controls.tsx';
import { Proof, evidenceOf } from '../Proof.tsx';
import { Waiting } from '../Waiting.tsx';
import { DragPlot } from './DragPlot.tsx';
import { FUNCTIONS, hueOf, paramsOf } from './functions.ts';
import type { FunctionName, Shape } from './functions.ts';
import { placeOf, XS, xAt } from './grid.ts';
import type { State } from './index.tsx';
import { FunctionControl, KeyItem, Reading } from './parts.tsx';

interface Curve {
  question: OpQuestion;
  answer: OpAnswer;
}

/** Every function and its derivative on the grid, by the op's forward and backward kernel with dL/dy = 1. */
async function curvesOf(
  instruments: Instruments,
  shape: Shape,
): Promise<Record<FunctionName, Curve>> {
  const x = tensor([1, XS.length, 1, 1], XS);
  const gradOutput = tensor(x.shape, new Float64Array(XS.length).fill(1));
  const curves: [FunctionName, Curve][] = [];
  for (const op of FUNCTIONS) {
    const question = { op, params: paramsOf(op, shape), inputs: { x }, gradOutput };
    curves.push([op, { question, answer: await instruments.run(question) }]);
  }
  return Object.fromEntries(curves) as Record<FunctionName, Curve>;
}

/** One activation and its derivative with a point to move, the others behind them where they are asked for. */
export function Curves({ state, change }: InstrumentProps<State>) {
  const { t } = useTranslation('activations');
  const { slope, alpha } = state;
  const ask = useCallback(
    (instruments: Instruments) => curvesOf(instruments, { slope, alpha }),
    [slope, alpha],
  );
  const { answer, failure, waiting } = useAsked(ask);
  const name = state.function;

  return (
    <>
      <div className="controls">
        <FunctionControl value={name} onChange={(value) => change({ function: value })} />
        {name === 'leaky_relu' && (
          <Control name="slope" label={t('slopeBelow')}>
            <Slide
              label={t('slopeBelow')}
              value={slope}
              min={0}
              max={0.5}
              step={0.01}
              text={slope.toFixed(2)}
              onChange={(value) => change({ slope: value })}
            />
          </Control>
        )}
        {name === 'elu' && (
          <Control name="alpha" label="α">
            <Slide
              label="α"
              value={alpha}
              min={0}
              max={1.5}
              step={0.05}
              text={alpha.toFixed(2)}
              onChange={(value) => change({ alpha: value })}
            />
          </Control>
        )}
        <Control name="others" label={t('others.label')}>
          <Segmented
            label={t('others.label')}
            value={state.others ? 'shown' : 'hidden'}
            options={[
              { value: 'hidden', name: t('others.hidden') },
              { value: 'shown', name: t('others.shown') },
            ]}
            onChange={(value) => change({ others: value === 'shown' })}
          />
        </Control>
      </div>
      <Waiting waiting={waiting && !answer} failure={failure} before="computing" />
      {answer && <Shown state={state} change={change} curves={answer} />}
    </>
  );
}

type ShownProps = InstrumentProps<State> & { curves: Record<FunctionName, Curve> };

function Shown({ state, change, curves }: ShownProps) {
  const { t } = useTranslation('activations');
  const shade = useShade();
  const { question, answer } = curves[state.function];
  const place = placeOf(state.x);
  const others = state.others ? FUNCTIONS.filter((name) => name !== state.function) : [];
  const [value, derivative] = [valueAt(answer.y.data, place), valueAt(slopeOf(answer), place)];
  const evidence = evidenceOf(question, answer);
  const name = t(`names.${state.function}`);
  const colors = { value: hueOf(state.function, shade), slope: CHART_COLORS[shade].ink };
  const line = (y: ArrayLike<number>, color: string, width: number, dash: 'solid' | 'dash') => ({
    type: 'scatter' as const,
    mode: 'lines' as const,
    x: XS,
    y: Array.from(y),
    line: { color, width, dash, simplify: false },
  });
  const data: Data[] = [
    ...others.map((other) => line(curves[other].answer.y.data, hueOf(other, shade), 1.3, 'solid')),
    line(answer.y.data, colors.value, 3.5, 'solid'),
    line(slopeOf(answer), colors.slope, 2.5, 'dash'),
    {
      type: 'scatter',
      mode: 'markers',
      x: [XS[place] ?? NaN, XS[place] ?? NaN],
      y: [value, derivative],
      marker: {
        size: 13,
        color: [colors.value, colors.slope],
        line: { color: '#ffffff', width: 2 },
      },
    },
  ];

  return (
    <>
      <DragPlot
        className="activations-large"
        label={t('curves.label', { name })}
        handle={t('point')}
        x={state.x}
        onMove={(x) => change({ x })}
        data={data}
        layout={{ yaxis: { range: [-1.6, 3.2], dtick: 1 } }}
      />
      <ul className="activations-key">
        <KeyItem color={colors.value}>{t('curves.value', { name })}</KeyItem>
        <KeyItem color={colors.slope} line="dashed">
          {t('curves.slope')}
        </KeyItem>
        {others.map((other) => (
          <KeyItem key={other} color={hueOf(other, shade)}>
            {t(`names.${other}`)}
          </KeyItem>
        ))}
      </ul>
      <dl className="readings">
        <Reading name={t('point')}>{xAt(place).toFixed(2)}</Reading>
        <Reading name={t('curves.value', { name })}>
          <Proof
            evidence={evidence}
            name={t('curves.value', { name })}
            value={value}
            reference={valueAt(answer.reference.outputs.y?.data ?? [], place)}
          >
            {value.toFixed(4)}
          </Proof>
        </Reading>
        <Reading name={t('curves.slopeAt')}>
          <Proof
            evidence={evidence}
            name={t('curves.slopeAt')}
            value={derivative}
            reference={valueAt(answer.reference.grads.x?.data ?? [], place)}
          >
            {derivative.toFixed(4)}
          </Proof>
        </Reading>
      </dl>
    </>
  );
}

const slopeOf = ({ grads }: OpAnswer): ArrayLike<number> => grads.x?.data ?? [];

const valueAt = (values: ArrayLike<number>, place: number): number => values[place] ?? NaN;
