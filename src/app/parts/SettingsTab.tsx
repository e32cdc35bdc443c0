import { RotateCcw, Trash2 } from 'lucide-react';
import { Checkbox, Slider, Switch } from 'radix-ui';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ExperimentConfig } from '../../lab/config.ts';
import { BOUNDS, MOST_NETWORKS } from '../../lab/config.ts';
import { formatNetworkId } from '../../network/families.ts';
import { useLab } from '../context.ts';
import { networkStyles } from '../palette.ts';
import { DEFAULTS, SETTINGS, isLive, nearestAllowed, stepped } from '../settings.ts';
import type { SettingName } from '../settings.ts';
import { SHARE } from '../share.ts';
import { isTraining, iterationsDone, pendingSettings } from '../store.ts';
import { useShade } from '../theme.ts';
import { Choice, CurveKey, IconButton, InfoTip, NumberField, Segmented } from './controls.tsx';

const GROUPS = [
  {
    name: 'training',
    settings: [
      'optimizer',
      'learningRate',
      'schedule',
      'warmup',
      'momentum',
      'nesterov',
      'weightDecay',
      'labelSmoothing',
      'clipNorm',
    ],
  },
  { name: 'pictures', settings: ['size', 'batch', 'trainCount'] },
  {
    name: 'augmentation',
    settings: [
      'flip',
      'pad',
      'resize',
      'resizeFrom',
      'resizeTo',
      'brightness',
      'contrast',
      'saturation',
      'cutout',
    ],
  },
  { name: 'experiment', settings: ['width', 'shortcut', 'storage', 'steps', 'evalEvery', 'seed'] },
] as const;

/** Where most begin. */
const USUAL_RATE = { sgd: 0.1, adam: 0.001, adamw: 0.001 } as const;

/** Above this Adam seldom learns. */
const ADAM_RATE = 0.01;

/** Every setting, with what it does and whether it waits for a reset. */
export function SettingsTab() {
  const { t } = useTranslation();
  const sgd = useLab((state) => state.draft.optimizer === 'sgd');
  const steep = useLab(({ draft }) => draft.optimizer !== 'sgd' && draft.learningRate > ADAM_RATE);
  /** Adam has averages of its own: nobody sets a momentum that does nothing. */
  const resizes = useLab((state) => state.draft.resize);
  const applies = (name: string) =>
    (sgd || (name !== 'momentum' && name !== 'nesterov')) &&
    (resizes || (name !== 'resizeFrom' && name !== 'resizeTo'));
  return (
    <div className="settings">
      <Pending />
      <p className="hint">
        <RotateCcw aria-hidden size={13} /> {t('settings.hint')}
      </p>
      <fieldset>
        <legend>
          {t('settings.group.networks')}{' '}
          <InfoTip label={t('settings.networks.label')} text={t('settings.networks.tip')} />
        </legend>
        <NetworkPicker />
      </fieldset>
      {GROUPS.map(({ name, settings }) => (
        <fieldset key={name}>
          <legend>{t(`settings.group.${name}`)}</legend>
          {settings.filter(applies).map((setting) => (
            <SettingRow key={setting} name={setting} />
          ))}
          {name === 'training' && steep && <p className="hint">{t('settings.adamHint')}</p>}
        </fieldset>
      ))}
      <Machine />
      <Defaults />
    </div>
  );
}

/** In mid-run: which changes wait, and the choice to take or leave them. */
function Pending() {
  const { t, i18n } = useTranslation();
  const draft = useLab((state) => state.draft);
  const config = useLab((state) => state.config);
  const fresh = useLab((state) => iterationsDone(state) === 0 && !isTraining(state.run));
  const reset = useLab((state) => state.reset);
  const discard = useLab((state) => state.discard);
  const names = pendingSettings({ config, draft });
  if (fresh || names.length === 0) return null;

  return (
    <div className="pending" role="status">
      <p>
        {t('settings.pending', {
          names: names
            .map((name) => t(`settings.${name}.label`))
            .join(i18n.language === 'zh' ? '、' : ', '),
        })}
      </p>
      <button type="button" className="primary" onClick={reset}>
        <RotateCcw aria-hidden size={16} />
        {t('settings.apply')}
      </button>
      <button type="button" onClick={discard}>
        {t('settings.discard')}
      </button>
    </div>
  );
}

