import { Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ListedSet } from '../../worker/protocol.ts';
import { integer, megabytes } from '../format.ts';
import { errorSentence } from '../i18n/index.ts';
import { IconButton } from '../parts/controls.tsx';
import { setLink } from './link.ts';
import { useData } from './state.ts';

/**
 * The sets that need no network: the built-in one, and what was kept. `shown` is looked at; `onChosen` hears when it is
 * chosen once more, which changes no address.
 */
export function SetsAtHand({ shown, onChosen }: { shown: string | null; onChosen: () => void }) {
  const { t, i18n } = useTranslation('data');
  const { t: common } = useTranslation();
  const kept = useData((state) => state.kept);
  const link = (id: string) => ({
    href: setLink(id),
    ...(id === shown && { 'aria-current': true, onClick: onChosen }),
  });
  return (
    <section className="card" aria-labelledby="sets-at-hand">
      <h3 id="sets-at-hand">{t('hand.title')}</h3>
      <ul className="set-list">
        <li>
          <a {...link('builtin')}>
            <b>{common('data.builtinTitle')}</b>
            <small>{t('hand.builtin')}</small>
          </a>
        </li>
        {kept?.sets.map((set) => (
          <li key={set.id}>
            <a {...link(set.id)}>
              <b>{set.title}</b>
              <Facts set={set} />
            </a>
            <Forget set={set} />
          </li>
        ))}
      </ul>
      {kept?.failure && <p className="note">{errorSentence(kept.failure)}</p>}
      {kept?.free != null && (
        <p className="quietly">{t('hand.free', { size: megabytes(kept.free, i18n.language) })}</p>
      )}
    </section>
  );
}

function Facts({ set }: { set: ListedSet }) {
  const { t, i18n } = useTranslation('data');
  const size = megabytes(set.bytes, i18n.language);
  const images = t('images', {
    train: integer(set.trainCount, i18n.language),
    test: integer(set.testCount, i18n.language),
    side: set.size,
  });
  return (
    <small>
      {images} · {set.kept ? size : t('hand.memory', { size })}
    </small>
  );
}

/** Asks once more: what is deleted has to be fetched or opened again. */
function Forget({ set }: { set: ListedSet }) {
  const { t } = useTranslation('data');
  const forget = useData((state) => state.forget);
  const [asking, setAsking] = useState(false);
  if (!asking) {
    return (
      <IconButton name={t('hand.delete', { title: set.title })} onClick={() => setAsking(true)}>
        <Trash2 aria-hidden size={16} />
      </IconButton>
    );
  }
  return (
    <span className="forget">
      <button type="button" autoFocus onClick={() => setAsking(false)}>
        {t('hand.keep')}
      </button>
      <button type="button" className="alert" onClick={() => void forget(set.id)}>
        {t('hand.forget')}
      </button>
    </span>
  );
}
