import { describe, expect, it } from 'vitest';
import type { ScatterData } from 'plotly.js';
import { buildFigure, spread, wholeErrorRange } from '../../src/app/charts/figure.ts';
import type { FigureInput } from '../../src/app/charts/figure.ts';
import { appendRow, csvRows, emptyCurve, trailingMean } from '../../src/app/curves.ts';
import { networkStyles } from '../../src/app/palette.ts';
import { csvFile } from '../../src/lab/csv.ts';

const NETWORKS = ['plain-20', 'residual-20'];

function curveOf(steps: number, errorAt: (t: number) => number) {
  const curve = emptyCurve();
  for (let t = 1; t <= steps; t++) {
    appendRow(curve, {
      network: 'any',
      iteration: t,
      trainLoss: 1,
      batchError: errorAt(t),
      trainError: errorAt(t),
      testError: t % 50 === 0 ? errorAt(t) + 0.05 : null,
      seconds: t,
    });
  }
  return curve;
}

function inputOf(change: Partial<FigureInput> = {}): FigureInput {
  return {
    networks: NETWORKS,
    curves: {
      'plain-20': curveOf(5000, (t) => 0.9 - t / 10_000),
      'residual-20': curveOf(5000, (t) => 0.8 - t / 10_000),
    },
    styles: networkStyles(NETWORKS, 'light'),
    marks: [],
    steps: 5000,
    zoom: null,
    logarithmic: false,
    smoothing: 1,
    words: {
      iterations: 'iterations',
      iteration: 'iteration',
      error: 'error',
      train: 'train',
      test: 'test',
      mark: ({ kind }) => kind,
    },
    colors: { ink: '#000', muted: '#777', grid: '#eee', paper: '#fff' },
    fontFamily: 'sans-serif',
    width: 900,
    height: 500,
    ...change,
  };
}

const traces = (input: FigureInput) => buildFigure(input).data as Partial<ScatterData>[];

