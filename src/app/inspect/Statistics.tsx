import type { Data, Layout } from 'plotly.js';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Description, NormObservation, StatisticsAnswer } from '../../worker/protocol.ts';
import { Plot } from '../charts/Plot.tsx';
import { integer, significant } from '../format.ts';
import { errorSentence } from '../i18n/index.ts';
import { useShade } from '../theme.ts';
import { useInspected } from './ask.ts';
import type { Inspector } from './ask.ts';
import { stripOf, withLook } from './history.ts';
import { signed } from './paint.ts';
import { Pixels } from './Pixels.tsx';

const BINS = 48;
const COLORS = { first: '#0e8fba', second: '#d97006' } as const;

/** Weights, activations and gradients of a network in the training step that it makes next. */
export function Statistics({ network, layer }: { network: string; layer: string }) {
  const { t } = useTranslation('inspect');
  const [history, setHistory] = useState<StatisticsAnswer[]>([]);
  const ask = useCallback(
    async (inspector: Inspector, following: boolean) => {
      const look = await inspector.statistics(network, following);
      if (look) setHistory((before) => withLook(before, look));
      return look;
    },
    [network],
  );
  const { failure } = useInspected(ask, true);
  if (failure) return <p role="alert">{errorSentence(failure)}</p>;
  const last = history.at(-1);
  if (last?.network !== network) return <p role="status">{t('waiting')}</p>;

  return (
    <div className="inspect-statistics">
      <Depth look={last} />
      <Tensors history={history} layer={layer} />
      <Norm look={last} layer={layer} />
    </div>
  );
}

/** Weights of convolutions and linear layers; those of norms are scales, and stand with their layer. */
const weightsOf = ({ layers, parameters }: StatisticsAnswer) =>
  layers.flatMap(({ path, op }) =>
    op === 'conv2d' || op === 'linear'
      ? parameters.filter(({ name }) => name === `${path}.weight`)
      : [],
  );

/** ‖∇W‖ and ‖ΔW‖ / ‖W‖ of every layer with weights, and dead channels behind every ReLU. */
function Depth({ look }: { look: StatisticsAnswer }) {
  const { t, i18n } = useTranslation('inspect');
  const weights = weightsOf(look);
  const names = weights.map(({ name }) => name.replace(/\.weight$/, ''));
  const series = [
    {
      id: 'gradient',
      title: t('statistics.gradient'),
      values: weights.map(({ gradient }) => gradient.norm),
      color: COLORS.first,
    },
    {
      id: 'update',
      title: t('statistics.update'),
      values: weights.map(({ update, value }) => update.norm / value.norm),
      color: COLORS.second,
    },
  ];
  const rectified = look.layers.filter(
    ({ op, output }) => op === 'relu' && output.dead !== undefined,
  );
  const dead = rectified.reduce((sum, { output }) => sum + (output.dead ?? 0), 0);
  return (
    <section aria-labelledby="depth-title">
      <h3 id="depth-title">
        {t('statistics.depth', { iteration: integer(look.iteration + 1, i18n.language) })}
      </h3>
      <div className="inspect-pair">
        {series.map(({ id, title, values, color }) => (
          <figure key={id}>
            <figcaption>{title}</figcaption>
            <Plot
              className="inspect-plot"
              label={`${title}: ${listed(names, values)}`}
              data={[
                {
                  type: 'scatter',
                  mode: 'lines+markers',
                  x: names.map((_, i) => i + 1),
                  y: values.map((value) => (value > 0 ? value : null)),
                  text: names,
                  line: { color, width: 2 },
                  marker: { color, size: 6, symbol: id === 'gradient' ? 'circle' : 'square' },
                  hovertemplate: '%{text}: %{y:.3~g}<extra></extra>',
                },
              ]}
              layout={DEPTH_LAYOUT(t('statistics.layer'))}
            />
          </figure>
        ))}
        {rectified.length > 0 && (
          <figure>
            <figcaption>
              {t('statistics.dead')} <output data-testid="dead">{dead}</output>
            </figcaption>
            <Plot
              className="inspect-plot"
              label={`${t('statistics.dead')} ${listed(
                rectified.map(({ path }) => path),
                rectified.map(({ output }) => output.dead ?? 0),
              )}`}
              data={[
                {
                  type: 'bar',
                  x: rectified.map((_, i) => i + 1),
                  y: rectified.map(({ output }) => output.dead ?? 0),
                  text: rectified.map(({ path }) => path),
                  textposition: 'none',
                  marker: { color: COLORS.first },
                  hovertemplate: '%{text}: %{y}<extra></extra>',
                },
              ]}
              layout={{
                margin: { l: 40, r: 8, t: 6, b: 38 },
                xaxis: { title: { text: 'ReLU' } },
                yaxis: { rangemode: 'tozero', tickformat: 'd', ...(dead < 6 && { dtick: 1 }) },
              }}
            />
          </figure>
        )}
      </div>
      <p className="quietly">{t('statistics.how')}</p>
    </section>
  );
}

const DEPTH_LAYOUT = (title: string): Partial<Layout> => ({
  margin: { l: 52, r: 8, t: 6, b: 38 },
  xaxis: { title: { text: title }, zeroline: false },
  yaxis: { type: 'log', exponentformat: 'power' },
});

/** Numbers with their names, for those who do not see the plot. */
const listed = (names: readonly string[], values: readonly number[]): string =>
  names.map((name, i) => `${name} ${exponent(values[i] ?? NaN)}`).join(', ');

