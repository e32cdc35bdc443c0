import type { Data } from 'plotly.js';
import { useCallback, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Plot } from '../../charts/Plot.tsx';
import { percent } from '../../format.ts';
import { useShade } from '../../theme.ts';
import { useAsked, useSettled } from '../ask.ts';
import type { Instruments } from '../ask.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Choose, Control, Slide } from '../controls.tsx';
import { Proof } from '../Proof.tsx';
import type { Evidence } from '../Proof.tsx';
import { short } from '../short.ts';
import { Waiting } from '../Waiting.tsx';
import { FUNCTIONS, hueOf, SLOPE, VALUE } from './functions.ts';
import type { FunctionName } from './functions.ts';
import type { State } from './index.tsx';
import { FunctionControl, KeyItem, Reading, SeedControl, ViewFormula } from './parts.tsx';
import { DEEPEST, GAINS, runStacks } from './stack.ts';
import type { StackReading, StackResult } from './stack.ts';

type Stacks = Record<FunctionName, StackResult>;

/** The same stack of layers under every activation: what comes back of the gradient, and which units are silent. */
export function Depth({ state, change }: InstrumentProps<State>) {
  const { t } = useTranslation('activations');
  const { layers, gain, shift, seed, slope, alpha } = state;
  const setting = useSettled(
    useMemo(
      () => ({ layers, gain, shift, seed, slope, alpha }),
      [layers, gain, shift, seed, slope, alpha],
    ),
  );
  const ask = useCallback((instruments: Instruments) => runStacks(instruments, setting), [setting]);
  const { answer, failure, waiting } = useAsked(ask);

  return (
    <>
      <div className="controls">
        <FunctionControl value={state.function} onChange={(name) => change({ function: name })} />
        <Control name="layers" label={t('depth.layers')}>
          <Slide
            label={t('depth.layers')}
            value={layers}
            min={2}
            max={DEEPEST}
            step={1}
            onChange={(value) => change({ layers: value })}
          />
        </Control>
        <Choose
          name="gain"
          label={t('depth.weights')}
          value={gain}
          values={GAINS}
          nameOf={(value) => t(`depth.${value}`)}
          onChange={(value) => change({ gain: value })}
        />
        <Control name="shift" label={t('depth.shift')}>
          <Slide
            label={t('depth.shift')}
            value={shift}
            min={-1.5}
            max={1.5}
            step={0.1}
            text={shift.toFixed(1)}
            onChange={(value) => change({ shift: value })}
          />
        </Control>
        <SeedControl seed={seed} change={(next) => change({ seed: next })} />
      </div>
      <ViewFormula
        tex={String.raw`\mathbf h_l=\phi(W_l\mathbf h_{l-1}+b),\qquad \frac{\partial L}{\partial\mathbf h_0}=\prod_{l=1}^{L}W_l^{\!\top}\,\mathrm{diag}(\phi'_l)\,\frac{\partial L}{\partial\mathbf h_L}`}
        plain="h_l = φ(W_l h_(l−1) + b),  dL/dh₀ = Π W_lᵀ diag(φ′_l) · dL/dh_L"
      />
      <Waiting waiting={waiting && !answer} failure={failure} before="computing" />
      {answer && (
        <div className="activations-pair" aria-busy={waiting || setting.layers !== layers}>
          <Gradients stacks={answer} chosen={state.function} />
          <Silent stack={answer.relu} />
        </div>
      )}
    </>
  );
}

