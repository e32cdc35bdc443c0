import { ArrowRight, ChevronLeft, ChevronRight, Presentation } from 'lucide-react';
import { use, useEffect, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useLab } from '../context.ts';
import { Formula } from '../drawing/Formula.tsx';
import { IconButton } from '../parts/controls.tsx';
import { formatRoute, replaceRoute } from '../route.ts';
import { CHAPTER_IDS } from './chapter.ts';
import type { Chapter, ChapterId } from './chapter.ts';
import { useFit } from './fit.ts';
import { readLink, writeLink } from './link.ts';
import { loadChapter } from './registry.ts';
import { ViewContext, readView, useHidden, useView, writePresent } from './view.ts';
import './chapters.css';

const chapters = new Map<ChapterId, Promise<Chapter>>();

/** The chapter's promise, the same at every call, as React's `use` wants it. */
function chapterOf(id: ChapterId): Promise<Chapter> {
  const known = chapters.get(id) ?? loadChapter(id);
  chapters.set(id, known);
  return known;
}

/** One chapter: what it says, its instrument, a question, and how to see the same in training. Suspends until it is loaded. */
export function ChapterPage({ id, query }: { id: ChapterId; query: string }) {
  const { t } = useTranslation();
  const chapter = use(chapterOf(id));
  const view = useMemo(() => readView(query), [query]);
  const { state, refused } = readLink(chapter.link, query);
  const fallback = useLab((lab) => lab.unsupported !== null);
  const show = (next: string) => replaceRoute({ page: id, query: next });
  const set = (next: object) => show(writeLink(chapter.link, { ...state, ...next }, query));
  const prepared = chapter.states.map((entry) => ({
    ...entry,
    state: chapter.link.parse(entry.state),
  }));
  const at = prepared.findIndex((entry) => sameState(entry.state, state));
  const step = (direction: 1 | -1) => {
    const next = prepared[at < 0 ? 0 : at + direction];
    if (next) set(next.state);
  };
  const instrument = useFit(view.present);
  useKeys(view.present, { step, leave: () => show(writePresent(query, false)) });

  return (
    <ViewContext value={view}>
      <main className="chapter" data-present={view.present} data-embed={view.embed}>
        {!view.embed && (
          <Introduction
            chapter={chapter}
            onPresent={() => show(writePresent(query, !view.present))}
          />
        )}
        <section ref={instrument} className="instrument" aria-label={t('chapter.instrument')}>
          {refused.length > 0 && (
            <p className="note" role="alert">
              {t('chapter.refused', { names: refused.join(', ') })}
            </p>
          )}
          {fallback && <p className="note">{t('chapter.fallback')}</p>}
          <chapter.Instrument state={state} change={set} />
        </section>
        {view.present && (
          <Stepper
            id={id}
            name={prepared[at]?.name ?? null}
            at={at}
            count={prepared.length}
            onStep={step}
          />
        )}
        {!view.embed && !view.present && <Guide chapter={chapter} state={state} />}
      </main>
    </ViewContext>
  );
}

/** The texts of a chapter by key. Which keys there are is held by a test. */
function useTexts(id: ChapterId): (key: string) => string {
  const { i18n } = useTranslation();
  return (key) => String(i18n.getResource(i18n.language, id, key));
}

function Introduction({ chapter, onPresent }: { chapter: Chapter; onPresent: () => void }) {
  const { t } = useTranslation();
  const say = useTexts(chapter.id);
  const { present } = useView();
  const formulaHidden = useHidden('formula');
  const textHidden = useHidden('text');
  return (
    <header className="chapter-head">
      <h2>
        {say('title')}
        <IconButton
          name={present ? t('chapter.leave') : t('chapter.present')}
          aria-pressed={present}
          onClick={onPresent}
        >
          <Presentation aria-hidden size={18} />
        </IconButton>
      </h2>
      {!textHidden && !present && <p className="lead">{say('lead')}</p>}
      {!formulaHidden && <Formula {...chapter.formula} />}
    </header>
  );
}

