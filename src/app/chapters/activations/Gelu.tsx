import type { Data } from 'plotly.js';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { tensor } from '../../../reference/tensor.ts';
import type { OpAnswer, OpQuestion } from '../../../worker/protocol.ts';
import { useAsked } from '../ask.ts';
import type { Instruments } from '../ask.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Proof, evidenceOf } from '../Proof.tsx';
import type { Evidence } from '../Proof.tsx';
import { Waiting } from '../Waiting.tsx';
import { DragPlot } from './DragPlot.tsx';
import { SLOPE, VALUE } from './functions.ts';
import { placeOf, XS, xAt } from './grid.ts';
import type { State } from './index.tsx';
import { KeyItem, Reading, ViewFormula } from './parts.tsx';

/** The two forms of the op, by its parameter `approximate`. */
type FormName = 'none' | 'tanh';
/** The density of the standard normal is drawn, not read. */
const DENSITY = XS.map((x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI));
/** The error is drawn in units of 10⁻⁴. */
const UNIT = 1e-4;

interface Form {
  question: OpQuestion;
  answer: OpAnswer;
}

/** What is read off both forms of GELU on the grid. */
export interface GeluValues {
  exact: ArrayLike<number>;
  tanh: ArrayLike<number>;
  /** GELU′(0) = Φ(0), where GELU(x)/x is nothing. */
  slopeAtZero: number;
}

/** GELU, exact and by tanh, on the grid. */
async function formsOf(instruments: Instruments): Promise<Record<FormName, Form>> {
  const x = tensor([1, XS.length, 1, 1], XS);
  const gradOutput = tensor(x.shape, new Float64Array(XS.length).fill(1));
  const run = async (approximate: FormName): Promise<Form> => {
    const question = { op: 'gelu', params: { approximate }, inputs: { x }, gradOutput } as const;
    return { question, answer: await instruments.run(question) };
  };
  return { none: await run('none'), tanh: await run('tanh') };
}

/** Φ(x) = GELU(x)/x. */
const probability = ({ exact, slopeAtZero }: GeluValues, place: number): number => {
  const x = XS[place] ?? NaN;
  return x === 0 ? slopeAtZero : (exact[place] ?? NaN) / x;
};

const errorAt = ({ exact, tanh }: GeluValues, place: number): number =>
  (tanh[place] ?? NaN) - (exact[place] ?? NaN);

/** The place where the tanh form is farthest off. */
export const worstPlace = (values: GeluValues): number =>
  XS.reduce(
    (worst, _, place) =>
      Math.abs(errorAt(values, place)) > Math.abs(errorAt(values, worst)) ? place : worst,
    0,
  );

/** GELU as x·Φ(x): the probability as an area, the product, and what the tanh form gets wrong. */
export function Gelu({ state, change }: InstrumentProps<State>) {
  const ask = useCallback((instruments: Instruments) => formsOf(instruments), []);
  const { answer, failure, waiting } = useAsked(ask);
  return (
    <>
      <ViewFormula
        tex={String.raw`\mathrm{GELU}(x)=x\cdot\Phi(x),\quad \Phi(x)=P(Z\le x);\qquad \text{tanh: }\ \tfrac x2\Bigl(1+\tanh\bigl(\sqrt{2/\pi}\,(x+0.044715\,x^3)\bigr)\Bigr)`}
        plain="GELU(x) = x·Φ(x),  Φ(x) = P(Z ≤ x);  tanh: x/2 · (1 + tanh(√(2/π)·(x + 0.044715x³)))"
      />
      <Waiting waiting={waiting && !answer} failure={failure} before="computing" />
      {answer && <Shown x={state.x} onMove={(x) => change({ x })} forms={answer} />}
    </>
  );
}

interface ShownProps {
  x: number;
  onMove: (x: number) => void;
  forms: Record<FormName, Form>;
}

