/**
 * Pictures through a network in evaluation, and back from one logit of each: what its layers hand on, and where it looks.
 * The pass lies beside those that train, reads the network's weights and running statistics and writes neither.
 */
import { FathomError } from '../errors.ts';
import { buildGraph } from '../network/graph.ts';
import type { Graph, GraphNode } from '../network/graph.ts';
import { emitGradCam, emitSaliency } from '../ops/attribution.ts';
import { pack, unpack } from '../ops/tensor.ts';
import type { Tensor } from '../ops/tensor.ts';
import { tensor as hostTensor } from '../reference/tensor.ts';
import type { Tensor as HostTensor } from '../reference/tensor.ts';
import type { Gpu } from './gpu/gpu.ts';
import { Lowering, Recorder, tensor } from './graph/lower.ts';
import { neededFor } from './graph/needed.ts';
import { bytesOf, plan } from './graph/plan.ts';
import type { GpuNetwork } from './network.ts';
import { Pass } from './pass.ts';
import type { Place } from './pass.ts';

export interface ProbeOptions {
  /** Pictures of one pass. */
  batch: number;
  /** The layer whose output is read; none where only the logits are wanted. */
  path?: string;
  /** Whether to go back from a logit: the layer must hand on images. */
  attribute?: boolean;
}

export interface ProbeReading {
  /** [N, classes] */
  logits: HostTensor;
  /** Output of the layer, [N, C, H, W] or [N, C]. */
  output: HostTensor | null;
  /** Of the layer's output: [N, H, W]. */
  gradCam: HostTensor | null;
  /** Of the pictures: [N, H, W]. */
  saliency: HostTensor | null;
}

/** What is read after the pass, and where the pictures and dL/dlogits are put before it. */
interface Probed {
  x: Tensor;
  seed: Tensor;
  logits: Tensor;
  output: Tensor | null;
  gradCam: Tensor | null;
  saliency: Tensor | null;
}

export class Probe {
  private readonly gpu: Gpu;
  private readonly pass: Pass;
  /** How many of its dispatches go forward; they come first. */
  private readonly forward: number;
  private readonly probed: Probed;
  private readonly owned: readonly GPUBuffer[];

  private constructor(gpu: Gpu, pass: Pass, probed: Probed, owned: readonly GPUBuffer[]) {
    this.gpu = gpu;
    this.pass = pass;
    this.forward = pass.plan.dispatches.filter(({ phase }) => phase === 'forward').length;
    this.probed = probed;
    this.owned = owned;
  }

  /** @throws FathomError `no-layer`, and `no-map` where a layer to go back to hands on no images */
  static async create(network: GpuNetwork, options: ProbeOptions): Promise<Probe> {
    const { gpu, spec } = network;
    const { batch, path, attribute = false } = options;
    const graph = buildGraph(spec, batch);
    const node = path === undefined ? null : layerOf(graph, path);
    if (attribute && node?.output.shape.length !== 4) {
      throw new FathomError(
        'no-map',
        `${path ?? 'no layer'}: a map over pixels needs a layer that hands on images; take one before the pooling`,
        { path: path ?? '' },
      );
    }
    const places = new Map<Tensor, Place>();
    const owned: GPUBuffer[] = [];
    const own = (label: string, shape: readonly number[]): Tensor => {
      const placed = tensor(label, shape, 'image', 'external');
      const buffer = gpu.storage(`${spec.name} ${label}`, bytesOf(placed));
      owned.push(buffer);
      places.set(placed, { buffer, offset: 0 });
      return placed;
    };
    try {
      const x = own('probed pictures', graph.input.shape);
      const seed = own('dL/dlogits', graph.output.shape);
      const lent = network.lend(graph, places);
      const recorder = new Recorder(gpu.tuning);
      const behaviour = { training: false, sampling: false };
      // Ops write the gradients of their parameters as they go; nobody reads them.
      const gradients = new Map(
        [...lent.parameters].map(([name, { shape, layout }]) => [
          name,
          recorder.transient(`d(${name})`, shape, layout),
        ]),
      );
      // Unfused, so that every layer's output is there to be read.
      const lowering = new Lowering(recorder, graph, { ...lent, gradients }, behaviour, {
        fusion: false,
      });
      lowering.values.set(graph.input, x);
      lowering.forward();
      const probed = {
        x,
        seed,
        ...record(recorder, lowering, graph, node, attribute ? seed : null),
      };
      const kept = [probed.logits, probed.output, probed.gradCam, probed.saliency];
      const wanted = kept.filter((each) => each !== null);
      const dispatches = neededFor(recorder.dispatches, wanted);
      const pass = await Pass.create(gpu, plan(dispatches, wanted), places);
      return new Probe(gpu, pass, probed, owned);
    } catch (error) {
      for (const buffer of owned) buffer.destroy();
      throw error;
    }
  }

