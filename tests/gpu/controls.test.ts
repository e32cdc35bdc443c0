/**
 * Every control changes the mathematics as it says. Each setting of an experiment is varied in turn; the
 * run is repeated in float64 by the reference network, with batches, augmentation and learning rates worked
 * out here from their definitions, and both must agree on every loss. A control that did nothing, or the
 * wrong thing, would part them.
 */
import { describe, expect, it } from 'vitest';
import type { Dataset, LabelledImages } from '../../src/data/dataset.ts';
import { openData } from '../../src/cli/data.ts';
import { initialValues } from '../../src/engine/init.ts';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { experimentConfig, liveSettings } from '../../src/lab/config.ts';
import type { ExperimentConfig, LiveSettings } from '../../src/lab/config.ts';
import { BatchOrder, balancedSubset } from '../../src/lab/batches.ts';
import { Experiment } from '../../src/lab/experiment.ts';
import { specOf } from '../../src/lab/networks.ts';
import type { LabEvent, Mark } from '../../src/lab/experiment.ts';
import type { MetricsRow } from '../../src/lab/run.ts';
import { withShortcuts } from '../../src/network/families.ts';
import { buildGraph, graphParameters } from '../../src/network/graph.ts';
import { runReference, stepReference } from '../../src/network/reference.ts';
import type { OptimizerState, ReferenceState } from '../../src/network/reference.ts';
import { augmentationOf } from '../../src/engine/graph/lower.ts';
import { augmentPictures } from '../../src/reference/augmentation.ts';
import { pcg4d } from '../../src/random.ts';
import { clipGradients } from '../../src/reference/optimizers.ts';
import { tensor } from '../../src/reference/tensor.ts';
import type { Tensor } from '../../src/reference/tensor.ts';
import { device } from './setup.ts';
import { smallBuiltin } from './small_data.ts';

const BASE: Partial<ExperimentConfig> = {
  networks: ['plain-8'],
  size: 8,
  width: 4,
  batch: 8,
  // Few: rounding grows from step to step, and the comparison is strict.
  steps: 4,
  evalEvery: 2,
  learningRate: 0.05,
  warmup: 0,
  schedule: 'constant',
  flip: false,
};

const gpu = new Gpu(device);
/** What a test does to an experiment while it runs, between iterations. */
type Intervention = { after: number; act: (experiment: Experiment) => void };

async function train(config: ExperimentConfig, interventions: Intervention[] = [], data?: Dataset) {
  const rows: MetricsRow[] = [];
  const marks: Mark[] = [];
  const failures: unknown[] = [];
  const emit = (event: LabEvent) => {
    if (event.type === 'metrics') rows.push(...event.rows);
    if (event.type === 'mark') marks.push(event.mark);
  };
  const dataset = data ?? (await smallBuiltin(config.size));
  const hooks = { emit, failed: (error: unknown) => failures.push(error) };
  const experiment = await Experiment.create(gpu, config, dataset, hooks);
  for (let t = 0; t < config.steps; t++) {
    for (const { after, act } of interventions) if (after === t) act(experiment);
    experiment.step();
    await experiment.idle();
  }
  await experiment.close();
  expect(failures).toEqual([]);
  return { rows, marks };
}

interface Pictures {
  x: Tensor;
  labels: number[];
}

/** Normalized pictures, in float64, from the definition; augmented where `t` is given. */
function pictures(
  dataset: Dataset,
  from: LabelledImages,
  indices: ArrayLike<number>,
  config: ExperimentConfig,
  t: number | null,
): Pictures {
  const { channels: C, height: H, width: W, statistics } = dataset;
  const data = new Float64Array(indices.length * C * H * W);
  const draw = new Uint32Array(4);
  for (let n = 0; n < indices.length; n++) {
    let [mirrored, dy, dx] = [false, 0, 0];
    if (t !== null) {
      const [a = 0, b = 0, c = 0] = pcg4d(config.seed, t, 1, n, draw);
      mirrored = config.flip && a >= 2 ** 31;
      dy = (b % (2 * config.pad + 1)) - config.pad;
      dx = (c % (2 * config.pad + 1)) - config.pad;
    }
    for (let c = 0; c < C; c++) {
      for (let h = 0; h < H; h++) {
        for (let w = 0; w < W; w++) {
          const y = h + dy;
          const x = (mirrored ? W - 1 - w : w) + dx;
          if (y < 0 || y >= H || x < 0 || x >= W) continue;
          const byte = from.images[(((indices[n] ?? 0) * C + c) * H + y) * W + x] ?? 0;
          const value = (byte / 255 - (statistics.mean[c] ?? 0)) / (statistics.std[c] ?? 1);
          data[((n * C + c) * H + h) * W + w] = value;
        }
      }
    }
  }
  const labels = Array.from(indices, (index) => from.labels[index] ?? -1);
  const x = tensor([indices.length, C, H, W], data);
  if (t === null) return { x, labels };
  const more = { ...augmentationOf(config), pad: 0, flip: false };
  const key = { seed: config.seed, iteration: t };
  return { x: augmentPictures(x, more, statistics, key), labels };
}

