import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { SetDetails } from '../../worker/protocol.ts';
import { useAnswer } from '../chapters/ask.ts';
import { useLab } from '../context.ts';
import { integer, wholePercent } from '../format.ts';
import { errorSentence } from '../i18n/index.ts';
import { formatLink } from '../link.ts';
import { useTitleOf } from '../parts/dataset.ts';
import { Streamed } from '../parts/Streamed.tsx';
import { Classes } from './Classes.tsx';
import type { Named } from './link.ts';
import { Origin } from './Origin.tsx';
import { Statistics } from './Statistics.tsx';
import { Subset } from './Subset.tsx';
import { useData } from './state.ts';

function useDetails(name: string) {
  const details = useData((state) => state.details);
  return useAnswer(useCallback(() => details(name), [details, name]));
}

/** The set that is looked at, and what can be made of it. `used` is the experiment's. */
export function SetView({ set, used }: { set: Named; used: string }) {
  const { t } = useTranslation('data');
  const whole = useDetails(set.base);
  const { answer, failure, waiting } = useDetails(set.name);
  if (whole.failure) return <p className="note">{errorSentence(whole.failure)}</p>;
  if (!whole.answer || !(answer ?? failure)) return <p role="status">{t('looking')}</p>;
  return (
    <article aria-busy={waiting}>
      {answer && <Title set={answer} used={used} />}
      <Subset whole={whole.answer} recipe={set.recipe} />
      {failure && <p className="note">{errorSentence(failure)}</p>}
      {answer && (
        <>
          <Classes set={answer} />
          <Statistics set={answer} />
        </>
      )}
      <Origin whole={whole.answer} />
    </article>
  );
}

function Title({ set, used }: { set: SetDetails; used: string }) {
  const { t, i18n } = useTranslation('data');
  const titleOf = useTitleOf();
  const draft = useLab((state) => state.draft);
  const machine = useLab((state) => state.machine);
  const inUse = useLab((state) => state.datasets[set.id]);
  const { id, title, counts, classes, channels, height, width, wrongLabels } = set;
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const train = sum(counts.train);
  const number = (value: number) => integer(value, i18n.language);
  return (
    <header>
      <div>
        <h2>{titleOf(id, title)}</h2>
        <p>
          {t('facts', {
            train: number(train),
            test: number(sum(counts.test)),
            classes: classes.length,
            shape: `${channels}×${height}×${width}`,
          })}
        </p>
        {wrongLabels > 0 && (
          <p>
            {t('wrong', {
              wrong: number(wrongLabels),
              train: number(train),
              share: wholePercent(wrongLabels / train, i18n.language),
            })}
          </p>
        )}
        {inUse && <Streamed dataset={inUse} />}
      </div>
      <a className="button primary" href={formatLink({ ...draft, data: id }, machine)}>
        {id === used ? t('inUse') : t('use')}
      </a>
    </header>
  );
}
