/** The pure parts of the benchmark: names of configurations, statistics, tables. */
import { describe, expect, test } from 'vitest';
import { DEFAULT_CONFIGS, formatConfig, networkOf, parseConfigs } from '../../bench/config.ts';
import { lossesAgree } from '../../bench/measure.ts';
import type { ConfigResult, ContenderResult } from '../../bench/measure.ts';
import { digits, markdown, table } from '../../bench/report.ts';
import { SERIES, scalingMarkdown, scalingSvg, seriesOf } from '../../bench/scaling.ts';
import { median, relativeDifference, rotated } from '../../bench/statistics.ts';
import { blocksOf, makeTask } from '../../bench/task.ts';
import { buildGraph, graphParameters } from '../../src/network/graph.ts';

describe('configurations', () => {
  test('are read and written', () => {
    const text = 'w8-16-b16,d56-w16-32-b128';
    expect(parseConfigs(text)).toEqual([
      { depth: 20, width: 8, size: 16, batch: 16 },
      { depth: 56, width: 16, size: 32, batch: 128 },
    ]);
    expect(parseConfigs(text).map(formatConfig).join()).toBe(text);
    expect(parseConfigs('d20-w8-16-b16').map(formatConfig)).toEqual(['w8-16-b16']);
    expect(parseConfigs(DEFAULT_CONFIGS)).toHaveLength(2);
  });

  test.each(['', 'w8-16', 'w8-16-b0', 'd21-w8-16-b16', 'w8-16-b16,', 'x'])(
    '"%s" is refused',
    (text) => {
      expect(() => parseConfigs(text)).toThrow(/is no configuration: expected/);
    },
  );
});

test('blocks are those of our own network', () => {
  for (const [config] of ['w8-16-b2', 'd32-w4-8-b2'].map(parseConfigs)) {
    if (!config) throw new Error('no configuration');
    const names = new Set(
      graphParameters(buildGraph(networkOf(config), 2)).map(({ name }) => name),
    );
    const blocks = blocksOf(config);
    const inBlocks = blocks.flatMap(({ path }) =>
      ['conv1.weight', 'bn1.weight', 'bn1.bias', 'conv2.weight', 'bn2.weight', 'bn2.bias'].map(
        (local) => `${path}.${local}`,
      ),
    );
    const ends = ['conv1.weight', 'bn1.weight', 'bn1.bias', 'fc.weight', 'fc.bias'];
    expect(new Set([...ends, ...inBlocks])).toEqual(names);
    expect(blocks.filter(({ stride }) => stride === 2).map(({ path }) => path)).toEqual([
      'layer2.0',
      'layer3.0',
    ]);
  }
});

test('a task is normalized and the same every time', async () => {
  const [config] = parseConfigs('w4-8-b64');
  if (!config) throw new Error('no configuration');
  const task = await makeTask(config);
  const mean = task.images.reduce((sum, value) => sum + value, 0) / task.images.length;
  expect(task.images).toHaveLength(64 * 3 * 8 * 8);
  expect(Math.abs(mean)).toBeLessThan(0.2);
  expect(new Set(task.labels).size).toBe(10);
  expect(await makeTask(config)).toEqual(task);
});