/** What a control means at iteration t, written down a second time. */
interface Plan {
  learningRate(t: number): number;
  momentum?(t: number): number;
  weightDecay?(t: number): number;
  nesterov?(t: number): boolean;
  optimizer?: 'sgd' | 'adam' | 'adamw';
  /** ε of the smoothed targets in training. */
  smoothing?: number;
  /** Largest norm of all gradients together. */
  clip?: number;
  /** Augmentation and how often is evaluated. */
  settings?(t: number): ExperimentConfig;
  /** Whether the shortcuts are connected at iteration t. */
  connected?(t: number): boolean;
}

async function trainReference(config: ExperimentConfig, plan: Plan, data?: Dataset) {
  const dataset = data ?? (await smallBuiltin(config.size));
  const [id = ''] = config.networks;
  const spec = specOf(id, config, dataset);
  const given = graphParameters(buildGraph(withShortcuts(spec, true), config.batch)).map(
    (parameter) =>
      [parameter.name, tensor(parameter.shape, initialValues(parameter, config.seed))] as const,
  );
  let state: ReferenceState = { parameters: Object.fromEntries(given), running: {} };
  let kept: OptimizerState = {};
  const order = new BatchOrder(balancedSubset(dataset.train.labels, 0), config.batch, config.seed);
  const losses: number[] = [];
  const testErrors: (number | null)[] = [];
  for (let t = 0; t < config.steps; t++) {
    const wired = plan.connected ? withShortcuts(spec, plan.connected(t)) : spec;
    const settings = plan.settings?.(t) ?? config;
    const { x, labels } = pictures(dataset, dataset.train, order.at(t), settings, t);
    const pass = runReference(wired, state, x, labels, { labelSmoothing: plan.smoothing ?? 0 });
    losses.push(pass.loss);
    const gradients = plan.clip ? clipGradients(pass.gradients, plan.clip) : pass.gradients;
    const next = stepReference(state.parameters, gradients, kept, {
      optimizer: plan.optimizer ?? 'sgd',
      lr: plan.learningRate(t),
      momentum: plan.momentum?.(t) ?? 0.9,
      weight_decay: plan.weightDecay?.(t) ?? 1e-4,
      nesterov: plan.nesterov?.(t) ?? false,
    });
    // Parameters of a shortcut that is cut have no gradient and stay as they are.
    state = { parameters: { ...state.parameters, ...next.parameters }, running: pass.running };
    kept = { ...kept, ...next.state };

    const due = (t + 1) % settings.evalEvery === 0 || t + 1 === config.steps;
    testErrors.push(due ? evaluate(wired, state, dataset, config) : null);
  }
  return { losses, testErrors };
}

function evaluate(
  spec: Parameters<typeof runReference>[0],
  state: ReferenceState,
  dataset: Dataset,
  config: ExperimentConfig,
): number {
  const all = Array.from({ length: dataset.test.count }, (_, i) => i);
  const { x, labels } = pictures(dataset, dataset.test, all, config, null);
  const { logits } = runReference(spec, state, x, labels, { training: false });
  const classes = logits.shape[1] ?? 0;
  const wrong = labels.filter((label, n) => {
    const row = Array.from(logits.data.subarray(n * classes, (n + 1) * classes));
    return row.indexOf(Math.max(...row)) !== label;
  });
  return wrong.length / labels.length;
}

const constant = (value: number) => () => value;

/** Of a row, what does not depend on the machine. */
const mathematics = ({ iteration, trainLoss, batchError, testError }: MetricsRow) => ({
  iteration,
  trainLoss,
  batchError,
  testError,
});