/** What is no part of the experiment: how hard this computer works for it. */
function Machine() {
  const { t } = useTranslation();
  const share = useLab((state) => Math.round(100 * state.share));
  const setShare = useLab((state) => state.setShare);
  const label = t('gpuShare.label');
  return (
    <fieldset>
      <legend>{t('gpuShare.legend')}</legend>
      <div className="setting">
        <span>{label}</span>
        <InfoTip label={label} text={t('gpuShare.tip')} />
        <div className="slider-field">
          <Slider.Root
            className="slider"
            {...SHARE}
            value={[share]}
            onValueChange={([value]) => setShare((value ?? SHARE.max) / 100)}
          >
            <Slider.Track className="slider-track">
              <Slider.Range className="slider-range" />
            </Slider.Track>
            <Slider.Thumb className="slider-thumb" aria-label={label} />
          </Slider.Root>
          <output>{t('gpuShare.value', { value: share })}</output>
        </div>
      </div>
    </fieldset>
  );
}

function Defaults() {
  const { t } = useTranslation();
  const change = useLab((state) => state.change);
  const machine = useLab((state) => state.machine);
  const restore = () => {
    const defaults: ExperimentConfig = { ...DEFAULTS, ...machine };
    for (const name of Object.keys(SETTINGS) as SettingName[]) {
      if (name !== 'data' && name !== 'custom') change(name, defaults[name]);
    }
  };
  return (
    <button type="button" onClick={restore}>
      {t('settings.defaults')}
    </button>
  );
}

type PlainSetting = (typeof GROUPS)[number]['settings'][number];

function SettingRow({ name }: { name: PlainSetting }) {
  const { t } = useTranslation();
  const id = useId();
  const label = t(`settings.${name}.label`);
  const tip = t(`settings.${name}.tip`);
  const setting = SETTINGS[name];
  const unit = useUnit(name);

  return (
    <div className="setting">
      <label htmlFor={id}>
        {label}
        {unit && <span className="unit"> ({unit})</span>}
      </label>
      <InfoTip
        label={label}
        text={
          <>
            {tip}
            <br />
            <i>
              {setting.kind === 'number' &&
                `${t('settings.range', { min: setting.bounds.min, max: setting.bounds.max })}. `}
              {isLive(name) ? t('settings.live') : t('settings.needsReset')}
            </i>
          </>
        }
      />
      {!isLive(name) && (
        <RotateCcw className="needs-reset" size={13} aria-label={t('settings.needsReset')} />
      )}
      <SettingControl name={name} id={id} label={label} description={tip} />
    </div>
  );
}

function useUnit(name: PlainSetting): string | null {
  const { t } = useTranslation();
  switch (name) {
    case 'width':
    case 'size':
    case 'pad':
    case 'cutout':
    case 'batch':
    case 'warmup':
    case 'evalEvery':
      return t(`settings.${name}.unit`);
    default:
      return null;
  }
}

interface SettingControlProps {
  name: PlainSetting;
  id: string;
  label: string;
  description: string;
}

function SettingControl({ name, id, label, description }: SettingControlProps) {
  const { t } = useTranslation();
  const draft = useLab((state) => state.draft);
  const change = useLab((state) => state.change);
  const half = useLab(({ device }) => device?.features.includes('shader-f16') ?? false);

  switch (name) {
    case 'flip':
    case 'resize':
    case 'nesterov':
      return (
        <Switch.Root
          id={id}
          className="switch"
          aria-description={description}
          checked={draft[name]}
          onCheckedChange={(checked) => change(name, checked)}
        >
          <Switch.Thumb className="switch-thumb" />
        </Switch.Root>
      );
    case 'shortcut':
      return (
        <Segmented
          label={label}
          value={draft.shortcut}
          options={SETTINGS.shortcut.options.map((value) => ({
            value,
            name: t(`settings.shortcut.options.${value}`),
          }))}
          onChange={(value) => change('shortcut', value)}
        />
      );
    case 'storage':
      return (
        <Segmented
          label={label}
          value={draft.storage}
          options={SETTINGS.storage.options.map((value) => ({
            value,
            name: t(`settings.storage.options.${value}`),
            ...(value === 'f16' && !half && { refused: t('settings.storage.missing') }),
          }))}
          onChange={(value) => change('storage', value)}
        />
      );
    case 'optimizer':
      return (
        <Segmented
          label={label}
          value={draft.optimizer}
          options={SETTINGS.optimizer.options.map((value) => ({
            value,
            name: t(`settings.optimizer.options.${value}`),
          }))}
          onChange={(value) => {
            change('optimizer', value);
            // A rate that was not chosen but usual gives way to what is usual now.
            if (draft.learningRate === USUAL_RATE[draft.optimizer]) {
              change('learningRate', USUAL_RATE[value]);
            }
          }}
        />
      );
    case 'schedule':
      return (
        <Choice
          id={id}
          description={description}
          value={draft.schedule}
          options={SETTINGS.schedule.options.map((value) => ({
            value,
            name: t(`settings.schedule.options.${value}`),
          }))}
          onChange={(value) => change('schedule', value)}
        />
      );
    default:
      return (
        <NumberField
          id={id}
          label={label}
          description={description}
          value={draft[name]}
          {...SETTINGS[name].bounds}
          nearest={(typed) => nearestAllowed(name, typed, draft[name])}
          step={(direction) => stepped(name, draft[name], direction)}
          onChange={(value) => change(name, value)}
        />
      );
  }
}

