/**
 * A signal through many linear layers of one width, and its gradient back, layer by layer. Weights are drawn on the GPU before each use into
 * one buffer that all layers share, so that layers of 4096 × 4096 (64 MiB) need no more than the default limits.
 */
import { graphNode } from '../network/graph.ts';
import type { Graph, GraphNode, Value } from '../network/graph.ts';
import {
  DESCRIPTION_FLOATS,
  describeCall,
  describeReference,
  readDescription,
} from '../ops/describe.ts';
import type { Description } from '../ops/describe.ts';
import { DRAW_WORDS, drawCall, drawWords } from '../ops/draw.ts';
import { elements, pack, unpack } from '../ops/tensor.ts';
import type { Layout, Shape, Tensor } from '../ops/tensor.ts';
import { ops } from '../ops/table.ts';
import { normal } from '../random.ts';
import { need, tensor as hostTensor, zeros } from '../reference/tensor.ts';
import type { Tensor as HostTensor } from '../reference/tensor.ts';
import { Lowering, Recorder, tensor } from './graph/lower.ts';
import type { Dispatch, Phase } from './graph/lower.ts';
import { neededFor } from './graph/needed.ts';
import { bytesOf, plan } from './graph/plan.ts';
import type { Gpu } from './gpu/gpu.ts';
import { Pass } from './pass.ts';
import type { Place } from './pass.ts';

export interface SignalSetting {
  /** Inputs and outputs of every layer. */
  width: number;
  depth: number;
  samples: number;
  /** σ of the weights W ~ N(0, σ²). */
  std: number;
  activation: 'relu' | 'tanh' | 'identity';
  seed: number;
}

/** What has come to one layer: its output h on the way forward, dL/dh on the way back. Layer 0 is the input. */
export interface SignalStep {
  phase: Extract<Phase, 'forward' | 'backward'>;
  layer: number;
  /** [samples, width] */
  values: HostTensor;
  description: Description;
  /** What ran since the last step. */
  dispatches: readonly Dispatch[];
}

/** The input, N(0, 1): [samples, width]. */
export const inputOf = (setting: SignalSetting): HostTensor => drawn(setting, 0);

/** dL/dh of the last layer, N(0, 1): [samples, width]. */
export const lossGradientOf = (setting: SignalSetting): HostTensor =>
  drawn(setting, setting.depth + 1);

/** Element [o, i] of the weight of a layer (from 1); layers draw from streams of their own. */
export const weightOf = (
  { seed, std, width }: SignalSetting,
  layer: number,
  o: number,
  i: number,
): number => std * normal(seed, layer, o * width + i);

function drawn({ samples, width, seed }: SignalSetting, stream: number): HostTensor {
  const count = samples * width;
  return hostTensor(
    [samples, width],
    Float32Array.from({ length: count }, (_, i) => normal(seed, stream, i)),
  );
}

/** Bytes between small tensors in one buffer: WebGPU binds at multiples of 256. */
const STRIDE = 256;

/** What is to be read, once this dispatch has run. */
interface Stop extends Pick<SignalStep, 'phase' | 'layer'> {
  dispatch: Dispatch;
  values: Tensor;
  out: Tensor;
}

