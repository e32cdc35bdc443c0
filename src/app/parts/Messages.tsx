import { CircleAlert, Info, X } from 'lucide-react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useLab } from '../context.ts';
import { errorSentence } from '../i18n/index.ts';
import type { Message } from '../store.ts';
import { useSettingsText } from './settingText.ts';
import { IconButton } from './controls.tsx';

const ALERTS: readonly Message['kind'][] = ['failed', 'diverged', 'link'];
const COPIED_MS = 2500;

/** What the reader should know, until they close it. */
export function Messages() {
  const { t } = useTranslation();
  const messages = useLab((state) => state.messages);
  const dismiss = useLab((state) => state.dismiss);

  return (
    <section className="messages" aria-label={t('message.label')} aria-live="polite">
      {messages.toReversed().map((message) => {
        const alert = ALERTS.includes(message.kind);
        const Icon = alert ? CircleAlert : Info;
        return (
          <div
            key={message.id}
            className="message"
            data-kind={alert ? 'alert' : 'note'}
            role={alert ? 'alert' : undefined}
          >
            <Icon aria-hidden size={18} />
            <div>
              <Sentence message={message} id={message.id} />
            </div>
            <IconButton name={t('close')} onClick={() => dismiss(message.id)}>
              <X aria-hidden size={16} />
            </IconButton>
          </div>
        );
      })}
    </section>
  );
}

function Sentence({ message, id }: { message: Message; id: number }) {
  const { t } = useTranslation();
  const settingsText = useSettingsText();
  switch (message.kind) {
    case 'failed':
      return errorSentence(message.event);
    case 'diverged':
      return t('message.diverged', { network: message.network, iteration: message.iteration });
    case 'software':
      return t('message.software', {
        device: message.device,
        chosen: settingsText(message.chosen),
      });
    case 'copied':
      return <Passing text={t('share.copied')} id={id} />;
    case 'link':
      return (
        <>
          {t('message.link')}
          <ul>
            {message.problems.map(({ name, value, why, details, error }) => (
              <li key={`${name} ${value}`}>
                {t(`link.${why}`, {
                  name,
                  value,
                  ...details,
                  reason: error && errorSentence(error),
                })}
              </li>
            ))}
          </ul>
        </>
      );
  }
}

/** A message that goes by itself. */
function Passing({ text, id }: { text: string; id: number }) {
  const dismiss = useLab((state) => state.dismiss);
  useEffect(() => {
    const timer = setTimeout(() => dismiss(id), COPIED_MS);
    return () => clearTimeout(timer);
  }, [dismiss, id]);
  return text;
}
