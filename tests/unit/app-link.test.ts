import { describe, expect, it } from 'vitest';
import { experimentConfig } from '../../src/lab/config.ts';
import { formatLink, parseLink } from '../../src/app/link.ts';
import { DEFAULTS } from '../../src/app/settings.ts';

describe('a link', () => {
  it('names only what differs from the defaults', () => {
    expect(formatLink(DEFAULTS)).toBe('#/');
    expect(
      formatLink({ ...DEFAULTS, networks: ['plain-20', 'residual-20'], width: 16, flip: false }),
    ).toBe('#/?networks=plain-20,residual-20&width=16&flip=false');
  });

  it('names a default where this machine would choose something else', () => {
    expect(formatLink(DEFAULTS, { width: 4 })).toBe('#/?width=8');
    expect(formatLink({ ...DEFAULTS, width: 4 }, { width: 4 })).toBe('#/?width=4');
  });

  it('opens what was written, whatever the settings', () => {
    const config = experimentConfig.parse({
      learningRate: 0.05,
      warmup: 0,
      schedule: 'cosine',
      momentum: 0,
      weightDecay: 5e-4,
      pad: 4,
      flip: false,
      evalEvery: 10,
      data: 'my data & more',
      size: 28,
      networks: ['residual-110', 'plain-8'],
      width: 16,
      shortcut: 'B',
      batch: 30,
      steps: 64_000,
      seed: 4_294_967_295,
    });
    const { given, problems } = parseLink(formatLink(config));
    expect(problems).toEqual([]);
    expect({ ...DEFAULTS, ...given }).toEqual(config);
  });

  it('is empty where nothing is named', () => {
    for (const hash of ['', '#', '#/', '#/?']) {
      expect(parseLink(hash)).toEqual({ given: {}, problems: [] });
    }
  });

  it('opens the valid parts of a damaged link and says what was not', () => {
    const { given, problems } = parseLink(
      '#/?width=9&batch=abc&seed=7&schedule=wild&flip=maybe&colour=red&steps=&version=2&lr%',
    );
    expect(given).toEqual({ seed: 7 });
    expect(problems.map(({ name, why }) => [name, why])).toEqual([
      ['width', 'range'],
      ['batch', 'number'],
      ['schedule', 'choice'],
      ['flip', 'switch'],
      ['colour', 'unknown'],
      ['steps', 'number'],
      ['version', 'version'],
      ['lr%', 'unknown'],
    ]);
  });

  it('keeps the valid networks of a list', () => {
    const { given, problems } = parseLink(
      '#/?networks=plain-20,plain-21,residual-20,plain-20,dense-20,residual-116',
    );
    expect(given).toEqual({ networks: ['plain-20', 'residual-20'] });
    expect(problems.map(({ value, why }) => [value, why])).toEqual([
      ['plain-21', 'network'],
      ['plain-20', 'twice'],
      ['residual-116', 'network'],
      ['dense-20', 'missing'],
    ]);
  });

  it('takes twelve networks and no more', () => {
    const ids = [8, 14, 20, 26, 32, 38, 44].flatMap((d) => [`plain-${d}`, `residual-${d}`]);
    const { given, problems } = parseLink(`#/?networks=${ids.join(',')}`);
    expect(given.networks).toEqual(ids.slice(0, 12));
    expect(problems.map(({ why }) => why)).toEqual(['many', 'many']);
  });

  it('refuses numbers that only look like numbers', () => {
    for (const value of ['0x10', 'Infinity', '1e99', '-4', '8.5', 'NaN', ' ']) {
      expect(parseLink(`#/?width=${value}`).given, value).toEqual(
        value === '0x10' ? { width: 16 } : {},
      );
    }
  });
});
