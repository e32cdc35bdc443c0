import { Database, Link, Monitor, Moon, Sun } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useLab } from '../context.ts';
import { setLanguage } from '../i18n/index.ts';
import type { Language } from '../i18n/index.ts';
import { THEMES, setTheme, useTheme } from '../theme.ts';
import type { Theme } from '../theme.ts';
import { Segmented, Tip } from './controls.tsx';
import { useDatasetTitle } from './dataset.ts';

const THEME_ICONS = { light: Sun, dark: Moon, auto: Monitor } as const;

/** `onShowData` is absent where there is no data to show. */
export function Header({ onShowData }: { onShowData?: (() => void) | undefined }) {
  const { t, i18n } = useTranslation();
  const theme = useTheme();
  const tell = useLab((state) => state.tell);
  const title = useDatasetTitle();
  const language: Language = i18n.language === 'zh' ? 'zh' : 'en';

  return (
    <header className="header">
      <h1>
        <Emblem />
        Fathom
      </h1>
      <p className="idea">{t('app.idea')}</p>
      <div className="header-tools">
        {onShowData && (
          <button type="button" className="quiet" onClick={onShowData}>
            <Database aria-hidden size={16} />
            <span className="visually-hidden">{t('panel.data')}: </span>
            <span className="ellipsis">{title}</span>
          </button>
        )}
        <Tip text={t('share.tip')}>
          <button
            type="button"
            className="quiet"
            onClick={() =>
              void navigator.clipboard.writeText(location.href).then(() => tell({ kind: 'copied' }))
            }
          >
            <Link aria-hidden size={16} />
            <span className="wide-only">{t('share.button')}</span>
            <span className="narrow-only visually-hidden">{t('share.button')}</span>
          </button>
        </Tip>
        <Segmented<Theme>
          label={t('theme.label')}
          value={theme}
          options={THEMES.map((value) => {
            const Icon = THEME_ICONS[value];
            return {
              value,
              name: t(`theme.${value}`),
              content: <Icon aria-hidden size={16} />,
            };
          })}
          onChange={setTheme}
        />
        <Segmented<Language>
          label={t('language')}
          value={language}
          options={[
            { value: 'zh', name: '中文' },
            { value: 'en', name: 'English', content: 'EN' },
          ]}
          onChange={setLanguage}
        />
      </div>
    </header>
  );
}

/** Layers and a shortcut. */
function Emblem() {
  return (
    <svg viewBox="0 0 26 24" width="26" height="24" aria-hidden className="emblem">
      <path d="M3 12a10 10 0 0 1 20 0" className="emblem-arc" />
      <path d="M4 21v-6m6 6v-6m6 6v-6m6 6v-6" className="emblem-bars" />
    </svg>
  );
}
