import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { CHAPTER_IDS } from '../chapters/chapter.ts';
import { useLab } from '../context.ts';
import { formatLink } from '../link.ts';
import { PAGE_IDS } from '../pages.ts';
import { formatRoute } from '../route.ts';

/** The pages of the app: the experiment, as it stands, with the pages beside it, and the chapters. */
export function Nav({ page }: { page: string }) {
  const { t } = useTranslation();
  const experiment = useLab(({ draft, machine }) => formatLink(draft, machine));
  const running = useLab((state) => state.run === 'running');
  const current = (name: string) => (page === name ? ('page' as const) : undefined);
  const bar = useRef<HTMLElement>(null);

  // On a phone the bar scrolls: the page that is open is brought into it.
  useEffect(() => {
    const link = bar.current?.querySelector<HTMLElement>('[aria-current]');
    const group = link?.parentElement;
    if (!link || !group) return;
    group.scrollLeft = link.offsetLeft - (group.clientWidth - link.clientWidth) / 2;
  }, [page]);

  return (
    <nav className="nav" aria-label={t('nav.label')} ref={bar}>
      <div className="nav-group">
        <a href={experiment} aria-current={current('')}>
          {t('nav.experiment')}
          {running && page !== '' && (
            <span className="nav-running" role="img" aria-label={t('run.running')} />
          )}
        </a>
        {PAGE_IDS.map((id) => (
          <a key={id} href={formatRoute({ page: id, query: '' })} aria-current={current(id)}>
            {t(`pages.${id}`)}
          </a>
        ))}
      </div>
      <div className="nav-group">
        {CHAPTER_IDS.map((id) => (
          <a key={id} href={formatRoute({ page: id, query: '' })} aria-current={current(id)}>
            {t(`chapters.${id}`)}
          </a>
        ))}
      </div>
    </nav>
  );
}
