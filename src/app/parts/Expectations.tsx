import { ExternalLink, Square } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ExperimentConfig } from '../../lab/config.ts';
import { useLab, useLabGlance } from '../context.ts';
import { stepsLeft } from '../curves.ts';
import { percent, significant, span } from '../format.ts';
import { errorSentence } from '../i18n/index.ts';
import { formatLink } from '../link.ts';
import { PRESETS, presetConfig } from '../presets.ts';
import type { PresetName } from '../presets.ts';
import { useProfiler } from '../profiler.ts';
import type { Expected } from '../profiler.ts';
import { isSameWork } from '../profile.ts';
import type { LabState } from '../store.ts';

/** What each preset would take on this device, and beside it what the experiment that runs does take. */
export function Expectations() {
  const { t } = useTranslation();
  const draft = useLab((state) => state.draft);
  const machine = useLab((state) => state.machine);
  const share = useLab((state) => state.share);
  const ready = useLab(({ run, unsupported }) => run !== 'empty' && !unsupported);
  const expected = useProfiler((state) => state.expected);
  const expecting = useProfiler((state) => state.expecting);
  const expect = useProfiler((state) => state.expect);
  const stopping = useProfiler((state) => state.stopping);
  const stop = useProfiler((state) => state.stop);

  return (
    <>
      <div className="profile-ask">
        {expecting === null ? (
          <button
            type="button"
            disabled={!ready}
            onClick={() =>
              void expect(PRESETS.map((name) => [name, presetConfig(name, draft)] as const))
            }
          >
            {t('expect.measure')}
          </button>
        ) : (
          <button type="button" disabled={stopping} onClick={stop}>
            <Square aria-hidden size={14} />
            {t('expect.stop')}
          </button>
        )}
        <span role="status" className="hint">
          {expecting && t('expect.measuring', { name: t(`expect.preset.${expecting}`) })}
        </span>
      </div>
      <table className="expected">
        <thead>
          <tr>
            <th scope="col">{t('expect.experiment')}</th>
            <th scope="col">{t('expect.iteration')}</th>
            <th scope="col">{t('expect.whole')}</th>
          </tr>
        </thead>
        <tbody>
          {PRESETS.map((name) => (
            <Preset
              key={name}
              name={name}
              config={expected[name]?.config ?? presetConfig(name, draft)}
              link={formatLink(presetConfig(name, draft), machine)}
              expected={expected[name]}
            />
          ))}
        </tbody>
      </table>
      {share < 1 && <p className="hint">{t('expect.share', { share: Math.round(100 * share) })}</p>}
    </>
  );
}

interface PresetProps {
  name: PresetName;
  config: ExperimentConfig;
  link: string;
  expected: Expected | undefined;
}

function Preset({ name, config, link, expected }: PresetProps) {
  const { t, i18n } = useTranslation();
  const { language } = i18n;
  const share = useLab((state) => state.share);
  const testCount = useLab(({ datasets }) => datasets[config.data]?.testCount ?? 0);
  const measured = useLabGlance((state) => iterationMilliseconds(state, config));
  const { width, size, batch, steps, networks } = config;
  const milliseconds = (value: number) =>
    t('profile.milliseconds', { value: significant(value, language) });
  const result = expected?.result;
  const iteration =
    result && 'milliseconds' in result
      ? Object.values(result.milliseconds).reduce((sum, each) => sum + each, 0)
      : null;
  const whole =
    iteration === null
      ? null
      : ((iteration / 1000) *
          stepsLeft(0, { ...config, testBatches: Math.ceil(testCount / batch) })) /
        share;

  return (
    <tr>
      <th scope="row">
        {name === 'present' ? (
          t('expect.preset.present')
        ) : (
          <a href={link}>
            {t(`expect.preset.${name}`)} <ExternalLink aria-hidden size={12} />
          </a>
        )}
        <small>{t('expect.setup', { count: networks.length, width, size, batch, steps })}</small>
        {result && 'failure' in result && (
          <small className="failure">{errorSentence(result.failure)}</small>
        )}
      </th>
      <td>
        {iteration === null ? '–' : milliseconds(iteration)}
        {iteration !== null && measured !== null && (
          <small>
            {t('expect.measured', {
              value: milliseconds(measured),
              error: signed(iteration / measured - 1, language),
            })}
          </small>
        )}
      </td>
      <td>{whole === null ? '–' : span(whole, language)}</td>
    </tr>
  );
}

/** A fraction as a percentage with its sign. */
const signed = (fraction: number, language: string): string =>
  `${fraction < 0 ? '−' : '+'}${percent(Math.abs(fraction), language)}`;

/** What one iteration of all networks takes as they train now; null where they train something else, or not yet. */
function iterationMilliseconds(
  { config, imagesPerSecond }: LabState,
  of: ExperimentConfig,
): number | null {
  if (!isSameWork(config, of) || String(config.networks) !== String(of.networks)) return null;
  const times = config.networks.map((id) => (1000 * config.batch) / (imagesPerSecond[id] ?? 0));
  const sum = times.reduce((total, time) => total + time, 0);
  return Number.isFinite(sum) ? sum : null;
}
