/**
 * From a graph to the list of dispatches of one pass: forward ops in order, the loss, backward ops in
 * reverse (reverse-mode differentiation), the update.
 */
import { FathomError } from '../../errors.ts';
import type { Augmentation } from '../../reference/augmentation.ts';
import { emitAugmentation } from '../../ops/augment.ts';
import { gatherCalls } from '../../ops/batch.ts';
import type { BatchSource } from '../../ops/batch.ts';
import { addCall } from '../../ops/elementwise.ts';
import { emitUnscale } from '../../ops/loss_scale.ts';
import { emitClip, optimizerCall } from '../../ops/optimizer.ts';
import type { Optimizer, Update } from '../../ops/optimizer.ts';
import { MAX_WORKGROUPS } from '../../ops/op.ts';
import type {
  Emitter,
  FixedNorm,
  ForwardPass,
  Forwarded,
  KernelCall,
  NormOutput,
  Slices,
} from '../../ops/op.ts';
import { emitLoss, emitLossGradient } from '../../ops/softmax_cross_entropy.ts';
import { STEP } from '../../ops/step.ts';
import type { Bits, Layout, Precision, Shape, Storage, Tensor, View } from '../../ops/tensor.ts';
import { TUNINGS } from '../../ops/tuning.ts';
import type { Tuning } from '../../ops/tuning.ts';
import { materializeCall } from '../../ops/view.ts';
import type { Graph, GraphNode, Value } from '../../network/graph.ts';

export type Phase = 'batch' | 'forward' | 'loss' | 'backward' | 'update';

/** A kernel call, and which layer it works for. */
export interface Dispatch extends KernelCall {
  phase: Phase;
  /** Layer path (`layer1.0.conv1`), or what it does outside of layers. */
  path: string;
}

/** Tensors of one network that outlive a step, by parameter or state name. */
export interface NetworkTensors {
  parameters: ReadonlyMap<string, Tensor>;
  gradients: ReadonlyMap<string, Tensor>;
  state: ReadonlyMap<string, Tensor>;
  /** What the update covers: runs of parameters that are neighbours in memory, flat. */
  update: readonly Update[];
  /** Of a network that stores activations as f16, see `ops/loss_scale.ts`. */
  lossScale?: Tensor;
}

export interface Lowered {
  dispatches: Dispatch[];
  /** [N, C, H, W]: the normalized batch. */
  x: Tensor;
  labels: Tensor;
  logits: Tensor;
  /** (mean loss, wrong answers). */
  summary: Tensor;
}

/**
 * `train`: forward, backward, update. `evaluate`: forward with running statistics, dropout off. `monte_carlo`:
 * as `evaluate`, with dropout left on (Gal & Ghahramani 2016). `batch_statistics`: as `evaluate`, but batch norms take the
 * batch's statistics, and the running ones follow as in training.
 */
export type Mode = 'train' | 'evaluate' | 'monte_carlo' | 'batch_statistics';

/** How the ops of a pass behave. */
export interface Behaviour {
  training: boolean;
  sampling: boolean;
}

/** What a training step does besides the network's own passes. */
export interface Recipe {
  optimizer: Optimizer;
  /** ε of Szegedy et al. 2016, section 7; 0 for plain cross-entropy. Evaluation never smooths. */
  labelSmoothing: number;
  /** Whether gradients are clipped by their global norm. */
  clip: boolean;
  /** What is done to training pictures beyond padding and mirroring; nothing where it is absent. */
  augmentation?: Augmentation;
}

export const PLAIN_SGD: Recipe = { optimizer: { kind: 'sgd' }, labelSmoothing: 0, clip: false };

/** Augmentation as people set it: `resize` is the switch of its range. */
export interface AugmentationSettings extends Omit<Augmentation, 'resize'> {
  resize: boolean;
  resizeFrom: number;
  resizeTo: number;
}

export const augmentationOf = (settings: AugmentationSettings): Augmentation => {
  const { resize, resizeFrom, resizeTo, brightness, contrast, saturation, cutout } = settings;
  const range = [resizeFrom, resizeTo] as const;
  return { ...(resize && { resize: range }), brightness, contrast, saturation, cutout };
};

