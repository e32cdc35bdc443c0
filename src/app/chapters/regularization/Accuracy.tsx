import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { Plot } from '../../charts/Plot.tsx';
import type { AccuracyAnswer } from '../../../worker/protocol.ts';
import type { Instruments } from '../ask.ts';
import { LateProof, evidenceOfNetwork } from '../Proof.tsx';
import { useTrained } from '../training.ts';
import type { Listener } from '../training.ts';
import { Waiting } from '../Waiting.tsx';
import type { State } from './index.tsx';

const PASSES = 24;

/** Accuracy of the mean over K random passes on a test set, against K. */
export function Accuracy({ state: { source, seed } }: { state: State }) {
  const { t } = useTranslation('regularization');
  const ask = useCallback(
    async (instruments: Instruments, training: Listener, drawing: Listener) => {
      const asked = { source, seed };
      const question = { ...asked, count: PASSES, by: 'gpu' as const };
      return { asked, ...(await instruments.accuracy(question, training, drawing)) };
    },
    [source, seed],
  );
  const { answer, failure, waiting, going } = useTrained(ask);
  /** A share that can be asked where it comes from; `of` finds it in an answer of `passes` passes. */
  const proof = (
    what: string,
    passes: number,
    of: (answer: AccuracyAnswer) => number | undefined,
  ) =>
    answer && (
      <LateProof
        name={what}
        value={of(answer) ?? NaN}
        ask={async (instruments, training, drawing) => {
          const question = { ...answer.asked, count: passes, by: 'reference' as const };
          const reference = of(await instruments.accuracy(question, training, drawing)) ?? NaN;
          const operands = [
            { name: 'x', ...answer.x },
            { name: 'seed of z', shape: [1], data: [answer.asked.seed] },
          ];
          return { evidence: evidenceOfNetwork(answer, operands), reference };
        }}
      >
        {percent(of(answer))}
      </LateProof>
    );
  const percent = (share = NaN) => `${(100 * share).toFixed(1)} %`;
  return (
    <>
      <Waiting {...{ waiting, going, failure }} before="preparing" />
      {answer && (
        <>
          <dl className="readings regularization-readings">
            <div>
              <dt>{t('accuracy.one')}</dt>
              <dd>{proof(t('accuracy.one'), 1, ({ byDraws }) => byDraws[0])}</dd>
            </div>
            <div>
              <dt>{t('accuracy.all', { number: answer.byDraws.length })}</dt>
              <dd>
                {proof(t('accuracy.all', { number: PASSES }), PASSES, ({ byDraws }) =>
                  byDraws.at(-1),
                )}
              </dd>
            </div>
            <div>
              <dt>{t('plain')}</dt>
              <dd>{proof(t('plain'), 0, ({ plain }) => plain)}</dd>
            </div>
          </dl>
          <Plot
            label={t('accuracy.plot')}
            data={[
              {
                type: 'scatter',
                mode: 'lines',
                x: [1, answer.byDraws.length],
                y: [100 * answer.plain, 100 * answer.plain],
                line: { color: '#d97006', width: 2.5, dash: 'dash' },
                hovertemplate: '%{y:.1f} %<extra></extra>',
              },
              {
                type: 'scatter',
                mode: 'lines+markers',
                x: answer.byDraws.map((_, k) => k + 1),
                y: answer.byDraws.map((share) => 100 * share),
                line: { color: '#0e8fba', width: 3 },
                hovertemplate: 'K = %{x}: %{y:.1f} %<extra></extra>',
              },
            ]}
            layout={{
              xaxis: { title: { text: 'K' } },
              yaxis: { title: { text: t('accuracy.axis') } },
            }}
          />
          <ul className="regularization-key">
            <li data-line="mean">{t('accuracy.mean')}</li>
            <li data-line="plain">{t('key.plain')}</li>
          </ul>
          <p className="quietly">{t('accuracy.set', { number: answer.count })}</p>
        </>
      )}
    </>
  );
}
