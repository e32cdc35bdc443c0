/**
 * The benchmark: one training step of our engine and of its peers, in one page, taking turns.
 *
 *     npm run bench
 *     npm run bench -- --self --configs w8-16-b16,d56-w16-32-b128
 *     npm run bench -- --kernels
 *     npm run bench -- --scaling
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { FathomError } from '../src/errors.ts';
import { PRECISIONS } from '../src/ops/tensor.ts';
import type { Precision } from '../src/ops/tensor.ts';
import { TUNING_NAMES } from '../src/ops/tuning.ts';
import type { TuningName } from '../src/ops/tuning.ts';
import { openBrowser } from './browser.ts';
import { DEFAULT_CONFIGS, formatConfig, parseConfigs } from './config.ts';
import type { BenchConfig } from './config.ts';
import { PACKAGES, PEERS } from './contender.ts';
import type { PeerName } from './contender.ts';
import type { KernelsResult } from './kernels.ts';
import { lossesAgree } from './measure.ts';
import type { ConfigResult } from './measure.ts';
import { openNode } from './node.ts';
import { markdown } from './report.ts';
import type { Report } from './report.ts';
import type { Runtime } from './runtime.ts';
import { SERIES, scalingMarkdown, scalingSvg, seriesOf } from './scaling.ts';

interface Options {
  configs: string;
  rounds: number;
  adapter?: string;
  runtime: 'browser' | 'node';
  headed?: true;
  self?: true;
  peers: PeerName[];
  forward?: true;
  kernels?: true;
  scaling?: true;
  tuning?: TuningName;
  storage?: Precision;
  out: string;
}

function parse(): Options {
  const program = new Command('npm run bench --')
    .description(
      'Times one training step of a residual network, ours beside the peers’, on the same weights and batch.\n' +
        'Prints a table in Markdown, and keeps it with all figures as JSON in --out. The exit code is not zero\n' +
        'where losses disagree or our own engine fails.',
    )
    .option(
      '--configs <list>',
      'width-size-batch, with a depth before it where it is not 20: w8-16-b16,d56-w16-32-b128',
      DEFAULT_CONFIGS,
    )
    .option('--rounds <count>', 'timed steps of each contender', count, 8)
    .addOption(
      new Option(
        '--adapter <name>',
        'default is the machine’s GPU (without this option: FATHOM_ADAPTER, the GPU for --headed, else software)',
      ).choices(['default', 'swiftshader', 'lavapipe']),
    )
    .addOption(
      new Option('--runtime <name>', 'Chromium, or this process on Dawn')
        .choices(['browser', 'node'])
        .default('browser'),
    )
    .option('--headed', 'open a window')
    .option('--self', 'only our own engine')
    .option('--peers <list>', PEERS.join(', '), peers, [...PEERS])
    .option('--forward', 'time forward passes too')
    .option('--kernels', 'instead of steps, every kernel of ours by itself')
    .option(
      '--scaling',
      'instead of --configs, our steps over depth, width, batch and size, with a plot',
    )
    .addOption(
      new Option(
        '--tuning <name>',
        'variants of our kernels (default: what suits the adapter)',
      ).choices(TUNING_NAMES),
    )
    .addOption(
      new Option('--storage <type>', 'how our engine stores activations').choices(PRECISIONS),
    )
    .option('--out <dir>', 'where the JSON and the table go', 'bench/results')
    .showHelpAfterError('(--help lists the options)');
  // npm passes everything after "--", a runner may leave that in.
  const given = process.argv.slice(2).filter((arg, i) => !(i === 0 && arg === '--'));
  return program.parse(given, { from: 'user' }).opts<Options>();
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('expected a whole number above zero.');
}

function peers(text: string): PeerName[] {
  return text.split(',').map((name) => {
    const peer = PEERS.find((known) => known === name);
    if (!peer) throw new InvalidArgumentError(`expected some of ${PEERS.join(', ')}.`);
    return peer;
  });
}

const tell = (line: string) => console.error(line);

async function main(): Promise<void> {
  const options = parse();
  const configs = options.scaling
    ? SERIES.flatMap((series) => series.configs).filter(isFirst)
    : parseConfigs(options.configs);
  const competing = options.self || options.scaling ? [] : options.peers;
  const inBrowser = options.runtime === 'browser';
  const open = inBrowser ? openBrowser : openNode;
  const unsaid = inBrowser ? (options.headed ? 'default' : 'swiftshader') : undefined;
  const chosen = options.adapter ?? process.env.FATHOM_ADAPTER ?? unsaid;
  const runtime = await open({
    adapter: chosen,
    headed: options.headed ?? false,
    packages: [...new Set(competing.flatMap((peer) => PACKAGES[peer]))],
  });
  try {
    const { adapter, peaks: before } = await runtime.peaks();
    tell(`${runtime.title}, ${adapter.description}`);
    if (adapter.software && chosen === 'default') tell('no GPU was found: this is software');
    const found = options.kernels
      ? await kernels(runtime, configs, options)
      : await steps(runtime, configs, competing, options);
    // A machine that others use as well shows its peaks only now and then.
    const { peaks: after } = await runtime.peaks();
    const report: Report = {
      date: new Date().toISOString(),
      runtime: runtime.title,
      adapter: `${adapter.description}${adapter.software ? ' (software)' : ''}`,
      rounds: options.rounds,
      storage: options.storage ?? 'f32',
      peaks: {
        flops: Math.max(before.flops, after.flops),
        bandwidth: Math.max(before.bandwidth, after.bandwidth),
      },
      configs: found.steps,
      kernels: found.kernels,
    };
    const plot = options.scaling && scalingSvg(seriesOf(found.steps), report.peaks);
    const text = options.scaling ? scalingMarkdown(report) : markdown(report);
    await keep(report, text, plot, options.out);
    console.log(text);
    const failures = found.steps.flatMap(({ contenders }) => contenders[0]?.failure ?? []);
    if (failures.length > 0)
      throw new FathomError('bench', `Fathom failed: ${failures.join('; ')}`);
    if (!found.steps.every(lossesAgree)) throw new FathomError('bench', 'losses disagree');
  } finally {
    await runtime.close();
  }
}

interface Found {
  steps: ConfigResult[];
  kernels: KernelsResult[];
}

async function steps(
  runtime: Runtime,
  configs: readonly BenchConfig[],
  competing: readonly PeerName[],
  { rounds, forward, tuning, storage }: Options,
): Promise<Found> {
  const found: ConfigResult[] = [];
  for (const config of configs) {
    tell(`${formatConfig(config)}:`);
    const contenders = ['fathom' as const, ...competing];
    const request = {
      config,
      contenders,
      rounds,
      forward: forward ?? false,
      ...(tuning && { tuning }),
      ...(storage && { storage }),
    };
    found.push(await runtime.measure(request, (line) => tell(`  ${line}`)));
  }
  return { steps: found, kernels: [] };
}

async function kernels(
  runtime: Runtime,
  configs: readonly BenchConfig[],
  { rounds, tuning, storage }: Options,
): Promise<Found> {
  const found: KernelsResult[] = [];
  for (const config of configs) {
    tell(`${formatConfig(config)}: kernels`);
    found.push(await runtime.kernels(config, rounds, { tuning, storage }));
  }
  return { steps: [], kernels: found };
}

/** The middle of the series stands in all of them. */
const isFirst = (config: BenchConfig, i: number, all: readonly BenchConfig[]): boolean =>
  all.findIndex((other) => formatConfig(other) === formatConfig(config)) === i;

async function keep(
  report: Report,
  text: string,
  plot: string | undefined,
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const stem = join(folder, report.date.slice(0, 19).replaceAll(':', '-'));
  await writeFile(`${stem}.json`, `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(`${stem}.md`, `${text}\n`);
  if (plot !== undefined) await writeFile(`${stem}.svg`, plot);
  tell(`wrote ${stem}.json and .md${plot === undefined ? '' : ' and .svg'}`);
}

try {
  await main();
  process.exit();
} catch (error) {
  if (!(error instanceof FathomError)) throw error;
  console.error(error.message);
  process.exit(1);
}