/** The recipe that people's settings ask for; gradients are clipped where `clipNorm` is above 0. */
export function recipeOf(settings: {
  optimizer: 'sgd' | 'adam' | 'adamw';
  labelSmoothing: number;
  clipNorm: number;
}): Recipe {
  const { optimizer, labelSmoothing, clipNorm } = settings;
  const adam = { kind: 'adam', betas: [0.9, 0.999], eps: 1e-8 } as const;
  return {
    optimizer:
      optimizer === 'sgd' ? { kind: 'sgd' } : { ...adam, decoupled: optimizer === 'adamw' },
    labelSmoothing,
    clip: clipNorm > 0,
  };
}

/** Sees tensors as a pass comes by them, and may dispatch what looks at them. */
export interface Listener {
  /** The output of a node. */
  output(node: GraphNode, y: Tensor, emit: Emitter): void;
  /** dL/d of the output of a node, complete. */
  gradient(node: GraphNode, gradient: Tensor, emit: Emitter): void;
  /** Parameters have their gradients, and are updated. */
  updated(emit: Emitter): void;
}

export interface LowerOptions {
  mode: Mode;
  /** Of training; plain SGD where nothing is said. */
  recipe?: Recipe;
  /** Where pictures come from; without it the caller fills `x` and `labels` before the pass. */
  source?: BatchSource;
  /** Whether norms are applied where their output is loaded; on by default, off to test against. */
  fusion?: boolean;
  /** Which variants of kernels to take; an ordinary GPU's where nothing is said. */
  tuning?: Tuning;
  /** How activations and their gradients are stored; f32 where nothing is said. */
  storage?: Precision;
  listener?: Listener;
}

/** Notes what the ops of a pass dispatch, and for which layer. */
export class Recorder implements Emitter {
  readonly dispatches: Dispatch[] = [];
  readonly step = STEP;
  private phase: Phase = 'batch';
  private path = '';

  enter(phase: Phase, path: string) {
    this.phase = phase;
    this.path = path;
  }

  constructor(
    readonly tuning: Tuning = TUNINGS.gpu,
    private readonly storage: Precision = 'f32',
    readonly lossScale?: Tensor,
  ) {}

  transient(
    name: string,
    shape: Shape,
    layout: Layout,
    bits: Bits = layout === 'image' && this.storage === 'f16' ? 16 : 32,
  ): Tensor {
    return { ...tensor(name, shape, layout, 'transient'), ...(bits === 16 && { bits }) };
  }

  view(name: string, view: View): Tensor {
    return { name, shape: view.x.shape, layout: 'image', storage: 'view', view };
  }

  /** Throws a FathomError `too-many-workgroups` for a dispatch that WebGPU would drop. */
  dispatch(call: KernelCall) {
    if (Math.max(...call.workgroups) > MAX_WORKGROUPS) {
      throw new FathomError(
        'too-many-workgroups',
        `${this.path}: the kernel ${call.entry} would take ${call.workgroups.join(' × ')} workgroups, but WebGPU ` +
          `runs ${MAX_WORKGROUPS} along each axis at most: choose a smaller batch, width or image size`,
        { path: this.path, kernel: call.entry, limit: MAX_WORKGROUPS },
      );
    }
    this.dispatches.push({ ...call, phase: this.phase, path: this.path });
  }
}

export function tensor(name: string, shape: Shape, layout: Layout, storage: Storage): Tensor {
  return { name, shape, layout, storage };
}