function Shown({ x, onMove, forms }: ShownProps) {
  const { t } = useTranslation('activations');
  const place = placeOf(x);
  const values = valuesOf(forms.none.answer, forms.tanh.answer);
  const reference = referenceOf(forms.none.answer, forms.tanh.answer);
  const worst = worstPlace(values);
  const at = (y: number, color: string): Data => ({
    type: 'scatter',
    mode: 'markers',
    x: [XS[place] ?? NaN],
    y: [y],
    marker: { size: 12, color, line: { color: '#ffffff', width: 2 } },
  });
  const line = (y: ArrayLike<number>, color: string, more: object = {}): Data => ({
    type: 'scatter',
    mode: 'lines',
    x: XS,
    y: Array.from(y),
    line: { color, width: 3, simplify: false, ...more },
  });
  const exact = evidenceOf(forms.none.question, forms.none.answer);
  const both: Evidence = {
    ...exact,
    kernels: [...forms.none.answer.kernels, ...forms.tanh.answer.kernels],
  };
  const number = (
    name: string,
    evidence: Evidence,
    of: (v: GeluValues) => number,
    digits: number,
  ) => (
    <Reading name={name}>
      <Proof evidence={evidence} name={name} value={of(values)} reference={of(reference)}>
        {digits < 0 ? of(values).toExponential(-digits) : of(values).toFixed(digits)}
      </Proof>
    </Reading>
  );

  return (
    <>
      <div className="activations-pair">
        <section aria-label={t('gelu.density')}>
          <h3>{t('gelu.density')}</h3>
          <DragPlot
            label={t('gelu.densityPlot')}
            handle={t('gelu.densityHandle')}
            x={x}
            onMove={onMove}
            data={[
              {
                type: 'scatter',
                mode: 'lines',
                x: XS.slice(0, place + 1),
                y: DENSITY.slice(0, place + 1),
                line: { width: 0 },
                fill: 'tozeroy',
                fillcolor: `${VALUE}66`,
              },
              line(DENSITY, VALUE),
              at(DENSITY[place] ?? NaN, VALUE),
            ]}
            layout={{ yaxis: { range: [0, 0.43], dtick: 0.1 } }}
          />
        </section>
        <section aria-label={t('gelu.product')}>
          <h3>{t('gelu.product')}</h3>
          <DragPlot
            label={t('gelu.productPlot')}
            handle={t('gelu.productHandle')}
            x={x}
            onMove={onMove}
            data={[
              line(
                XS.map((each) => Math.max(0, each)),
                '#8e999e',
                { width: 2, dash: 'dot' },
              ),
              line(values.exact, SLOPE),
              at(values.exact[place] ?? NaN, SLOPE),
            ]}
            layout={{ yaxis: { range: [-0.6, 3.2], dtick: 1 } }}
          />
          <ul className="activations-key">
            <KeyItem color={SLOPE}>GELU</KeyItem>
            <KeyItem color="#8e999e" line="dashed">
              ReLU
            </KeyItem>
          </ul>
        </section>
      </div>
      <dl className="readings">
        <Reading name={t('point')}>{xAt(place).toFixed(2)}</Reading>
        {number(t('gelu.probability'), exact, (v) => probability(v, place), 4)}
        {number(t('gelu.value'), exact, (v) => v.exact[place] ?? NaN, 4)}
        {number(t('gelu.tanh'), both, (v) => v.tanh[place] ?? NaN, 4)}
        {number(t('gelu.off'), both, (v) => errorAt(v, place), -1)}
        {number(
          t('gelu.most', { x: Math.abs(xAt(worst)).toFixed(2) }),
          both,
          (v) => Math.abs(errorAt(v, worstPlace(v))),
          -2,
        )}
      </dl>
      <section aria-label={t('gelu.error')}>
        <h3>{t('gelu.error')}</h3>
        <DragPlot
          className="activations-small"
          label={t('gelu.errorPlot')}
          handle={t('gelu.errorHandle')}
          x={x}
          onMove={onMove}
          data={[
            line(
              XS.map((_, i) => errorAt(values, i) / UNIT),
              VALUE,
            ),
            at(errorAt(values, place) / UNIT, VALUE),
          ]}
          layout={{ yaxis: { range: [-6, 6], dtick: 5 } }}
        />
      </section>
    </>
  );
}

const valuesOf = (none: OpAnswer, tanh: OpAnswer): GeluValues => ({
  exact: none.y.data,
  tanh: tanh.y.data,
  slopeAtZero: none.grads.x?.data[placeOf(0)] ?? NaN,
});

const referenceOf = (none: OpAnswer, tanh: OpAnswer): GeluValues => ({
  exact: none.reference.outputs.y?.data ?? [],
  tanh: tanh.reference.outputs.y?.data ?? [],
  slopeAtZero: none.reference.grads.x?.data[placeOf(0)] ?? NaN,
});
