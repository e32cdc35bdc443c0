/**
 * Runs single ops, small graphs, the loss, the optimizers and the augmentation on the GPU, with tensors
 * given and returned in NCHW / OIHW order: what tests and the conformance suite hold the kernels to. A
 * pass is lowered, planned and replayed by the same code as in training. Runs on one Gpu share its
 * transient buffers, so each must be awaited before the next.
 */
import { FathomError } from '../errors.ts';
import { floatToHalf } from '../ops/half.ts';
import { graphNode, graphParameters, graphState } from '../network/graph.ts';
import type { Graph, GraphNode, Value } from '../network/graph.ts';
import { augmentCall } from '../ops/augment.ts';
import { emitUnscale } from '../ops/loss_scale.ts';
import type { Op } from '../ops/op.ts';
import { emitClip, optimizerCall } from '../ops/optimizer.ts';
import type { Optimizer } from '../ops/optimizer.ts';
import { emitLoss, emitLossGradient } from '../ops/softmax_cross_entropy.ts';
import type { LossParams } from '../ops/softmax_cross_entropy.ts';
import { STEP, STEP_BYTES, writeStep } from '../ops/step.ts';
import type { StepScalars } from '../ops/step.ts';
import { elements, floatsOf, pack, pad4, unpack } from '../ops/tensor.ts';
import type { Layout, Precision, Shape, Tensor } from '../ops/tensor.ts';
import { need } from '../reference/tensor.ts';
import type { Tensor as HostTensor, Tensors } from '../reference/tensor.ts';
import { Lowering, Recorder, tensor } from './graph/lower.ts';
import type { Dispatch } from './graph/lower.ts';
import { bytesOf, plan } from './graph/plan.ts';
import type { Gpu } from './gpu/gpu.ts';
import { Pass } from './pass.ts';
import type { Place } from './pass.ts';

export interface RunOptions {
  training: boolean;
  /** Whether dropout drops; as in training where nothing is said. */
  sampling?: boolean;
  /** Scalars of the step, where they matter (dropout's seed). */
  scalars?: Partial<StepScalars>;
  /** Whether tensors share buffers and norms are applied where they are loaded; on by default, as in training. */
  reuse?: boolean;
  fusion?: boolean;
  /** How what flows in, what nodes hand on and gradients of both are stored; f32 where nothing is said. */
  storage?: Precision;
  /** Paths of nodes whose outputs and their gradients are wanted as well. */
  keep?: readonly string[];
}

export interface OpRun {
  /** The dispatches that ran, in order. */
  dispatches: readonly Dispatch[];
  y: HostTensor;
  /** What the op keeps for its backward pass, by the op's own names. */
  saved: Tensors;
  /** dL/d of inputs and learned parameters by name; empty without `gradOutput`. */
  grads: Tensors;
  /** Running statistics after the pass. */
  state: Tensors;
}

export interface GraphRun extends Omit<OpRun, 'saved'> {
  /** By the path of the node, then by the op's own names. */
  saved: Record<string, Tensors>;
  /** What the nodes of `RunOptions.keep` computed, by path. */
  outputs: Tensors;
  /** dL/d of them, by path. */
  outputGrads: Tensors;
}

/**
 * Runs one op forward and, given dL/dy, backward for all of its inputs and parameters.
 *
 * @param inputs inputs, learned parameters and state by name; parameters and state that start at a
 *   constant may be left out
 * @throws FathomError when shapes break one of the op's rules or a tensor is missing
 */
export async function runOp(
  gpu: Gpu,
  op: Op,
  params: unknown,
  inputs: Tensors,
  gradOutput: HostTensor | undefined,
  options: RunOptions,
): Promise<OpRun> {
  const parsed = op.params.parse(params);
  const first = need(inputs, op.inputs[0] ?? 'x').shape;
  const owned = new Set([
    ...Object.keys(op.parameters?.(parsed, first) ?? {}),
    ...Object.keys(op.state?.(parsed, first) ?? {}),
  ]);
  // Shapes of parameters follow from the first input, so the op's own order comes first.
  const flowing = Object.keys(inputs).filter((name) => !owned.has(name));
  const values = Object.fromEntries(
    [...op.inputs, ...flowing].map((name): [string, Value] => [
      name,
      { name, shape: need(inputs, name).shape },
    ]),
  );
  const node = graphNode(op.name, op, params, values);
  const path = (name: string) => (owned.has(name) ? `${op.name}.${name}` : name);
  const local = (tensors: Tensors): Tensors =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, value]) => [
        name.startsWith(`${op.name}.`) ? name.slice(op.name.length + 1) : name,
        value,
      ]),
    );
  const given = Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [path(name), value]),
  );
  const run = await runGraph(gpu, [node], given, gradOutput, options);
  return {
    dispatches: run.dispatches,
    y: run.y,
    saved: run.saved[op.name] ?? {},
    grads: local(run.grads),
    state: local(run.state),
  };
}

