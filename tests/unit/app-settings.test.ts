import { describe, expect, it } from 'vitest';
import { experimentConfig } from '../../src/lab/config.ts';
import { machineDefaults } from '../../src/lab/defaults.ts';
import {
  DEFAULTS,
  SETTINGS,
  differences,
  isAllowed,
  isLive,
  nearestAllowed,
  stepped,
} from '../../src/app/settings.ts';
import type { Setting, SettingName } from '../../src/app/settings.ts';

const NAMES = Object.keys(SETTINGS) as SettingName[];
const NUMBERS = NAMES.filter((name) => SETTINGS[name].kind === 'number');

describe('the table of settings', () => {
  it('has every field of the configuration', () => {
    expect([...NAMES, 'version'].sort()).toEqual(Object.keys(experimentConfig.shape).sort());
  });

  it('offers only choices that the schema takes', () => {
    for (const name of NAMES) {
      const setting: Setting = SETTINGS[name];
      if (setting.kind !== 'choice') continue;
      for (const option of setting.options) expect(isAllowed(name, option)).toBe(true);
      expect(isAllowed(name, 'none of these')).toBe(false);
    }
  });

  it('tells live settings from those that need a reset', () => {
    expect(isLive('learningRate')).toBe(true);
    expect(isLive('width')).toBe(false);
  });
});

describe('a number field', () => {
  it.each(NUMBERS)('%s never leaves its range, whatever is typed', (name) => {
    for (const typed of [-1e9, -1, 0, 0.5, 1, 5, 6.7, 9, 333, 1e5, 1e12, NaN, Infinity]) {
      const value = nearestAllowed(name, typed, Number(DEFAULTS[name]));
      expect(isAllowed(name, value), `${typed} → ${value}`).toBe(true);
    }
  });

  it.each(NUMBERS)('%s can be stepped from end to end through allowed values', (name) => {
    const setting: Setting = SETTINGS[name];
    if (setting.kind !== 'number') throw new Error('not a number');
    const { min, max } = setting.bounds;
    let value = min;
    for (let click = 0; click < 50; click++) {
      const next = stepped(name, value, 1);
      expect(isAllowed(name, next), String(next)).toBe(true);
      expect(next).toBeGreaterThan(value === max ? max - 1 : value);
      if (value !== max) expect(stepped(name, next, -1)).toBe(value);
      value = next;
      if (value === max) break;
    }
    expect(stepped(name, max, 1)).toBe(max);
    expect(stepped(name, min, -1)).toBe(min);
  });

  it('takes what is allowed as it is', () => {
    expect(nearestAllowed('learningRate', 0.0123, 1)).toBe(0.0123);
    expect(nearestAllowed('width', 9, 8)).toBe(8);
    expect(nearestAllowed('width', 11, 8)).toBe(12);
    expect(nearestAllowed('batch', 30, 8)).toBe(30);
    expect(nearestAllowed('steps', 10.4, 8)).toBe(10);
  });

  it('walks rates in steps of 1, 2, 5', () => {
    expect(stepped('learningRate', 0.1, 1)).toBe(0.2);
    expect(stepped('learningRate', 0.1, -1)).toBe(0.05);
    expect(stepped('learningRate', 0.3, 1)).toBe(0.5);
  });
});

describe('differences', () => {
  it('names the fields that differ, lists included', () => {
    expect(differences(DEFAULTS, DEFAULTS)).toEqual([]);
    expect(differences(DEFAULTS, { ...DEFAULTS, seed: 2, networks: ['plain-8'] })).toEqual([
      'networks',
      'seed',
    ]);
  });
});

describe('defaults of a machine', () => {
  it('are smaller on a software adapter, and the schema takes them', () => {
    expect(machineDefaults({ software: false })).toEqual({});
    const chosen = machineDefaults({ software: true });
    expect(experimentConfig.parse(chosen)).toMatchObject({ width: 4, steps: 240, batch: 32 });
  });
});
