import type { Data } from 'plotly.js';
import { useTranslation } from 'react-i18next';
import { Plot } from '../../charts/Plot.tsx';
import type { SignalLayer } from '../../../worker/protocol.ts';
import type { Prediction } from './theory.ts';

const COLORS = { forward: '#0e8fba', backward: '#d97006' } as const;
const PHASES = ['forward', 'backward'] as const;

interface DepthPlotProps {
  layers: readonly SignalLayer[];
  prediction: Prediction;
}

/** Deviations of outputs and of gradients by layer, on a logarithmic axis, and what theory expects. */
export function DepthPlot({ layers, prediction }: DepthPlotProps) {
  const { t } = useTranslation('initialization');
  const data = PHASES.flatMap((phase): Data[] => {
    const measured = layers
      .filter((layer) => layer.phase === phase)
      .sort((a, b) => a.layer - b.layer);
    return [
      {
        type: 'scatter',
        mode: 'lines',
        x: prediction[phase].map((_, layer) => layer),
        y: prediction[phase],
        line: { color: COLORS[phase], width: 2, dash: 'dash' },
        hoverinfo: 'skip',
      },
      {
        type: 'scatter',
        mode: 'markers',
        x: measured.map(({ layer }) => layer),
        y: measured.map(({ description }) => description.deviation || null),
        marker: {
          size: 10,
          color: COLORS[phase],
          symbol: phase === 'forward' ? 'circle' : 'square',
        },
        hovertemplate: '%{x}: %{y:.3~g}<extra></extra>',
      },
    ];
  });
  // Where theory and measurement stay near 1, an axis of at least two powers of ten keeps noise small.
  const logs = PHASES.flatMap((phase) => [
    ...prediction[phase],
    ...layers.map(({ description }) => description.deviation),
  ])
    .filter((value) => value > 0)
    .map(Math.log10);
  const [low, high] = [Math.min(-1, ...logs) - 0.2, Math.max(1, ...logs) + 0.2];

  return (
    <figure>
      <Plot
        label={t('plot.label')}
        data={data}
        layout={{
          margin: { l: 52, r: 12, t: 6, b: 42 },
          xaxis: {
            title: { text: t('plot.layer') },
            dtick: 1,
            range: [-0.3, 10.3],
            zeroline: false,
          },
          yaxis: {
            type: 'log',
            exponentformat: 'power',
            range: [low, high],
            dtick: Math.ceil((high - low) / 6),
          },
        }}
      />
      <ul className="initialization-key">
        {PHASES.map((phase) => (
          <li key={phase} data-kind={phase}>
            <i /> {t(`plot.${phase}`)}
          </li>
        ))}
        <li>
          <i data-line="theory" /> {t('plot.theory')}
        </li>
      </ul>
    </figure>
  );
}