/**
 * Runs the nodes of a graph in order; y is what the last one computes.
 *
 * @param inputs what flows in by the name of its value, parameters and state by their full names
 * @param gradOutput dL/dy; gradients are returned by the same names as the inputs
 */
export async function runGraph(
  gpu: Gpu,
  nodes: readonly GraphNode[],
  inputs: Tensors,
  gradOutput: HostTensor | undefined,
  {
    training,
    sampling = training,
    scalars = {},
    reuse = true,
    fusion = true,
    storage = 'f32',
    keep = [],
  }: RunOptions,
): Promise<GraphRun> {
  const last = nodes.at(-1);
  if (!last) throw new Error('a graph needs at least one node');
  const bench = new Bench(gpu);
  try {
    const inflow = freeValues(nodes).map((value): [Value, Tensor] => [
      value,
      bench.put(value.name, need(inputs, value.name), 'image', value.shape, storage),
    ]);
    const graph: Graph = {
      name: 'graph',
      input: last.output,
      output: last.output,
      nodes: [...nodes],
    };
    const parameters = new Map<string, Tensor>();
    const gradients = new Map<string, Tensor>();
    for (const { name, shape, layout, init } of graphParameters(graph)) {
      const value =
        inputs[name] ?? (init.kind === 'constant' ? filled(shape, init.value) : undefined);
      parameters.set(name, bench.put(name, value ?? need(inputs, name), layout, shape));
      gradients.set(name, bench.put(`d(${name})`, filled(shape, 0), layout, shape));
    }
    const state = new Map<string, Tensor>();
    for (const { name, shape, layout, initial } of graphState(graph)) {
      state.set(name, bench.put(name, inputs[name] ?? filled(shape, initial), layout, shape));
    }

    const recorder = new Recorder(gpu.tuning, storage);
    const network = { parameters, gradients, state };
    const behaviour = { training, sampling };
    const unobserved = !gradOutput && keep.length === 0;
    const lowering = new Lowering(recorder, graph, network, behaviour, { fusion, unobserved });
    for (const [value, given] of inflow) lowering.values.set(value, given);
    lowering.forward();
    const y = lowering.values.get(last.output);
    if (!y) throw new Error(`${last.path} computed nothing`);
    if (gradOutput) {
      lowering.gradients.set(y, bench.put('dL/dy', gradOutput, 'image', y.shape, storage));
      lowering.backward(() => true);
    }

    const wanted: Record<string, Tensor> = { y };
    for (const [{ name }, value] of inflow) {
      const gradient = lowering.gradients.get(value);
      if (gradient) wanted[`grad ${name}`] = lowering.operand(gradient, false);
    }
    for (const { node, saved } of lowering.records) {
      for (const [name, value] of Object.entries(saved))
        wanted[`saved ${node.path} ${name}`] = value;
    }
    for (const { path, output } of nodes.filter(({ path }) => keep.includes(path))) {
      const value = lowering.values.get(output);
      if (!value) throw new Error(`${path} computed nothing`);
      wanted[`output ${path}`] = lowering.operand(value, false);
      const gradient = lowering.gradients.get(value);
      if (gradient) wanted[`outputGrad ${path}`] = lowering.operand(gradient, false);
    }
    if (gradOutput) for (const [name, value] of gradients) wanted[`grad ${name}`] = value;
    for (const [name, value] of state) wanted[`state ${name}`] = value;
    const results = await bench.run(recorder, wanted, scalars, reuse);
    return {
      dispatches: recorder.dispatches,
      y: need(results, 'y'),
      grads: withPrefix(results, 'grad '),
      state: withPrefix(results, 'state '),
      outputs: withPrefix(results, 'output '),
      outputGrads: withPrefix(results, 'outputGrad '),
      saved: Object.fromEntries(
        nodes.map(({ path }) => [path, withPrefix(results, `saved ${path} `)]),
      ),
    };
  } finally {
    bench.destroy();
  }
}

export interface LossRun {
  loss: number;
  /** Number of wrong answers. */
  errors: number;
  /** [N, K] each. */
  probabilities: HostTensor;
  logProbabilities: HostTensor;
  /** dL/dlogits. */
  gradient: HostTensor;
}

