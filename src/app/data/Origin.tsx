import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { DataWarning, SetDetails } from '../../worker/protocol.ts';
import { useAnswer } from '../chapters/ask.ts';
import { errorSentence } from '../i18n/index.ts';
import { nameIn } from './Classes.tsx';
import { useData } from './state.ts';
import { KNOWN_PROBLEMS, isKnown } from '../../data/known.ts';

/** Names that a sentence lists before it says how many more there are. */
const LISTED = 5;

/** Where a set comes from, what others found wrong with it, and what is found here. */
export function Origin({ whole }: { whole: SetDetails }) {
  const { t } = useTranslation('data');
  const { provenance } = whole;
  return (
    <section aria-labelledby="set-origin">
      <h3 id="set-origin">{t('origin.title')}</h3>
      <dl className="origin">
        <dt>{t('origin.source')}</dt>
        <dd>{provenance ? <Source text={provenance.source} /> : t('origin.drawn')}</dd>
        {provenance?.licence && (
          <>
            <dt>{t('origin.licence')}</dt>
            <dd>{isKnown(whole.id) ? t(`licences.${whole.id}`) : provenance.licence}</dd>
          </>
        )}
        {provenance?.citation && (
          <>
            <dt>{t('origin.citation')}</dt>
            <dd lang="en">{provenance.citation}</dd>
          </>
        )}
        {provenance?.problems && (
          <>
            <dt>{t('origin.problems')}</dt>
            <dd>
              <ul>
                {provenance.problems.filter(isTold).map((problem) => (
                  <li key={problem}>{t(`problems.${problem}`)}</li>
                ))}
              </ul>
            </dd>
          </>
        )}
        <dt>{t('origin.found')}</dt>
        <dd>
          <Found whole={whole} />
        </dd>
      </dl>
    </section>
  );
}

const isTold = (problem: string): problem is keyof typeof KNOWN_PROBLEMS =>
  Object.hasOwn(KNOWN_PROBLEMS, problem);

function Source({ text }: { text: string }) {
  return /^https?:/.test(text) ? (
    <a href={text} target="_blank" rel="noreferrer">
      {text}
    </a>
  ) : (
    text
  );
}

/** What looking at every picture tells. */
function Found({ whole }: { whole: SetDetails }) {
  const { t } = useTranslation('data');
  const warnings = useData((state) => state.warnings);
  const { id } = whole;
  const { answer, failure } = useAnswer(useCallback(() => warnings(id), [warnings, id]));
  if (failure) return errorSentence(failure);
  if (!answer) return <span role="status">{t('found.looking')}</span>;
  if (answer.length === 0) return t('found.nothing');
  return (
    <ul>
      {answer.map((warning) => (
        <li key={warning.kind}>
          <Warning whole={whole} warning={warning} />
        </li>
      ))}
    </ul>
  );
}

function Warning({ whole, warning }: { whole: SetDetails; warning: DataWarning }) {
  const { t } = useTranslation('data');
  const list = (names: string[]) =>
    names.length > LISTED
      ? t('found.more', { names: names.slice(0, LISTED).join(', '), count: names.length - LISTED })
      : names.join(', ');
  switch (warning.kind) {
    case 'few-pictures':
      return t('found.few', {
        classes: list(
          warning.classes.map(({ name, count }) => `${nameIn(whole, name)} (${count})`),
        ),
        expected: warning.expected,
      });
    case 'same-pictures':
      return t('found.same', { count: warning.groups.length });
    case 'shared-pictures':
      return t('found.shared', { count: warning.groups.length });
    case 'unreadable-pictures':
      return t('found.unreadable', { names: list(warning.names) });
  }
}
