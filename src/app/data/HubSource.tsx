import { Download, RotateCw, Trash2 } from 'lucide-react';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import type { CatalogueEntry } from '../../worker/protocol.ts';
import { integer, megabytes } from '../format.ts';
import { errorSentence } from '../i18n/index.ts';
import { IconButton } from '../parts/controls.tsx';
import { showSet } from './link.ts';
import { Progress } from './Progress.tsx';
import { useData } from './state.ts';

/** The sets that everybody knows, one click away. */
export function HubSource() {
  const { t } = useTranslation('data');
  const catalogue = useData((state) => state.catalogue);
  const kept = useData((state) => state.kept);
  if (!catalogue || !kept) return null;
  const here = new Set<string>(kept.sets.map(({ id }) => id));
  const missing = catalogue.sets.filter(({ id }) => !here.has(id));
  return (
    <section className="card" aria-labelledby="sets-known">
      <h3 id="sets-known">{t('hub.title')}</h3>
      <ul className="set-list">
        {missing.map((entry) => (
          <Known key={entry.id} entry={entry} />
        ))}
      </ul>
      {missing.length === 0 && <p className="quietly">{t('hub.all')}</p>}
      <Mirror address={catalogue.address} />
    </section>
  );
}

function Known({ entry }: { entry: CatalogueEntry }) {
  const { t, i18n } = useTranslation('data');
  const loading = useData((state) => state.loading);
  const failed = useData((state) => state.failed);
  const download = useData((state) => state.download);
  const discard = useData((state) => state.discard);
  const { id, title, classes, pictures, side } = entry;
  const number = (value: number) => integer(value, i18n.language);
  const failure = failed?.source === id ? failed.failure : null;
  const size = megabytes(entry.bytes, i18n.language);
  const begun = useData((state) => state.kept?.begun[id]);
  const [words, label, Icon] = failure
    ? ([t('hub.again'), 'hub.againLabel', RotateCw] as const)
    : begun
      ? ([t('hub.goOn'), 'hub.goOnLabel', Download] as const)
      : ([size, 'hub.getLabel', Download] as const);
  return (
    <li>
      <span className="set-words">
        <b>{title}</b>
        <small>
          {t('images', {
            train: number(pictures.train),
            test: number(pictures.test),
            side,
          })}{' '}
          · {t('hub.classes', { number: classes })}
        </small>
        {begun && loading?.source !== id && (
          <small>{t('hub.begun', { done: megabytes(begun, i18n.language), size })}</small>
        )}
      </span>
      {loading?.source === id ? (
        <Progress step={loading.step} />
      ) : (
        <>
          <button
            type="button"
            disabled={loading !== null}
            aria-label={t(label, { title, size })}
            onClick={() => void download(id).then(showSet)}
          >
            <Icon aria-hidden size={15} />
            {words}
          </button>
          {begun && (
            <IconButton
              name={t('hub.discard', { title })}
              disabled={loading !== null}
              onClick={() => void discard(id)}
            >
              <Trash2 aria-hidden size={16} />
            </IconButton>
          )}
        </>
      )}
      {failure && (
        <p className="note" role="alert">
          {errorSentence(failure)}
        </p>
      )}
    </li>
  );
}

/** Where the sets are fetched from: a school may have them on a server of its own. */
function Mirror({ address }: { address: string }) {
  const { t } = useTranslation('data');
  const mirror = useData((state) => state.mirror);
  const setMirror = useData((state) => state.setMirror);
  const id = useId();
  return (
    <details className="mirror" open={mirror !== null}>
      <summary>{t('mirror.title')}</summary>
      <p>{t('mirror.hint')}</p>
      <label htmlFor={id}>{t('mirror.label')}</label>
      <input
        id={id}
        type="url"
        spellCheck={false}
        placeholder={address}
        defaultValue={mirror ?? ''}
        onBlur={(event) => setMirror(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') setMirror(event.currentTarget.value);
        }}
      />
    </details>
  );
}