/** Softmax cross-entropy of logits [N, K] with labels [N], and its gradient. */
export async function runLoss(
  gpu: Gpu,
  logits: HostTensor,
  labels: ArrayLike<number>,
  params: Partial<LossParams> = {},
  valid = labels.length,
): Promise<LossRun> {
  const bench = new Bench(gpu);
  try {
    const recorder = new Recorder(gpu.tuning);
    const z = bench.put('logits', logits, 'image');
    const classes = bench.putBytes('labels', [labels.length], Uint32Array.from(labels));
    const loss = emitLoss(recorder, z, classes, params);
    const gradient = emitLossGradient(recorder, loss, classes, params);
    const { summary, ...results } = await bench.run(
      recorder,
      { summary: loss.summary, p: loss.probabilities, log: loss.logProbabilities, gradient },
      { valid },
    );
    return {
      loss: summary?.data[0] ?? NaN,
      errors: summary?.data[1] ?? NaN,
      probabilities: need(results, 'p'),
      logProbabilities: need(results, 'log'),
      gradient: need(results, 'gradient'),
    };
  } finally {
    bench.destroy();
  }
}

/** What an optimizer keeps of a parameter, by PyTorch's names. */
const MOMENTS = { sgd: ['momentum_buffer'], adam: ['exp_avg', 'exp_avg_sq'] } as const;

/**
 * One update of `param` by `grad`, and of what the optimizer keeps: `momentum_buffer`, or `exp_avg` and
 * `exp_avg_sq`, which start at zero where they are missing. Returns all but `grad`. Iterations count from 0. With
 * `maxNorm` among the scalars the gradient is clipped to it. With a `loss_scale` (see `ops/loss_scale.ts`) the gradient is
 * divided by it first, and it is returned as it is adjusted.
 */
export async function runOptimizer(
  gpu: Gpu,
  optimizer: Optimizer,
  inputs: Tensors,
  scalars: Partial<StepScalars>,
): Promise<Tensors> {
  const bench = new Bench(gpu);
  try {
    const { shape } = need(inputs, 'param');
    const size = elements(shape);
    const put = (name: string): Tensor => {
      const data = new Float64Array(pad4(size));
      data.set((inputs[name] ?? filled(shape, 0)).data);
      return bench.put(name, { shape: [data.length], data }, 'flat');
    };
    const recorder = new Recorder(gpu.tuning);
    const [weight, gradient] = [put('param'), put('grad')];
    const names = MOMENTS[optimizer.kind];
    const [first, second] = [put(names[0]), names[1] && put(names[1])];
    const lossScale = inputs.loss_scale && bench.put('loss scale', inputs.loss_scale, 'flat');
    if (lossScale) emitUnscale(recorder, [gradient], lossScale);
    const clip = scalars.maxNorm === undefined ? undefined : emitClip(recorder, [gradient]);
    const before = filled([pad4(size)], scalars.iteration ?? 0);
    const updates = second && bench.put('updates', before, 'flat');
    const stretch = {
      weight,
      gradient,
      first,
      ...(second && { second }),
      ...(updates && { updates }),
    };
    recorder.dispatch(optimizerCall(optimizer, stretch, STEP, clip, lossScale));
    const kept = { param: weight, [names[0]]: first, ...(second && { exp_avg_sq: second }) };
    const wanted = { ...kept, ...(lossScale && { loss_scale: lossScale }) };
    const results = await bench.run(recorder, wanted, scalars);
    return Object.fromEntries(
      Object.entries(results).map(([name, result]) => [
        name,
        name in kept ? { shape, data: result.data.slice(0, size) } : result,
      ]),
    );
  } finally {
    bench.destroy();
  }
}

/** Inputs of the augmentation that are given instead of drawn. */
export interface GivenAugmentation {
  /** For each picture the top left corner of the window in the padded picture: [N, 2]. */
  offsets: ArrayLike<number>;
  /** For each picture 1 to mirror it, else 0. */
  flips: ArrayLike<number>;
}

/** Pads, crops and mirrors pictures [N, C, H, W], as given or as drawn by `scalars`. */
export async function runAugment(
  gpu: Gpu,
  x: HostTensor,
  crop: readonly [height: number, width: number],
  scalars: Partial<StepScalars>,
  given?: GivenAugmentation,
): Promise<HostTensor> {
  const bench = new Bench(gpu);
  try {
    const [n = 1, c = 1] = x.shape;
    const recorder = new Recorder(gpu.tuning);
    const pictures = bench.put('x', x, 'image');
    const y = recorder.transient('y', [n, c, ...crop], 'image');
    const choices = given && {
      offsets: bench.putBytes('offsets', [n, 2], Int32Array.from(given.offsets)),
      flips: bench.putBytes('flips', [n], Uint32Array.from(given.flips)),
    };
    recorder.dispatch(augmentCall(pictures, y, STEP, choices));
    return need(await bench.run(recorder, { y }, scalars), 'y');
  } finally {
    bench.destroy();
  }
}