/** Runs on the GPU, by the kernels that train networks; what is not asked for any more does not run. */
export async function* propagate(gpu: Gpu, setting: SignalSetting): AsyncGenerator<SignalStep> {
  const { width, depth, samples, std, seed } = setting;
  const shape = [samples, width];
  const recorder = new Recorder(gpu.tuning);
  const places = new Map<Tensor, Place>();
  const owned: GPUBuffer[] = [];
  const own = (label: string, bytes: number): GPUBuffer => {
    const buffer = gpu.storage(label, bytes);
    owned.push(buffer);
    return buffer;
  };
  const place = (name: string, shape: Shape, layout: Layout, at: Place): Tensor => {
    const placed = tensor(name, shape, layout, 'external');
    places.set(placed, at);
    return placed;
  };
  const put = (name: string, { data }: HostTensor): Tensor => {
    const stored = pack({ shape, layout: 'image' }, data);
    const buffer = own(name, stored.byteLength);
    gpu.device.queue.writeBuffer(buffer, 0, stored);
    return place(name, shape, 'image', { buffer, offset: 0 });
  };

  let pass: Pass | undefined;
  try {
    const graph = layers(setting);
    const weight = tensor('weight', [width, width], 'kernel', 'external');
    places.set(weight, { buffer: own('weight', bytesOf(weight)), offset: 0 });
    const draws = own('draws', depth * STRIDE);
    const keys = Array.from({ length: depth }, (_, i) => {
      const at = { buffer: draws, offset: i * STRIDE };
      gpu.device.queue.writeBuffer(draws, at.offset, drawWords(seed, i + 1, std));
      return place(`draw ${i + 1}`, [DRAW_WORDS], 'flat', at);
    });
    const draw = (layer: number) => {
      const key = keys[layer - 1];
      if (key) recorder.dispatch(drawCall(weight, key));
    };

    const descriptions = own('descriptions', 2 * (depth + 1) * STRIDE);
    const stops: Stop[] = [];
    const describe = (phase: Stop['phase'], layer: number, values: Tensor) => {
      const at = { buffer: descriptions, offset: stops.length * STRIDE };
      const out = place(`description ${stops.length}`, [DESCRIPTION_FLOATS], 'flat', at);
      recorder.dispatch(describeCall(values, out));
      stops.push({ phase, layer, values, out, dispatch: recorder.dispatches.at(-1)! });
    };

    const weights = new Map(graph.layers.map(({ first }) => [`${first.path}.weight`, weight]));
    const unwanted = new Map(
      [...weights.keys()].map((name) => [name, recorder.transient(name, weight.shape, 'kernel')]),
    );
    const lowering = new Lowering(
      recorder,
      graph,
      { parameters: weights, gradients: unwanted, state: new Map() },
      { training: true, sampling: true },
      {
        listener: {
          output: (node, y) => {
            const layer = graph.layers.findIndex(({ last }) => last === node) + 1;
            if (layer === 0) return;
            describe('forward', layer, y);
            draw(layer + 1);
          },
          gradient: (node, gradient) => {
            const [ends, begins] = (['last', 'first'] as const).map(
              (end) => graph.layers.findIndex((layer) => layer[end] === node) + 1,
            );
            if (ends) describe('backward', ends, gradient);
            if (begins) draw(begins);
          },
          updated: () => undefined,
        },
      },
    );
    const x = put('x', inputOf(setting));
    lowering.values.set(graph.input, x);
    recorder.enter('forward', 'x');
    describe('forward', 0, x);
    draw(1);
    lowering.forward();
    const y = lowering.values.get(graph.output);
    if (!y) throw new Error('the layers computed nothing');
    lowering.gradients.set(y, put('dL/dy', lossGradientOf(setting)));
    lowering.backward((of) => of !== weight);
    const dx = lowering.gradients.get(x);
    if (!dx) throw new Error('no gradient has come to the input');
    describe('backward', 0, dx);

    const dispatches = neededFor(
      recorder.dispatches,
      stops.map(({ out }) => out),
    );
    pass = await Pass.create(gpu, plan(dispatches, []), places);
    let from = 0;
    for (const { phase, layer, values, out, dispatch } of stops) {
      const to = dispatches.indexOf(dispatch) + 1;
      const encoder = gpu.device.createCommandEncoder();
      pass.encode(encoder, from, to);
      gpu.device.queue.submit([encoder.finish()]);
      const [described, stored] = await Promise.all(
        [out, values].map((of) => readTensor(gpu, pass!, of)),
      );
      yield {
        phase,
        layer,
        values: hostTensor(shape, unpack(values, stored ?? [])),
        description: readDescription(described ?? [], elements(shape)),
        dispatches: dispatches.slice(from, to),
      };
      from = to;
    }
  } finally {
    pass?.destroy();
    for (const buffer of owned) buffer.destroy();
  }
}

async function readTensor(gpu: Gpu, pass: Pass, of: Tensor): Promise<Float32Array> {
  const { buffer, offset } = pass.place(of);
  return new Float32Array(await gpu.read(buffer, offset, bytesOf(of)));
}

/** Linear layers without bias, each with its activation, and which nodes each begins and ends with. */
function layers({ width, depth, samples, activation }: SignalSetting): Graph & {
  layers: { first: GraphNode; last: GraphNode }[];
} {
  const input: Value = { name: 'x', shape: [samples, width] };
  let output = input;
  const made = Array.from({ length: depth }, (_, i) => {
    const path = `layer${i + 1}`;
    const params = { out_features: width, bias: false };
    const first = graphNode(`${path}.linear`, ops.linear, params, { x: output });
    const last =
      activation === 'identity'
        ? first
        : graphNode(`${path}.${activation}`, ops[activation], {}, { x: first.output });
    output = last.output;
    return { first, last };
  });
  const nodes = made.flatMap(({ first, last }) => (first === last ? [first] : [first, last]));
  return { name: 'layers', input, output, nodes, layers: made };
}

/** The same in float64, by the reference ops. */
export function* propagateReference(setting: SignalSetting): Generator<SignalStep> {
  const { width, depth, activation } = setting;
  const f = ops[activation].reference;
  const linear = ops.linear.reference;
  const step = (phase: SignalStep['phase'], layer: number, values: HostTensor): SignalStep => {
    const description = describeReference(values.data);
    return { phase, layer, values, description, dispatches: [] };
  };
  const weights = (layer: number, transposed: boolean): HostTensor => {
    const weight = zeros([width, width]);
    for (let a = 0; a < width; a++) {
      for (let b = 0; b < width; b++) {
        weight.data[a * width + b] = transposed
          ? weightOf(setting, layer, b, a)
          : weightOf(setting, layer, a, b);
      }
    }
    return weight;
  };

  const before: HostTensor[] = [];
  let h = inputOf(setting);
  yield step('forward', 0, h);
  for (let layer = 1; layer <= depth; layer++) {
    const z = need(linear.forward({ bias: false }, { x: h, weight: weights(layer, false) }), 'y');
    before.push(z);
    h = need(f.forward({}, { x: z }), 'y');
    yield step('forward', layer, h);
  }
  let gradient = lossGradientOf(setting);
  for (let layer = depth; layer >= 1; layer--) {
    yield step('backward', layer, gradient);
    const x = before.pop() ?? h;
    const dz = f.backward ? need(f.backward({}, { x }, {}, gradient), 'x') : gradient;
    // dL/dx = dL/dz · W is a linear layer with Wᵀ.
    const weight = weights(layer, true);
    gradient = need(linear.forward({ bias: false }, { x: dz, weight }), 'y');
  }
  yield step('backward', 0, gradient);
}
