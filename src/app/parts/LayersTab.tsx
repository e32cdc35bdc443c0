import type { Data } from 'plotly.js';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import type { WatchedLayer } from '../../worker/protocol.ts';
import { Plot } from '../charts/Plot.tsx';
import { useLab, useLabGlance } from '../context.ts';
import { networkStyles } from '../palette.ts';
import { useShade } from '../theme.ts';
import { InfoTip } from './controls.tsx';

const MEASURES = ['deviation', 'gradient', 'update'] as const satisfies (keyof WatchedLayer)[];

/** Whole decades around all values, with a tick at every one, or at every second or third where they are many. */
function decades(values: readonly number[]): { range: [number, number]; dtick: number } {
  const exponents = values.filter((value) => value > 0 && Number.isFinite(value)).map(Math.log10);
  if (exponents.length === 0) return { range: [-3, 0], dtick: 1 };
  const low = Math.floor(Math.min(...exponents));
  const high = Math.max(low + 1, Math.ceil(Math.max(...exponents)));
  return { range: [low, high], dtick: Math.ceil((high - low) / 3) };
}

/** Layer by layer, live: what goes forward, what comes back, and how much a step changes. */
export function LayersTab() {
  const { t } = useTranslation();
  const watch = useLab((state) => state.watch);
  const ids = useLab((state) => state.config.networks);
  const hidden = useLab((state) => state.hidden);
  const watched = useLabGlance((state) => state.watched);
  const styles = networkStyles(ids, useShade());
  const shown = ids.filter((id) => !hidden.includes(id) && watched[id]);
  const deepest = Math.max(1, ...shown.map((id) => watched[id]?.layers.length ?? 0));

  useEffect(() => {
    watch(true);
    return () => watch(false);
  }, [watch]);

  const valuesOf = (measure: (typeof MEASURES)[number]) =>
    shown.flatMap((id) => (watched[id]?.layers ?? []).map((layer) => layer[measure]));
  const curves = (measure: (typeof MEASURES)[number]): Data[] =>
    shown.flatMap((id): Data[] => {
      const style = styles.get(id);
      const { layers = [], iteration = 0 } = watched[id] ?? {};
      if (!style) return [];
      return [
        {
          type: 'scatter',
          mode: 'lines+markers',
          name: id,
          x: layers.map((_, index) => index + 1),
          // A logarithmic axis has no place for zero.
          y: layers.map((layer) => layer[measure] || null),
          text: layers.map(({ path }) => path),
          line: { color: style.color, width: 1.5 },
          marker: {
            symbol: style.shape.symbol + (style.solid ? '' : '-open'),
            color: style.color,
            size: 5,
          },
          hovertemplate: `<b>${id}</b> %{text}: %{y:.2e} (${t('layers.at', { iteration })})<extra></extra>`,
        },
      ];
    });

  return (
    <div className="layers-tab">
      <p className="hint">{shown.length === 0 ? t('layers.waiting') : t('layers.hint')}</p>
      {MEASURES.map((measure) => (
        <section key={measure}>
          <h3>
            {t(`layers.${measure}.title`)}{' '}
            <InfoTip label={t(`layers.${measure}.title`)} text={t(`layers.${measure}.tip`)} />
          </h3>
          <Plot
            label={t('layers.plot', { measure: t(`layers.${measure}.title`) })}
            data={curves(measure)}
            layout={{
              margin: { l: 42, r: 8, t: 4, b: 22 },
              xaxis: { range: [0.5, deepest + 0.5], nticks: 8 },
              yaxis: {
                type: 'log',
                exponentformat: 'power',
                ...decades(valuesOf(measure)),
                tickfont: { size: 12 },
              },
            }}
          />
        </section>
      ))}
    </div>
  );
}
