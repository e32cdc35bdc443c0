/** Networks by hand in an experiment: their names, their fit to a data set, the links and files that hold them. */
import { describe, expect, it } from 'vitest';
import { formatLink, parseLink } from '../../src/app/link.ts';
import { pack } from '../../src/app/packed.ts';
import { networkStyles } from '../../src/app/palette.ts';
import { DEFAULTS } from '../../src/app/settings.ts';
import { experimentConfig } from '../../src/lab/config.ts';
import { specOf } from '../../src/lab/networks.ts';
import { cifarNetwork, withShortcuts } from '../../src/network/families.ts';
import { parseNetwork, readNetwork } from '../../src/network/file.ts';
import { adapt, checkTrainable, depthOf, isConnected } from '../../src/network/fit.ts';
import { buildGraph } from '../../src/network/graph.ts';
import { networkSpec } from '../../src/network/spec.ts';
import type { NetworkSpec } from '../../src/network/spec.ts';
import { template } from '../../src/network/templates.ts';

const input = { channels: 3, height: 16, width: 16 };
const lenet = networkSpec.parse(template('lenet_5', { input, classes: 10 }));
const cifar = (depth: number) =>
  cifarNetwork({ depth, residual: true, width: 16, input, classes: 10 });
const grey = { channels: 1, height: 28, width: 28, classes: Array.from({ length: 7 }, String) };
const withLenet = experimentConfig.parse({
  custom: { lenet },
  networks: ['plain-8', 'lenet'],
});

describe('a name of a network by hand', () => {
  it.each(['lenet', 'my-net_2', '7', 'plain', 'residual-mine'])('%s is taken', (name) => {
    expect(
      experimentConfig.safeParse({ custom: { [name]: lenet }, networks: [name] }).success,
    ).toBe(true);
  });

  it.each(['plain-20', 'residual-21', 'my net', 'net.gelu', 'a,b', '', '网络', 'x'.repeat(25)])(
    '"%s" is refused',
    (name) => {
      expect(experimentConfig.safeParse({ custom: { [name]: lenet } }).success).toBe(false);
    },
  );

  it('must be that of a network that is there', () => {
    const { error } = experimentConfig.safeParse({ networks: ['plain-8', 'lenet'] });
    expect(error?.issues).toMatchObject([
      { path: ['networks'], message: 'no network by hand is called lenet' },
    ]);
  });
});

describe('a network by hand', () => {
  it('takes the images and the classes of the data set; its last layer follows', () => {
    const spec = specOf('lenet', withLenet, grey);
    expect(spec.name).toBe('lenet');
    expect(buildGraph(spec, 2).output.shape).toEqual([2, 7]);
    expect(spec.layers.slice(0, -1)).toEqual(lenet.layers.slice(0, -1));
    // A convolution that makes the logits follows as well.
    const convolutional = template('all_convolutional', { input, classes: 10 });
    expect(buildGraph(adapt(convolutional, { input, classes: 3 }), 1).output.shape).toEqual([1, 3]);
  });

  it('that cannot take them is refused by name, with the reason', () => {
    const tiny = { ...grey, height: 4, width: 4 };
    const fit = () => specOf('lenet', withLenet, tiny);
    expect(fit).toThrow(expect.objectContaining({ code: 'network-fit' }));
    expect(fit).toThrow(/^network "lenet" does not fit images of 1×4×4.*c3/);
  });

  it('is checked when the configuration is read', () => {
    const broken = { ...lenet, layers: lenet.layers.slice(0, -1) };
    const { error } = experimentConfig.safeParse({ custom: { broken } });
    expect(error?.issues[0]?.path).toEqual(['custom', 'broken']);
    expect(error?.issues[0]?.message).toMatch(/10 logits/);
  });

  it('must learn something, and fit with its shortcuts connected', () => {
    const pool: NetworkSpec = {
      ...lenet,
      input: { ...input, channels: 10 },
      layers: [{ type: 'global_avg_pool', name: 'pool' }],
    };
    expect(() => checkTrainable(pool)).toThrow(expect.objectContaining({ code: 'no-parameters' }));
    // Option A cannot take channels away; cut, the block fits.
    const narrowing: NetworkSpec = {
      ...lenet,
      layers: [
        { type: 'conv2d', name: 'conv', out_channels: 8, kernel: 1 },
        {
          type: 'residual',
          name: 'block',
          connected: false,
          shortcut: 'A',
          zero_channels: 'end',
          projection_norm: null,
          body: [{ type: 'conv2d', name: 'conv', out_channels: 4, kernel: 1 }],
          after: [],
        },
        { type: 'global_avg_pool', name: 'pool' },
        { type: 'linear', name: 'fc', out_features: 10 },
      ],
    };
    expect(() => buildGraph(narrowing, 1)).not.toThrow();
    expect(() => checkTrainable(narrowing)).toThrow(/block\.shortcut/);
  });

  it('has the depth and the wiring of the family it copies', () => {
    expect(depthOf(cifar(56))).toBe(56);
    expect(isConnected(cifar(8))).toBe(true);
    expect(isConnected(withShortcuts(cifar(8), false))).toBe(false);
    expect(isConnected(lenet)).toBeNull();
  });
});

