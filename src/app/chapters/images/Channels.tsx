import type { Instruments } from '../ask.ts';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { ChannelsAnswer } from '../../../worker/protocol.ts';
import { Plot } from '../../charts/Plot.tsx';
import { className } from '../../i18n/index.ts';
import { useAsked } from '../ask.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Choose } from '../controls.tsx';
import { Picture } from '../Picture.tsx';
import { Proof } from '../Proof.tsx';
import type { Evidence } from '../Proof.tsx';
import { Waiting } from '../Waiting.tsx';
import { decimals } from '../short.ts';
import type { State } from './index.tsx';

const STEPS = ['raw', 'centred', 'scaled'] as const;
const COLOURS = ['#d1495b', '#3a8f4e', '#2f6fc4'];
const GREY = '#7a868c';

/** Mean, deviation and histogram of every channel, before and after normalization. */
export function Channels({ state: { step, picture }, change }: InstrumentProps<State>) {
  const { t } = useTranslation('images');
  const ask = useCallback(
    async (instruments: Instruments) => ({
      step,
      ...(await instruments.channels(step, picture)),
    }),
    [step, picture],
  );
  const { answer, failure, waiting } = useAsked(ask);
  return (
    <>
      <div className="controls">
        <Choose
          name="step"
          label={t('step.label')}
          value={step}
          values={STEPS}
          nameOf={(value) => t(`step.${value}`)}
          onChange={(value) => change({ step: value })}
        />
      </div>
      <Waiting waiting={waiting && !answer} failure={failure} />
      {answer && <Shown answer={answer} />}
    </>
  );
}

function Shown({ answer }: { answer: ChannelsAnswer & { step: State['step'] } }) {
  const { t } = useTranslation('images');
  const { channels, statistics, picture, set, step, by, kernels, bytes, reference } = answer;
  const [from, to] = answer.range;
  const name = (c: number) =>
    channels.length === 3
      ? t(`channel.${(['r', 'g', 'b'] as const)[c] ?? 'r'}`)
      : t('channel.grey');
  const colour = (c: number) => (channels.length === 3 ? (COLOURS[c] ?? GREY) : GREY);
  const label = className(set.classes[picture.label] ?? '');
  // Mean and deviation are exact sums of bytes in float64, whoever normalizes.
  const counted = { name: t('bytes', { number: set.counted }), ...bytes };
  const sums: Evidence = { by: 'reference', kernels: [], operands: [counted] };
  const scales = (['mean', 'std'] as const).map((key) => ({
    name: key === 'mean' ? 'μ' : 'σ',
    shape: [channels.length],
    data: statistics[key],
  }));
  const normalized: Evidence = { by, kernels, operands: [counted, ...scales] };
  // As it would look if numbers were colours: 0 is black, 1 is white.
  const asNumbers = { mean: statistics.mean.map(() => 0), std: statistics.std.map(() => 1) };
  const before = undone(picture.x, step, statistics);
  return (
    <div className="images-channels">
      <div className="images-top">
        <div className="images-pair">
          <figure>
            <Picture of={before} statistics={asNumbers} label={`${t('before')}: ${label}`} />
            <figcaption>{t('before')}</figcaption>
          </figure>
          <figure>
            <Picture
              of={picture.x}
              statistics={shadesOf(step, channels.length)}
              label={`${t(`after.${step}`)}: ${label}`}
            />
            <figcaption>{t(`after.${step}`)}</figcaption>
          </figure>
        </div>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('channel.label')}</th>
              <th scope="col">μ</th>
              <th scope="col">σ</th>
              <th scope="col">{t('meanAfter')}</th>
              <th scope="col">{t('deviationAfter')}</th>
            </tr>
          </thead>
          <tbody>
            {channels.map(({ mean, deviation }, c) => (
              <tr key={c}>
                <th scope="row" style={{ borderColor: colour(c) }}>
                  {name(c)}
                </th>
                {(
                  [
                    ['μ', statistics.mean[c], statistics.mean[c], sums],
                    ['σ', statistics.std[c], statistics.std[c], sums],
                    [t('meanAfter'), mean, reference[c]?.mean, normalized],
                    [t('deviationAfter'), deviation, reference[c]?.deviation, normalized],
                  ] as const
                ).map(([what, value = NaN, expected = NaN, evidence]) => (
                  <td key={what}>
                    <Proof
                      name={`${name(c)}: ${what}`}
                      {...{ value, evidence }}
                      reference={expected}
                    >
                      {decimals(value, 4)}
                    </Proof>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Plot
        label={t('histogram')}
        data={channels.map(({ bins }, c) => ({
          type: 'scatter',
          mode: 'lines',
          name: name(c),
          x: bins.counts.map((_, i) => bins.from + (i + 0.5) * bins.width),
          y: bins.counts,
          line: { color: colour(c), width: 2, shape: 'hvh' },
          hovertemplate: '%{x:.2f}: %{y}<extra></extra>',
        }))}
        layout={{ xaxis: { range: [from, to] }, yaxis: { rangemode: 'tozero' } }}
      />
      <p className="quietly">
        {t(by === 'gpu' ? 'counted.gpu' : 'counted.reference', { number: set.counted })}
      </p>
    </div>
  );
}

/** How numbers are shown as shades: as they are, or with 0 as grey and two and a half deviations to black and to white. */
function shadesOf(step: State['step'], channels: number): ChannelsAnswer['statistics'] {
  const [mean, std] = { raw: [0, 1], centred: [0.5, 0.5], scaled: [0.5, 0.2] }[step];
  const all = (value = 0) => Array.from({ length: channels }, () => value);
  return { mean: all(mean), std: all(std) };
}

/** The picture before the step, from what came of it. */
function undone(
  x: ChannelsAnswer['picture']['x'],
  step: State['step'],
  { mean, std }: ChannelsAnswer['statistics'],
) {
  const [, , h = 1, w = 1] = x.shape;
  const data = x.data.map((value, i) => {
    const c = Math.floor(i / (h * w));
    if (step === 'raw') return value;
    return value * (step === 'scaled' ? (std[c] ?? 1) : 1) + (mean[c] ?? 0);
  });
  return { shape: x.shape, data };
}
