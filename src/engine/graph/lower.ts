/**
 * From a graph to the list of dispatches of one pass: forward ops in order, the loss, backward ops in
 * reverse (reverse-mode differentiation), the update.
 */
import { FathomError } from '../../errors.ts';
import { augmentCall } from '../../ops/augment.ts';
import { gatherCall } from '../../ops/batch.ts';
import type { BatchSource } from '../../ops/batch.ts';
import { addCall } from '../../ops/elementwise.ts';
import { emitClip, optimizerCall } from '../../ops/optimizer.ts';
import type { Optimizer, Update } from '../../ops/optimizer.ts';
import { MAX_WORKGROUPS } from '../../ops/op.ts';
import type { Emitter, KernelCall } from '../../ops/op.ts';
import { emitLoss, emitLossGradient } from '../../ops/softmax_cross_entropy.ts';
import { STEP } from '../../ops/step.ts';
import type { Layout, Shape, Storage, Tensor } from '../../ops/tensor.ts';
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
 * as `evaluate`, with dropout left on (Gal & Ghahramani 2016).
 */
export type Mode = 'train' | 'evaluate' | 'monte_carlo';

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
}

export const PLAIN_SGD: Recipe = { optimizer: { kind: 'sgd' }, labelSmoothing: 0, clip: false };

export interface LowerOptions {
  mode: Mode;
  /** Of training; plain SGD where nothing is said. */
  recipe?: Recipe;
  /** Where pictures come from; without it the caller fills `x` and `labels` before the pass. */
  source?: BatchSource;
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

  transient(name: string, shape: Shape, layout: Layout): Tensor {
    return tensor(name, shape, layout, 'transient');
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
  const recorder = new Recorder();
  const training = options.mode === 'train';
  const [batch = 1] = graph.input.shape;
  const filled = options.source ? 'transient' : 'external';
  const x = tensor('x', graph.input.shape, 'image', filled);
  const labels = tensor('labels', [batch], 'flat', filled);
  if (options.source) {
    recorder.enter('batch', 'batch');
    if (training) {
      const pictures = recorder.transient('pictures', x.shape, 'image');
      recorder.dispatch(gatherCall(options.source, pictures, labels));
      recorder.dispatch(augmentCall(pictures, x, STEP));
    } else {
      recorder.dispatch(gatherCall(options.source, x, labels));
    }
  }

  const values = new Map<Value, Tensor>([[graph.input, x]]);
  const behaviour = { training, sampling: options.mode !== 'evaluate' };
  const records = lowerForward(recorder, graph.nodes, network, values, behaviour);

  recorder.enter('loss', 'loss');
  const logits = lookup(values, graph.output);
  const { optimizer, labelSmoothing, clip } = options.recipe ?? PLAIN_SGD;
  const smoothing = { label_smoothing: training ? labelSmoothing : 0 };
  const loss = emitLoss(recorder, logits, labels, smoothing);
  if (training) {
    const gradients = new Map<Tensor, Tensor>([
      [logits, emitLossGradient(recorder, loss, labels, smoothing)],
    ]);
    lowerBackward(recorder, records, network, gradients, (tensor) => tensor !== x);
    recorder.enter('update', 'update');
    const clipped = clip
      ? emitClip(
          recorder,
          network.update.map(({ gradient }) => gradient),
        )
      : undefined;
    for (const stretch of network.update) {
      recorder.dispatch(optimizerCall(optimizer, stretch, STEP, clipped));
    }
  }
  return { dispatches: recorder.dispatches, x, labels, logits, summary: loss.summary };
}

/** Parameters and state that the nodes of a graph use, by name. */
type NodeTensors = Pick<NetworkTensors, 'parameters' | 'gradients' | 'state'>;

/** A node with the tensors its forward pass used. */
export interface NodeRecord extends Behaviour {
  node: GraphNode;
  inputs: Record<string, Tensor>;
  y: Tensor;
  saved: Record<string, Tensor>;
}

/**
 * Appends the forward passes of `nodes` in order. `values` holds the tensors of what flows in and
 * receives those of everything that is computed.
 */
export function lowerForward(
  recorder: Recorder,
  nodes: readonly GraphNode[],
  network: NodeTensors,
  values: Map<Value, Tensor>,
  behaviour: Behaviour,
): NodeRecord[] {
  return nodes.map((node) => forward(recorder, node, network, values, behaviour));
}

/**
 * Appends the backward passes of nodes that ran forward, last one first. `gradients` holds dL/d of what
 * the loss depends on directly and receives those of all tensors before it that are wanted.
 */
export function lowerBackward(
  recorder: Recorder,
  records: readonly NodeRecord[],
  network: NodeTensors,
  gradients: Map<Tensor, Tensor>,
  wants: (tensor: Tensor) => boolean,
): void {
  for (const record of records.toReversed()) {
    backward(recorder, record, network, wants, gradients);
  }
}

function forward(
  recorder: Recorder,
  node: GraphNode,
  network: NodeTensors,
  values: Map<Value, Tensor>,
  behaviour: Behaviour,
): NodeRecord {
  const inputs: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(node.inputs)) inputs[name] = lookup(values, value);
  for (const name of Object.keys(node.parameters)) {
    inputs[name] = lookup(network.parameters, `${node.path}.${name}`);
  }
  for (const name of Object.keys(node.state)) {
    inputs[name] = lookup(network.state, `${node.path}.${name}`);
  }
  recorder.enter('forward', node.path);
  const y = recorder.transient(node.output.name, node.output.shape, 'image');
  const saved: Record<string, Tensor> = {};
  node.op.forward({ params: node.params, inputs, y, ...behaviour, emit: recorder, saved });
  values.set(node.output, y);
  return { node, inputs, y, saved, ...behaviour };
}

/**
 * Appends the gradients of one node. Where a tensor fed several nodes its gradients are summed: by the
 * op itself if it can fold the sum into its own pass, by an addition otherwise.
 */
function backward(
  recorder: Recorder,
  { node, inputs, y, saved, training, sampling }: NodeRecord,
  network: NodeTensors,
  wants: (tensor: Tensor) => boolean,
  gradients: Map<Tensor, Tensor>,
): void {
  const gradOutput = gradients.get(y);
  if (!gradOutput) return;
  recorder.enter('backward', node.path);
  const folded = new Set<string>();
  const returned = node.op.backward({
    params: node.params,
    inputs,
    y,
    training,
    sampling,
    saved,
    gradOutput,
    emit: recorder,
    wants: (name) => inputs[name] !== undefined && wants(inputs[name]),
    fold: (name) => {
      const earlier = inputs[name] && gradients.get(inputs[name]);
      if (earlier) folded.add(name);
      return earlier;
    },
    parameterGradient: (name) => lookup(network.gradients, `${node.path}.${name}`),
  });
  for (const [name, gradient] of Object.entries(returned)) {
    const of = inputs[name];
    if (!of)
      throw new Error(`${node.op.name} returned a gradient for "${name}", which it was not given`);
    const earlier = gradients.get(of);
    if (!earlier || folded.has(name)) {
      gradients.set(of, gradient);
    } else {
      const sum = recorder.transient(`d(${of.name})`, of.shape, 'image');
      recorder.dispatch(addCall(earlier, gradient, sum));
      gradients.set(of, sum);
    }
  }
}

function lookup<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw new Error(`nothing is known by the name ${String(key)}`);
  return value;
}
