/** One configuration, measured: contenders take turns step by step. Runs in the page and in Node. */
import { openContender } from './contender.ts';
import type { Contender, ContenderName, Facts, Place } from './contender.ts';
import type { BenchConfig } from './config.ts';
import { countDuring } from './counters.ts';
import type { Counters } from './counters.ts';
import { relativeDifference, rotated } from './statistics.ts';
import type { Precision } from '../src/ops/tensor.ts';
import type { TuningName } from '../src/ops/tuning.ts';
import { makeTask } from './task.ts';

/** What our engine is asked for. */
export interface Choices {
  /** The variants of our kernels, where they are not to be those that suit the adapter. */
  tuning?: TuningName;
  /** How it stores activations; f32 where nothing is said. */
  storage?: Precision;
}

export interface Request extends Choices {
  config: BenchConfig;
  /** `fathom` first: the others are held against its losses. */
  contenders: readonly ContenderName[];
  rounds: number;
  /** Whether forward passes are timed too. */
  forward: boolean;
}

export interface ContenderResult {
  name: ContenderName;
  /** Why it could not take part, or had to stop. */
  failure: string | null;
  /** From loading its code to the loss of its first training step, compiling included. */
  firstStepSeconds: number | null;
  /** Milliseconds of each round. */
  steps: number[];
  forwards: number[];
  /** Of all training steps from the first, warm-up included. */
  losses: number[];
  /** Of the first forward pass, before any training. */
  forwardLoss: number | null;
  /** Greatest relative difference to our losses over the steps that must agree, and over all. */
  difference: number | null;
  differenceOfAll: number | null;
  /** The same of the first forward pass. */
  forwardDifference: number | null;
  /** Of one step with its loss read back, and of one that was only submitted. */
  counters: Counters | null;
  submitCounters: Counters | null;
  facts: Facts | null;
}

export interface ConfigResult {
  config: BenchConfig;
  stepFlops: number;
  forwardFlops: number;
  contenders: ContenderResult[];
}

/** Steps before the first that is timed. */
const WARM_UP = 2;
/** Losses of so many steps must agree; later ones drift apart by rounding alone. */
export const COMPARED_STEPS = 5;
export const TOLERANCE = 1e-3;
/** Who takes longer over one call than these milliseconds is given up. */
const PATIENCE = 300_000;

interface Runner {
  result: ContenderResult;
  contender: Contender | null;
}

export async function measure(
  { config, contenders, rounds, forward }: Request,
  place: Place,
  report: (line: string) => void,
): Promise<ConfigResult> {
  const task = await makeTask(config);
  const runners: Runner[] = contenders.map((name) => ({
    result: emptyResult(name),
    contender: null,
  }));

  /** One call of a contender; its failure takes it out and leaves the others. */
  const attempt = async <T>(
    runner: Runner,
    what: string,
    work: (contender: Contender) => Promise<T>,
  ): Promise<T | null> => {
    if (!runner.contender) return null;
    try {
      return await impatient(work(runner.contender));
    } catch (error) {
      fail(runner, what, error, report);
      return null;
    }
  };
  const timed = async (
    runner: Runner,
    what: string,
    work: (contender: Contender) => Promise<number>,
  ): Promise<{ loss: number; milliseconds: number } | null> => {
    const start = performance.now();
    const loss = await attempt(runner, what, work);
    return loss === null ? null : { loss, milliseconds: performance.now() - start };
  };

  // One after the other: all are ready before the first is timed.
  for (const runner of runners) {
    const { result } = runner;
    const start = performance.now();
    try {
      runner.contender = await openContender(result.name, place);
    } catch (error) {
      fail(runner, 'start', error, report);
      continue;
    }
    await attempt(runner, 'preparation', (contender) => contender.prepare(task));
    const prepared = performance.now() - start;
    if (forward) {
      for (let i = 0; i < WARM_UP; i++) {
        const pass = await timed(runner, 'forward pass', (contender) => contender.forward());
        result.forwardLoss ??= pass?.loss ?? null;
      }
    }
    for (let i = 0; i < WARM_UP; i++) {
      const step = await timed(runner, `step ${i + 1}`, (contender) => contender.step());
      if (!step) break;
      result.losses.push(step.loss);
      if (i === 0) result.firstStepSeconds = (prepared + step.milliseconds) / 1000;
    }
    if (result.failure === null) {
      report(`${result.name}: losses ${result.losses.join(', ')} after ${seconds(start)}`);
    }
  }

  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    for (const runner of rotated(runners, round)) {
      const step = await timed(runner, `round ${round + 1}`, (contender) => contender.step());
      if (!step) continue;
      runner.result.losses.push(step.loss);
      runner.result.steps.push(step.milliseconds);
    }
    report(`round ${round + 1} of ${rounds}: ${seconds(start)}`);
  }
  for (let round = 0; forward && round < rounds; round++) {
    for (const runner of rotated(runners, round)) {
      const pass = await timed(runner, 'forward pass', (contender) => contender.forward());
      if (pass) runner.result.forwards.push(pass.milliseconds);
    }
  }

  const ours = runners.find(({ result }) => result.name === 'fathom')?.result;
  for (const runner of runners) {
    const { result, contender } = runner;
    if (ours && ours.losses.length > 0) {
      const first = (losses: number[]) => losses.slice(0, COMPARED_STEPS);
      result.difference = relativeDifference(first(result.losses), first(ours.losses));
      result.differenceOfAll = relativeDifference(result.losses, ours.losses);
      if (result.forwardLoss !== null && ours.forwardLoss !== null) {
        result.forwardDifference = relativeDifference([result.forwardLoss], [ours.forwardLoss]);
      }
    }
    result.facts = contender?.facts?.() ?? null;
    result.counters = await attempt(runner, 'counting', (c) => countDuring(() => c.step()));
    if (contender?.submit) {
      result.submitCounters = await attempt(runner, 'counting', (c) =>
        countDuring(() => void c.submit?.()),
      );
      await place.device.queue.onSubmittedWorkDone();
    }
    runner.contender?.dispose();
  }
  const { stepFlops, forwardFlops } = task;
  return { config, stepFlops, forwardFlops, contenders: runners.map(({ result }) => result) };
}

/** Whether everyone's first losses are ours, where they took part. */
export function lossesAgree({ contenders }: ConfigResult): boolean {
  return contenders.every(
    ({ losses, difference, forwardDifference }) =>
      losses.length === 0 ||
      ((difference ?? Infinity) <= TOLERANCE && (forwardDifference ?? 0) <= TOLERANCE),
  );
}

function emptyResult(name: ContenderName): ContenderResult {
  return {
    name,
    failure: null,
    firstStepSeconds: null,
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
  };
}

function fail(runner: Runner, what: string, error: unknown, report: (line: string) => void): void {
  const reason = error instanceof Error ? error.message : String(error);
  runner.result.failure = `${what}: ${reason.split('\n', 1)[0] ?? ''}`;
  report(`${runner.result.name} is out, ${runner.result.failure}`);
  try {
    runner.contender?.dispose();
  } catch {
    // What is broken need not close cleanly.
  }
  runner.contender = null;
}

async function impatient<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    const late = () => reject(new Error(`no answer within ${PATIENCE / 1000} s`));
    timer = setTimeout(late, PATIENCE);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}

const seconds = (start: number): string => `${((performance.now() - start) / 1000).toFixed(1)} s`;
