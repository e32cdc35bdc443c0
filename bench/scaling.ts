/** How a step's time grows with the work: one size varied at a time, drawn and held to the line through its neighbours. */
import { formatConfig } from './config.ts';
import type { BenchConfig } from './config.ts';
import type { ConfigResult } from './measure.ts';
import type { Peaks } from '../src/engine/peaks.ts';
import { conditions, digits, table } from './report.ts';
import type { Report } from './report.ts';
import { median } from './statistics.ts';

type Varied = keyof BenchConfig;

const MIDDLE: BenchConfig = { depth: 20, width: 8, size: 16, batch: 16 };
const VALUES: Record<Varied, readonly number[]> = {
  depth: [8, 14, 20, 32, 44, 56, 80, 110],
  width: [4, 8, 16, 32, 64],
  batch: [8, 16, 32, 64, 128, 256],
  size: [16, 24, 32, 48, 64],
};

/** A series: all configurations that differ from the middle in one size. */
export const SERIES = (Object.keys(VALUES) as Varied[]).map((varied) => ({
  varied,
  configs: VALUES[varied].map((value) => ({ ...MIDDLE, [varied]: value })),
}));

export interface Point {
  value: number;
  /** FLOPs of a step. */
  flops: number;
  milliseconds: number;
  /** Its time over that of the line through its neighbours, at its number of FLOPs; null at the ends. */
  offLine: number | null;
}

export interface Series {
  varied: Varied;
  points: Point[];
}

/** More than this, either way, wants a reason. */
export const TOLERATED = 1.5;

/** The series of what was measured, as far as it was. */
export function seriesOf(results: readonly ConfigResult[]): Series[] {
  const byName = new Map(results.map((result) => [formatConfig(result.config), result]));
  return SERIES.map(({ varied, configs }) => {
    const points = configs.flatMap((config): Point[] => {
      const result = byName.get(formatConfig(config));
      const steps = result?.contenders[0]?.steps ?? [];
      if (!result || steps.length === 0) return [];
      const milliseconds = median(steps);
      return [{ value: config[varied], flops: result.stepFlops, milliseconds, offLine: null }];
    });
    return {
      varied,
      points: points.map((point, i) => ({ ...point, offLine: offLine(points, i) })),
    };
  });
}

function offLine(points: readonly Point[], i: number): number | null {
  const [before, point, after] = [points[i - 1], points[i], points[i + 1]];
  if (!before || !point || !after) return null;
  const share = (point.flops - before.flops) / (after.flops - before.flops);
  const line = before.milliseconds + share * (after.milliseconds - before.milliseconds);
  return point.milliseconds / line;
}

const isOff = ({ offLine }: Point): boolean =>
  offLine !== null && Math.max(offLine, 1 / offLine) > TOLERATED;

export function scalingMarkdown(report: Report): string {
  const { peaks } = report;
  const sections = seriesOf(report.configs).map(({ varied, points }) => {
    const rows = points.map((point) => {
      const { value, flops, milliseconds, offLine } = point;
      const perSecond = (flops / milliseconds) * 1e3;
      return [
        String(value),
        digits(flops / 1e9),
        digits(milliseconds),
        digits(perSecond / 1e9),
        digits((100 * perSecond) / peaks.flops),
        offLine === null ? '–' : `${offLine.toFixed(2)}${isOff(point) ? ' **off**' : ''}`,
      ];
    });
    const columns = [varied, 'GFLOP a step', 'ms', 'GFLOP/s', '% of peak', '× the line'];
    return `## By ${varied}\n\n${table(columns, rows)}`;
  });
  const others = Object.entries(MIDDLE).map(([name, value]) => `${name} ${value}`);
  return [
    '# A training step as the work grows',
    conditions(report),
    `One size is varied, the others are ${others.join(', ')}. “× the line”: the time over that of the line through ` +
      `the neighbouring points, by FLOPs; more than ${TOLERATED}× either way wants a reason.`,
    ...sections,
  ].join('\n\n');
}

const [PANEL, MARGIN] = [260, 48];

/** The series as an SVG: time over work, both axes logarithmic, one panel a series. */
export function scalingSvg(series: readonly Series[], peaks: Peaks): string {
  const points = series.flatMap((one) => one.points);
  const range = (values: number[]) => [Math.min(...values), Math.max(...values)].map(Math.log10);
  const [left = 0, right = 1] = range(points.map(({ flops }) => flops));
  const least = range(points.map(({ flops }) => (flops / peaks.flops) * 1e3));
  const [bottom = 0, top = 1] = range([
    ...least.map((power) => 10 ** power),
    ...points.map(({ milliseconds }) => milliseconds),
  ]);
  const x = (flops: number) => MARGIN + ((Math.log10(flops) - left) / (right - left)) * PANEL;
  const y = (ms: number) => MARGIN + (1 - (Math.log10(ms) - bottom) / (top - bottom)) * PANEL;
  const path = (line: [number, number][]) =>
    line
      .map(([a, b], i) => `${i === 0 ? 'M' : 'L'}${x(a).toFixed(1)} ${y(b).toFixed(1)}`)
      .join(' ');
  const panels = series.map(({ varied, points }, i) => {
    const peak = [10 ** left, 10 ** right].map((flops): [number, number] => [
      flops,
      (flops / peaks.flops) * 1e3,
    ]);
    const dots = points.map(({ value, flops, milliseconds }) => {
      const at = `cx="${x(flops).toFixed(1)}" cy="${y(milliseconds).toFixed(1)}"`;
      const label = `x="${x(flops).toFixed(1)}" y="${(y(milliseconds) - 8).toFixed(1)}"`;
      return `<circle ${at} r="3.5"/><text ${label} text-anchor="middle">${value}</text>`;
    });
    const times = points.map(({ flops, milliseconds }): [number, number] => [flops, milliseconds]);
    return [
      `<g transform="translate(${(i % 2) * (PANEL + 2 * MARGIN)} ${Math.floor(i / 2) * (PANEL + 2 * MARGIN)})">`,
      `<rect x="${MARGIN}" y="${MARGIN}" width="${PANEL}" height="${PANEL}" fill="none" stroke="#999"/>`,
      `<text x="${MARGIN}" y="${MARGIN - 10}" font-weight="bold">${varied}</text>`,
      `<text x="${MARGIN + PANEL}" y="${MARGIN + PANEL + 30}" text-anchor="end">` +
        `${digits(10 ** left / 1e9)} … ${digits(10 ** right / 1e9)} GFLOP a step</text>`,
      `<text x="${MARGIN - 6}" y="${MARGIN + 10}" text-anchor="end">${digits(10 ** top)}</text>`,
      `<text x="${MARGIN - 6}" y="${MARGIN + PANEL}" text-anchor="end">${digits(10 ** bottom)} ms</text>`,
      `<path d="${path(peak)}" fill="none" stroke="#999" stroke-dasharray="4 4"/>`,
      `<path d="${path(times)}" fill="none" stroke="#0072b2" stroke-width="1.5"/>`,
      `<g fill="#0072b2">${dots.join('')}</g>`,
      '</g>',
    ].join('\n');
  });
  const side = 2 * (PANEL + 2 * MARGIN);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" font-family="sans-serif" font-size="11">`,
    '<title>Time of a training step over its work; dashed: at the multiply-add peak</title>',
    `<rect width="${side}" height="${side}" fill="#fff"/>`,
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}
