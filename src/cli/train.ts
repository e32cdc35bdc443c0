/**
 * The headless runner: the experiment of the app in Node, on Dawn.
 *
 *     npm run train -- --preset degradation --data builtin --out runs/first
 */
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { FathomError } from '../errors.ts';
import { warningsOf } from '../data/warnings.ts';
import { Gpu } from '../engine/gpu/gpu.ts';
import { SCHEDULES } from '../lab/schedule.ts';
import { BOUNDS, experimentConfig } from '../lab/config.ts';
import type { ExperimentConfig } from '../lab/config.ts';
import { CSV_HEADER, csvLine } from '../lab/csv.ts';
import { Experiment } from '../lab/experiment.ts';
import type { LabEvent } from '../lab/experiment.ts';
import { SURVEY_BOUNDS } from '../lab/survey.ts';
import { SMOOTHING_WINDOW } from '../lab/run.ts';
import type { MetricsRow } from '../lab/run.ts';
import { parseNetwork } from '../network/file.ts';
import type { NetworkSpec } from '../network/spec.ts';
import { TUNING_NAMES, tuningFor } from '../ops/tuning.ts';
import { openDevice } from './adapter.ts';
import { DATA_NAMES, openData } from './data.ts';
import { writeSurveys } from './survey.ts';
import type { SurveySettings } from './survey.ts';
import { warningSentence } from './warnings.ts';

/** Starting points for `--preset`; every option can still be given. */
const PRESETS: Record<string, Partial<ExperimentConfig>> = {
  degradation: { networks: ['plain-20', 'plain-56', 'residual-20', 'residual-56'] },
};

const range = ({ min, max }: { min: number; max: number }) => `${min} … ${max}`;

function program(): Command {
  return new Command('npm run train --')
    .description(
      `Trains networks of the CIFAR family, and others, side by side and writes their curves.\n\n` +
        `DIR/metrics.csv: network,iteration,train_loss,train_error,test_error,seconds — errors are fractions;\n` +
        `train_error is the mean over the batches of the last ${SMOOTHING_WINDOW} iterations (fewer at the start);\n` +
        `test_error stands on the iterations where the test set was evaluated.\n` +
        `DIR/config.json: the whole configuration, which --config takes back.`,
    )
    .addOption(new Option('--preset <name>', 'a prepared experiment').choices(Object.keys(PRESETS)))
    .option('--config <file>', 'a config.json of an earlier run; options given beside it win')
    .option(
      '--data <name>',
      `${DATA_NAMES}; behind it what to make of it: ?classes=0,3&perClass=500&randomLabels=0.5&noise=0.1`,
    )
    .option('--networks <list>', 'for instance plain-20,residual-56.group_norm (depth 6n+2)')
    .option(
      '--network <file...>',
      'a network as the page “Build” writes it (.json), called as the file is; beside --networks, or alone',
    )
    .option('--size <pixels>', `pictures are resized to size × size, ${range(BOUNDS.size)}`)
    .option(
      '--width <channels>',
      `channels of the first stage, a multiple of 4, ${range(BOUNDS.width)}`,
    )
    .option('--shortcut <option>', 'A (no parameters) or B (1×1 projection)')
    .option('--batch <pictures>', `batch size, ${range(BOUNDS.batch)}`)
    .option('--train-count <pictures>', 'use only so many training pictures; 0 is all')
    .option('--steps <count>', `iterations of each network, ${range(BOUNDS.steps)}`)
    .option('--eval-every <count>', 'evaluate the test set every so many iterations')
    .option('--learning-rate <lr>', 'peak learning rate')
    .option('--warmup <count>', 'iterations of linear warm-up')
    .option('--schedule <name>', `after the warm-up: ${SCHEDULES.join(', ')}`)
    .option('--optimizer <name>', 'sgd, adam or adamw')
    .option('--momentum <m>', 'momentum of SGD')
    .option('--nesterov', 'Nesterov momentum')
    .option('--weight-decay <wd>', 'L2 penalty on all parameters; with adamw decay of the weights')
    .option('--label-smoothing <e>', 'share of the target spread over all classes; 0 is off')
    .option('--clip-norm <norm>', 'largest norm of all gradients together; 0 is off')
    .option('--pad <pixels>', 'augmentation: pad and crop at random; 0 is off')
    .option('--flip', 'augmentation: mirror left-right at random')
    .option('--no-flip', 'no mirroring')
    .option('--resize', 'augmentation: resize to a short side drawn in a range, crop at random')
    .option(
      '--resize-from <ratio>',
      `the range, in multiples of --size, ${range(BOUNDS.resizeFrom)}`,
    )
    .option('--resize-to <ratio>', 'and its other end')
    .option('--brightness <b>', 'augmentation: factor drawn on 1 ± b; 0 is off')
    .option('--contrast <c>', 'the same of contrast')
    .option('--saturation <s>', 'the same of saturation')
    .option('--cutout <pixels>', 'augmentation: side of a square set to the mean; 0 is off')
    .option(
      '--storage <type>',
      'how activations and their gradients are stored: f32, or f16 (half the memory; needs shader-f16)',
    )
    .option('--seed <number>', 'weights, order of batches and augmentation follow from it')
    .option(
      '--surface <points>',
      `at the end, the loss on points × points around each network (odd, ${range(SURVEY_BOUNDS.points)}): DIR/surface-NETWORK.json`,
    )
    .option('--surface-range <r>', 'how far it reaches, in norms of the filters (default 1)')
    .option('--surface-images <pictures>', 'training pictures it is taken on (default 512)')
    .option('--out <dir>', 'where metrics.csv and config.json go (required)')
    .option('--no-seconds', 'leave the column of seconds empty: equal runs then give equal bytes')
    .option('--adapter <name>', 'default, lavapipe, swiftshader or the path of a Vulkan ICD file')
    .option(
      '--picture-memory <MiB>',
      'GPU memory that pictures may take; a larger set is streamed, with the same curves (default: what suits the adapter)',
    )
    .addOption(
      new Option(
        '--tuning <name>',
        'variants of the kernels (default: what suits the adapter)',
      ).choices(TUNING_NAMES),
    )
    .showHelpAfterError('(--help lists the options)');
}

