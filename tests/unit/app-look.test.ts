import { describe, expect, it } from 'vitest';
import { adviceFor, reasonOf } from '../../src/app/advice.ts';
import { detectBrowser } from '../../src/app/browser.ts';
import { barAt, stripOf } from '../../src/app/drawing/strip.ts';
import { duration, integer, percent, prefixed } from '../../src/app/format.ts';
import { networkStyles } from '../../src/app/palette.ts';
import { cifarNetwork } from '../../src/network/families.ts';

const strip = (depth: number) =>
  stripOf(
    cifarNetwork({
      depth,
      residual: true,
      width: 16,
      input: { channels: 3, height: 32, width: 32 },
      classes: 10,
    }),
  );

describe('the drawing of a network', () => {
  it.each([8, 20, 56, 110])('has one bar a layer and one arc a block at depth %d', (depth) => {
    const { bars, arcs } = strip(depth);
    expect(bars).toHaveLength(depth);
    expect(arcs).toHaveLength((depth - 2) / 2);
  });

  it('halves the bars where the pictures are halved', () => {
    expect(strip(8).bars.map(({ side }) => side)).toEqual([1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0]);
  });

  it('finds the bar of layers, blocks and parameters', () => {
    const network = strip(20);
    const at = (path: string) => {
      const bar = barAt(network, path);
      return bar === null ? null : network.bars[bar]?.path;
    };
    expect(at('conv1')).toBe('conv1');
    expect(at('layer2.1.bn1')).toBe('layer2.1.conv1');
    expect(at('layer2.1')).toBe('layer2.1.conv2');
    expect(at('layer3.2.conv2.weight')).toBe('layer3.2.conv2');
    expect(at('layer2.0.downsample.0')).toBe('layer2.0.conv2');
    expect(at('fc.bias')).toBe('fc');
    expect(at('loss')).toBeNull();
    expect(at('')).toBeNull();
  });
});

describe('styles of networks', () => {
  const ids = ['plain-20', 'plain-56', 'residual-20', 'residual-56'];
  const styles = networkStyles(ids, 'light');

  it('gives every network its own colour and marker', () => {
    const looks = [...styles.values()].map(({ color, glyph }) => [color, glyph]);
    expect(new Set(looks.map(([color]) => color)).size).toBe(4);
    expect(new Set(looks.map(([, glyph]) => glyph)).size).toBe(4);
  });

  it('draws plain networks warm and hollow, residual ones cool and solid', () => {
    for (const [id, { color, solid }] of styles) {
      const [red, , blue] = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
      expect((red ?? 0) > (blue ?? 0), id).toBe(id.startsWith('plain'));
      expect(solid).toBe(id.startsWith('residual'));
    }
  });

  it('keeps the colour of a network, whoever else takes part', () => {
    expect(networkStyles(['plain-56'], 'light').get('plain-56')?.color).toBe(
      styles.get('plain-56')?.color,
    );
  });

  it.each(['light', 'dark'] as const)('stands out from the %s ground (3:1)', (shade) => {
    const ground = shade === 'light' ? '#ffffff' : '#161c1f';
    const all = [8, 14, 20, 32, 44, 56, 80, 110].flatMap((d) => [`plain-${d}`, `residual-${d}`]);
    for (const [id, { color }] of networkStyles(all, shade)) {
      expect(contrast(color, ground), `${id} ${color}`).toBeGreaterThanOrEqual(3);
    }
  });
});

/** Contrast of two colours, WCAG 2.2. */
function contrast(a: string, b: string): number {
  const luminance = (color: string) =>
    [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
      const value = parseInt(color.slice(1 + 2 * i, 3 + 2 * i), 16) / 255;
      return sum + weight * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    }, 0);
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

describe('numbers in words', () => {
  it('are short and exact', () => {
    expect(percent(0.1234, 'en')).toBe('12.3%');
    expect(integer(269722, 'en')).toBe('269,722');
    expect([0, 950, 1000, 12_345, 30_960_000_000].map(prefixed)).toEqual([
      '0',
      '950',
      '1.00 k',
      '12.3 k',
      '31.0 G',
    ]);
    expect([0, 5.2, 61, 3725].map(duration)).toEqual(['0:00', '0:06', '1:01', '1:02:05']);
  });
});

describe('advice', () => {
  const chromeLinux =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
  it.each([
    [chromeLinux, { name: 'chrome', version: 140, system: 'linux' }],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0',
      { name: 'edge', version: 139, system: 'windows' },
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:141.0) Gecko/20100101 Firefox/141.0',
      { name: 'firefox', version: 141, system: 'macos' },
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
      { name: 'safari', version: 18, system: 'ios' },
    ],
    ['curl/8', { name: 'other', version: null, system: 'other' }],
  ])('knows the browser behind %s', (userAgent, browser) => {
    expect(detectBrowser(userAgent)).toEqual(browser);
  });

  it('tells the reasons apart', () => {
    expect(reasonOf('no-webgpu', true)).toBe('noWebgpu');
    expect(reasonOf('no-webgpu', false)).toBe('insecure');
    expect(reasonOf('no-adapter', true)).toBe('noAdapter');
    expect(reasonOf('device-lost', true)).toBe('lost');
    expect(reasonOf('worker', true)).toBe('other');
  });

  it('fits the browser and always says something', () => {
    expect(adviceFor('noAdapter', detectBrowser(chromeLinux))[0]).toBe('chromeLinux');
    expect(adviceFor('noWebgpu', detectBrowser('curl/8'))).toContain('update');
    for (const reason of [
      'noWebgpu',
      'insecure',
      'noAdapter',
      'limits',
      'lost',
      'other',
    ] as const) {
      expect(adviceFor(reason, detectBrowser(''))).not.toEqual([]);
    }
  });
});
