import type { Data } from 'plotly.js';
import { useTranslation } from 'react-i18next';
import type { SideRow } from '../../../worker/protocol.ts';
import { Plot } from '../../charts/Plot.tsx';
import { CHART_COLORS } from '../../charts/hooks.ts';
import { useShade } from '../../theme.ts';

/** Curves are means over the batches of so many last steps. */
const WINDOW = 20;

/** Of the network that joins, dashed: no network's of the experiment. */
const SECOND = { light: '#a3238e', dark: '#f08adf' } as const;

interface SideChartProps {
  rows: readonly SideRow[];
  /** Of the network that was there first, and of the one that joins it. */
  names: readonly [string, string];
  /** Of the first. */
  color: string;
  /** Steps at which something was done, drawn as lines. */
  marks: readonly number[];
}

/** The mean of the last values up to each place. */
function smooth(values: readonly number[]): number[] {
  return values.map((_, i) => {
    const last = values.slice(Math.max(0, i + 1 - WINDOW), i + 1);
    return last.reduce((a, b) => a + b, 0) / last.length;
  });
}

/** The training errors of two networks on the same batches. Until the second one joins, its past is that of the first. */
export function SideChart({ rows, names, color, marks }: SideChartProps) {
  const { t } = useTranslation('depth');
  const shade = useShade();
  const colors = CHART_COLORS[shade];
  const sides = [
    { name: names[0], color, dashed: false },
    { name: names[1], color: SECOND[shade], dashed: true },
  ];
  const joined = rows.findIndex(({ error }) => error.length > 1);
  const curves = sides.map((side, which): Data => {
    const errors = smooth(rows.map(({ error }) => error[which] ?? error[0] ?? NaN));
    const from = which === 0 ? 0 : joined < 0 ? rows.length : Math.max(0, joined - 1);
    return {
      type: 'scatter',
      mode: 'lines',
      name: side.name,
      x: rows.slice(from).map(({ iteration }) => iteration),
      y: errors.slice(from).map((error) => 100 * error),
      line: { color: side.color, width: 3, dash: side.dashed ? 'dash' : 'solid', simplify: false },
      hovertemplate: `${side.name}, %{x}: %{y:.1f} %<extra></extra>`,
    };
  });
  return (
    <>
      <Plot
        label={t('chart.label', { one: names[0], other: names[1] })}
        data={curves}
        layout={{
          xaxis: { title: { text: t('chart.steps') }, rangemode: 'tozero', zeroline: false },
          yaxis: { title: { text: t('chart.error') }, range: [0, 100] },
          shapes: [...new Set(marks)].map((x) => ({
            type: 'line' as const,
            ...{ x0: x, x1: x, y0: 0, y1: 1, yref: 'paper' as const },
            line: { color: colors.muted, width: 1.5, dash: 'dot' as const },
          })),
        }}
      />
      <ul className="plot-key">
        {sides.map(({ name, color, dashed }) => (
          <li key={name}>
            <i style={{ borderTop: `3px ${dashed ? 'dashed' : 'solid'} ${color}` }} />
            {name}
          </li>
        ))}
        <li>{t('chart.mean', { number: WINDOW })}</li>
      </ul>
    </>
  );
}
