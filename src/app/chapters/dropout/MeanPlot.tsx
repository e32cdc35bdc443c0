import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Plot } from '../../charts/Plot.tsx';
import { running } from '../running.ts';

interface MeanPlotProps {
  label: string;
  /** What every random pass gave. */
  outputs: ArrayLike<number>;
  /** So many of them have been drawn. */
  count: number;
  /** What the one pass at test time gives. */
  test: number;
}

/** Random passes as dots, their running mean with its band of ±2σ/√K, and the output at test time. */
export function MeanPlot({ label, outputs, count, test }: MeanPlotProps) {
  const { t } = useTranslation('dropout');
  const { mean, error } = useMemo(() => running(outputs), [outputs]);
  const values = Array.from(outputs);
  const [low, high] = [Math.min(test, ...values), Math.max(test, ...values)];
  const room = Math.max(0.06 * (high - low), 0.05);
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  const edge = (sign: 1 | -1) => ({
    type: 'scatter' as const,
    mode: 'lines' as const,
    x: numbers.slice(1),
    y: numbers.slice(1).map((_, i) => (mean[i + 1] ?? NaN) + sign * (error[i + 1] ?? NaN)),
    line: { width: 0, simplify: false },
    fill: sign > 0 ? ('tonexty' as const) : ('none' as const),
    fillcolor: 'rgba(14, 143, 186, 0.28)',
    hoverinfo: 'skip' as const,
  });

  return (
    <>
      <Plot
        label={label}
        data={[
          {
            type: 'scatter',
            mode: 'markers',
            x: numbers,
            y: values.slice(0, count),
            marker: { size: 3.5, color: 'rgba(128, 140, 146, 0.28)' },
            hoverinfo: 'skip',
          },
          edge(-1),
          edge(1),
          {
            type: 'scatter',
            mode: 'lines',
            x: [1, outputs.length],
            y: [test, test],
            line: { color: '#d97006', width: 2.5, dash: 'dash' },
            hovertemplate: '%{y:.3f}<extra></extra>',
          },
          {
            type: 'scatter',
            mode: 'lines',
            x: numbers,
            y: Array.from(mean).slice(0, count),
            line: { color: '#0e8fba', width: 3, simplify: false },
            hovertemplate: 'K = %{x}: %{y:.3f}<extra></extra>',
          },
          {
            type: 'scatter',
            mode: 'markers',
            x: [count],
            y: [mean[count - 1] ?? NaN],
            marker: { size: 9, color: '#0e8fba' },
            hoverinfo: 'skip',
          },
        ]}
        layout={{
          margin: { l: 40, r: 20, t: 6, b: 24 },
          xaxis: {
            type: 'log',
            automargin: false,
            range: [-0.03, Math.log10(outputs.length) + 0.03],
            tickvals: [1, 10, 100, 1000],
          },
          yaxis: { range: [low - room, high + room], nticks: 6 },
        }}
      />
      <ul className="plot-key">
        <li>
          <i data-line="mean" /> {t('plot.mean')}
        </li>
        <li>
          <i data-line="test" /> {t('plot.test')}
        </li>
        <li>
          <i data-line="pass" /> {t('plot.pass')}
        </li>
      </ul>
    </>
  );
}
