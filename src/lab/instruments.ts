/**
 * What the chapters ask: single ops on tensors that the page gives, run by the kernels that train networks and by the
 * float64 reference beside them. Where there is no WebGPU the reference answers alone.
 */
import { generateBuiltin } from '../data/builtin.ts';
import type { Dataset } from '../data/dataset.ts';
import { FathomError } from '../errors.ts';
import type { Dispatch } from '../engine/graph/lower.ts';
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
import { trainForward } from './forward.ts';
import { Predictor } from './predictor.ts';
import type {
  AccuracyAnswer,
  CropsAnswer,
  DrawsAnswer,
  PredictorAnswer,
  Source,
} from './predictor.ts';
import type { Progress } from './progress.ts';
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

/** Who computes: the kernels that are shown, or their float64 reference, which is slower. */
interface By {
  by: 'gpu' | 'reference';
}

export interface CropsQuestion extends By {
  picture: number;
  /** Short sides as multiples of the picture's own. */
  scales: readonly number[];
}

export interface DrawsQuestion extends By {
  picture: number;
  source: Source;
  count: number;
  seed: number;
}

export type AccuracyQuestion = Omit<DrawsQuestion, 'picture'>;

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

/** The same network twice. */
interface Predictors {
  kernels: Predictor;
  reference: Predictor;
}

export class Instruments {
  private readonly gpu: Promise<Gpu | null>;
  /** The data set of the experiment. */
  private readonly data: () => Promise<Dataset>;
  private predictors: Predictors | null = null;
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
  stack(question: StackQuestion): Promise<WithKernels<StackRun>> {
    return this.inTurn(async (gpu) => withKernels(await runStack(gpu, question)));
  }

  /** The channels of the data set after a step of normalization, and one picture. */
  channels(step: NormalizingStep, picture: number): Promise<WithKernels<ChannelsAnswer>> {
    return this.inTurn(async (gpu) =>
      withKernels(await channelsOf(gpu, await this.data(), step, picture)),
    );
  }

  /** One training picture, augmented several times. */
  augment(question: AugmentQuestion): Promise<WithKernels<AugmentAnswer>> {
    return this.inTurn(async (gpu) =>
      withKernels(await augmented(gpu, await this.data(), question)),
    );
  }

  /**
   * See {@link Predictor.crops}; trains the network first, where that has not been done. Throws `no-training` where there is
   * no WebGPU to train with.
   */
  crops(
    { picture, scales, by }: CropsQuestion,
    onTraining: Progress,
  ): Promise<WithKernels<CropsAnswer>> {
    return this.predicting(by, onTraining, (predictor) => predictor.crops(picture, scales));
  }

  /** See {@link Predictor.draws}; and as {@link crops}. */
  draws(
    { picture, source, count, seed, by }: DrawsQuestion,
    onTraining: Progress,
    onDraws: Progress,
  ): Promise<WithKernels<DrawsAnswer>> {
    return this.predicting(by, onTraining, (predictor) =>
      predictor.draws(picture, source, count, seed, onDraws),
    );
  }

  /** See {@link Predictor.accuracy}; and as {@link crops}. */
  accuracy(
    { source, count, seed, by }: AccuracyQuestion,
    onTraining: Progress,
    onDraws: Progress,
  ): Promise<WithKernels<AccuracyAnswer>> {
    return this.predicting(by, onTraining, (predictor) =>
      predictor.accuracy(source, count, seed, onDraws),
    );
  }

  private async predicting<T extends PredictorAnswer>(
    by: PredictorAnswer['by'],
    progress: Progress,
    work: (predictor: Predictor) => Promise<T>,
  ): Promise<WithKernels<T>> {
    if (by === 'gpu') {
      return this.inTurn(async (gpu) =>
        withKernels(await work((await this.training(gpu, progress)).kernels)),
      );
    }
    // The reference takes its time and shares no buffers: nobody waits for it.
    const { reference } = await this.inTurn((gpu) => this.training(gpu, progress));
    return withKernels(await work(reference));
  }

  /** The network trained on the present data set. */
  private async training(gpu: Gpu | null, progress: Progress): Promise<Predictors> {
    if (!gpu) throw new FathomError('no-training', 'there is no WebGPU device here to train on');
    const dataset = await this.data();
    if (this.predictors && sameSet(this.predictors.kernels.dataset, dataset))
      return this.predictors;
    this.predictors?.kernels.destroy();
    this.predictors = null;
    const { kernels, reference } = await trainForward(gpu, dataset, progress);
    this.predictors = {
      kernels: new Predictor(dataset, kernels),
      reference: new Predictor(dataset, reference),
    };
    return this.predictors;
  }

  private inTurn<T>(work: (gpu: Gpu | null) => Promise<T>): Promise<T> {
    const result = this.last.then(() => this.gpu).then(work);
    this.last = result.catch(() => undefined);
    return result;
  }
}

const sameSet = (a: Dataset, b: Dataset): boolean =>
  a.id === b.id && a.height === b.height && a.width === b.width && a.train.count === b.train.count;

/** An answer as the page gets it: with the text of each kernel that ran, once. */
export type WithKernels<T extends { dispatches: readonly Dispatch[] }> = Omit<T, 'dispatches'> & {
  kernels: KernelText[];
};

function withKernels<T extends { dispatches: readonly Dispatch[] }>(answer: T): WithKernels<T> {
  const { dispatches, ...rest } = answer;
  return { ...rest, kernels: distinct(textsOf(dispatches)) };
}

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
