import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { CropsAnswer } from '../../../worker/protocol.ts';
import { className } from '../../i18n/index.ts';
import { Segmented } from '../../parts/controls.tsx';
import type { Instruments } from '../ask.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Control } from '../controls.tsx';
import { Picture } from '../Picture.tsx';
import { LateProof, evidenceOfNetwork } from '../Proof.tsx';
import { useTrained } from '../training.ts';
import type { Listener } from '../training.ts';
import { Waiting } from '../Waiting.tsx';
import type { State } from './index.tsx';

/** Short sides as multiples of the training size; the first is the paper's 256/224. */
const SCALES = [1.14, 1.25, 1.5];
const COUNTS = ['1', '2', '3'] as const;

/** Corners and centre, mirrored or not: each crop's prediction, and their average. */
export function Crops({ state: { picture, scales }, change }: InstrumentProps<State>) {
  const { t } = useTranslation('images');
  const ask = useCallback(
    async (instruments: Instruments, training: Listener) => {
      const asked = { picture, scales: SCALES.slice(0, scales) };
      return { asked, ...(await instruments.crops({ ...asked, by: 'gpu' }, training)) };
    },
    [picture, scales],
  );
  const { answer, failure, waiting, going } = useTrained(ask);
  return (
    <>
      <div className="controls">
        <Control name="scales" label={t('scales')}>
          <Segmented
            label={t('scales')}
            value={COUNTS[scales - 1] ?? '1'}
            options={COUNTS.map((value) => ({ value, name: value }))}
            onChange={(value) => change({ scales: Number(value) })}
          />
        </Control>
      </div>
      <Waiting waiting={waiting && !answer} {...{ going, failure }} before="preparing" />
      {answer && <Shown answer={answer} />}
    </>
  );
}

type Probabilities = readonly number[];

interface ShownProps {
  answer: CropsAnswer & { asked: { picture: number; scales: number[] } };
}

function Shown({ answer }: ShownProps) {
  const { t } = useTranslation('images');
  const { classes, statistics, picture, windows, crops } = answer;
  const name = (label: number) => className(classes[label] ?? '');
  const best = (p: Probabilities) => p.indexOf(Math.max(...p));
  const evidence = evidenceOfNetwork(answer, [
    { name: 'x', ...picture.x },
    { name: 'crops', ...windows },
  ]);
  /** A probability that can be asked where it comes from; `of` finds it among those of all crops. */
  const probability = (what: string, label: number, of: (rows: Rows) => Probabilities) => (
    <LateProof
      name={t('probability', { name: name(label), what })}
      value={of(rowsOf(answer))[label] ?? NaN}
      ask={async (instruments, training) => {
        const question = { ...answer.asked, by: 'reference' as const };
        const reference = of(rowsOf(await instruments.crops(question, training)));
        return { evidence, reference: reference[label] ?? NaN };
      }}
    >
      {percent(of(rowsOf(answer))[label])}
    </LateProof>
  );
  const verdict = (what: string, of: (rows: Rows) => Probabilities) => {
    const label = best(of(rowsOf(answer)));
    return (
      <span data-right={label === picture.label}>
        {name(label)} {probability(what, label, of)}
      </span>
    );
  };
  const average = t('average', { number: crops.length });
  return (
    <div className="images-crops">
      <dl className="readings">
        <div>
          <dt>{t('truth')}</dt>
          <dd>{name(picture.label)}</dd>
        </div>
        <div>
          <dt>{t('whole')}</dt>
          <dd>{verdict(t('whole'), whole)}</dd>
        </div>
        <div>
          <dt>{average}</dt>
          <dd>{verdict(average, meanOfCrops)}</dd>
        </div>
        <div>
          <dt>{t('ofTruth')}</dt>
          <dd>
            {probability(t('whole'), picture.label, whole)} →{' '}
            {probability(average, picture.label, meanOfCrops)}
          </dd>
        </div>
      </dl>
      <div className="images-copies" data-many={crops.length > 12}>
        {crops.map((crop, index) => (
          <figure key={index}>
            <Picture
              of={windows}
              index={index}
              statistics={statistics}
              label={t('crop', { number: index + 1, side: crop.side })}
            />
            <figcaption>
              {verdict(
                t('crop', { number: index + 1, side: crop.side }),
                (rows) => rows[index + 1] ?? [],
              )}
            </figcaption>
          </figure>
        ))}
      </div>
      <p className="quietly">{t('network')}</p>
    </div>
  );
}

/** Probabilities of the whole picture, then of each crop. */
type Rows = readonly Probabilities[];

function rowsOf({ classes, crops, probabilities }: CropsAnswer): Rows {
  const { length } = classes;
  return Array.from({ length: 1 + crops.length }, (_, n) =>
    Array.from(probabilities.data.subarray(n * length, (n + 1) * length)),
  );
}

const whole = ([first = []]: Rows): Probabilities => first;

const meanOfCrops = ([first = [], ...crops]: Rows): Probabilities =>
  first.map((_, c) => crops.reduce((sum, p) => sum + (p[c] ?? 0), 0) / crops.length);

const percent = (value = NaN) => `${(100 * value).toFixed(1)} %`;