describe('a link', () => {
  it('holds networks by hand as they are', () => {
    const config = { ...withLenet, custom: { lenet, deep: cifar(110) } };
    const { given, problems } = parseLink(formatLink(config));
    expect(problems).toEqual([]);
    expect({ ...DEFAULTS, ...given }).toEqual(experimentConfig.parse(config));
  });

  it('is no longer than a message: 110 layers in 1,000 characters', () => {
    expect(pack({ deep: cifar(110) }).length).toBeLessThan(1000);
    expect(pack({ lenet }).length).toBeLessThan(500);
  });

  it('that is damaged says so, and opens the rest', () => {
    const link = formatLink(withLenet);
    const start = link.indexOf('custom=') + 'custom='.length;
    const end = link.includes('&', start) ? link.indexOf('&', start) : link.length;
    for (let at = start; at < end; at += 7) {
      for (const damaged of [
        link.slice(0, at) + link.slice(end),
        `${link.slice(0, at)}!${link.slice(at + 1)}`,
        `${link.slice(0, at)}${link[at] === 'A' ? 'B' : 'A'}${link.slice(at + 1)}`,
      ]) {
        const { given, problems } = parseLink(damaged);
        if (given.custom) {
          // A letter of a name may have become another.
          expect(experimentConfig.safeParse({ custom: given.custom }).success).toBe(true);
          continue;
        }
        expect(given.networks).toEqual(['plain-8']);
        expect(problems.map(({ why }) => why)).toContain('missing');
        expect(problems.some(({ why }) => why === 'damaged' || why === 'custom')).toBe(true);
      }
    }
  });

  it('names the network that cannot train, and keeps the others', () => {
    const broken = { ...lenet, layers: [] };
    const { given, problems } = parseLink(
      `#/?networks=lenet,broken&custom=${pack({ lenet, broken, 'plain-20': lenet, odd: { version: 2 } })}`,
    );
    expect(given).toEqual({ networks: ['lenet'], custom: { lenet } });
    expect(problems.map(({ name, value, why }) => [name, value, why])).toEqual([
      ['custom', 'broken', 'custom'],
      ['custom', 'plain-20', 'network'],
      ['custom', 'odd', 'custom'],
      ['networks', 'broken', 'missing'],
    ]);
  });
});

describe('a file of a network', () => {
  it('is read as it was written', () => {
    expect(parseNetwork(JSON.stringify(cifar(20)))).toEqual(networkSpec.parse(cifar(20)));
  });

  it.each([
    ['nonsense', 'network-json', /no JSON/],
    ['null', 'network-file', /^JSON: /],
    ['{"version":2}', 'network-file', /^version: .*1/],
    [JSON.stringify({ ...lenet, classes: 1 }), 'network-file', /^classes: /],
    [JSON.stringify({ ...lenet, extra: 1 }), 'network-file', /extra/],
    [
      JSON.stringify({ ...lenet, layers: [...lenet.layers, { type: 'conv3d', name: 'x' }] }),
      'network-file',
      /^layers\[12\]\.type: /,
    ],
    [
      JSON.stringify(cifar(8)).replace('"name":"conv2","out_channels":16', '"name":"conv2"'),
      'network-file',
      /^layers\[3\]\.layers\[0\]\.body\[3\]\.out_channels: /,
    ],
  ])('%.40s is refused with where and why', (text, code, message) => {
    expect(() => parseNetwork(text)).toThrow(expect.objectContaining({ code }));
    expect(() => parseNetwork(text)).toThrow(message);
  });

  it('nested without end is refused before it is read', () => {
    let layers: unknown[] = [];
    for (let depth = 0; depth < 20_000; depth++) layers = [{ type: 'stage', name: 's', layers }];
    expect(() => readNetwork({ ...lenet, layers })).toThrow(/nested/);
    const many = Array.from({ length: 6000 }, () => ({ type: 'relu', name: 'relu' }));
    expect(() => readNetwork({ ...lenet, layers: many })).toThrow(/more than 5000 layers/);
  });
});

it('networks by hand have colours of their own, whatever their names', () => {
  const names = Array.from({ length: 6 }, (_, i) => `net-${i}`);
  for (const shade of ['light', 'dark'] as const) {
    const styles = networkStyles(['plain-20', 'residual-20', ...names], shade);
    const looks = [...styles.values()].map(({ color }) => color);
    expect(new Set(looks).size).toBe(8);
    const glyphs = names.map((name) => styles.get(name)?.glyph);
    expect(new Set(glyphs).size).toBe(6);
  }
});
