/** Tables of what was measured, in Markdown. */
import { formatConfig } from './config.ts';
import { TITLES } from './contender.ts';
import { TOLERANCE } from './measure.ts';
import type { ConfigResult, ContenderResult } from './measure.ts';
import type { Peaks } from '../src/engine/peaks.ts';
import type { DispatchTime } from '../src/engine/profile.ts';
import type { Precision } from '../src/ops/tensor.ts';
import type { KernelsResult } from './kernels.ts';
import { median } from './statistics.ts';

/** Everything a run has found; what the JSON file holds. */
export interface Report {
  /** ISO 8601. */
  date: string;
  /** Browser or Node, with its version. */
  runtime: string;
  adapter: string;
  rounds: number;
  /** How our engine stored activations. */
  storage: Precision;
  peaks: Peaks;
  configs: ConfigResult[];
  kernels: KernelsResult[];
}

export function markdown(report: Report): string {
  const { peaks, configs, kernels } = report;
  return [
    '# One training step',
    conditions(report),
    ...configs.flatMap((config) => section(config, peaks)),
    ...kernels.flatMap((result) => kernelsSection(result, peaks)),
  ].join('\n\n');
}

/** Where, when and how it was measured. */
export function conditions({ date, runtime, adapter, rounds, storage, peaks }: Report): string {
  return (
    `${runtime}, ${adapter}, ${date.slice(0, 10)}. Medians of ${rounds} rounds. ` +
    `${storage === 'f16' ? 'Fathom stores activations as f16. ' : ''}Measured peaks: ` +
    `multiply-add ${digits(peaks.flops / 1e9)} GFLOP/s, copy ${digits(peaks.bandwidth / 1e9)} GB/s.`
  );
}

function section(result: ConfigResult, peaks: Peaks): string[] {
  const { config, contenders, stepFlops, forwardFlops } = result;
  const { depth, width, size, batch } = config;
  const ours = contenders.find(({ name }) => name === 'fathom');
  const withForward = contenders.some(({ forwards }) => forwards.length > 0);
  const heading =
    `## ${formatConfig(config)}: residual-${depth}, width ${width}, ${size}×${size}, batch ${batch} ` +
    `(${digits(stepFlops / 1e9)} GFLOP a step)`;
  const atPeak = `At the multiply-add peak a step takes ${digits((stepFlops / peaks.flops) * 1e3)} ms.`;
  const columns = [
    '',
    'ms a step',
    '× Fathom',
    'GFLOP/s',
    '% of peak',
    ...(withForward ? ['ms forward', '× Fathom', '% of peak'] : []),
    'first step after, s',
    'loss differs by',
    'dispatches',
    'submits',
    'objects made',
  ];
  const rows = contenders.map((contender) => {
    const { name, firstStepSeconds, counters } = contender;
    const step = speed(contender.steps, ours?.steps ?? [], stepFlops, peaks);
    const forward = speed(contender.forwards, ours?.forwards ?? [], forwardFlops, peaks);
    return [
      TITLES[name],
      ...step,
      ...(withForward ? [forward[0], forward[1], forward[3]] : []),
      firstStepSeconds === null ? '–' : digits(firstStepSeconds),
      name === 'fathom' || contender.losses.length === 0 ? '–' : differences(contender),
      ...(counters && counters.dispatches > 0
        ? [counters.dispatches, counters.submits, counters.objects].map(String)
        : ['–', '–', '–']),
    ];
  });
  const failures = contenders.flatMap(({ name, failure }) =>
    failure === null ? [] : [`- ${TITLES[name]} failed: ${failure}`],
  );
  return [
    heading,
    atPeak,
    table(columns, rows),
    ...(failures.length > 0 ? [failures.join('\n')] : []),
    ...(ours ? ourOwn(ours, peaks) : []),
  ];
}

/** How far losses are from ours, in training and, where it was measured, in the forward pass. */
function differences({ difference, forwardDifference }: ContenderResult): string {
  const greatest = Math.max(difference ?? NaN, forwardDifference ?? 0);
  if (Number.isNaN(greatest)) return '–';
  return `${greatest.toExponential(0)}${greatest > TOLERANCE ? ' **too much**' : ''}`;
}

