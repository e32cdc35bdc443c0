import { Check, X } from 'lucide-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { InstrumentProps } from '../chapter.ts';
import { Proof, evidenceOf } from '../Proof.tsx';
import type { Evidence } from '../Proof.tsx';
import { Reading } from '../Reading.tsx';
import { running } from '../running.ts';
import { Code } from './Code.tsx';
import type { State } from './index.tsx';
import { MeanPlot } from './MeanPlot.tsx';
import { OUTPUT, NetworkDrawing, placeOfUnit } from './NetworkDrawing.tsx';
import {
  droppedUnits,
  dropoutKernels,
  extraMultiplications,
  referenceAt,
  valueAt,
} from './passes.ts';
import type { Forward, Passes, Scheme } from './passes.ts';

interface SchemePanelProps extends InstrumentProps<State> {
  scheme: Scheme;
  passes: Passes;
}

/** One of the two schemes: its lines of code, the network of this pass, the mean of the passes, and its numbers. */
export function SchemePanel({ scheme, state, change, passes }: SchemePanelProps) {
  const { t } = useTranslation('dropout');
  const { train, test } = passes[scheme];
  return (
    <section className="scheme" aria-label={t(`scheme.${scheme}`)}>
      <Code scheme={scheme} reading={state.p} drop={state.drop} scaling={state.scaling} />
      <NetworkDrawing
        label={t('drawing.label', { scheme: t(`scheme.${scheme}`) })}
        forward={state.show === 'test' ? test : train}
        masks={state.show === 'test' ? [null, null] : passes.masks}
        row={state.show === 'test' ? 0 : state.passes - 1}
        unit={state.unit}
        onSelect={(unit) => change({ unit })}
      />
      <MeanPlot
        label={t('plot.label', { scheme: t(`scheme.${scheme}`) })}
        outputs={train.y.answer.y.data}
        count={state.passes}
        test={valueAt(test.y, 0, 0)}
      />
      <Readings {...{ scheme, state, train, test }} />
    </section>
  );
}

/** The evidence for what a whole forward pass computed. */
const evidenceOfPass = ({ y, steps }: Forward): Evidence => ({
  ...evidenceOf(y.question, y.answer),
  kernels: steps.flatMap(({ answer }) => answer.kernels),
});

interface ReadingsProps {
  scheme: Scheme;
  state: State;
  train: Forward;
  test: Forward;
}

function Readings({ scheme, state, train, test }: ReadingsProps) {
  const { t } = useTranslation('dropout');
  const { passes: count, unit } = state;
  const outputs = train.y.answer.y.data;
  const reference = train.y.answer.reference.outputs.y?.data;
  const { mean, error } = useMemo(() => running(outputs), [outputs]);
  const expected = useMemo(() => running(reference ?? []), [reference]);
  const last = count - 1;
  const expectation = valueAt(test.y, 0, 0);
  const off = (mean[last] ?? NaN) - expectation;
  const inside = Math.abs(off) <= (error[last] ?? NaN);
  const kernels = dropoutKernels(test);
  const extra = extraMultiplications(test);

  const shown = state.show === 'test' ? test : train;
  const row = state.show === 'test' ? 0 : last;
  const { layer, index } = placeOfUnit(unit);
  const step = unit === OUTPUT ? shown.y : (shown.hidden[layer] ?? shown.y);
  const name =
    unit === OUTPUT
      ? state.show === 'test'
        ? t('reading.outputTest')
        : t('reading.output', { number: count })
      : t('reading.unit', { layer: layer + 1, unit: index + 1 });

  return (
    <dl className="readings">
      <Reading name={name}>
        <Proof
          evidence={
            unit === OUTPUT ? evidenceOfPass(shown) : evidenceOf(step.question, step.answer)
          }
          name={name}
          value={valueAt(step, row, index)}
          reference={referenceAt(step, row, index)}
        >
          {valueAt(step, row, index).toFixed(3)}
        </Proof>
      </Reading>
      <Reading name={t('reading.mean', { number: count })}>
        <Proof
          evidence={evidenceOfPass(train)}
          name={t('reading.mean', { number: count })}
          value={mean[last] ?? NaN}
          reference={expected.mean[last] ?? NaN}
        >
          {mean[last]?.toFixed(3)}
        </Proof>
        {count > 1 && (
          <small>
            {' ± '}
            <Proof
              evidence={evidenceOfPass(train)}
              name={t('plot.band')}
              value={error[last] ?? NaN}
              reference={expected.error[last] ?? NaN}
            >
              {error[last]?.toFixed(3)}
            </Proof>
          </small>
        )}
      </Reading>
      <Reading name={t('reading.test')}>
        <Proof
          evidence={evidenceOfPass(test)}
          name={t('reading.test')}
          value={expectation}
          reference={referenceAt(test.y, 0, 0)}
        >
          {expectation.toFixed(3)}
        </Proof>
        {count > 1 && (
          <small className="verdict" data-inside={inside}>
            {inside ? <Check aria-hidden size={15} /> : <X aria-hidden size={15} />}
            {inside ? t('reading.inside') : t('reading.outside')}
          </small>
        )}
      </Reading>
      <Reading name={t('reading.extra')}>
        <Proof
          evidence={{ by: test.y.answer.by, operands: [], kernels }}
          name={t('reading.extra')}
          value={extra}
          reference={scheme === 'vanilla' && state.scaling ? droppedUnits(state.layers) : 0}
        >
          {extra}
        </Proof>
        {test.y.answer.by === 'gpu' && (
          <small> {t('reading.kernels', { number: kernels.length })}</small>
        )}
      </Reading>
    </dl>
  );
}
