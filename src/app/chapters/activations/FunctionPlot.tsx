import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { tensor } from '../../../reference/tensor.ts';
import type { OpQuestion } from '../../../worker/protocol.ts';
import { Plot } from '../../charts/Plot.tsx';
import { Segmented } from '../../parts/controls.tsx';
import { useOp } from '../ask.ts';
import { Control, Slide } from '../controls.tsx';
import { Proof, evidenceOf } from '../Proof.tsx';
import { FUNCTIONS } from './functions.ts';
import type { FunctionName } from './functions.ts';

/** The plot reaches from −SPAN to SPAN. */
const SPAN = 6;
const POINTS = 385;
const XS = Float64Array.from({ length: POINTS }, (_, i) =>
  Math.fround(-SPAN + (2 * SPAN * i) / (POINTS - 1)),
);

interface FunctionPlotProps {
  name: FunctionName;
  /** Where the point stands. */
  x: number;
  change: (part: { function?: FunctionName; x?: number }) => void;
}

/** An activation and its derivative, by the op's forward and backward kernel (with dL/dy = 1), and a point to move. */
export function FunctionPlot({ name, x, change }: FunctionPlotProps) {
  const { t } = useTranslation('activations');
  const question = useMemo((): OpQuestion => {
    const points = tensor([1, POINTS + 1, 1, 1], [...XS, Math.fround(x)]);
    const ones = tensor(points.shape, new Float64Array(POINTS + 1).fill(1));
    return { op: name, inputs: { x: points }, gradOutput: ones };
  }, [name, x]);
  const { answer: asked } = useOp(question);

  return (
    <>
      <div className="controls">
        <Control name="function" label={t('function')}>
          <Segmented
            label={t('function')}
            value={name}
            options={FUNCTIONS.map((value) => ({ value, name: t(`names.${value}`) }))}
            onChange={(value) => change({ function: value })}
          />
        </Control>
        <Control name="x" label={t('point')}>
          <Slide
            label={t('pointHint')}
            value={x}
            min={-SPAN}
            max={SPAN}
            step={0.05}
            onChange={(value) => change({ x: value })}
          />
        </Control>
      </div>
      {asked && <Curves name={name} {...asked} />}
    </>
  );
}

type Asked = NonNullable<ReturnType<typeof useOp>['answer']>;

function Curves({ name, question, answer }: Asked & { name: FunctionName }) {
  const { t } = useTranslation('activations');
  const slope = answer.grads.x?.data;
  const at = question.inputs.x?.data[POINTS] ?? NaN;
  const value = answer.y.data[POINTS] ?? NaN;
  const derivative = slope?.[POINTS] ?? NaN;
  const evidence = evidenceOf(question, answer);
  const line = (y: ArrayLike<number>, color: string, dash: 'solid' | 'dash') => ({
    type: 'scatter' as const,
    mode: 'lines' as const,
    x: [...XS],
    y: Array.from(y).slice(0, POINTS),
    line: { color, width: 3, dash },
    hovertemplate: '%{y:.3f}<extra></extra>',
  });

  return (
    <>
      <Plot
        label={t('plot', { name: t(`names.${name}`) })}
        data={[
          line(answer.y.data, '#0e8fba', 'solid'),
          line(slope ?? [], '#d97006', 'dash'),
          {
            type: 'scatter',
            mode: 'markers',
            x: [at, at],
            y: [value, derivative],
            marker: { size: 11, color: ['#0e8fba', '#d97006'] },
            hoverinfo: 'skip',
          },
        ]}
        layout={{ xaxis: { range: [-SPAN, SPAN] }, yaxis: { range: [-1.2, 3] } }}
      />
      <dl className="readings">
        <div>
          <dt>{t('value', { name: t(`names.${name}`) })}</dt>
          <dd>
            <Proof
              evidence={evidence}
              name={t('value', { name: t(`names.${name}`) })}
              value={value}
              reference={answer.reference.outputs.y?.data[POINTS] ?? NaN}
            >
              {value.toFixed(4)}
            </Proof>
          </dd>
        </div>
        <div>
          <dt>{t('slope')}</dt>
          <dd>
            <Proof
              evidence={evidence}
              name={t('slope')}
              value={derivative}
              reference={answer.reference.grads.x?.data[POINTS] ?? NaN}
            >
              {derivative.toFixed(4)}
            </Proof>
          </dd>
        </div>
      </dl>
    </>
  );
}
