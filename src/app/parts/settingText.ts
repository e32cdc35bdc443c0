/**
 * Settings in words: “Width 4, Iterations 300”.
 */
import { useTranslation } from 'react-i18next';
import type { ExperimentConfig } from '../../lab/config.ts';
import { SCHEDULES } from '../../lab/schedule.ts';
import { isSettingName } from '../settings.ts';

export function useSettingsText(): (settings: Partial<ExperimentConfig>) => string {
  const { t, i18n } = useTranslation();
  const valueText = (name: string, value: unknown): string => {
    if (value === true) return '✓';
    if (value === false) return '✗';
    const schedule = SCHEDULES.find((known) => name === 'schedule' && known === value);
    if (schedule) return t(`settings.schedule.options.${schedule}`);
    return String(value);
  };
  return (settings) =>
    Object.entries(settings)
      .filter(([name]) => isSettingName(name))
      .map(([name, value]) =>
        isSettingName(name) ? `${t(`settings.${name}.label`)} ${valueText(name, value)}` : name,
      )
      .join(i18n.language === 'zh' ? '、' : ', ');
}
