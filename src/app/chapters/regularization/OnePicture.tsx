import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { DrawsAnswer } from '../../../worker/protocol.ts';
import { Plot } from '../../charts/Plot.tsx';
import { className } from '../../i18n/index.ts';
import type { Instruments } from '../ask.ts';
import { Picture } from '../Picture.tsx';
import { LateProof, evidenceOfNetwork } from '../Proof.tsx';
import { running } from '../running.ts';
import { useTrained } from '../training.ts';
import type { Listener } from '../training.ts';
import { Waiting } from '../Waiting.tsx';
import { DRAWS } from './index.tsx';
import type { State } from './index.tsx';

/** Random predictions for one picture: their spread, their running mean, and the deterministic pass. */
export function OnePicture({ state }: { state: State }) {
  const { picture, source, seed } = state;
  const ask = useCallback(
    async (instruments: Instruments, training: Listener, drawing: Listener) => {
      const asked = { picture, source, seed };
      const question = { ...asked, count: DRAWS, by: 'gpu' as const };
      return { asked, ...(await instruments.draws(question, training, drawing)) };
    },
    [picture, source, seed],
  );
  const { answer, failure, waiting, going } = useTrained(ask);
  return (
    <>
      <Waiting {...{ waiting, going, failure }} before="preparing" />
      {answer && <Shown answer={answer} count={state.draws} />}
    </>
  );
}

interface ShownProps {
  answer: DrawsAnswer & { asked: Pick<State, 'picture' | 'source' | 'seed'> };
  /** So many draws are shown. */
  count: number;
}

function Shown({ answer, count }: ShownProps) {
  const { t } = useTranslation('regularization');
  const { asked, classes, picture, statistics, plain } = answer;
  const name = (label: number) => className(classes[label] ?? '');
  const { label } = picture;
  const values = probabilitiesOf(answer);
  const { mean, error } = running(values);
  const deterministic = plain[label] ?? NaN;
  const evidence = evidenceOfNetwork(answer, [
    { name: 'x', ...picture.x },
    { name: 'seed of z', shape: [1], data: [asked.seed] },
  ]);
  /** A number in three digits that can be asked where it comes from; `of` finds it in an answer with enough draws. */
  const proof = (what: string, most: number, of: (answer: DrawsAnswer) => number) => (
    <LateProof
      name={what}
      value={of(answer)}
      ask={async (instruments, training, drawing) => {
        const question = { ...asked, count: most, by: 'reference' as const };
        const reference = of(await instruments.draws(question, training, drawing));
        return { evidence, reference };
      }}
    >
      {of(answer).toFixed(3)}
    </LateProof>
  );
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  const edge = (sign: 1 | -1) => ({
    type: 'scatter' as const,
    mode: 'lines' as const,
    x: numbers.slice(1),
    y: numbers.slice(1).map((k) => (mean[k - 1] ?? NaN) + sign * (error[k - 1] ?? NaN)),
    line: { width: 0, simplify: false },
    fill: sign > 0 ? ('tonexty' as const) : ('none' as const),
    fillcolor: 'rgba(14, 143, 186, 0.28)',
    hoverinfo: 'skip' as const,
  });
  const best = plain.indexOf(Math.max(...plain));
  return (
    <div className="regularization-one">
      <figure>
        <Picture of={picture.x} statistics={statistics} label={name(label)} />
        <figcaption>{t('truth', { name: name(label) })}</figcaption>
      </figure>
      <dl className="readings">
        <div>
          <dt>{t('single', { number: count })}</dt>
          <dd>
            {proof(
              t('single', { number: count }),
              count,
              (of) => probabilitiesOf(of)[count - 1] ?? NaN,
            )}
          </dd>
        </div>
        <div>
          <dt>{t('mean', { number: count })}</dt>
          <dd>
            {proof(
              t('mean', { number: count }),
              count,
              (of) => running(probabilitiesOf(of)).mean[count - 1] ?? NaN,
            )}
            {count > 1 && (
              <>
                {' ± '}
                {proof(
                  t('error', { number: count }),
                  count,
                  (of) => running(probabilitiesOf(of)).error[count - 1] ?? NaN,
                )}
              </>
            )}
          </dd>
        </div>
        <div>
          <dt>{t('plain')}</dt>
          <dd>
            {proof(t('plain'), 0, (of) => of.plain[label] ?? NaN)}{' '}
            <small>{t('says', { name: name(best) })}</small>
          </dd>
        </div>
      </dl>
      <Plot
        label={t('plot', { name: name(label) })}
        data={[
          {
            type: 'scatter',
            mode: 'markers',
            x: numbers,
            y: values.slice(0, count),
            marker: { size: 5, color: 'rgba(128, 140, 146, 0.45)' },
            hovertemplate: 'k = %{x}: %{y:.3f}<extra></extra>',
          },
          edge(-1),
          edge(1),
          {
            type: 'scatter',
            mode: 'lines',
            x: [1, DRAWS],
            y: [deterministic, deterministic],
            line: { color: '#d97006', width: 2.5, dash: 'dash' },
            hovertemplate: '%{y:.3f}<extra></extra>',
          },
          {
            type: 'scatter',
            mode: 'lines+markers',
            x: numbers,
            y: [...mean].slice(0, count),
            line: { color: '#0e8fba', width: 3, simplify: false },
            marker: { size: count === 1 ? 9 : 1, color: '#0e8fba' },
            hovertemplate: 'K = %{x}: %{y:.3f}<extra></extra>',
          },
        ]}
        layout={{
          xaxis: {
            type: 'log',
            range: [-0.03, Math.log10(DRAWS) + 0.03],
            tickvals: [1, 10, 100],
            title: { text: 'K' },
          },
          yaxis: { range: [-0.03, 1.03] },
        }}
      />
      <ul className="regularization-key">
        <li data-line="mean">{t('key.mean')}</li>
        <li data-line="plain">{t('key.plain')}</li>
        <li data-line="single">{t('key.single')}</li>
      </ul>
      <p className="quietly">{t('network')}</p>
    </div>
  );
}

/** Probability of the right class in each draw. */
function probabilitiesOf({ draws, classes, picture }: DrawsAnswer): number[] {
  const [count = 0] = draws.shape;
  return Array.from(
    { length: count },
    (_, k) => draws.data[k * classes.length + picture.label] ?? NaN,
  );
}
