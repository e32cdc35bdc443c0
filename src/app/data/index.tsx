import { useCallback, useEffect, useRef } from 'react';
import type { RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import type { NamedBlob } from '../../worker/protocol.ts';
import { useLab } from '../context.ts';
import { errorSentence } from '../i18n/index.ts';
import { FileDrop } from '../parts/FileDrop.tsx';
import { FileSource } from './FileSource.tsx';
import { HubSource } from './HubSource.tsx';
import { SetsAtHand } from './SetsAtHand.tsx';
import { SetView } from './SetView.tsx';
import en from './en.json';
import { namesSet, readSet, readsOwn, showSet } from './link.ts';
import { NotKept } from './NotKept.tsx';
import { collection } from './own/collection.ts';
import { OwnImages } from './own/OwnImages.tsx';
import { OwnSource } from './own/OwnSource.tsx';
import { useData } from './state.ts';
import zh from './zh.json';
import './data.css';

export const texts = { en, zh };

const addOwn = (files: NamedBlob[]) => void collection.getState().addFolders(files);

/** Data sets: those at hand and where others come from, and the one that is looked at. */
export default function DataPage({ query }: { query: string }) {
  const { t } = useTranslation('data');
  const used = useLab((state) => state.draft.data);
  const refresh = useData((state) => state.refresh);
  const revision = useData((state) => state.revision);
  const open = useData((state) => state.open);
  const { failure, ...set } = readSet(query, used);
  const own = readsOwn(query);
  const shown = useRef<HTMLDivElement>(null);
  useInView(shown, own ? 'own' : namesSet(query) ? set.base : null);
  const onChosen = useCallback(() => bringIntoView(shown.current), []);

  useEffect(() => {
    const look = () => void refresh();
    look();
    // Another tab may have fetched a set, or deleted one.
    window.addEventListener('focus', look);
    return () => window.removeEventListener('focus', look);
  }, [refresh]);
  const onFiles = useCallback((files: NamedBlob[]) => void open(files).then(showSet), [open]);

  return (
    <main className="data-page">
      {!own && <Trouble />}
      <div className="data-sources">
        <header>
          <h2>{t('title')}</h2>
          <p>{t('lead')}</p>
        </header>
        <SetsAtHand shown={own ? null : set.base} onChosen={onChosen} />
        <HubSource />
        <FileSource onFiles={onFiles} />
        <OwnSource />
      </div>
      <div className="data-set" ref={shown} tabIndex={-1}>
        {own ? (
          <OwnImages />
        ) : (
          <>
            {failure && <p className="note">{errorSentence(failure)}</p>}
            <SetView key={`${set.base} ${revision}`} set={set} used={used} />
          </>
        )}
      </div>
      <FileDrop onFiles={own ? addOwn : onFiles} />
    </main>
  );
}

/** Brings what was chosen into view where it lies outside, as on a phone, where it stands below the list. */
function useInView(ref: RefObject<HTMLElement | null>, chosen: string | null) {
  useEffect(() => {
    if (chosen !== null) bringIntoView(ref.current);
  }, [ref, chosen]);
}

function bringIntoView(element: HTMLElement | null) {
  if (!element) return;
  const { top } = element.getBoundingClientRect();
  if (top >= 0 && top < innerHeight / 2) return;
  element.focus({ preventScroll: true });
  element.scrollIntoView();
}

/** What went wrong with files or with the storage; a set of the hub says it beside its button. */
function Trouble() {
  const failed = useData((state) => state.failed);
  const notKept = useData((state) => state.notKept);
  const ref = useRef<HTMLDivElement>(null);
  const ofFiles = failed && (failed.source === null || failed.source === 'files');
  const failure = ofFiles ? failed.failure : null;
  useInView(ref, (failure ?? notKept)?.message ?? null);
  if (!failure && !notKept) return null;
  return (
    <div className="data-trouble" ref={ref} tabIndex={-1}>
      {failure && (
        <p className="note" role="alert">
          {errorSentence(failure)}
        </p>
      )}
      {notKept && <NotKept failure={notKept} />}
    </div>
  );
}