/** A control, how it is set, and what it should then mean. */
const CONTROLS: [name: string, setting: Partial<ExperimentConfig>, plan?: Partial<Plan>][] = [
  ['learning rate', { learningRate: 0.02 }, { learningRate: constant(0.02) }],
  ['warm-up', { warmup: 4 }, { learningRate: (t) => (0.05 * (t + 1)) / 4 }],
  [
    'schedule: a tenth in the last quarter',
    { schedule: 'step', steps: 8 },
    { learningRate: (t) => (t < 6 ? 0.05 : 0.005) },
  ],
  [
    'schedule: cosine',
    { schedule: 'cosine' },
    { learningRate: (t) => 0.025 * (1 + Math.cos((Math.PI * t) / 4)) },
  ],
  ['schedule: linear', { schedule: 'linear' }, { learningRate: (t) => 0.05 * (1 - t / 4) }],
  [
    'schedule: one cycle, warm-up included',
    { schedule: 'one_cycle', warmup: 2 },
    { learningRate: (t) => [0.002, 0.026, 0.05, 2e-7][t] ?? NaN },
  ],
  [
    'optimizer: Adam',
    { optimizer: 'adam', learningRate: 0.002 },
    { optimizer: 'adam', learningRate: constant(0.002) },
  ],
  [
    'optimizer: AdamW',
    { optimizer: 'adamw', weightDecay: 1, learningRate: 0.002 },
    { optimizer: 'adamw', weightDecay: constant(1), learningRate: constant(0.002) },
  ],
  ['Nesterov momentum', { nesterov: true }, { nesterov: () => true }],
  ['label smoothing', { labelSmoothing: 0.2 }, { smoothing: 0.2 }],
  ['gradient clipping', { clipNorm: 0.5 }, { clip: 0.5 }],
  ['momentum', { momentum: 0.5 }, { momentum: constant(0.5) }],
  ['weight decay', { weightDecay: 0.1 }, { weightDecay: constant(0.1) }],
  ['augmentation: pad and crop', { pad: 2 }],
  ['augmentation: mirror', { flip: true }],
  ['augmentation: resize and crop', { resize: true, resizeFrom: 1.2, resizeTo: 1.8 }],
  ['augmentation: brightness', { brightness: 0.5 }],
  ['augmentation: contrast', { contrast: 0.5 }],
  ['augmentation: saturation', { saturation: 0.8 }],
  ['augmentation: cutout', { cutout: 4 }],
  ['seed', { seed: 7 }],
  ['batch', { batch: 12 }],
  ['size', { size: 12 }],
  ['width', { width: 8 }],
  ['depth', { networks: ['plain-14'] }],
  ['which networks: residual', { networks: ['residual-8'] }],
  ['shortcut: projection', { networks: ['residual-8'], shortcut: 'B' }],
];

/** The settings that can change in mid-run, what they are changed to after two of four steps, and what that means. */
const LIVE: { [N in keyof LiveSettings]: { to: LiveSettings[N]; plan?: Partial<Plan> } } = {
  learningRate: { to: 0.2, plan: { learningRate: (t) => (t < 2 ? 0.05 : 0.2) } },
  warmup: { to: 8, plan: { learningRate: (t) => (t < 2 ? 0.05 : (0.05 * (t + 1)) / 8) } },
  schedule: {
    to: 'cosine',
    plan: { learningRate: (t) => (t < 2 ? 0.05 : 0.025 * (1 + Math.cos((Math.PI * t) / 4))) },
  },
  momentum: { to: 0.2, plan: { momentum: (t) => (t < 2 ? 0.9 : 0.2) } },
  nesterov: { to: true, plan: { nesterov: (t) => t >= 2 } },
  weightDecay: { to: 0.1, plan: { weightDecay: (t) => (t < 2 ? 1e-4 : 0.1) } },
  pad: { to: 2 },
  flip: { to: true },
  evalEvery: { to: 3 },
};

