import { TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Event } from '../../worker/protocol.ts';
import { adviceFor, reasonOf } from '../advice.ts';
import { detectBrowser } from '../browser.ts';
import { errorSentence } from '../i18n/index.ts';

/** Instead of the experiment, where nothing can train: what is missing here, and what to do. */
export function Unsupported({ failure }: { failure: Extract<Event, { type: 'unsupported' }> }) {
  const { t } = useTranslation();
  const browser = detectBrowser(navigator.userAgent);
  const reason = reasonOf(failure.code, window.isSecureContext);
  const name = t(`browser.${browser.name}`);

  return (
    <main className="unsupported" role="alert">
      <TriangleAlert aria-hidden size={40} />
      <h2>{t(`unsupported.${reason}.title`)}</h2>
      <p>{t(`unsupported.${reason}.text`, { browser: name })}</p>
      <h3>{t('unsupported.what')}</h3>
      <ul>
        {adviceFor(reason, browser).map((advice) => (
          <li key={advice}>{t(`unsupported.advice.${advice}`, { browser: name })}</li>
        ))}
      </ul>
      <details>
        <summary>{t('unsupported.detail')}</summary>
        <p>{errorSentence(failure)}</p>
        <p className="quietly">{navigator.userAgent}</p>
      </details>
      <button type="button" className="primary" onClick={() => location.reload()}>
        {t('unsupported.retry')}
      </button>
    </main>
  );
}
