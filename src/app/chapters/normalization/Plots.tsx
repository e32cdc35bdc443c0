import type { Data } from 'plotly.js';
import { useTranslation } from 'react-i18next';
import { Plot } from '../../charts/Plot.tsx';
import type { Fate, Moments, Normalized } from './normalize.ts';

const OTHERS = 'rgba(128, 140, 146, 0.35)';
const LIT = '#d97006';
const AFTER = '#0e8fba';

/** Bins of the histograms; what lies outside is counted in the last ones. */
const RANGE = 6;
const BIN = 0.5;
const BINS = (2 * RANGE) / BIN;

/** Share of the values in each bin. */
export function sharesOf(values: readonly number[]): number[] {
  const counts = Array.from({ length: BINS }, () => 0);
  for (const value of values) {
    const bin = Math.floor((value + RANGE) / BIN);
    counts[Math.min(BINS - 1, Math.max(0, bin))]! += 1 / values.length;
  }
  return counts;
}

const steps = (values: readonly number[], color: string, opaque: boolean): Data => ({
  type: 'scatter',
  mode: 'lines',
  x: [-RANGE, ...sharesOf(values).map((_, i) => -RANGE + i * BIN), RANGE],
  y: [0, ...sharesOf(values), 0],
  line: { shape: 'hv', width: opaque ? 2 : 0, color },
  fill: 'tozeroy',
  fillcolor: opaque ? `${color}44` : color,
  hoverinfo: 'skip',
});

interface HistogramProps {
  label: string;
  title: string;
  values: ArrayLike<number>;
  members: readonly number[];
}

/** All elements, and before them those of one group. */
function Histogram({ label, title, values, members }: HistogramProps) {
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <Plot
        label={label}
        data={[
          steps(Array.from(values), OTHERS, false),
          steps(
            members.map((i) => values[i] ?? NaN),
            LIT,
            true,
          ),
        ]}
        layout={{
          margin: { l: 8, r: 8, t: 4, b: 22 },
          xaxis: { range: [-RANGE, RANGE], tickvals: [-5, 0, 5], automargin: false },
          yaxis: { visible: false, rangemode: 'tozero', automargin: false },
        }}
      />
    </figure>
  );
}

export function Histograms({ of, members }: { of: Normalized; members: readonly number[] }) {
  const { t } = useTranslation('normalization');
  return (
    <div className="histograms">
      {(
        [
          ['x', of.x.data],
          ['normalized', of.normalized.values],
          ['y', of.y.values],
        ] as const
      ).map(([stage, values]) => (
        <Histogram
          key={stage}
          label={t('plot.histogram', { stage: t(`stage.${stage}`) })}
          title={t(`stage.${stage}`)}
          values={values}
          members={members}
        />
      ))}
    </div>
  );
}

/** Mean and deviation of every group, of x and of y; the chosen group is marked. */
export function GroupPlot({ of, group }: { of: Normalized; group: number }) {
  const { t } = useTranslation('normalization');
  const trace = ({ mean, variance }: Moments, color: string, shift: number): Data => ({
    type: 'scatter',
    mode: 'markers',
    x: Array.from(mean, (_, i) => i + 1 + shift),
    y: Array.from(mean),
    error_y: {
      type: 'data',
      array: Array.from(variance, Math.sqrt),
      color,
      thickness: 1.5,
      width: 0,
    },
    marker: { color, size: mean.length > 64 ? 3 : 7 },
    hovertemplate: 'μ = %{y:.3f}<extra></extra>',
  });
  return (
    <>
      <Plot
        label={t('plot.groups')}
        data={[trace(of.moments.x, LIT, -0.12), trace(of.moments.y, AFTER, 0.12)]}
        layout={{
          margin: { l: 36, r: 10, t: 4, b: 40 },
          xaxis: {
            title: { text: t('plot.group') },
            range: [0.3, of.moments.x.mean.length + 0.7],
            ...(of.moments.x.mean.length <= 8 && { dtick: 1 }),
          },
          shapes: [
            {
              type: 'rect',
              xref: 'x',
              yref: 'paper',
              x0: group + 0.6,
              x1: group + 1.4,
              y0: 0,
              y1: 1,
              line: { width: 0 },
              fillcolor: OTHERS,
              layer: 'below',
            },
          ],
        }}
      />
      <ul className="plot-key">
        <li>
          <i style={{ borderTop: `3px solid ${LIT}` }} /> {t('plot.before')}
        </li>
        <li>
          <i style={{ borderTop: `3px solid ${AFTER}` }} /> {t('plot.after')}
        </li>
      </ul>
    </>
  );
}

/** One element of picture 0, normalized among other pictures each time, for each size of the batch. */
export function FatePlot({ fates, alone }: { fates: readonly Fate[]; alone: number | null }) {
  const { t } = useTranslation('normalization');
  const place = (size: number) => Math.log2(size);
  return (
    <>
      <Plot
        label={t('plot.fates')}
        data={[
          ...fates.map(({ size, values }): Data => ({
            type: 'scatter',
            mode: 'markers',
            x: values.map((_, k) => place(size) + ((k % 16) / 15 - 0.5) * 0.5),
            y: values,
            marker: { size: 4.5, color: LIT, opacity: 0.65 },
            hovertemplate: '%{y:.3f}<extra></extra>',
          })),
          {
            type: 'scatter',
            mode: 'lines',
            x: alone === null ? [] : [-0.5, place(32) + 0.5],
            y: alone === null ? [] : [alone, alone],
            line: { color: AFTER, width: 2.5, dash: 'dash' },
            hovertemplate: '%{y:.3f}<extra></extra>',
          },
        ]}
        layout={{
          margin: { l: 36, r: 10, t: 4, b: 40 },
          xaxis: {
            title: { text: t('plot.size') },
            tickvals: fates.map(({ size }) => place(size)),
            ticktext: fates.map(({ size }) => String(size)),
            range: [-0.5, place(32) + 0.5],
          },
        }}
      />
      <ul className="plot-key">
        <li>
          <i style={{ borderTop: `3px solid ${LIT}` }} /> {t('plot.fate')}
        </li>
        {alone !== null && (
          <li>
            <i style={{ borderTop: `3px dashed ${AFTER}` }} /> {t('plot.alone')}
          </li>
        )}
      </ul>
    </>
  );
}