/** Which networks take part, and others to add: any depth of the family. */
function NetworkPicker() {
  const { t } = useTranslation();
  const chosen = useLab((state) => state.draft.networks);
  const change = useLab((state) => state.change);
  const [depth, setDepth] = useState(32);
  const [kind, setKind] = useState<'plain' | 'residual'>('residual');
  const custom = useLab((state) => state.draft.custom);
  const offered = [...new Set([...DEFAULTS.networks, ...Object.keys(custom), ...chosen])];
  const styles = networkStyles(offered, useShade());
  const candidate = formatNetworkId({ residual: kind === 'residual', depth, variants: [] });
  const { min, max, step } = BOUNDS.depth;
  const nearestDepth = (typed: number) =>
    Number.isFinite(typed)
      ? Math.min(max, Math.max(min, min + Math.round((typed - min) / step) * step))
      : depth;
  const choose = (id: string, takesPart: boolean) =>
    change('networks', takesPart ? [...chosen, id] : chosen.filter((other) => other !== id));
  const forget = (id: string) => {
    choose(id, false);
    const { [id]: _, ...others } = custom;
    change('custom', others);
  };

  return (
    <>
      <ul className="picker-list">
        {offered.map((id) => {
          const style = styles.get(id);
          const takesPart = chosen.includes(id);
          const alone = takesPart && chosen.length === 1;
          return (
            <li key={id}>
              <label>
                <Checkbox.Root
                  className="checkbox"
                  checked={takesPart}
                  disabled={takesPart ? alone : chosen.length >= MOST_NETWORKS}
                  aria-label={t('settings.takesPart', { network: id })}
                  onCheckedChange={(checked) => choose(id, checked === true)}
                >
                  <Checkbox.Indicator>✓</Checkbox.Indicator>
                </Checkbox.Root>
                {style && <CurveKey style={style} />}
                {id}
              </label>
              {id in custom && (
                <IconButton
                  name={t('settings.forget', { network: id })}
                  disabled={alone}
                  onClick={() => forget(id)}
                >
                  <Trash2 aria-hidden size={15} />
                </IconButton>
              )}
            </li>
          );
        })}
      </ul>
      <p className="add-title">
        {t('settings.add')}{' '}
        <InfoTip label={t('settings.depth.label')} text={t('settings.depth.tip')} />
      </p>
      <div className="add">
        <Segmented
          label={t('settings.add')}
          value={kind}
          options={[
            { value: 'plain', name: t('settings.plain') },
            { value: 'residual', name: t('settings.residual') },
          ]}
          onChange={setKind}
        />
        <NumberField
          label={t('settings.depth.label')}
          description={t('settings.depth.tip')}
          value={depth}
          min={min}
          max={max}
          nearest={nearestDepth}
          step={(direction) => nearestDepth(depth + direction * step)}
          onChange={setDepth}
        />
        <button
          type="button"
          disabled={chosen.includes(candidate) || chosen.length >= MOST_NETWORKS}
          onClick={() => choose(candidate, true)}
        >
          {t('settings.addButton')}
        </button>
      </div>
    </>
  );
}