  /**
   * @param x normalized pictures, as many as the pass takes
   * @param classesOf gives the class of each whose logit is followed back; not asked where nothing is
   */
  async run(
    x: ArrayLike<number>,
    classesOf: (logits: HostTensor) => readonly number[] = () => [],
  ): Promise<ProbeReading> {
    const { gpu, pass, forward, probed } = this;
    const { queue } = gpu.device;
    const read = async (of: Tensor): Promise<HostTensor> => {
      const { buffer, offset } = pass.place(of);
      const stored = new Float32Array(await gpu.read(buffer, offset, bytesOf(of)));
      return hostTensor(of.shape, unpack(of, stored));
    };
    queue.writeBuffer(pass.place(probed.x).buffer, 0, pack(probed.x, x));
    pass.submit(0, forward);
    const logits = await read(probed.logits);
    if (probed.gradCam) {
      const [, count = 1] = logits.shape;
      const oneHot = new Float32Array(logits.data.length);
      for (const [n, c] of classesOf(logits).entries()) oneHot[n * count + c] = 1;
      queue.writeBuffer(pass.place(probed.seed).buffer, 0, pack(probed.seed, oneHot));
      pass.submit(forward);
    }
    const [output, gradCam, saliency] = await Promise.all([
      probed.output && read(probed.output),
      probed.gradCam && read(probed.gradCam),
      probed.saliency && read(probed.saliency),
    ]);
    return { logits, output, gradCam, saliency };
  }

  destroy(): void {
    this.pass.destroy();
    for (const buffer of this.owned) buffer.destroy();
  }
}

/** Goes back from dL/dlogits, where one is given, to the node's output and to the pictures. */
function record(
  recorder: Recorder,
  lowering: Lowering,
  graph: Graph,
  node: GraphNode | null,
  seed: Tensor | null,
): Omit<Probed, 'x' | 'seed'> {
  const valueOf = (value: GraphNode['output']): Tensor => {
    const found = lowering.values.get(value);
    if (!found) throw new Error(`${value.name} was not computed`);
    return lowering.operand(found, false);
  };
  const logits = valueOf(graph.output);
  const output = node && valueOf(node.output);
  if (!seed || !output) return { logits, output, gradCam: null, saliency: null };
  lowering.gradients.set(logits, seed);
  lowering.backward(({ storage }) => storage !== 'parameter');
  const gradientOf = (of: Tensor): Tensor => {
    const gradient = lowering.gradients.get(of);
    if (!gradient) throw new Error(`no gradient has come to ${of.name}`);
    return lowering.operand(gradient, false);
  };
  return {
    logits,
    output,
    gradCam: emitGradCam(recorder, output, gradientOf(output)),
    saliency: emitSaliency(recorder, gradientOf(valueOf(graph.input))),
  };
}

function layerOf({ name, nodes }: Graph, path: string): GraphNode {
  const node = nodes.find((candidate) => candidate.path === path);
  if (node) return node;
  throw new FathomError('no-layer', `the network ${name} has no layer "${path}"`, { path });
}