/** Milliseconds, ratio to ours, GFLOP/s and percent of the multiply-add peak. */
function speed(
  times: readonly number[],
  ours: readonly number[],
  flops: number,
  peaks: Peaks,
): [string, string, string, string] {
  if (times.length === 0) return ['–', '–', '–', '–'];
  const milliseconds = median(times);
  const perSecond = (flops / milliseconds) * 1e3;
  return [
    digits(milliseconds),
    ours.length === 0 ? '–' : (milliseconds / median(ours)).toFixed(2),
    digits(perSecond / 1e9),
    digits((100 * perSecond) / peaks.flops),
  ];
}

/** What is known of our engine alone. */
function ourOwn({ facts, steps, submitCounters }: ContenderResult, peaks: Peaks): string[] {
  if (!facts || steps.length === 0) return [];
  const mebibytes = (bytes: number) => `${digits(bytes / 2 ** 20)} MiB`;
  const traffic = facts.boundBytes / (median(steps) / 1e3);
  const { transientBytes, lowerBoundBytes } = facts;
  return [
    [
      submitCounters &&
        `- Fathom, a step without reading its loss: ${submitCounters.dispatches} dispatches, ` +
          `${submitCounters.submits} submits, ${submitCounters.objects} objects made.`,
      `- Memory within a step: ${mebibytes(transientBytes)}, ${(transientBytes / lowerBoundBytes).toFixed(2)}× ` +
        `the lower bound of ${mebibytes(lowerBoundBytes)}.`,
      `- Tensors bound by its dispatches: ${mebibytes(facts.boundBytes)}, ${digits(traffic / 1e9)} GB/s, ` +
        `${digits((100 * traffic) / peaks.bandwidth)} % of the copy's.`,
      `- ${facts.pipelines} pipelines; ${facts.parameters} parameters.`,
    ]
      .filter(Boolean)
      .join('\n'),
  ];
}

/** A Markdown table whose numbers stand to the right. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns),
    line(columns.map((_, i) => (i === 0 ? '---' : '---:'))),
    ...rows.map(line),
  ].join('\n');
}

/** Three significant digits, without an exponent. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const whole = Math.floor(Math.log10(Math.max(Math.abs(value), 1e-12)));
  return value.toFixed(Math.min(6, Math.max(0, 2 - whole)));
}

/** Dispatches of the same kernel on the same shapes. */
interface Row {
  kernel: string;
  phase: string;
  shape: string;
  times: DispatchTime[];
}

function kernelsSection(result: KernelsResult, peaks: Peaks): string[] {
  const { config, steps, clock, rounds, dispatches } = result;
  const rows = new Map<string, Row>();
  for (const time of dispatches) {
    const { entry, phase, shape, flops, bytes } = time;
    const key = [phase, entry, shape, flops, bytes].join();
    const row = rows.get(key) ?? { kernel: entry, phase, shape: shape.join('×'), times: [] };
    row.times.push(time);
    rows.set(key, row);
  }
  const sum = (times: readonly DispatchTime[], of: 'nanoseconds' | 'flops' | 'bytes') =>
    times.reduce((total, time) => total + time[of], 0);
  const whole = sum(dispatches, 'nanoseconds');
  const line = ({ kernel, phase, shape, times }: Row): string[] => {
    const seconds = sum(times, 'nanoseconds') / 1e9;
    const flops = sum(times, 'flops') / seconds;
    const bandwidth = sum(times, 'bytes') / seconds;
    return [
      kernel,
      phase,
      shape,
      String(times.length),
      digits(seconds * 1e3),
      digits((100 * seconds * 1e9) / whole),
      digits(flops / 1e9),
      digits((100 * flops) / peaks.flops),
      digits(bandwidth / 1e9),
      digits((100 * bandwidth) / peaks.bandwidth),
    ];
  };
  const sorted = [...rows.values()].sort(
    (a, b) => sum(b.times, 'nanoseconds') - sum(a.times, 'nanoseconds'),
  );
  const columns = ['', 'phase', 'writes', 'dispatches', 'ms', '% of all'];
  const rates = ['GFLOP/s', '% of peak', 'GB/s', '% of copy'];
  const timed =
    clock === 'device' ? 'by the device’s clock' : 'by the wall, the way there and back included';
  return [
    `## ${formatConfig(config)}: kernels`,
    `A step takes ${digits(median(steps))} ms. Its ${dispatches.length} dispatches, timed one by one ${timed}, take ` +
      `${digits(whole / 1e6)} ms together (means of ${rounds} rounds).`,
    table(
      [...columns, ...rates],
      [...sorted, { kernel: 'all', phase: '', shape: '', times: dispatches }].map(line),
    ),
  ];
}
