/** A profile as the page sums it up, and what it says of times to come. */
import { describe, expect, it, vi } from 'vitest';
import { secondsLeft, stepsLeft } from '../../src/app/curves.ts';
import { stripOf } from '../../src/app/drawing/strip.ts';
import { binary, significant, span } from '../../src/app/format.ts';
import { PRESETS, presetConfig } from '../../src/app/presets.ts';
import { columnsOf, isSameWork, kernelsOf } from '../../src/app/profile.ts';
import { createProfilerStore } from '../../src/app/profiler.ts';
import { DEFAULTS } from '../../src/app/settings.ts';
import { createAppStore } from '../../src/app/store.ts';
import { tuneOnce } from '../../src/app/tuning.ts';
import { experimentConfig } from '../../src/lab/config.ts';
import { cifarNetwork } from '../../src/network/families.ts';
import type {
  DispatchTime,
  Failure,
  NetworkProfile,
  ProfilerApi,
} from '../../src/worker/protocol.ts';

const input = { channels: 3, height: 32, width: 32 };
const strip = stripOf(cifarNetwork({ depth: 8, residual: true, width: 16, input, classes: 10 }));
const dispatch = (
  phase: DispatchTime['phase'],
  path: string,
  milliseconds: number,
  entry = 'conv2d',
): DispatchTime => ({
  phase,
  path,
  entry,
  workgroups: 1,
  shape: [1],
  nanoseconds: milliseconds * 1e6,
  flops: 1e6,
  bytes: 2e6,
});
const DISPATCHES = [
  dispatch('batch', 'batch', 1, 'gather'),
  dispatch('forward', 'conv1', 2),
  dispatch('forward', 'bn1', 3, 'merge_statistics'),
  dispatch('forward', 'layer1.0.conv2', 4),
  dispatch('loss', 'loss', 5, 'softmax_cross_entropy'),
  dispatch('backward', 'layer1.0.conv2', 6, 'conv2d_grad_input'),
  dispatch('backward', 'conv1', 7, 'conv2d_grad_weight'),
  dispatch('update', 'update', 8, 'sgd'),
];

describe('by layer', () => {
  const columns = columnsOf(DISPATCHES, strip);
  const at = (path: string) => columns.find((column) => column.path === path);

  it('follows the depth, from the batch to the update', () => {
    const paths = columns.map(({ path }) => path);
    expect(paths.slice(0, 3)).toEqual(['batch', 'conv1', 'layer1.0.conv1']);
    expect(paths.slice(-3)).toEqual(['fc', 'loss', 'update']);
    expect(columns).toHaveLength(8 + 3);
  });

  it('gives every dispatch to one layer and one pass', () => {
    expect(at('batch')).toMatchObject({ forward: 1, backward: 0, update: 0 });
    expect(at('conv1')).toMatchObject({ forward: 5, backward: 7 });
    expect(at('layer1.0.conv2')).toMatchObject({ forward: 4, backward: 6 });
    expect(at('loss')).toMatchObject({ forward: 5 });
    expect(at('update')).toMatchObject({ update: 8 });
    const all = columns.reduce((sum, c) => sum + c.forward + c.backward + c.update, 0);
    expect(all).toBeCloseTo(36);
  });
});

it('by kernel: the slowest first, with rates', () => {
  const rows = kernelsOf(DISPATCHES);
  expect(rows.map(({ kernel }) => kernel).slice(0, 2)).toEqual(['sgd', 'conv2d_grad_weight']);
  const conv = rows.find(({ kernel }) => kernel === 'conv2d');
  expect(conv).toMatchObject({ dispatches: 2, milliseconds: 6 });
  expect(conv?.share).toBeCloseTo(6 / 36);
  expect(conv?.flops).toBeCloseTo(2e6 / 6e-3);
  expect(conv?.bandwidth).toBeCloseTo(4e6 / 6e-3);
});

it('a step is the same work whatever may change in mid-run', () => {
  expect(isSameWork(DEFAULTS, { ...DEFAULTS, learningRate: 1, steps: 7, seed: 9 })).toBe(true);
  expect(isSameWork(DEFAULTS, { ...DEFAULTS, width: 12 })).toBe(false);
  expect(isSameWork(DEFAULTS, { ...DEFAULTS, optimizer: 'adam' })).toBe(false);
});

it('every preset is a configuration that may be asked for', () => {
  for (const name of PRESETS) experimentConfig.parse(presetConfig(name, DEFAULTS));
});

it('what is left counts steps and evaluations', () => {
  const remaining = { steps: 100, evalEvery: 30, testBatches: 6 };
  // Evaluations after 30, 60, 90 and 100 steps, each worth two steps.
  expect(stepsLeft(0, remaining)).toBe(108);
  expect(stepsLeft(60, remaining)).toBe(44);
  expect(stepsLeft(100, remaining)).toBe(0);
  const curve = { iteration: [60], seconds: [6], trainLoss: [], trainError: [] };
  expect(secondsLeft([{ ...curve, testIteration: [], testError: [] }], remaining)).toBeCloseTo(4.4);
});

