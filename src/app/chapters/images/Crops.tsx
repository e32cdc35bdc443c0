import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { CropsAnswer } from '../../../worker/protocol.ts';
import { className } from '../../i18n/index.ts';
import { Segmented } from '../../parts/controls.tsx';
import type { Instruments } from '../ask.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Control } from '../controls.tsx';
import { Picture } from '../Picture.tsx';
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
    (instruments: Instruments, training: Listener) =>
      instruments.crops(picture, SCALES.slice(0, scales), training),
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
      <Waiting waiting={waiting && !answer} going={going} failure={failure} />
      {answer && <Shown answer={answer} />}
    </>
  );
}

function Shown({ answer }: { answer: CropsAnswer }) {
  const { t } = useTranslation('images');
  const { classes, statistics, picture, windows, crops, probabilities } = answer;
  const name = (label: number) => className(classes[label] ?? '');
  const row = (index: number) => [
    ...probabilities.data.slice(index * classes.length, (index + 1) * classes.length),
  ];
  const rows = crops.map((_, index) => row(index + 1));
  const mean = classes.map((_, c) => rows.reduce((sum, p) => sum + (p[c] ?? 0), 0) / rows.length);
  const best = (p: readonly number[]) => p.indexOf(Math.max(...p));
  const percent = (value = NaN) => `${(100 * value).toFixed(1)} %`;
  const verdict = (p: readonly number[]) => (
    <span data-right={best(p) === picture.label}>
      {name(best(p))} {percent(p[best(p)])}
    </span>
  );
  return (
    <div className="images-crops">
      <dl className="readings">
        <div>
          <dt>{t('truth')}</dt>
          <dd>{name(picture.label)}</dd>
        </div>
        <div>
          <dt>{t('whole')}</dt>
          <dd>{verdict(row(0))}</dd>
        </div>
        <div>
          <dt>{t('average', { number: crops.length })}</dt>
          <dd>{verdict(mean)}</dd>
        </div>
        <div>
          <dt>{t('ofTruth')}</dt>
          <dd>
            {percent(row(0)[picture.label])} → {percent(mean[picture.label])}
          </dd>
        </div>
      </dl>
      <div className="images-copies">
        {crops.map((crop, index) => (
          <figure key={index}>
            <Picture
              of={windows}
              index={index}
              statistics={statistics}
              label={t('crop', { number: index + 1, side: crop.side })}
            />
            <figcaption>{verdict(rows[index] ?? [])}</figcaption>
          </figure>
        ))}
      </div>
      <p className="quietly">{t('network')}</p>
    </div>
  );
}
