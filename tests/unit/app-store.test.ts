import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  canResume,
  createAppStore,
  isTraining,
  iterationsDone,
  pendingSettings,
} from '../../src/app/store.ts';
import { DEFAULTS } from '../../src/app/settings.ts';
import { secondsLeft } from '../../src/app/curves.ts';
import type { ExperimentConfig } from '../../src/lab/config.ts';
import type { Command, Event, MetricsRow } from '../../src/worker/protocol.ts';

const device = (software: boolean): Event => ({
  type: 'device',
  device: {
    vendor: 'v',
    architecture: 'a',
    description: 'Adapter',
    software,
    subgroupSize: 0,
    features: [],
  },
});
const networks = (config: ExperimentConfig): Event => ({ type: 'networks', config, networks: [] });
const row = (network: string, iteration: number, testError: number | null = null): MetricsRow => ({
  network,
  iteration,
  trainLoss: 2,
  batchError: 0.8,
  trainError: 0.75,
  testError,
  seconds: iteration / 10,
});
const metrics = (...rows: MetricsRow[]): Event => ({
  type: 'metrics',
  rows,
  imagesPerSecond: { 'plain-20': 320 },
});

/** A store on a machine with a GPU, its commands noted. */
function setup(hash = '', software = false) {
  const sent: Command[] = [];
  const store = createAppStore((command) => sent.push(command));
  const { open, receive } = store.getState();
  open(hash);
  receive(device(software));
  receive(networks(store.getState().draft));
  receive({ type: 'state', state: 'ready' });
  return { store, sent, receive, state: () => store.getState() };
}