/** ‖dL/dh_l‖ by layer, relative to that at the output. */
function Gradients({ stacks, chosen }: { stacks: Stacks; chosen: FunctionName }) {
  const { t } = useTranslation('activations');
  const shade = useShade();
  const depth = stacks[chosen].reading.gradients.length - 1;
  const logs = FUNCTIONS.flatMap((name) => stacks[name].reading.gradients)
    .filter((value) => value > 0)
    .map(Math.log10);
  const [low, high] = [Math.max(-20, Math.min(-1, ...logs)) - 0.4, Math.max(1, ...logs) + 0.4];
  // The chosen one is drawn last, on top.
  const order = [...FUNCTIONS.filter((name) => name !== chosen), chosen];
  const data = order.map((name): Data => ({
    type: 'scatter',
    mode: name === chosen ? 'lines+markers' : 'lines',
    x: stacks[name].reading.gradients.map((_, layer) => layer),
    y: stacks[name].reading.gradients.map((value) => value || null),
    name: t(`names.${name}`),
    line: { color: hueOf(name, shade), width: name === chosen ? 4 : 1.8 },
    marker: { size: 7 },
    hovertemplate: '%{x}: %{y:.2~g}',
  }));

  return (
    <section aria-label={t('depth.gradients')}>
      <h3>{t('depth.gradients')}</h3>
      <Plot
        label={t('depth.gradients')}
        data={data}
        layout={{
          margin: { l: 56, r: 12, t: 6, b: 42 },
          xaxis: { title: { text: t('depth.layer') }, range: [-0.4, depth + 0.4], zeroline: false },
          yaxis: {
            type: 'log',
            exponentformat: 'power',
            range: [low, high],
            dtick: Math.ceil((high - low) / 6),
          },
        }}
      />
      <h3>{t('depth.arrives')}</h3>
      <ul className="activations-arrivals">
        {FUNCTIONS.map((name) => (
          <li key={name} data-chosen={name === chosen}>
            <i style={{ background: hueOf(name, shade) }} />
            <span>{t(`names.${name}`)}</span>
            <Proof
              evidence={evidenceOfStack(stacks[name])}
              name={t('depth.arrival', { name: t(`names.${name}`) })}
              value={stacks[name].reading.gradients[0] ?? NaN}
              reference={stacks[name].reference.gradients[0] ?? NaN}
            >
              {short(stacks[name].reading.gradients[0] ?? NaN)}
            </Proof>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The share of ReLU’s units that say nothing, by layer. */
function Silent({ stack }: { stack: StackResult }) {
  const { t, i18n } = useTranslation('activations');
  const { reading, reference } = stack;
  const depth = reading.dead.length - 1;
  const bars = (shares: readonly number[], color: string): Data => ({
    type: 'scatter',
    mode: 'lines',
    x: [0.5, ...shares.slice(1).map((_, i) => i + 0.5), depth + 0.5],
    y: [0, ...shares.slice(1), 0],
    line: { shape: 'hv', color, width: 2 },
    fill: 'tozeroy',
    fillcolor: `${color}55`,
    hoverinfo: 'skip',
  });
  const mean = ({ dead }: StackReading) => dead.slice(1).reduce((a, b) => a + b, 0) / depth;
  const rows = [
    ['deadAll', mean(reading), mean(reference)],
    ['deadLast', reading.dead[depth] ?? NaN, reference.dead[depth] ?? NaN],
    ['zerosLast', reading.zeros[depth] ?? NaN, reference.zeros[depth] ?? NaN],
  ] as const;

  return (
    <section aria-label={t('depth.silent')}>
      <h3>{t('depth.silent')}</h3>
      <Plot
        label={t('depth.silent')}
        data={[bars(reading.zeros, VALUE), bars(reading.dead, SLOPE)]}
        layout={{
          margin: { l: 44, r: 12, t: 6, b: 42 },
          xaxis: { title: { text: t('depth.layer') }, range: [0.3, depth + 0.7], zeroline: false },
          yaxis: { range: [0, 1.02], tickformat: '.0%', dtick: 0.25 },
        }}
      />
      <ul className="activations-key">
        <KeyItem color={VALUE}>{t('depth.zeros')}</KeyItem>
        <KeyItem color={SLOPE}>{t('depth.dead')}</KeyItem>
      </ul>
      <dl className="readings">
        {rows.map(([key, value, expected]) => (
          <Reading key={key} name={t(`depth.${key}`)}>
            <Proof
              evidence={evidenceOfStack(stack)}
              name={t(`depth.${key}`)}
              value={value}
              reference={expected}
            >
              {percent(value, i18n.language)}
            </Proof>
          </Reading>
        ))}
      </dl>
    </section>
  );
}

/** What went into a whole stack, and what ran. */
function evidenceOfStack({ question, answer }: StackResult): Evidence {
  const { x, layers, gradOutput } = question;
  return {
    by: answer.by,
    kernels: answer.kernels,
    operands: [
      { name: 'h0', ...x },
      ...layers.slice(0, 1).flatMap(({ weight, bias }) => [
        { name: 'W1', ...weight },
        { name: 'b1', ...bias },
      ]),
      { name: `dL/dh${layers.length}`, ...gradOutput },
      ...answer.gradients.slice(0, 1).map((gradient) => ({ name: 'dL/dh0', ...gradient })),
    ],
  };
}