/** Lowers one pass of `graph` over the tensors of one network. */
export function lower(graph: Graph, network: NetworkTensors, options: LowerOptions): Lowered {
  const { mode, source, fusion, tuning, storage, listener } = options;
  const recorder = new Recorder(tuning, storage, network.lossScale);
  const training = mode === 'train';
  const [batch = 1] = graph.input.shape;
  const filled = (name: string, shape: Shape, layout: Layout) =>
    source ? recorder.transient(name, shape, layout) : tensor(name, shape, layout, 'external');
  const x = filled('x', graph.input.shape, 'image');
  const labels = filled('labels', [batch], 'flat');
  if (source) {
    recorder.enter('batch', 'batch');
    if (training) {
      const pictures = recorder.transient('pictures', x.shape, 'image');
      for (const call of gatherCalls(source, pictures, labels)) recorder.dispatch(call);
      const { augmentation } = options.recipe ?? PLAIN_SGD;
      emitAugmentation(recorder, pictures, source.statistics, x, augmentation);
    } else {
      for (const call of gatherCalls(source, x, labels)) recorder.dispatch(call);
    }
  }

  const behaviour = {
    training: training || mode === 'batch_statistics',
    sampling: training || mode === 'monte_carlo',
  };
  const unobserved = !training && !listener;
  const lowering = new Lowering(recorder, graph, network, behaviour, {
    fusion,
    listener,
    unobserved,
  });
  lowering.values.set(graph.input, x);
  lowering.wide.add(graph.output);
  lowering.forward();

  recorder.enter('loss', 'loss');
  const logits = lookup(lowering.values, graph.output);
  const { optimizer, labelSmoothing, clip } = options.recipe ?? PLAIN_SGD;
  const smoothing = { label_smoothing: training ? labelSmoothing : 0 };
  const loss = emitLoss(recorder, logits, labels, smoothing);
  if (training) {
    lowering.gradients.set(logits, emitLossGradient(recorder, loss, labels, smoothing));
    lowering.backward((tensor) => tensor !== x);
    recorder.enter('update', 'update');
    const gradients = network.update.map(({ gradient }) => gradient);
    if (network.lossScale) emitUnscale(recorder, gradients, network.lossScale);
    const clipped = clip ? emitClip(recorder, gradients) : undefined;
    for (const stretch of network.update) {
      recorder.dispatch(optimizerCall(optimizer, stretch, STEP, clipped, network.lossScale));
    }
    listener?.updated(recorder);
  }
  return { dispatches: recorder.dispatches, x, labels, logits, summary: loss.summary };
}

/** Parameters and state that the nodes of a graph use, by name. */
type NodeTensors = Pick<NetworkTensors, 'parameters' | 'gradients' | 'state'>;

/** A node with the tensors its forward pass used. */
interface NodeRecord {
  node: GraphNode;
  inputs: Record<string, Tensor>;
  y: Tensor;
  saved: Record<string, Tensor>;
}

/** Runs an op's forward pass. What it refuses, it refuses by the layer's path. */
function forwardOf({ op, path }: GraphNode, pass: ForwardPass<unknown>): void {
  try {
    op.forward(pass);
  } catch (error) {
    if (!(error instanceof FathomError) || error.details.path !== undefined) throw error;
    throw new FathomError(error.code, `${path}: ${error.message}`, { ...error.details, path });
  }
}

export interface LoweringOptions {
  /** See {@link LowerOptions.fusion}. */
  fusion?: boolean | undefined;
  listener?: Listener | undefined;
  /** Whether nobody looks at what lies within the graph: no backward pass, no reader of a node but the last. */
  unobserved?: boolean;
}

/** The forward pass of a graph's nodes, in order, and then their backward pass, last one first. */
export class Lowering {
  /** Tensors of what flows in, to be put here before {@link forward}, and of all that is computed. */
  readonly values = new Map<Value, Tensor>();
  /** What is computed and stored as f32 however activations are, to be put here before {@link forward}. */
  readonly wide = new Set<Value>();
  /** dL/d of what the loss depends on directly, to be put here before {@link backward}, and of all that is wanted. */
  readonly gradients = new Map<Tensor, Tensor>();
  readonly records: NodeRecord[] = [];

  private readonly recorder: Recorder;
  private readonly graph: Graph;
  private readonly network: NodeTensors;
  private readonly behaviour: Behaviour;
  private readonly fusion: boolean;
  private readonly listener: Listener | undefined;
  private readonly consumers: ReadonlyMap<Value, readonly Consumer[]>;
  /** What only a norm takes, which whoever computes it can do before it writes: by its output. */
  private readonly deferred: ReadonlyMap<Value, GraphNode>;
  /** Sums over pixels that were left for a norm: of its input's moments, and of its output's gradient. */
  private readonly moments = new Map<Tensor, Slices>();
  private readonly sums = new Map<Tensor, Slices>();
  private readonly norms = new Map<Tensor, NormOutput>();
  /** How many nodes are still to contribute to the gradient of a tensor. */
  private readonly outstanding = new Map<Tensor, number>();
  private readonly written = new Map<Tensor, Tensor>();