/** Outputs, gradients and parameters of one layer: the histogram now, and how it changed. */
function Tensors({ history, layer }: { history: readonly StatisticsAnswer[]; layer: string }) {
  const { t } = useTranslation('inspect');
  const series = (of: (look: StatisticsAnswer) => Description | undefined) =>
    history.flatMap((look) => of(look) ?? []);
  const layerOf = (look: StatisticsAnswer) => look.layers.find(({ path }) => path === layer);
  const own = history.at(-1)?.parameters.filter(({ name }) => name.startsWith(`${layer}.`)) ?? [];
  const tensors = [
    { id: 'output', title: t('statistics.output'), of: series((look) => layerOf(look)?.output) },
    {
      id: 'outputGradient',
      title: t('statistics.outputGradient'),
      of: series((look) => layerOf(look)?.gradient),
    },
    ...own.flatMap(({ name }) => {
      const local = name.slice(layer.length + 1);
      const parameterOf = (look: StatisticsAnswer) =>
        look.parameters.find((parameter) => parameter.name === name);
      return [
        { id: name, title: local, of: series((look) => parameterOf(look)?.value) },
        {
          id: `${name} gradient`,
          title: t('statistics.gradientOf', { name: local }),
          of: series((look) => parameterOf(look)?.gradient),
        },
      ];
    }),
  ].filter(({ of }) => of.length > 0);
  const iterations = history.map(({ iteration }) => iteration);
  return (
    <section aria-labelledby="tensors-title">
      <h3 id="tensors-title">{t('statistics.tensors', { layer })}</h3>
      <div className="inspect-strips">
        {tensors.map(({ id, title, of }) => (
          <Heat key={id} title={title} described={of} iterations={iterations} />
        ))}
      </div>
      <p className="quietly">{t('statistics.strip')}</p>
    </section>
  );
}

/** Time goes to the right, value upwards; the darker, the more elements lie there. */
function Heat({
  title,
  described,
  iterations,
}: {
  title: string;
  described: readonly Description[];
  iterations: readonly number[];
}) {
  const { t, i18n } = useTranslation('inspect');
  const shade = useShade();
  const { columns, low, high } = stripOf(described, BINS);
  const last = described.at(-1);
  const most = Math.max(...columns.flat());
  const paint = (x: number, y: number) => {
    const share = columns[x]?.[BINS - 1 - y] ?? 0;
    // A square root lets thin tails be seen beside the peak.
    return { colour: signed(Math.sqrt(share / most), shade) };
  };
  if (!last) return null;
  const number = (value: number) => significant(value, i18n.language);
  const span = `${iterations[0] ?? 0} … ${iterations.at(-1) ?? 0}`;
  return (
    <figure className="inspect-heat">
      <figcaption>{title}</figcaption>
      <div className="inspect-heat-frame">
        <span>{exponent(high)}</span>
        <span>{exponent(low)}</span>
        <Pixels
          width={columns.length}
          height={BINS}
          label={t('statistics.heat', { title, span, low: exponent(low), high: exponent(high) })}
          paint={paint}
        />
      </div>
      <dl className="inspect-facts">
        <div>
          <dt>{t('statistics.mean')}</dt>
          <dd>{exponent(last.mean)}</dd>
        </div>
        <div>
          <dt>{t('statistics.deviation')}</dt>
          <dd>{exponent(last.deviation)}</dd>
        </div>
        <div>
          <dt>{t('statistics.zeros')}</dt>
          <dd>{number((100 * last.zeros) / last.count)} %</dd>
        </div>
      </dl>
    </figure>
  );
}

/** Three digits of any size: gradients are often small. */
const exponent = (value: number): string =>
  value !== 0 && (Math.abs(value) < 0.01 || Math.abs(value) >= 1e4)
    ? value.toExponential(1)
    : String(Number(value.toPrecision(3)));

/** Running against batch statistics of the batch norm that the layer is, or that follows it. */
function Norm({ look, layer }: { look: StatisticsAnswer; layer: string }) {
  const { t } = useTranslation('inspect');
  const norm = normAt(look, layer);
  if (!norm) return null;
  const moments = ['mean', 'variance'] as const;
  return (
    <section aria-labelledby="norm-title">
      <h3 id="norm-title">{t('norm.title', { layer: norm.path })}</h3>
      <div className="inspect-pair">
        {moments.map((moment) => {
          const [x, y] = [norm.running[moment], norm.batch[moment]];
          const ends = [Math.min(...x, ...y), Math.max(...x, ...y)];
          const data: Data[] = [
            {
              type: 'scatter',
              mode: 'lines',
              x: ends,
              y: ends,
              line: { color: '#8a969b', width: 1, dash: 'dot' },
              hoverinfo: 'skip',
            },
            {
              type: 'scatter',
              mode: 'markers',
              x,
              y,
              text: x.map((_, channel) => t('maps.channel', { channel })),
              marker: { color: COLORS.first, size: 7 },
              hovertemplate: '%{text}: %{x:.3~g}, %{y:.3~g}<extra></extra>',
            },
          ];
          return (
            <figure key={moment}>
              <figcaption>{t(`norm.${moment}`)}</figcaption>
              <Plot
                className="inspect-plot"
                label={t('norm.label', { moment: t(`norm.${moment}`), layer: norm.path })}
                data={data}
                layout={{
                  margin: { l: 52, r: 8, t: 6, b: 38 },
                  xaxis: { title: { text: t('norm.running') }, zeroline: false },
                  yaxis: { title: { text: t('norm.batch') }, zeroline: false },
                }}
              />
            </figure>
          );
        })}
      </div>
      <p className="quietly">{t('norm.how')}</p>
    </section>
  );
}

function normAt({ layers, norms }: StatisticsAnswer, layer: string): NormObservation | undefined {
  const from = layers.findIndex(({ path }) => path === layer);
  const next = layers.slice(Math.max(0, from)).find(({ op }) => op === 'batch_norm');
  return norms.find(({ path }) => path === next?.path);
}