/** One thing to do, a question to answer before looking, and experiments. */
function Guide({ chapter, state }: { chapter: Chapter; state: Record<string, unknown> }) {
  const { t } = useTranslation();
  const say = useTexts(chapter.id);
  const at = chapter.views ? `guide.${String(state[chapter.views.field])}.` : '';
  const textHidden = useHidden('text');
  const questionHidden = useHidden('question');
  const triesHidden = useHidden('tries');
  const next = CHAPTER_IDS[CHAPTER_IDS.indexOf(chapter.id) + 1];
  return (
    <aside className="guide">
      {!textHidden && (
        <section>
          <h3>{t('chapter.action')}</h3>
          <p>{say(`${at}action`)}</p>
        </section>
      )}
      {!questionHidden && (
        <section>
          <h3>{t('chapter.predict')}</h3>
          <p>{say(`${at}question`)}</p>
          <details key={chapter.id + at}>
            <summary>{t('chapter.reveal')}</summary>
            <p>{say(`${at}answer`)}</p>
          </details>
        </section>
      )}
      {!textHidden && (
        <section>
          <h3>{t('chapter.see')}</h3>
          <p>{say(`${at}see`)}</p>
        </section>
      )}
      {!triesHidden && chapter.tries.length > 0 && (
        <section>
          <h3>{t('chapter.tries')}</h3>
          {chapter.tries.map(({ name, query }) => (
            <a key={name} className="button" href={formatRoute({ page: '', query })}>
              {say(`tries.${name}`)}
              <ArrowRight aria-hidden size={16} />
            </a>
          ))}
        </section>
      )}
      {next && (
        <a className="next" href={formatRoute({ page: next, query: '' })}>
          {t('chapter.next')}: {t(`chapters.${next}`)}
        </a>
      )}
    </aside>
  );
}

interface StepperProps {
  id: ChapterId;
  /** Null where the instrument has been moved away from every prepared state. */
  name: string | null;
  at: number;
  count: number;
  onStep: (direction: 1 | -1) => void;
}

/** In class: the prepared states, one after the other. */
function Stepper({ id, name, at, count, onStep }: StepperProps) {
  const { t } = useTranslation();
  const say = useTexts(id);
  return (
    <nav className="stepper" aria-label={t('chapter.states')}>
      <IconButton name={t('chapter.back')} disabled={at <= 0} onClick={() => onStep(-1)}>
        <ChevronLeft aria-hidden />
      </IconButton>
      <p aria-live="polite">{name === null ? t('chapter.moved') : say(`states.${name}`)}</p>
      <span className="quietly">
        {at < 0 ? '–' : at + 1} / {count}
      </span>
      <IconButton name={t('chapter.forth')} disabled={at === count - 1} onClick={() => onStep(1)}>
        <ChevronRight aria-hidden />
      </IconButton>
    </nav>
  );
}

const sameState = (a: Record<string, unknown>, b: Record<string, unknown>): boolean =>
  Object.keys(a).every((name) => a[name] === b[name]);

/** Arrow and page keys step through the prepared states, as a presenter's remote sends them; Escape leaves. */
function useKeys(
  active: boolean,
  { step, leave }: { step: (direction: 1 | -1) => void; leave: () => void },
): void {
  useEffect(() => {
    if (!active) return;
    const onKey = (event: KeyboardEvent) => {
      const { target } = event;
      const ownKeys =
        '[role=slider], [role=spinbutton], [role=radio], input, select, textarea, pre';
      if (target instanceof Element && target.closest(ownKeys)) return;
      if (event.key === 'ArrowRight' || event.key === 'PageDown') step(1);
      else if (event.key === 'ArrowLeft' || event.key === 'PageUp') step(-1);
      else if (event.key === 'Escape') leave();
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  });
}