/** What a person gave on the command line. */
type Options = Record<string, string | boolean | string[] | undefined>;

/** From command-line options to a checked configuration; errors name the option. */
async function configOf(options: Options): Promise<ExperimentConfig> {
  const stored = typeof options.config === 'string' ? await readConfig(options.config) : {};
  const preset = typeof options.preset === 'string' ? PRESETS[options.preset] : {};
  const given: Record<string, unknown> = {};
  for (const name of Object.keys(experimentConfig.shape)) {
    const value = options[name];
    if (value === undefined) continue;
    if (name === 'networks') given[name] = String(value).split(',');
    else if (typeof DEFAULTS[name] === 'number') given[name] = numberOf(name, String(value));
    else given[name] = value;
  }
  if (Array.isArray(options.network)) {
    const { networks = [], custom } = { ...preset, ...stored, ...given };
    const read = await Promise.all(options.network.map(readNetworkFile));
    given.networks = [...networks, ...read.map(([name]) => name)];
    given.custom = { ...(custom as object | undefined), ...Object.fromEntries(read) };
  }
  const result = experimentConfig.safeParse({ ...preset, ...stored, ...given });
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path: [name, key], message }) =>
    name === 'custom'
      ? `--network: ${String(key)}: ${message}`
      : `${optionOf(String(name ?? 'config'))}: ${message}`,
  );
  throw new FathomError('options', problems.join('\n'));
}

/** `learningRate` is given as `--learning-rate`. */
const optionOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new FathomError('options', `${optionOf(name)}: expected a number, not "${text}"`);
}

/** What `--surface` asks for; null where it is not given. */
function surveySettings(options: Options, seed: number): SurveySettings | null {
  const read = (name: string, fallback: number) =>
    options[name] === undefined ? fallback : numberOf(name, String(options[name]));
  if (options.surface === undefined) return null;
  const settings = {
    points: read('surface', 0),
    range: read('surfaceRange', 1),
    images: read('surfaceImages', 512),
    seed,
  };
  const { points, range: reach, images } = SURVEY_BOUNDS;
  expectWithin('surface', settings.points, points);
  if (settings.points % 2 === 0) throw new FathomError('options', '--surface: must be odd');
  expectWithin('surfaceRange', settings.range, reach);
  expectWithin('surfaceImages', settings.images, images);
  return settings;
}