const NO_SCALARS: StepScalars = {
  learningRate: 0,
  momentum: 0,
  weightDecay: 0,
  nesterov: false,
  seed: 0,
  iteration: 0,
  valid: 0,
  pad: 0,
  flip: false,
  maxNorm: 0,
};

/** Buffers of a single run: uploads tensors, runs what was recorded, reads results back. */
export class Bench {
  private readonly gpu: Gpu;
  private readonly places = new Map<Tensor, Place>();

  constructor(gpu: Gpu) {
    this.gpu = gpu;
  }

  /** Uploads a tensor. Throws if it has not the `expected` shape. */
  put(
    name: string,
    value: HostTensor,
    layout: Layout,
    expected: Shape = value.shape,
    storage: Precision = 'f32',
  ): Tensor {
    if (value.shape.join() !== expected.join()) {
      throw new FathomError(
        'shape',
        `${name} has shape [${value.shape.join(', ')}], not [${expected.join(', ')}]`,
        { name },
      );
    }
    const floats = pack({ shape: expected, layout }, value.data);
    const placed = tensor(name, expected, layout, 'external');
    return storage === 'f16'
      ? this.upload({ ...placed, bits: 16 }, Uint16Array.from(floats, floatToHalf))
      : this.upload(placed, floats);
  }

  /** Uploads words that are no floats. */
  putBytes(
    name: string,
    shape: Shape,
    words: Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer>,
  ): Tensor {
    return this.upload(tensor(name, shape, 'flat', 'external'), words);
  }

  /** Plans and runs the dispatches, then reads the `wanted` tensors by name. */
  async run(
    { dispatches }: Recorder,
    wanted: Record<string, Tensor>,
    scalars: Partial<StepScalars>,
    reuse = true,
  ): Promise<Tensors> {
    const floats = new Float32Array(STEP_BYTES / 4);
    writeStep({ ...NO_SCALARS, ...scalars }, floats, new Uint32Array(floats.buffer));
    const { device } = this.gpu;
    const step = device.createBuffer({
      label: 'step',
      size: STEP_BYTES,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(step, 0, floats);
    this.places.set(STEP, { buffer: step, offset: 0 });

    const planned = plan(dispatches, Object.values(wanted), { reuse });
    const pass = await Pass.create(this.gpu, planned, this.places);
    pass.submit();
    const results: Tensors = {};
    try {
      for (const [name, value] of Object.entries(wanted)) {
        const { buffer, offset } = pass.place(value);
        const stored = floatsOf(value, await this.gpu.read(buffer, offset, bytesOf(value)));
        results[name] = { shape: value.shape, data: Float64Array.from(unpacked(value, stored)) };
      }
    } finally {
      pass.destroy();
    }
    return results;
  }

  destroy(): void {
    for (const { buffer } of this.places.values()) buffer.destroy();
  }

  private upload(value: Tensor, data: ArrayBufferView<ArrayBuffer>): Tensor {
    const buffer = this.gpu.storage(value.name, data.byteLength);
    this.gpu.device.queue.writeBuffer(buffer, 0, data);
    this.places.set(value, { buffer, offset: 0 });
    return value;
  }
}

/** Elements in NCHW / OIHW order. Throws if a kernel left anything but zeros in the padding. */
function unpacked(value: Tensor, stored: Float32Array): Float32Array {
  const data = unpack(value, stored);
  const clean = pack(value, data);
  if (stored.some((found, i) => !Object.is(found, clean[i]) && found !== clean[i])) {
    throw new Error(`the padding of "${value.name}" is not zero`);
  }
  return data;
}

/** What the nodes take in that none of them computes. */
function freeValues(nodes: readonly GraphNode[]): Value[] {
  const computed = new Set(nodes.map(({ output }) => output));
  const used = new Set(nodes.flatMap(({ inputs }) => Object.values(inputs)));
  return [...used].filter((value) => !computed.has(value));
}

const filled = (shape: Shape, value: number): HostTensor => ({
  shape,
  data: new Float64Array(elements(shape)).fill(value),
});

/** The tensors whose names begin with a prefix, without it. */
function withPrefix(tensors: Tensors, prefix: string): Tensors {
  return Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}
