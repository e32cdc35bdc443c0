import { useTranslation } from 'react-i18next';
import { CHAPTER_IDS } from '../chapters/chapter.ts';
import { useLab } from '../context.ts';
import { formatLink } from '../link.ts';
import { PAGE_IDS } from '../pages.ts';
import { formatRoute } from '../route.ts';

/** The pages of the app: the experiment, as it stands, the chapters, and the pages beside them. */
export function Nav({ page }: { page: string }) {
  const { t } = useTranslation();
  const experiment = useLab(({ draft, machine }) => formatLink(draft, machine));
  const running = useLab((state) => state.run === 'running');
  const current = (name: string) => (page === name ? ('page' as const) : undefined);

  return (
    <nav className="nav" aria-label={t('nav')}>
      <a href={experiment} aria-current={current('')}>
        {t('experiment')}
        {running && page !== '' && (
          <span className="nav-running" role="img" aria-label={t('run.running')} />
        )}
      </a>
      {CHAPTER_IDS.map((id) => (
        <a key={id} href={formatRoute({ page: id, query: '' })} aria-current={current(id)}>
          {t(`chapters.${id}`)}
        </a>
      ))}
      <span className="nav-gap" />
      {PAGE_IDS.map((id) => (
        <a key={id} href={formatRoute({ page: id, query: '' })} aria-current={current(id)}>
          {t(`pages.${id}`)}
        </a>
      ))}
    </nav>
  );
}
