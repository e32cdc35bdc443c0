import { useCallback, useEffect } from 'react';
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
import { readSet, showSet } from './link.ts';
import { useData } from './state.ts';
import zh from './zh.json';
import './data.css';

export const texts = { en, zh };

/** Data sets: those at hand and where others come from, and the one that is looked at. */
export default function DataPage({ query }: { query: string }) {
  const { t } = useTranslation('data');
  const used = useLab((state) => state.draft.data);
  const refresh = useData((state) => state.refresh);
  const revision = useData((state) => state.revision);
  const open = useData((state) => state.open);
  const { failure, ...set } = readSet(query, used);

  useEffect(() => void refresh(), [refresh]);
  const onFiles = useCallback((files: NamedBlob[]) => void open(files).then(showSet), [open]);

  return (
    <main className="data-page">
      <div className="data-sources">
        <header>
          <h2>{t('title')}</h2>
          <p>{t('lead')}</p>
        </header>
        <SetsAtHand shown={set.base} />
        <HubSource />
        <FileSource onFiles={onFiles} />
      </div>
      <div className="data-set">
        <Trouble />
        {failure && <p className="note">{errorSentence(failure)}</p>}
        <SetView key={`${set.base} ${revision}`} set={set} used={used} />
      </div>
      <FileDrop onFiles={onFiles} />
    </main>
  );
}

/** What went wrong with files or with the storage; a set of the hub says it beside its button. */
function Trouble() {
  const failed = useData((state) => state.failed);
  const notKept = useData((state) => state.notKept);
  const ofFiles = failed && (failed.source === null || failed.source === 'files');
  return [ofFiles ? failed.failure : null, notKept].map(
    (failure) =>
      failure && (
        <p key={failure.code} className="note" role="alert">
          {errorSentence(failure)}
        </p>
      ),
  );
}
