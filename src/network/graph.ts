/**
 * From a network spec to the graph of its ops, with shapes inferred. Pure vocabulary: the app reads
 * parameters and FLOPs from it, the engine compiles it.
 */
import { FathomError } from '../errors.ts';
import { ops } from '../ops/table.ts';
import { perImage } from '../ops/op.ts';
import type { Op, ParameterSpec, StateSpec } from '../ops/op.ts';
import { elements } from '../ops/tensor.ts';
import type { Shape } from '../ops/tensor.ts';
import type { LayerSpec, NetworkSpec, ResidualSpec } from './spec.ts';

/** What flows between ops: an image [N, C, H, W] or vectors [N, C]. */
export interface Value {
  /** Unique in its graph; says which op made it. */
  name: string;
  shape: Shape;
}

export interface GraphNode {
  /** Where it stands in the spec: `layer2.0.conv1`. */
  path: string;
  op: Op;
  params: unknown;
  inputs: Record<string, Value>;
  output: Value;
  /** Learned parameters by local name (`weight`). */
  parameters: Record<string, ParameterSpec>;
  /** Running statistics by local name. */
  state: Record<string, StateSpec>;
}

export interface Graph {
  name: string;
  input: Value;
  /** Logits [N, classes], where the graph is a whole network. */
  output: Value;
  /** In order of execution. */
  nodes: GraphNode[];
}

/**
 * Builds the graph of `spec` for batches of `batch` images.
 * Throws a FathomError that names the layer's path and the rule it broke.
 */
export function buildGraph(spec: NetworkSpec, batch: number): Graph {
  const { channels, height, width } = spec.input;
  const graph = buildLayers(spec.name, spec.layers, [batch, channels, height, width]);
  const fault = endFault(spec, graph);
  if (fault) throw fault;
  return graph;
}

/** What is wrong with what a network ends with: logits of every class are wanted for each image. */
export function endFault(spec: NetworkSpec, { input, output }: Graph): FathomError | null {
  const { shape } = output;
  if (shape.join() === [input.shape[0], spec.classes].join()) return null;
  return new FathomError(
    'shape',
    `the network ends with shape [${shape.join(', ')}], not with ${spec.classes} logits per image`,
    { kind: 'end', shape: perImage(shape), classes: spec.classes, path: spec.name },
  );
}

/**
 * The graph of some layers alone, for an input of any shape they take. Throws as {@link buildGraph}; or, given
 * `onFault`, hands each such error to it and goes on as if that layer were not there.
 */
export function buildLayers(
  name: string,
  layers: readonly LayerSpec[],
  shape: Shape,
  onFault?: (fault: FathomError, path: string) => void,
): Graph {
  const nodes: GraphNode[] = [];
  const input: Value = { name: 'x', shape };

  const apply = (path: string, op: Op, given: unknown, inputs: Record<string, Value>): Value => {
    try {
      const node = graphNode(path, op, given, inputs);
      if (nodes.some((other) => other.path === path)) {
        throw new FathomError('duplicate-name', 'two layers bear this name', { kind: 'name' });
      }
      nodes.push(node);
      return node.output;
    } catch (error) {
      if (!(error instanceof FathomError)) throw error;
      const fault = new FathomError(error.code, `${path}: ${error.message}`, {
        ...error.details,
        path,
      });
      const [passed] = Object.values(inputs);
      if (!onFault || !passed) throw fault;
      onFault(fault, path);
      return passed;
    }
  };

  const shortcut = (block: ResidualSpec, path: string, x: Value, y: Value): Value => {
    if (x.shape.join() === y.shape.join()) return x;
    const [, , h = 1] = x.shape;
    const [, out_channels = 1, oh = 1] = y.shape;
    const stride = Math.ceil(h / oh);
    if (block.shortcut === 'A') {
      const params = { out_channels, stride, zero_channels: block.zero_channels };
      return apply(join(path, 'shortcut'), ops.shortcut_option_a, params, { x });
    }
    const path0 = join(path, 'downsample.0');
    const projected =
      x.shape.length === 2
        ? apply(path0, ops.linear, { out_features: out_channels, bias: false }, { x })
        : apply(path0, ops.conv2d, { out_channels, kernel: 1, stride }, { x });
    if (!block.projection_norm) return projected;
    const { type, ...params } = block.projection_norm;
    return apply(join(path, 'downsample.1'), ops[type], params, { x: projected });
  };

  const visit = (layers: readonly LayerSpec[], prefix: string, x: Value): Value =>
    layers.reduce((value, layer) => {
      const path = join(prefix, layer.name);
      switch (layer.type) {
        case 'stage':
          return visit(layer.layers, path, value);
        case 'residual': {
          const body = visit(layer.body, path, value);
          if (!layer.connected) return visit(layer.after, path, body);
          const carried = shortcut(layer, path, value, body);
          const sum = apply(join(path, 'add'), ops.add, {}, { a: body, b: carried });
          return visit(layer.after, path, sum);
        }
        default: {
          const { type, name, ...params } = layer;
          return apply(path, ops[type], params, { x: value });
        }
      }
    }, x);

  return { name, input, output: visit(layers, '', input), nodes };
}

/** One op applied to values. Throws when its parameters or shapes break a rule. */
export function graphNode(
  path: string,
  op: Op,
  given: unknown,
  inputs: Record<string, Value>,
): GraphNode {
  const parsed = op.params.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new FathomError('params', faults.join('; '), { op: op.name });
  }
  const params = parsed.data;
  const shapes = Object.fromEntries(Object.entries(inputs).map(([key, { shape }]) => [key, shape]));
  const first = Object.values(shapes)[0] ?? [];
  return {
    path,
    op,
    params,
    inputs,
    output: { name: path, shape: op.inferShape(params, shapes) },
    parameters: op.parameters?.(params, first) ?? {},
    state: op.state?.(params, first) ?? {},
  };
}

const join = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}.${name}`);

export interface NamedParameter extends ParameterSpec {
  /** torchvision's name: `layer2.0.conv1.weight`. */
  name: string;
}

/** All learned parameters of a graph, in order of execution. */
export function graphParameters(graph: Graph): NamedParameter[] {
  return graph.nodes.flatMap(({ path, parameters }) =>
    Object.entries(parameters).map(([local, spec]) => ({ ...spec, name: join(path, local) })),
  );
}

export interface NamedState extends StateSpec {
  name: string;
}

/** All running statistics of a graph. */
export function graphState(graph: Graph): NamedState[] {
  return graph.nodes.flatMap(({ path, state }) =>
    Object.entries(state).map(([local, spec]) => ({ ...spec, name: join(path, local) })),
  );
}

export function countParameters(graph: Graph): number {
  return graphParameters(graph).reduce((sum, { shape }) => sum + elements(shape), 0);
}

/** Floating-point operations of one forward pass over the batch; a multiply-add counts two. */
function forwardFlops(graph: Graph): number {
  return graph.nodes.reduce((sum, { op, params, inputs, output }) => {
    const shapes = Object.fromEntries(
      Object.entries(inputs).map(([key, { shape }]) => [key, shape]),
    );
    return sum + op.flops(params, shapes, output.shape);
  }, 0);
}

/**
 * Floating-point operations of one training step: the forward pass, and twice as many for the
 * gradients of inputs and of weights (the stem needs none for its input; the difference is left in).
 */
export const stepFlops = (graph: Graph): number => 3 * forwardFlops(graph);
