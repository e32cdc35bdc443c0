import type { Data } from 'plotly.js';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Plot } from '../charts/Plot.tsx';
import { networkStyles } from '../palette.ts';
import { useShade } from '../theme.ts';
import type { Found } from './ask.ts';

/** Loss along the lines: a curve a network, wired as that network all along. */
export function Line({ found, logarithmic }: { found: readonly Found[]; logarithmic: boolean }) {
  const { t } = useTranslation('surface');
  const shade = useShade();
  const data = useMemo(() => {
    const styles = networkStyles(
      found.map(({ question }) => question.network),
      shade,
    );
    return found.map(({ question: { network, along }, points }, i): Data => {
      // Between two networks both curves run from the left one to the right one.
      const turned = i === 1 && along.kind === 'line' && along.to !== null;
      const curve = points
        .map(({ x, loss }) => ({ x: turned ? 1 - x : x, loss }))
        .toSorted((a, b) => a.x - b.x);
      const style = styles.get(network);
      return {
        type: 'scatter',
        mode: 'lines+markers',
        name: network,
        x: curve.map(({ x }) => x),
        y: curve.map(({ loss }) => loss),
        ...(style && {
          line: { color: style.color, width: 2.5 },
          marker: { symbol: style.shape.symbol + (style.solid ? '' : '-open'), size: 8 },
        }),
        hovertemplate: `${network}: %{y:.3g}<extra></extra>`,
      };
    });
  }, [found, shade]);
  const [first] = found;
  const to = first?.question.along.kind === 'line' ? first.question.along.to : null;
  const from = to === null ? t('now') : first?.question.network;
  return (
    <figure aria-label={t('lineFigure')}>
      <Plot
        label={t('lineFigure')}
        data={data}
        layout={{
          showlegend: true,
          legend: { orientation: 'h', y: 1.12 },
          hovermode: 'x',
          xaxis: { title: { text: t('lineAxis', { from, to: to ?? t('to.start') }) } },
          yaxis: {
            title: { text: t('loss') },
            type: logarithmic ? 'log' : 'linear',
          },
        }}
      />
    </figure>
  );
}