function expectWithin(name: string, value: number, bounds: { min: number; max: number }): void {
  if (value >= bounds.min && value <= bounds.max) return;
  throw new FathomError('options', `${optionOf(name)}: expected ${range(bounds)}, not ${value}`);
}

/** What pictures may take on the GPU; undefined where nothing was said. */
function pictureBytes({ pictureMemory }: Options): number | undefined {
  if (typeof pictureMemory !== 'string') return undefined;
  const mebibytes = numberOf('pictureMemory', pictureMemory);
  if (mebibytes >= 0) return mebibytes * 2 ** 20;
  throw new FathomError('options', `--picture-memory: expected 0 or more, not ${mebibytes}`);
}

const DEFAULTS: Record<string, unknown> = experimentConfig.parse({});

async function readConfig(path: string): Promise<Record<string, unknown>> {
  const refuse = (reason: string) =>
    new FathomError('config-file', `--config ${path}: ${reason}`, { path });
  let stored: Record<string, unknown>;
  try {
    stored = z.record(z.string(), z.unknown()).parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw refuse(messageOf(error));
  }
  const unknown = Object.keys(stored).filter((name) => !(name in DEFAULTS));
  if (unknown.length > 0) {
    throw refuse(
      `there is no setting named ${unknown.join(', ')}; expected ${Object.keys(DEFAULTS).join(', ')}`,
    );
  }
  return stored;
}

