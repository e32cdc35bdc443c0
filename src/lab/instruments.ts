/**
 * What the chapters ask: single ops on tensors that the page gives, run by the kernels that train networks and by the
 * float64 reference beside them. Where there is no WebGPU the reference answers alone.
 */
import { generateBuiltin } from '../data/builtin.ts';
import type { Dataset } from '../data/dataset.ts';
import { FathomError } from '../errors.ts';
import type { Gpu } from '../engine/gpu/gpu.ts';
import { runOp } from '../engine/run_op.ts';
import type { SignalSetting } from '../engine/signal.ts';
import { runReference } from '../ops/reference_run.ts';
import type { Op } from '../ops/op.ts';
import { ops } from '../ops/table.ts';
import type { OpName } from '../ops/table.ts';
import { map, need, zeros } from '../reference/tensor.ts';
import type { Tensor, Tensors } from '../reference/tensor.ts';
import { distinct, textsOf } from './kernel_text.ts';
import type { KernelText } from './kernel_text.ts';
import { augmented, channelsOf } from './pictures.ts';
import type {
  AugmentAnswer,
  AugmentQuestion,
  ChannelsAnswer,
  NormalizingStep,
} from './pictures.ts';
import { Predictor } from './predictor.ts';
import type { AccuracyAnswer, CropsAnswer, DrawsAnswer, Progress, Source } from './predictor.ts';
import { CHECKS, selfCheck } from './self_check.ts';
import type { CheckResult } from './self_check.ts';
import { signal } from './signal.ts';
import type { SignalLayer } from './signal.ts';
import { runStack } from './stack.ts';
import type { StackQuestion, StackRun } from './stack.ts';

export interface OpQuestion {
  op: OpName;
  /** As a person would give them: defaults may be left out. */
  params?: Record<string, unknown>;
  /** Inputs, learned parameters and state by name, in NCHW / OIHW order, rounded to float32. */
  inputs: Tensors;
  /** dL/dy; without it nothing runs backward. */
  gradOutput?: Tensor;
  /** Whether the op runs as in training; true where nothing is said. */
  training?: boolean;
  /** Key of random draws (dropout's mask). */
  draw?: { seed: number; iteration: number };
}

export interface OpAnswer {
  /** Who computed `y`, `grads`, `state` and `saved`. */
  by: 'gpu' | 'reference';
  y: Tensor;
  /** dL/d of the inputs by name; empty without `gradOutput`. */
  grads: Tensors;
  /** Running statistics after the pass, by name. */
  state: Tensors;
  /** What the kernels keep for the backward pass, by the op's own names; empty where the reference answers. */
  saved: Tensors;
  /** The float64 reference's results and gradients on the same numbers. */
  reference: { outputs: Tensors; grads: Tensors };
  /** In the order in which they ran; none where the reference answers. */
  kernels: KernelText[];
}

export class Instruments {
  private readonly gpu: Promise<Gpu | null>;
  /** The data set of the experiment. */
  private readonly data: () => Promise<Dataset>;
  private predictor: Predictor | null = null;
  /** Questions are answered one after the other: their runs share buffers. */
  private last: Promise<unknown> = Promise.resolve();

  /** `gpu` must be this object's own: what runs on it shares its transient buffers. */
  constructor(
    gpu: Promise<Gpu | null>,
    data: () => Promise<Dataset> = () => generateBuiltin({ size: 16 }),
  ) {
    this.gpu = gpu;
    this.data = data;
  }

  /** Runs one op. Throws FathomErrors where shapes or parameters break one of the op's rules. */
  run(question: OpQuestion): Promise<OpAnswer> {
    return this.inTurn(async (gpu) => {
      const { params = {}, gradOutput, training = true, draw } = question;
      const op: Op = ops[question.op];
      const inputs = { ...constants(op, params, question.inputs), ...question.inputs };
      const reference = runReference(op, params, inputs, { gradOutput, training, draw });
      if (!gpu)
        return { ...answerOf(reference), by: 'reference', reference, saved: {}, kernels: [] };
      const options = { training, ...(draw && { scalars: draw }) };
      const { dispatches, ...run } = await runOp(gpu, op, params, inputs, gradOutput, options);
      return { ...run, by: 'gpu', reference, kernels: textsOf(dispatches) };
    });
  }

  /**
   * Checks every kernel on this adapter, sample by sample; see `self_check.ts`. `onResult` is told each result with how
   * many there will be, and ends the check by answering false. Throws a FathomError `no-webgpu` where there is no device.
   */
  check(
    onResult: (result: CheckResult, total: number) => Promise<boolean> | boolean,
  ): Promise<void> {
    return this.inTurn(async (gpu) => {
      if (!gpu) throw new FathomError('no-webgpu', 'there is no WebGPU device here to check');
      for await (const result of selfCheck(gpu)) {
        if (!(await onResult(result, CHECKS))) return;
      }
    });
  }

