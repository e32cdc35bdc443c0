import { Camera } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { OWN_LINK } from '../link.ts';

/** The way to a set of one's own images. */
export function OwnSource() {
  const { t } = useTranslation('data');
  return (
    <section className="card" aria-labelledby="sets-own">
      <h3 id="sets-own">{t('own.title')}</h3>
      <p>{t('own.hint')}</p>
      <a className="button" href={OWN_LINK}>
        <Camera aria-hidden size={16} />
        {t('own.begin')}
      </a>
    </section>
  );
}