/** A network by hand and its name, which is the file's. */
async function readNetworkFile(path: string): Promise<[string, NetworkSpec]> {
  try {
    return [basename(path, '.json'), parseNetwork(await readFile(path, 'utf8'))];
  } catch (error) {
    throw new FathomError('network-file', `--network ${path}: ${messageOf(error)}`, { path });
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** One line that is written over on a terminal, and left out of a log. */
function showProgress(task: string, done: number, total: number): void {
  if (!process.stdout.isTTY) return;
  const text = done < total ? `${task} ${Math.round((100 * done) / Math.max(1, total))} %` : '';
  process.stdout.write(`\r\x1b[K${text}`);
}

async function main(): Promise<void> {
  const cli = program();
  // npm passes everything after "--", a runner may leave that in.
  cli.parse(
    process.argv.slice(2).filter((arg, i) => !(i === 0 && arg === '--')),
    { from: 'user' },
  );
  const options = cli.opts<Options>();
  const config = await configOf(options);
  const surface = surveySettings(options, config.seed);
  if (typeof options.out !== 'string') {
    throw new FathomError('options', '--out: name a directory for metrics.csv and config.json');
  }
  const room = pictureBytes(options);
  const dataset = await openData(config.data, config.size, (stage, done, total) =>
    showProgress(`${stage} data`, done, total),
  );
  const { device, description } = await openDevice(
    typeof options.adapter === 'string' ? options.adapter : undefined,
  );
  const tuning = TUNING_NAMES.find((name) => name === options.tuning) ?? tuningFor(description);
  console.log(
    `adapter: ${description.description}${description.software ? ' (software)' : ''}, kernels: ${tuning}`,
  );
  const { mean, std } = dataset.statistics;
  const numbers = (values: number[]) => values.map((value) => value.toFixed(4)).join(' ');
  console.log(
    `data: ${dataset.title}, ${dataset.train.count} train / ${dataset.test.count} test pictures ` +
      `${dataset.channels}×${dataset.height}×${dataset.width}, mean ${numbers(mean)}, std ${numbers(std)}`,
  );
  // Nobody has looked through one's own images yet.
  const warnings = config.data.startsWith('images:') ? await warningsOf(dataset) : [];
  for (const warning of warnings) console.warn(`warning: ${warningSentence(warning)}`);

  const { out } = options;
  await mkdir(out, { recursive: true }).catch((error: unknown) => {
    throw new FathomError('options', `--out ${out}: ${messageOf(error)}`);
  });
  await writeFile(join(out, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  const rows: MetricsRow[] = [];
  const failures: Error[] = [];
  const latest = new Map<string, MetricsRow>();
  let printed = 0;
  let line = '';
  const printProgress = () => {
    const next = progressLine(config, latest);
    if (next !== line) console.log(next);
    line = next;
  };
  const emit = (event: LabEvent) => {
    if (event.type === 'mark' && event.mark.kind === 'diverged') {
      console.log(
        `${event.mark.network ?? ''} diverged at iteration ${event.mark.iteration}; it stops, the others go on`,
      );
    }
    if (event.type !== 'metrics') return;
    rows.push(...event.rows);
    for (const row of event.rows) latest.set(row.network, row);
    const evaluated = event.rows.some(({ testError }) => testError !== null);
    if (!evaluated && performance.now() - printed < 2000) return;
    printed = performance.now();
    printProgress();
  };
  const gpu = new Gpu(device, tuning, room);
  const experiment = await Experiment.create(gpu, config, dataset, {
    emit,
    failed: (error) => failures.push(error instanceof Error ? error : new Error(String(error))),
    progress: (done, total) => showProgress('compile kernels', done, total),
  });
  const { streamed } = experiment;
  if (streamed.length > 0) {
    const limit = Math.floor(gpu.pictureBytes / 2 ** 20);
    console.log(`streamed, for want of room in ${limit} MiB of GPU memory: ${streamed.join(', ')}`);
  }
  const interruption = new AbortController();
  process.once('SIGINT', () => {
    interruption.abort();
    experiment.pause();
  });
  experiment.start();
  await experiment.idle();

  // Whatever happened, the rows that were measured are kept.
  await writeMetrics(join(out, 'metrics.csv'), config, rows, options.seconds !== false);
  printProgress();
  console.log(`wrote ${join(out, 'metrics.csv')} and ${join(out, 'config.json')}`);
  for (const { id, skipped, steps } of config.storage === 'f16' ? experiment.skipped : []) {
    console.log(`${id}: ${skipped} of ${steps} steps left out, for their gradients overflowed f16`);
  }
  const [failure] = failures;
  if (failure) throw failure;
  if (surface && !interruption.signal.aborted) {
    await writeSurveys(experiment, surface, out, (done, total) =>
      showProgress('surface', done, total),
    );
    console.log(`wrote ${config.networks.map((id) => `surface-${id}.json`).join(', ')}`);
  }
  await experiment.close();
  device.destroy();
  if (interruption.signal.aborted && experiment.state !== 'finished') {
    console.error('interrupted: the curves end where the networks were');
    process.exitCode = INTERRUPTED;
  }
}

/** What shells expect of a program that ended on Ctrl-C: 128 + SIGINT. */
const INTERRUPTED = 130;

/** Rows by network in the order of the configuration, then by iteration: independent of timing. */
async function writeMetrics(
  path: string,
  config: ExperimentConfig,
  rows: readonly MetricsRow[],
  seconds: boolean,
): Promise<void> {
  const file = await open(path, 'w');
  await file.write(CSV_HEADER);
  for (const id of config.networks) {
    const own = rows.filter(({ network }) => network === id);
    own.sort((a, b) => a.iteration - b.iteration);
    for (const row of own) await file.write(csvLine(seconds ? row : { ...row, seconds: null }));
  }
  await file.close();
}

function progressLine(config: ExperimentConfig, latest: ReadonlyMap<string, MetricsRow>): string {
  const iteration = Math.min(...config.networks.map((id) => latest.get(id)?.iteration ?? 0));
  const errors = config.networks.map((id) => {
    const row = latest.get(id);
    const test = row?.testError == null ? '' : ` test ${(100 * row.testError).toFixed(1)}%`;
    return `${id} ${row ? `${(100 * row.trainError).toFixed(1)}%` : '–'}${test}`;
  });
  return `${iteration}/${config.steps}  ${errors.join('  ')}`;
}

try {
  await main();
  process.exit();
} catch (error) {
  if (!(error instanceof FathomError)) throw error;
  console.error(error.message);
  process.exit(1);
}
