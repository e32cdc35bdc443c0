/**
 * The settings as forms and links see them: one entry a field of the configuration. Ranges come from
 * the schema's bounds, so a form cannot offer what the lab would refuse.
 */
import { BOUNDS, experimentConfig, liveSettings } from '../lab/config.ts';
import type { ExperimentConfig, LiveSettings } from '../lab/config.ts';
import { SCHEDULES } from '../lab/schedule.ts';
import { PRECISIONS } from '../ops/tensor.ts';

export type Setting =
  | {
      kind: 'number';
      bounds: { min: number; max: number; step: number };
      /** Steppers walk 1, 2, 5, 10, … instead of equal steps. */
      logarithmic?: boolean;
    }
  | { kind: 'choice'; options: readonly string[] }
  | { kind: 'switch' }
  | { kind: 'text' }
  | { kind: 'networks' }
  /** Networks by hand. */
  | { kind: 'custom' };

/** Every field a person may set; `version` is the format's affair. */
export type SettingName = Exclude<keyof ExperimentConfig, 'version'>;

export const SETTINGS = {
  networks: { kind: 'networks' },
  custom: { kind: 'custom' },
  data: { kind: 'text' },
  width: { kind: 'number', bounds: BOUNDS.width },
  shortcut: { kind: 'choice', options: ['A', 'B'] },
  size: { kind: 'number', bounds: BOUNDS.size },
  pad: { kind: 'number', bounds: BOUNDS.pad },
  flip: { kind: 'switch' },
  resize: { kind: 'switch' },
  resizeFrom: { kind: 'number', bounds: BOUNDS.resizeFrom },
  resizeTo: { kind: 'number', bounds: BOUNDS.resizeTo },
  brightness: { kind: 'number', bounds: BOUNDS.brightness },
  contrast: { kind: 'number', bounds: BOUNDS.contrast },
  saturation: { kind: 'number', bounds: BOUNDS.saturation },
  cutout: { kind: 'number', bounds: BOUNDS.cutout },
  batch: { kind: 'number', bounds: BOUNDS.batch },
  trainCount: { kind: 'number', bounds: BOUNDS.trainCount },
  steps: { kind: 'number', bounds: { ...BOUNDS.steps, step: 100 } },
  learningRate: { kind: 'number', bounds: BOUNDS.learningRate, logarithmic: true },
  schedule: { kind: 'choice', options: SCHEDULES },
  warmup: { kind: 'number', bounds: { ...BOUNDS.warmup, step: 10 } },
  optimizer: { kind: 'choice', options: ['sgd', 'adam', 'adamw'] },
  momentum: { kind: 'number', bounds: BOUNDS.momentum },
  nesterov: { kind: 'switch' },
  weightDecay: { kind: 'number', bounds: BOUNDS.weightDecay, logarithmic: true },
  labelSmoothing: { kind: 'number', bounds: BOUNDS.labelSmoothing },
  clipNorm: { kind: 'number', bounds: BOUNDS.clipNorm },
  storage: { kind: 'choice', options: PRECISIONS },
  evalEvery: { kind: 'number', bounds: { ...BOUNDS.evalEvery, step: 10 } },
  seed: { kind: 'number', bounds: BOUNDS.seed },
} as const satisfies Record<SettingName, Setting>;

export const DEFAULTS: ExperimentConfig = experimentConfig.parse({});

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/** Whether the setting may change while networks train; the others need a reset. */
export function isLive(name: string): name is keyof LiveSettings {
  return Object.hasOwn(liveSettings.shape, name);
}

/** Whether the schema takes this value for this field. */
export function isAllowed(name: SettingName, value: unknown): boolean {
  return experimentConfig.shape[name].safeParse(value).success;
}

/** The allowed value nearest to what a person typed; `fallback` where that was no number. */
export function nearestAllowed(name: SettingName, value: number, fallback: number): number {
  const setting: Setting = SETTINGS[name];
  if (setting.kind !== 'number' || !Number.isFinite(value)) return fallback;
  const { min, max } = setting.bounds;
  const clamped = Math.min(max, Math.max(min, value));
  if (isAllowed(name, clamped)) return clamped;
  const whole = Math.round(clamped);
  if (isAllowed(name, whole)) return whole;
  const { step } = setting.bounds;
  return min + Math.round((clamped - min) / step) * step;
}

/** The value one click up or down (`direction` 1 or -1), inside the bounds. */
export function stepped(name: SettingName, value: number, direction: 1 | -1): number {
  const setting: Setting = SETTINGS[name];
  if (setting.kind !== 'number') return value;
  const { min, max, step } = setting.bounds;
  let next: number;
  if (setting.logarithmic) {
    const ladder = [
      0,
      ...[-5, -4, -3, -2, -1, 0, 1].flatMap((e) => [1, 2, 5].map((m) => Number(`${m}e${e}`))),
    ];
    next =
      direction === 1
        ? (ladder.find((rung) => rung > value) ?? max)
        : (ladder.findLast((rung) => rung < value) ?? min);
  } else {
    // Decimal steps are not exact in binary: 0.07 / 0.01 is 7.000000000000001.
    const rung = Number(((value - min) / step).toFixed(6));
    next = min + (direction === 1 ? Math.floor(rung + 1) : Math.ceil(rung - 1)) * step;
    next = Number(next.toFixed(6));
  }
  return Math.min(max, Math.max(min, next));
}

/** Fields in which two configurations differ. */
export function differences(a: ExperimentConfig, b: ExperimentConfig): SettingName[] {
  return (Object.keys(SETTINGS) as SettingName[]).filter(
    (name) => JSON.stringify(a[name]) !== JSON.stringify(b[name]),
  );
}