  constructor(
    recorder: Recorder,
    graph: Graph,
    network: NodeTensors,
    behaviour: Behaviour,
    { fusion = true, listener, unobserved = false }: LoweringOptions = {},
  ) {
    this.recorder = recorder;
    this.graph = graph;
    this.network = network;
    this.behaviour = behaviour;
    this.fusion = fusion;
    this.listener = listener;
    this.consumers = consumersOf(graph, recorder.tuning.normsWrite !== 'all');
    this.deferred =
      fusion && unobserved ? normalizedOnly(graph, this.consumers, behaviour.training) : new Map();
  }

  forward(): void {
    for (const node of this.graph.nodes) {
      if (!this.deferred.has(node.output)) this.forwardNode(node);
    }
  }

  /** @param wants whether anybody needs dL/d of this tensor */
  backward(wants: (tensor: Tensor) => boolean): void {
    for (const { inputs } of this.records) {
      for (const tensor of new Set(Object.values(inputs))) {
        this.outstanding.set(tensor, (this.outstanding.get(tensor) ?? 0) + 1);
      }
    }
    for (const record of this.records.toReversed()) this.backwardNode(record, wants);
  }

  /** @param left a norm that is left to this node, and where it goes */
  private forwardNode(node: GraphNode, left?: { norm: FixedNorm; y: Tensor }): void {
    this.recorder.enter('forward', node.path);
    const views = new Set(node.op.loadsViews?.(node.params));
    const inputs: Record<string, Tensor> = {};
    for (const [name, value] of Object.entries(node.inputs)) {
      // What is left to its producer is never written: its norm may know no more than the shape.
      inputs[name] = this.deferred.has(value)
        ? this.recorder.transient(value.name, value.shape, 'image')
        : this.operand(lookup(this.values, value), views.has(name));
    }
    for (const name of Object.keys(node.parameters)) {
      inputs[name] = lookup(this.network.parameters, `${node.path}.${name}`);
    }
    for (const name of Object.keys(node.state)) {
      inputs[name] = lookup(this.network.state, `${node.path}.${name}`);
    }
    const consumers = this.consumers.get(node.output) ?? [];
    const { name, shape } = node.output;
    const bits = this.wide.has(node.output) ? 32 : undefined;
    const y = left?.y ?? this.recorder.transient(name, shape, 'image', bits);
    const producer = node.inputs.x && this.deferred.get(node.inputs.x);
    const saved: Record<string, Tensor> = {};
    let handed: Forwarded = {};
    forwardOf(node, {
      params: node.params,
      inputs,
      y,
      ...this.behaviour,
      stored:
        !this.fusion ||
        node.output === this.graph.output ||
        !consumers.every(({ loadsView }) => loadsView),
      momentsWanted:
        !left &&
        this.fusion &&
        this.behaviour.training &&
        consumers.some(({ takesMoments }) => takesMoments),
      moments: (name) => inputs[name] && this.moments.get(inputs[name]),
      ...(left && { norm: left.norm }),
      ...(producer && { leaveNorm: (norm) => this.forwardNode(producer, { norm, y }) }),
      handOn: (forwarded) => {
        handed = forwarded;
      },
      emit: this.recorder,
      saved,
    });
    if (left) return;
    if (handed.same) {
      this.values.set(node.output, handed.same);
      return;
    }
    const result = handed.view ? this.recorder.view(y.name, handed.view) : y;
    if (handed.moments) this.moments.set(result, handed.moments);
    if (handed.norm) this.norms.set(result, handed.norm);
    this.values.set(node.output, result);
    this.records.push({ node, inputs, y: result, saved });
    this.listener?.output(node, this.operand(result, false), this.recorder);
  }