it('numbers are as long as they need be', () => {
  expect([1234.5, 12.345, 0.12345, 0.0001].map((value) => significant(value, 'en'))).toEqual([
    '1,230',
    '12.3',
    '0.123',
    '0',
  ]);
  expect([12, 1536, 2 ** 20, 1.5 * 2 ** 30].map((value) => binary(value, 'en'))).toEqual([
    '12 B',
    '1.5 KiB',
    '1 MiB',
    '1.5 GiB',
  ]);
  expect([0.4, 90, 5400, 90_000, 200_000].map((value) => span(value, 'en'))).toEqual([
    '0.4 seconds',
    '90 seconds',
    '90 minutes',
    '25 hours',
    '2.3 days',
  ]);
});

describe('the profiler', () => {
  const failure: Failure = { code: 'too-large', message: 'too large', details: {} };
  const presets = PRESETS.map((name) => [name, presetConfig(name, DEFAULTS)] as const);
  const setup = () => {
    const profile = { network: 'plain-20' } as NetworkProfile;
    const worker = {
      profile: vi.fn(() => Promise.resolve(profile)),
      expect: vi.fn(() => Promise.resolve<Record<string, number>>({ 'plain-20': 5 })),
      tryTunings: vi.fn<ProfilerApi['tryTunings']>((_, onTrial) => {
        onTrial({ tuning: 'quad', milliseconds: 4, error: 0.1 });
        onTrial({ tuning: 'software', milliseconds: 5, error: 0.1 });
        return Promise.resolve('quad');
      }),
    };
    return { worker, profile, store: createProfilerStore(worker) };
  };

  it('keeps a profile by network, and why there is none', async () => {
    const { worker, profile, store } = setup();
    const asked = store.getState().profile('plain-20');
    expect(store.getState().profiling).toBe('plain-20');
    await asked;
    expect(store.getState()).toMatchObject({ profiling: null, profiles: { 'plain-20': profile } });
    worker.profile.mockRejectedValueOnce(failure);
    await store.getState().profile('plain-56');
    expect(store.getState()).toMatchObject({ profiling: null, failure });
    expect(Object.keys(store.getState().profiles)).toEqual(['plain-20']);
  });

  it('expects one preset after the other; what fails does not stop the rest', async () => {
    const { worker, store } = setup();
    worker.expect.mockRejectedValueOnce(failure);
    await store.getState().expect(presets);
    expect(store.getState().expecting).toBeNull();
    expect(Object.keys(store.getState().expected)).toEqual([...PRESETS]);
    expect(store.getState().expected.present?.result).toEqual({ failure });
    expect(store.getState().expected.small?.result).toEqual({ milliseconds: { 'plain-20': 5 } });
  });

  it('stops after the preset that is being measured', async () => {
    const { worker, store } = setup();
    const asked = store.getState().expect(presets);
    store.getState().stop();
    await asked;
    expect(worker.expect).toHaveBeenCalledTimes(1);
    expect(Object.keys(store.getState().expected)).toEqual(['present']);
  });

  it('tries tunings, shows each, and says which is fastest, or why none is', async () => {
    const { worker, store } = setup();
    expect(await store.getState().tryTunings(DEFAULTS)).toBe('quad');
    expect(store.getState()).toMatchObject({ trying: false, tuningFailure: null });
    expect(store.getState().trials.map(({ tuning }) => tuning)).toEqual(['quad', 'software']);
    worker.tryTunings.mockRejectedValueOnce(failure);
    expect(await store.getState().tryTunings(DEFAULTS)).toBeNull();
    expect(store.getState()).toMatchObject({ trying: false, trials: [], tuningFailure: failure });
  });

  it('tries them by itself once, on a GPU, when a run rests and nothing was measured', async () => {
    const { worker, store } = setup();
    const lab = createAppStore(() => undefined);
    tuneOnce(lab, store);
    const rest = () => {
      lab.getState().receive({ type: 'state', state: 'running' });
      lab.getState().receive({ type: 'state', state: 'paused' });
    };
    const device = (software: boolean) => {
      const about = { vendor: 'v', architecture: 'a', description: '', subgroupSize: 4 };
      lab.getState().receive({ type: 'device', device: { ...about, software, features: [] } });
    };
    const tuned = (reason: 'adapter' | 'measured') =>
      lab.getState().receive({
        type: 'tuning',
        ...{ tuning: 'gpu', reason, candidates: ['gpu', 'gpu-small'], adapter: 'v/a/' },
      });
    device(true);
    tuned('adapter');
    rest();
    device(false);
    tuned('measured');
    rest();
    tuned('adapter');
    lab.getState().receive({ type: 'state', state: 'ready' });
    expect(worker.tryTunings).not.toHaveBeenCalled();
    rest();
    rest();
    expect(worker.tryTunings).toHaveBeenCalledTimes(1);
    await vi.waitFor(() => expect(lab.getState().wishes.measured).toEqual({ 'v/a/': 'quad' }));
  });
});