  /**
   * Sends samples through layers of random weights, and a gradient back. `onLayer` is told each layer as it comes, and ends it
   * by answering false.
   */
  signal(
    setting: SignalSetting,
    onLayer: (layer: SignalLayer) => Promise<boolean> | boolean,
  ): Promise<void> {
    return this.inTurn(async (gpu) => {
      for await (const layer of signal(gpu, setting)) if (!(await onLayer(layer))) return;
    });
  }

  /** Runs linear layers with an activation behind each, forward and backward; see `stack.ts`. */
  stack(question: StackQuestion): Promise<StackAnswer> {
    return this.inTurn(async (gpu) => {
      const { dispatches, ...answer } = await runStack(gpu, question);
      return { ...answer, kernels: distinct(textsOf(dispatches)) };
    });
  }

  /** The channels of the data set after a step of normalization, and one picture. */
  channels(step: NormalizingStep, picture: number): Promise<ChannelsAnswer> {
    return this.inTurn(async (gpu) => channelsOf(gpu, await this.data(), step, picture));
  }

  /** One training picture, augmented several times. */
  augment(question: AugmentQuestion): Promise<AugmentPictures> {
    return this.inTurn(async (gpu) => {
      const { dispatches, ...answer } = await augmented(gpu, await this.data(), question);
      return { ...answer, kernels: textsOf(dispatches) };
    });
  }

  /** See {@link Predictor.crops}; trains the network first, where that has not been done. Throws `no-webgpu` where nothing trains. */
  crops(picture: number, scales: readonly number[], onTraining: Progress): Promise<CropsAnswer> {
    return this.predicting(onTraining, (predictor) => predictor.crops(picture, scales));
  }

  /** See {@link Predictor.draws}; and as {@link crops}. */
  draws(
    {
      picture,
      source,
      count,
      seed,
    }: { picture: number; source: Source; count: number; seed: number },
    onTraining: Progress,
    onDraws: Progress,
  ): Promise<DrawsAnswer> {
    return this.predicting(onTraining, (predictor) =>
      predictor.draws(picture, source, count, seed, onDraws),
    );
  }

  /** See {@link Predictor.accuracy}; and as {@link crops}. */
  accuracy(
    { source, count, seed }: { source: Source; count: number; seed: number },
    onTraining: Progress,
    onDraws: Progress,
  ): Promise<AccuracyAnswer> {
    return this.predicting(onTraining, (predictor) =>
      predictor.accuracy(source, count, seed, onDraws),
    );
  }

  private predicting<T>(
    progress: Progress,
    work: (predictor: Predictor) => Promise<T>,
  ): Promise<T> {
    return this.inTurn(async (gpu) => {
      if (!gpu) throw new FathomError('no-webgpu', 'there is no WebGPU device here to train on');
      const dataset = await this.data();
      if (!this.predictor || !sameSet(this.predictor.dataset, dataset)) {
        this.predictor?.destroy();
        this.predictor = null;
        this.predictor = await Predictor.train(gpu, dataset, progress);
      }
      return work(this.predictor);
    });
  }

  private inTurn<T>(work: (gpu: Gpu | null) => Promise<T>): Promise<T> {
    const result = this.last.then(() => this.gpu).then(work);
    this.last = result.catch(() => undefined);
    return result;
  }
}

const sameSet = (a: Dataset, b: Dataset): boolean =>
  a.id === b.id && a.height === b.height && a.width === b.width && a.train.count === b.train.count;

/** An answer as the page gets it. */
export type AugmentPictures = Omit<AugmentAnswer, 'dispatches'> & { kernels: KernelText[] };

export type StackAnswer = Omit<StackRun, 'dispatches'> & { kernels: KernelText[] };

/** Parameters and state that start at a constant, as they start. */
function constants(op: Op, params: Record<string, unknown>, inputs: Tensors): Tensors {
  const parsed = op.params.parse(params);
  const x = inputs[op.inputs[0] ?? '']?.shape ?? [];
  const filled = (shape: readonly number[], value: number) => map(zeros(shape), () => value);
  return Object.fromEntries([
    ...Object.entries(op.parameters?.(parsed, x) ?? {}).flatMap(([name, { shape, init }]) =>
      init.kind === 'constant' ? [[name, filled(shape, init.value)] as const] : [],
    ),
    ...Object.entries(op.state?.(parsed, x) ?? {}).map(
      ([name, { shape, initial }]) => [name, filled(shape, initial)] as const,
    ),
  ]);
}

/** The reference's results under the names that the kernels' have. */
function answerOf({
  outputs,
  grads,
}: OpAnswer['reference']): Pick<OpAnswer, 'y' | 'grads' | 'state'> {
  const state = Object.entries(outputs).flatMap(([name, value]): [string, Tensor][] =>
    name.startsWith('new_') ? [[name.slice('new_'.length), value]] : [],
  );
  return { y: need(outputs, 'y'), grads, state: Object.fromEntries(state) };
}