describe('every control changes the mathematics as it says', () => {
  const config = (setting: Partial<ExperimentConfig>) =>
    experimentConfig.parse({ ...BASE, ...setting });
  const losses = (rows: readonly MetricsRow[]) => rows.map(({ trainLoss }) => trainLoss);

  async function expectAgreement(setting: Partial<ExperimentConfig>, plan: Partial<Plan>) {
    const { rows } = await train(config(setting));
    const wanted = await trainReference(config(setting), { learningRate: constant(0.05), ...plan });
    expectClose(losses(rows), wanted.losses);
    expect(rows.map(({ testError }) => testError)).toEqual(wanted.testErrors);
    return rows;
  }

  it('agrees with the float64 reference at the base settings', async () => {
    await expectAgreement({}, {});
  });

  it.each(CONTROLS)('%s', async (_, setting, plan = {}) => {
    const rows = await expectAgreement(setting, plan);
    // The control did something: losses part from the base run's.
    const { steps } = config(setting);
    const before = losses((await train(config({ steps }))).rows);
    const apart = losses(rows).map((loss, t) => Math.abs(loss - (before[t] ?? 0)));
    expect(Math.max(...apart)).toBeGreaterThan(1e-3);
  });

  it('evaluates as often as it is told', async () => {
    const { rows } = await train(config({ evalEvery: 3 }));
    expect(
      rows.filter(({ testError }) => testError !== null).map(({ iteration }) => iteration),
    ).toEqual([3, 4]);
  });

  it('trains as many steps as it is told', async () => {
    const { rows } = await train(config({ steps: 3 }));
    expect(rows.map(({ iteration }) => iteration)).toEqual([1, 2, 3]);
  });

  const LIVE_NAMES = Object.keys(liveSettings.shape) as (keyof LiveSettings)[];

  it.each(LIVE_NAMES)('changes %s in mid-run, and marks it', async (name) => {
    const { to, plan = {} } = LIVE[name];
    const changed = { [name]: to } as Partial<LiveSettings>;
    const base = config({});
    const { rows, marks } = await train(base, [
      { after: 2, act: (experiment) => experiment.set(changed) },
    ]);
    const wanted = await trainReference(base, {
      learningRate: constant(0.05),
      settings: (t) => (t < 2 ? base : { ...base, ...changed }),
      ...plan,
    });
    expectClose(losses(rows), wanted.losses);
    expect(rows.map(({ testError }) => testError)).toEqual(wanted.testErrors);
    expect(marks).toEqual([{ network: null, iteration: 2, kind: 'settings', settings: changed }]);
    // It did something, and nothing before it was set.
    const before = (await train(base)).rows;
    expect(rows.slice(0, 2)).toMatchObject(before.slice(0, 2).map(mathematics));
    expect(rows.map(mathematics)).not.toEqual(before.map(mathematics));
  });

  it('data set: its pictures, its statistics, its classes', async () => {
    const fashion = await openData('fashion-mnist:tests/fixtures/fashion-mnist-tiny', 8);
    const setting = config({ data: fashion.id });
    const { rows } = await train(setting, [], fashion);
    const wanted = await trainReference(setting, { learningRate: constant(0.05) }, fashion);
    expectClose(losses(rows), wanted.losses);
    expect(rows.map(({ testError }) => testError)).toEqual(wanted.testErrors);
  });

  it.each([
    ['A', 'sgd', 0.05],
    ['B', 'sgd', 0.05],
    // Its bias correction counts the updates of a parameter: a projection begins anew.
    ['B', 'adam', 0.01],
  ] as const)(
    'connects shortcuts (option %s, %s) in mid-run: weights and moments carry on',
    async (shortcut, optimizer, learningRate) => {
      const setting = config({ shortcut, optimizer, learningRate, steps: 6 });
      const { rows, marks } = await train(setting, [
        { after: 2, act: (experiment) => experiment.toggle('plain-8', true) },
        { after: 4, act: (experiment) => experiment.toggle('plain-8', false) },
        { after: 5, act: (experiment) => experiment.toggle('plain-8', true) },
      ]);
      const wanted = await trainReference(setting, {
        optimizer,
        learningRate: constant(learningRate),
        connected: (t: number) => [2, 3, 5].includes(t),
      });
      expectClose(losses(rows), wanted.losses);
      expect(marks.map(({ kind, iteration }) => [kind, iteration])).toEqual([
        ['connected', 2],
        ['cut', 4],
        ['connected', 5],
      ]);
    },
  );

  it('would notice a control that does something else', async () => {
    const { rows } = await train(config({ weightDecay: 0.1 }));
    const wanted = await trainReference(config({}), { learningRate: constant(0.05) });
    expect(() => expectClose(losses(rows), wanted.losses)).toThrow();
  });
});

/** Losses of float32 training against float64, over a handful of steps. */
function expectClose(got: readonly number[], want: readonly number[]): void {
  expect(got.length).toBe(want.length);
  got.forEach((loss, t) => {
    const difference = Math.abs(loss - (want[t] ?? NaN));
    expect(difference, `loss of step ${t}: ${loss}, wanted ${want[t] ?? NaN}`).toBeLessThan(2e-4);
  });
}