/** … that has trained ten iterations. */
function setupRunning() {
  const lab = setup();
  lab.receive({ type: 'state', state: 'running' });
  lab.receive(metrics(row('plain-20', 9), row('plain-20', 10, 0.5)));
  lab.sent.length = 0;
  return lab;
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('at the beginning', () => {
  it('builds the default experiment once the device is known', () => {
    const { sent, state } = setup();
    expect(sent).toEqual([{ type: 'configure', config: DEFAULTS }]);
    expect(state().run).toBe('ready');
    expect(state().messages).toEqual([]);
  });

  it('builds what the link names', () => {
    const { sent } = setup('#/?seed=7&networks=plain-8');
    expect(sent).toEqual([
      { type: 'configure', config: { ...DEFAULTS, seed: 7, networks: ['plain-8'] } },
    ]);
  });

  it('forgets what it said of a link when another is opened', () => {
    const { state } = setup('#width=7&steps=40', true);
    expect(state().messages.map(({ kind }) => kind)).toEqual(['link', 'software']);
    state().open('#width=8');
    expect(state().messages).toMatchObject([{ kind: 'software', chosen: { steps: 240 } }]);
    state().open('#width=8&steps=40');
    expect(state().messages).toEqual([]);
  });

  it('chooses less on a software adapter, but for what the link names, and says so', () => {
    const { sent, state } = setup('#/?steps=500', true);
    expect(sent).toEqual([{ type: 'configure', config: { ...DEFAULTS, width: 4, steps: 500 } }]);
    expect(state().messages).toMatchObject([
      { kind: 'software', device: 'Adapter', chosen: { width: 4 } },
    ]);
    expect(state().messages[0]).not.toHaveProperty('chosen.steps');
  });

  it('says which parts of a link it did not take', () => {
    const { state } = setup('#/?width=9');
    expect(state().messages).toMatchObject([{ kind: 'link', problems: [{ name: 'width' }] }]);
  });

  it('shows what is being built before it is built', () => {
    const { state } = setup();
    state().change('networks', ['plain-8']);
    vi.runAllTimers();
    expect(state().config.networks).toEqual(['plain-8']);
    expect(pendingSettings(state())).toEqual([]);
  });

  it('takes over what the worker made of it', () => {
    const { receive, state } = setup('#/?data=cifar10');
    receive(networks({ ...state().draft, data: 'builtin' }));
    expect(state().draft.data).toBe('builtin');
    expect(pendingSettings(state())).toEqual([]);
  });
});

describe('settings', () => {
  it('that were asked for since are not taken back by an answer to what was asked before', () => {
    const { sent, receive, state } = setup();
    state().change('clipNorm', 1);
    vi.runAllTimers();
    state().change('clipNorm', 2);
    state().change('learningRate', 0.3);
    vi.runAllTimers();
    receive(networks({ ...DEFAULTS, clipNorm: 1 }));
    expect(state().draft).toMatchObject({ clipNorm: 2, learningRate: 0.3 });
    expect(sent.at(-1)).toMatchObject({ config: { clipNorm: 2, learningRate: 0.3 } });
  });

  it('are built at once at iteration 0, together when changed together', () => {
    const { sent, state } = setup();
    sent.length = 0;
    state().change('width', 16);
    state().change('learningRate', 0.2);
    expect(sent).toEqual([]);
    vi.runAllTimers();
    expect(sent).toEqual([
      { type: 'configure', config: { ...DEFAULTS, width: 16, learningRate: 0.2 } },
    ]);
  });

  it('that are live are set in mid-run', () => {
    const { sent, state } = setupRunning();
    state().change('learningRate', 0.2);
    state().change('learningRate', 0.5);
    state().change('flip', false);
    vi.runAllTimers();
    expect(sent).toEqual([{ type: 'set', settings: { learningRate: 0.5, flip: false } }]);
    expect(pendingSettings(state())).toEqual([]);
  });

  it('that are not live wait in mid-run, until reset', () => {
    const { sent, state } = setupRunning();
    state().change('width', 16);
    vi.runAllTimers();
    expect(sent).toEqual([]);
    expect(pendingSettings(state())).toEqual(['width']);
    state().reset();
    expect(sent).toEqual([{ type: 'configure', config: { ...DEFAULTS, width: 16 } }]);
  });

  it('that wait survive a toggle, and can be forgotten', () => {
    const { receive, state } = setupRunning();
    state().change('width', 16);
    receive(networks(DEFAULTS));
    expect(pendingSettings(state())).toEqual(['width']);
    state().discard();
    expect(state().draft).toEqual(DEFAULTS);
  });

  it('that wait do not hide a data set that was opened meanwhile', () => {
    const { receive, state } = setupRunning();
    state().change('width', 16);
    receive(networks({ ...DEFAULTS, data: 'cifar10' }));
    expect(state().draft).toMatchObject({ width: 16, data: 'cifar10' });
    expect(pendingSettings(state())).toEqual(['width']);
  });

  it('that were just changed reach the worker before training starts', () => {
    const { sent, state } = setup();
    sent.length = 0;
    state().change('batch', 64);
    state().start();
    vi.runAllTimers();
    expect(sent).toEqual([
      { type: 'configure', config: { ...DEFAULTS, batch: 64 } },
      { type: 'start' },
    ]);
  });
});

describe('training', () => {
  it('appends rows to the curves, test errors where there are some', () => {
    const { state } = setupRunning();
    expect(state().curves['plain-20']).toEqual({
      iteration: [9, 10],
      trainLoss: [2, 2],
      trainError: [0.75, 0.75],
      seconds: [0.9, 1],
      testIteration: [10],
      testError: [0.5],
    });
    expect(iterationsDone(state())).toBe(10);
    expect(state().imagesPerSecond).toEqual({ 'plain-20': 320 });
  });

  it('keeps curves and marks through a toggle and loses them at a reset', () => {
    const { receive, state } = setupRunning();
    receive({ type: 'mark', mark: { network: 'plain-20', iteration: 10, kind: 'connected' } });
    receive(networks(DEFAULTS));
    receive({ type: 'state', state: 'paused' });
    expect(iterationsDone(state())).toBe(10);
    expect(state().marks).toHaveLength(1);
    receive({ type: 'state', state: 'ready' });
    expect(iterationsDone(state())).toBe(0);
    expect(state().marks).toEqual([]);
  });

  it('resets with the same configuration, and with another seed', () => {
    const { sent, state } = setupRunning();
    state().reset();
    expect(sent).toEqual([{ type: 'reset' }]);
    state().newSeed();
    expect(sent[1]).toMatchObject({ type: 'configure', config: { seed: state().draft.seed } });
  });

  it('says when a network diverges', () => {
    const { receive, state } = setupRunning();
    receive({ type: 'mark', mark: { network: 'plain-56', iteration: 3, kind: 'diverged' } });
    expect(state().messages).toMatchObject([
      { kind: 'diverged', network: 'plain-56', iteration: 3 },
    ]);
  });

  it('forgets an evaluation that a pause cut short', () => {
    const { receive, state } = setupRunning();
    const evaluating = { type: 'evaluating', network: 'plain-20', done: 1, total: 9 } as const;
    receive(evaluating);
    expect(state().evaluating).toEqual(evaluating);
    receive({ type: 'state', state: 'pausing' });
    receive(evaluating);
    expect(state().evaluating).toBeNull();
  });

  it('can be resumed while it pauses, when it trains still', () => {
    const states = ['running', 'pausing', 'paused', 'finished'] as const;
    expect(states.filter(isTraining)).toEqual(['running', 'pausing']);
    expect(states.filter(canResume)).toEqual(['pausing', 'paused']);
  });

  it('keeps curves, and the form as it was filled in, when a new experiment cannot be built', () => {
    const { sent, receive, state } = setupRunning();
    const { config } = state();
    state().change('width', 64);
    state().reset();
    expect(sent).toEqual([{ type: 'configure', config: { ...config, width: 64 } }]);
    receive({ type: 'state', state: 'preparing' });
    expect(iterationsDone(state())).toBe(10);
    receive({
      type: 'failed',
      command: 'configure',
      code: 'too-large',
      message: 'm',
      details: {},
    });
    receive(networks(config));
    receive({ type: 'state', state: 'paused' });
    expect(iterationsDone(state())).toBe(10);
    expect(state().config.width).toBe(config.width);
    expect(state().draft.width).toBe(64);
    expect(pendingSettings(state())).toEqual(['width']);
  });

  it('sends what is changed while an experiment is being built, as if it stood already', () => {
    const { sent, receive, state } = setupRunning();
    state().change('width', 16);
    state().reset();
    receive({ type: 'state', state: 'preparing' });
    sent.length = 0;
    state().change('batch', 8);
    state().start();
    expect(sent.map(({ type }) => type)).toEqual(['configure', 'start']);
  });

  it('estimates the time left over all networks', () => {
    const { state } = setupRunning();
    const curve = state().curves['plain-20'];
    if (!curve) throw new Error('no curve');
    // Ten iterations took a second; ten are left, for each of two networks.
    const steps = { steps: 20, evalEvery: 100, testBatches: 0 };
    expect(secondsLeft([curve, curve], steps)).toBeCloseTo(2, 12);
    // Evaluations at 12, 16 and 20, of six forward passes each.
    const tested = { steps: 20, evalEvery: 4, testBatches: 6 };
    expect(secondsLeft([curve], tested)).toBeCloseTo(1 + (3 * 6) / 3 / 10, 12);
    // At 12, 18 and, by the end, 20; nothing when all is done.
    expect(secondsLeft([curve], { ...tested, evalEvery: 6 })).toBeCloseTo(1.6, 12);
    expect(secondsLeft([curve], { ...tested, steps: 10 })).toBe(0);
    expect(secondsLeft([], steps)).toBeNull();
  });
});

describe('failures', () => {
  it('are told and can be closed, and change nothing else', () => {
    const { receive, state } = setupRunning();
    const before = state().curves;
    receive({ type: 'failed', command: 'open-files', code: 'x', message: 'm', details: {} });
    const [message] = state().messages;
    expect(message).toMatchObject({ kind: 'failed', event: { message: 'm' } });
    expect(state().curves).toBe(before);
    state().dismiss(message?.id ?? -1);
    expect(state().messages).toEqual([]);
  });
});

describe('the share of the GPU', () => {
  it('is told to the worker and is no part of the link', () => {
    const { state, sent } = setup();
    const { draft } = state();
    state().setShare(0.4);
    expect(sent.at(-1)).toEqual({ type: 'share', share: 0.4 });
    expect(state().share).toBe(0.4);
    expect(state().draft).toBe(draft);
  });
});