test('median', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test('everyone goes first once', () => {
  const list = ['a', 'b', 'c'];
  expect([0, 1, 2, 3].map((round) => rotated(list, round).join(''))).toEqual([
    'abc',
    'bca',
    'cab',
    'abc',
  ]);
  expect(rotated([], 2)).toEqual([]);
});

test('differences are relative, and what is not finite never agrees', () => {
  expect(relativeDifference([2, 2.002], [2, 2])).toBeCloseTo(1e-3, 12);
  expect(relativeDifference([NaN], [2])).toBe(Infinity);
  expect(relativeDifference([2, 5], [2])).toBe(0);
});

test('digits', () => {
  expect([1234.5, 12.345, 1.2345, 0.12345, 0.00123456].map(digits)).toEqual([
    '1235',
    '12.3',
    '1.23',
    '0.123',
    '0.00123',
  ]);
  expect(digits(NaN)).toBe('–');
  expect(digits(0)).toBe('0');
});

const contender = (name: ContenderResult['name'], given: Partial<ContenderResult>) => ({
  name,
  failure: null,
  firstStepSeconds: 1,
  steps: [],
  forwards: [],
  losses: [],
  forwardLoss: null,
  difference: null,
  differenceOfAll: null,
  forwardDifference: null,
  counters: null,
  submitCounters: null,
  facts: null,
  ...given,
});
const result = (contenders: ContenderResult[]): ConfigResult => ({
  config: { depth: 20, width: 8, size: 16, batch: 16 },
  stepFlops: 3e9,
  forwardFlops: 1e9,
  contenders,
});

test('a table', () => {
  expect(table(['', 'ms'], [['a', '1']])).toBe('|  | ms |\n| --- | ---: |\n| a | 1 |');
});

test('the report holds ratios, percents and reasons', () => {
  const text = markdown({
    date: '2026-01-02T03:04:05.000Z',
    runtime: 'Chromium 1',
    adapter: 'an adapter',
    rounds: 2,
    storage: 'f32',
    peaks: { flops: 1e12, bandwidth: 1e11 },
    configs: [
      result([
        contender('fathom', { steps: [10, 10], losses: [2] }),
        contender('jax-webgpu', { steps: [40, 50], losses: [2.1], difference: 0.05 }),
        contender('tfjs-webgl', { failure: 'start: no WebGL' }),
      ]),
    ],
    kernels: [],
  });
  expect(text).toContain('| Fathom | 10.0 | 1.00 | 300 | 30.0 |');
  expect(text).toContain('| jax-js webgpu | 45.0 | 4.50 | 66.7 | 6.67 |');
  expect(text).toContain('5e-2 **too much**');
  expect(text).toContain('- TensorFlow.js webgl failed: start: no WebGL');
});

test('kernels of the same shapes make one line, the slowest first', () => {
  const dispatch = {
    phase: 'forward' as const,
    path: 'conv',
    entry: 'conv2d',
    workgroups: 1,
    shape: [16, 8, 4, 4],
    nanoseconds: 1e6,
    flops: 1e9,
    bytes: 1e7,
  };
  const text = markdown({
    date: '2026-01-02T03:04:05.000Z',
    runtime: 'Chromium 1',
    adapter: 'an adapter',
    rounds: 2,
    storage: 'f32',
    peaks: { flops: 1e13, bandwidth: 1e11 },
    configs: [],
    kernels: [
      {
        config: { depth: 20, width: 8, size: 16, batch: 16 },
        clock: 'device',
        rounds: 2,
        steps: [8, 10],
        dispatches: [
          dispatch,
          { ...dispatch, entry: 'add', nanoseconds: 6e6, flops: 0 },
          { ...dispatch, path: 'other' },
        ],
      },
    ],
  });
  const lines = text.split('\n').filter((line) => /^\| (add|conv2d|all) /.test(line));
  expect(lines).toEqual([
    '| add | forward | 16×8×4×4 | 1 | 6.00 | 75.0 | 0 | 0 | 1.67 | 1.67 |',
    '| conv2d | forward | 16×8×4×4 | 2 | 2.00 | 25.0 | 1000 | 10.0 | 10.0 | 10.0 |',
    '| all |  |  | 3 | 8.00 | 100 | 250 | 2.50 | 3.75 | 3.75 |',
  ]);
});

test('a series marks the points that lie off the line through their neighbours', () => {
  const [depths] = SERIES;
  const milliseconds = [10, 20, 60, 40, 50, 60, 70, 80];
  const configs = (depths?.configs ?? []).map((config, i) => ({
    config,
    stepFlops: (i + 1) * 1e9,
    forwardFlops: 0,
    contenders: [contender('fathom', { steps: [milliseconds[i] ?? NaN] })],
  }));
  const [series] = seriesOf(configs);
  const offLine = series?.points.map((point) => point.offLine?.toFixed(2) ?? null);
  expect(offLine).toEqual([null, '0.57', '2.00', '0.73', '1.00', '1.00', '1.00', null]);
  const peaks = { flops: 1e12, bandwidth: 1e11 };
  const about = {
    date: '2026-01-02',
    runtime: 'here',
    adapter: 'an adapter',
    rounds: 1,
    storage: 'f32' as const,
  };
  const text = scalingMarkdown({ ...about, peaks, configs, kernels: [] });
  expect(text).toContain('| 14 | 2.00 | 20.0 | 100 | 10.0 | 0.57 **off** |');
  expect(text).toContain('| 20 | 3.00 | 60.0 | 50.0 | 5.00 | 2.00 **off** |');
  expect(text).toContain('| 32 | 4.00 | 40.0 | 100 | 10.0 | 0.73 |');
  const svg = scalingSvg(seriesOf(configs), peaks);
  expect(svg.match(/<circle/g)).toHaveLength(8 + 3);
  expect(svg).not.toContain('NaN');
});

test('losses agree within the tolerance; who took no step does not count', () => {
  const fathom = contender('fathom', { losses: [2], difference: 0 });
  const peer = (given: Partial<ContenderResult>) =>
    contender('jax-wasm', { losses: [2], ...given });
  expect(lossesAgree(result([fathom, peer({ difference: 5e-4 })]))).toBe(true);
  expect(lossesAgree(result([fathom, peer({ difference: 2e-3 })]))).toBe(false);
  expect(lossesAgree(result([fathom, peer({ difference: null })]))).toBe(false);
  expect(lossesAgree(result([fathom, peer({ difference: 0, forwardDifference: 1 })]))).toBe(false);
  expect(lossesAgree(result([fathom, peer({ losses: [] })]))).toBe(true);
});