  /**
   * Appends the gradients of one node. Where a tensor fed several nodes its gradients are summed: by the
   * op itself if it can fold the sum into its own pass, by an addition otherwise.
   */
  private backwardNode(
    { node, inputs, y, saved }: NodeRecord,
    wants: (tensor: Tensor) => boolean,
  ): void {
    for (const tensor of new Set(Object.values(inputs))) {
      this.outstanding.set(tensor, (this.outstanding.get(tensor) ?? 0) - 1);
    }
    const { recorder, gradients } = this;
    const gradient = gradients.get(y);
    if (!gradient) return;
    recorder.enter('backward', node.path);
    this.listener?.gradient(node, this.operand(gradient, false), recorder);
    const views = new Set(node.op.loadsViews?.(node.params));
    const folded = new Set<string>();
    const sums = this.sums.get(y);
    const returned = node.op.backward({
      params: node.params,
      inputs,
      y,
      ...this.behaviour,
      saved,
      gradOutput: this.operand(
        gradient,
        views.has('gradOutput') && recorder.tuning.normsWrite === 'nothing',
      ),
      ...(sums && { sums }),
      emit: recorder,
      wants: (name) => inputs[name] !== undefined && wants(inputs[name]),
      fold: (name) => {
        const earlier = inputs[name] && gradients.get(inputs[name]);
        if (!earlier) return undefined;
        folded.add(name);
        return this.operand(earlier, false);
      },
      normOf: (name) => {
        const tensor = inputs[name];
        return tensor && this.fusion && this.outstanding.get(tensor) === 0
          ? this.norms.get(tensor)
          : undefined;
      },
      leaveSums: (name, slices) => {
        if (inputs[name]) this.sums.set(inputs[name], slices);
      },
      parameterGradient: (name) => lookup(this.network.gradients, `${node.path}.${name}`),
    });
    for (const [name, gradient] of Object.entries(returned)) {
      const of = inputs[name];
      if (!of)
        throw new Error(
          `${node.op.name} returned a gradient for "${name}", which it was not given`,
        );
      const earlier = gradients.get(of);
      if (!earlier || folded.has(name)) {
        gradients.set(of, gradient);
      } else {
        const sum = recorder.transient(`d(${of.name})`, of.shape, 'image');
        const [a, b] = [this.operand(earlier, false), this.operand(gradient, false)];
        recorder.dispatch(addCall(a, b, sum));
        gradients.set(of, sum);
      }
    }
  }

  /** A tensor as an op can take it: a view is written to memory, once, for one that cannot load it. */
  operand(tensor: Tensor, loadsView: boolean): Tensor {
    if (!tensor.view || loadsView) return tensor;
    const present = this.written.get(tensor);
    if (present) return present;
    const y = this.recorder.transient(tensor.name, tensor.shape, tensor.layout);
    this.recorder.dispatch(materializeCall(tensor.view, y));
    this.written.set(tensor, y);
    return y;
  }
}

/** The nodes of which only a norm takes the output, which it leaves to them; by their output. */
function normalizedOnly(
  { nodes, output }: Graph,
  consumers: ReadonlyMap<Value, readonly Consumer[]>,
  training: boolean,
): Map<Value, GraphNode> {
  const producers = new Map(nodes.map((node) => [node.output, node]));
  const deferred = new Map<Value, GraphNode>();
  for (const { op, params, inputs } of nodes) {
    const { x } = inputs;
    if (!x || x === output || !op.leavesNorm?.(params, x.shape, training)) continue;
    const producer = producers.get(x);
    if (consumers.get(x)?.length === 1 && producer?.op.appliesNorm?.(producer.params)) {
      deferred.set(x, producer);
    }
  }
  return deferred;
}

/** What a node does with a value it takes. */
interface Consumer {
  loadsView: boolean;
  takesMoments: boolean;
}

function consumersOf({ nodes }: Graph, viewsLoaded: boolean): Map<Value, Consumer[]> {
  const consumers = new Map<Value, Consumer[]>();
  for (const { op, params, inputs } of nodes) {
    const views = new Set(op.loadsViews?.(params));
    for (const [name, value] of Object.entries(inputs)) {
      const consumer = {
        loadsView: viewsLoaded && views.has(name),
        takesMoments: op.takesMoments === true && name === 'x',
      };
      consumers.set(value, [...(consumers.get(value) ?? []), consumer]);
    }
  }
  return consumers;
}

function lookup<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw new Error(`nothing is known by the name ${String(key)}`);
  return value;
}
