/** What there is to know of every layer of a network before it trains; and where one does not fit, why. */
import type { FathomError } from '../errors.ts';
import { elements } from '../ops/tensor.ts';
import type { Shape } from '../ops/tensor.ts';
import { buildLayers, endFault, nodeFlops } from './graph.ts';
import type { Graph, GraphNode, Value } from './graph.ts';
import type { NetworkSpec } from './spec.ts';

/** Height and width. */
type Pair = readonly [height: number, width: number];

export interface LayerFacts {
  /** Where it stands in the spec; a shortcut's own layers stand under their block. */
  path: string;
  op: string;
  /** Of one image, without the batch: [C, H, W] or [C]. */
  shape: Shape;
  /** Learned numbers. */
  parameters: number;
  /** Of the forward pass of one image; a multiply-add counts two. */
  flops: number;
  /** Bytes of its output for one image, in float32. */
  bytes: number;
  /** Pixels of the image that one output depends on, beyond its borders too. */
  field: Pair;
}

export interface NetworkFacts {
  /** In order of execution; layers that do not fit are left out. */
  layers: LayerFacts[];
  /** By the path of the layer that does not fit; that of the network's end is empty. */
  faults: Map<string, FathomError>;
  parameters: number;
  flops: number;
  bytes: number;
}

/** Never throws: a layer that does not fit is noted, and those behind it are taken as if it were not there. */
export function factsOf(spec: NetworkSpec): NetworkFacts {
  const { channels, height, width } = spec.input;
  const faults: NetworkFacts['faults'] = new Map();
  const graph = buildLayers(spec.name, spec.layers, [1, channels, height, width], (fault, path) => {
    if (!faults.has(path)) faults.set(path, fault);
  });
  const end = endFault(spec, graph);
  if (end && faults.size === 0) faults.set('', end);
  const layers = layerFacts(graph);
  const sum = (of: (layer: LayerFacts) => number) =>
    layers.reduce((total, layer) => total + of(layer), 0);
  return {
    layers,
    faults,
    parameters: sum(({ parameters }) => parameters),
    flops: sum(({ flops }) => flops),
    bytes: sum(({ bytes }) => bytes),
  };
}

function layerFacts(graph: Graph): LayerFacts[] {
  const reaches = new Map<Value, Reach>([[graph.input, { field: [1, 1], jump: [1, 1] }]]);
  const [, , ...image] = graph.input.shape;
  return graph.nodes.map((node) => {
    const { path, op, output, parameters } = node;
    const reach = reachOf(node, reaches, [image[0] ?? 1, image[1] ?? 1]);
    reaches.set(output, reach);
    return {
      path,
      op: op.name,
      shape: output.shape.slice(1),
      parameters: Object.values(parameters).reduce((sum, { shape }) => sum + elements(shape), 0),
      flops: nodeFlops(node),
      bytes: 4 * elements(output.shape),
      field: reach.field,
    };
  });
}

/** How far one element sees, and how far apart in the image two neighbouring ones look. */
interface Reach {
  field: Pair;
  jump: Pair;
}

/**
 * Araujo, Norris & Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks", equations 1 and 2: a kernel of
 * k elements that look j pixels apart widens the field by (k − 1)·j, and a stride s makes j·s of j.
 */
function reachOf(node: GraphNode, reaches: ReadonlyMap<Value, Reach>, image: Pair): Reach {
  const { op, params, inputs } = node;
  const { field, jump } = Object.values(inputs)
    .map((input) => reaches.get(input) ?? NOTHING)
    .reduce((a, b) => (b.field[0] > a.field[0] ? b : a), NOTHING);
  const looks = op.looksAt?.(params);
  if (!looks) return { field, jump };
  if (looks === 'image') return { field: image, jump };
  const { count, dilation, stride } = looks;
  const along = (axis: 0 | 1) => field[axis] + (count[axis] - 1) * dilation[axis] * jump[axis];
  return { field: [along(0), along(1)], jump: [jump[0] * stride[0], jump[1] * stride[1]] };
}

const NOTHING: Reach = { field: [0, 0], jump: [1, 1] };