describe('the error chart', () => {
  it('draws training thin and dashed, test bold with the marker, in the colour of the network', () => {
    const [train, test] = traces(inputOf());
    expect(train?.line).toMatchObject({ dash: 'dash', width: 1.4 });
    expect(test?.line?.width).toBe(3);
    expect(test?.marker?.symbol).toBe('circle');
    expect(train?.line?.color).toBe(test?.line?.color);
  });

  it('shows errors in per cent', () => {
    const [train, test] = traces(inputOf());
    expect((train?.y as number[])[0]).toBeCloseTo(89.99, 10);
    expect((test?.y as number[])[0]).toBeCloseTo(94.5, 10);
    expect((test?.x as number[])[0]).toBe(50);
  });

  it('draws no more points than can be seen, and always the newest', () => {
    const x = traces(inputOf())[0]?.x as number[];
    expect(x.length).toBeLessThanOrEqual(402);
    expect(x.at(-1)).toBe(5000);
  });

  it('draws no more of a long experiment, training and test, and leaves points where they were', () => {
    const long = (steps: number) => {
      const curves = { 'plain-20': curveOf(steps, (t) => 1 / t), 'residual-20': emptyCurve() };
      return traces(inputOf({ curves, steps: 64_000, smoothing: 50 }));
    };
    const [train, test] = long(64_000);
    for (const trace of [train, test]) {
      const x = trace?.x as number[];
      expect(x.length).toBeLessThanOrEqual(402);
      expect(x.at(-1)).toBe(64_000);
      expect(x).toEqual(x.toSorted((a, b) => a - b));
    }
    const before = long(63_990)[0]?.x as number[];
    expect((train?.x as number[]).slice(0, -1)).toEqual(before.slice(0, -1));
  });

  it('draws every point where the reader zooms in', () => {
    const x = traces(inputOf({ zoom: { x: [1000, 1100], y: [0, 100] } }))[0]?.x as number[];
    expect(x).toEqual(Array.from({ length: 103 }, (_, i) => 999 + i));
  });

  it('reads training and last test error of a network at one point', () => {
    const [train] = traces(inputOf());
    const at = (train?.x as number[]).findIndex((t) => t >= 120);
    const t = (train?.x as number[])[at] ?? NaN;
    expect((train?.text as string[])[at]).toBe(
      `train ${(90 - t / 100).toFixed(1)} % · test 94.0 % (100)`,
    );
  });

  it('smooths the training curve only', () => {
    const zoom = { x: [0, 100], y: [0, 100] } satisfies FigureInput['zoom'];
    const curves = { 'plain-20': curveOf(100, (t) => t % 2), 'residual-20': emptyCurve() };
    const [train, test] = traces(inputOf({ curves, zoom, smoothing: 2 }));
    expect((train?.y as number[]).slice(1)).toEqual(Array(99).fill(50));
    expect(test?.y).toEqual([5, 5]);
  });

  it('marks moments with a line and a label, none of them over another', () => {
    const marks = [100, 110, 4000].map((iteration) => ({
      network: 'plain-20',
      iteration,
      kind: 'connected' as const,
    }));
    const { layout } = buildFigure(inputOf({ marks }));
    expect(layout.shapes?.map(({ x0 }) => x0)).toEqual([100, 110, 4000]);
    const labels = layout.annotations?.filter(({ text }) => text === 'connected') ?? [];
    expect(labels.map(({ y }) => y)).toEqual([1, expect.closeTo(0.95, 2), 1]);
  });

  it('keeps the names of the curves out from under the labels of early marks', () => {
    const mark = (iteration: number) =>
      ({ network: null, iteration, kind: 'settings', settings: {} }) as const;
    const curves = { 'plain-20': curveOf(60, () => 0.99), 'residual-20': curveOf(60, () => 0.98) };
    const names = (marks: FigureInput['marks']) => {
      const { layout } = buildFigure(inputOf({ curves, marks }));
      return (layout.annotations ?? [])
        .filter(({ text }) => NETWORKS.some((id) => text?.includes(id)))
        .map(({ y }) => Number(y));
    };
    expect(Math.max(...names([]))).toBeGreaterThan(0.95);
    const plotHeight = 500 - 10 - 46;
    expect(Math.max(...names([mark(20), mark(40)]))).toBeLessThan(1 - (2 * 22) / plotHeight);
    // A mark whose label ends at its line is in nobody's way.
    const late = { curves: { ...curves, 'plain-20': curveOf(5000, () => 0.99) } };
    const { layout } = buildFigure(inputOf({ ...late, marks: [mark(4000)] }));
    const label = layout.annotations?.find(({ text }) => text === 'settings');
    expect(label?.xanchor).toBe('right');
  });

  it('hides marks of hidden networks, but not those of all', () => {
    const marks = [
      { network: 'plain-20', iteration: 5, kind: 'cut' as const },
      { network: null, iteration: 9, kind: 'settings' as const },
    ];
    const { layout } = buildFigure(inputOf({ networks: ['residual-20'], marks }));
    expect(layout.shapes?.map(({ x0 }) => x0)).toEqual([9]);
  });

  it('fits the logarithmic axis to the least error', () => {
    const curves = { 'plain-20': curveOf(100, () => 0.03), 'residual-20': curveOf(10, () => 0) };
    const input = inputOf({ curves, logarithmic: true });
    expect(wholeErrorRange(input)).toEqual([2, 100]);
    expect(buildFigure(input).layout.yaxis?.range).toEqual([Math.log10(2), 2]);
    expect(wholeErrorRange({ ...input, logarithmic: false })).toEqual([0, 100]);
  });
});

describe('labels', () => {
  it('are moved apart, in order and inside', () => {
    expect(spread([50, 50, 10], 20, 100)).toEqual([50, 70, 10]);
    expect(spread([98, 99, 97], 20, 100)).toEqual([70, 90, 50]);
    expect(spread([0, 1], 20, 100)).toEqual([10, 30]);
  });
});

describe('a trailing mean', () => {
  it('is the mean of the last values, fewer at the start', () => {
    const values = [4, 2, 6, 8, 0, 1];
    for (const window of [1, 2, 3, 10]) {
      const expected = values.map((_, i) => {
        const part = values.slice(Math.max(0, i - window + 1), i + 1);
        return part.reduce((a, b) => a + b) / part.length;
      });
      expect(trailingMean(values, window, 0, 6)).toEqual(expected);
      expect(trailingMean(values, window, 2, 5)).toEqual(expected.slice(2, 5));
    }
  });
});

describe('the CSV file', () => {
  it('has one line an iteration, errors as fractions, tests where there were some', () => {
    const curve = emptyCurve();
    const row = { network: 'plain-20', trainLoss: 2.25, batchError: 0.5, trainError: 0.75 };
    appendRow(curve, { ...row, iteration: 1, testError: null, seconds: 0.5 });
    appendRow(curve, { ...row, iteration: 2, testError: 0.7, seconds: 1 });
    expect(csvFile(csvRows({ 'plain-20': curve }, ['residual-20', 'plain-20']))).toBe(
      [
        'network,iteration,train_loss,train_error,test_error,seconds',
        'plain-20,1,2.25,0.75,,0.5',
        'plain-20,2,2.25,0.75,0.7,1',
        '',
      ].join('\n'),
    );
  });
});
