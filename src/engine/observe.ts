/**
 * What goes on inside a network as it trains: its outputs, their gradients, its parameters and how the next step would
 * change them, layer by layer.
 */
import { buildGraph } from '../network/graph.ts';
import type { NetworkSpec } from '../network/spec.ts';
import { DESCRIPTION_FLOATS, describeCall, readDescription } from '../ops/describe.ts';
import type { Description, Relation } from '../ops/describe.ts';
import type { BatchNormParams } from '../ops/batch_norm.ts';
import type { Emitter } from '../ops/op.ts';
import type { StepScalars } from '../ops/step.ts';
import { ops } from '../ops/table.ts';
import { elements } from '../ops/tensor.ts';
import type { Tensor } from '../ops/tensor.ts';
import { tensor } from './graph/lower.ts';
import type { Place } from './pass.ts';
import type { GpuNetwork, Rehearsal } from './network.ts';

/** One layer's output and dL/d of it; the gradient is missing where nothing flows back. */
export interface LayerObservation {
  path: string;
  op: string;
  output: Description;
  gradient?: Description;
}

/** One learned parameter, dL/d of it, and what the next step would add to it. */
export interface ParameterObservation {
  name: string;
  value: Description;
  gradient: Description;
  update: Description;
}

export interface Observation {
  /** In the order of the forward pass. */
  layers: LayerObservation[];
  parameters: ParameterObservation[];
}

/** Of every channel, as running statistics keep them. */
export interface UnbiasedMoments {
  mean: number[];
  variance: number[];
}

/** A batch norm: what it has come to expect, and what the batch brought. */
export interface NormObservation {
  path: string;
  running: UnbiasedMoments;
  batch: UnbiasedMoments;
}

/** Bytes between descriptions in the buffer of results: WebGPU binds at multiples of 256. */
const STRIDE = 256;

/** Where one description lies, and of how many elements it is. */
interface Slot {
  index: number;
  count: number;
}

interface Slots {
  layers: { path: string; op: string; output: Slot; gradient?: Slot }[];
  parameters: { name: string; value: Slot; gradient: Slot; update: Slot }[];
}

export class Observer {
  /** The wiring that it observes; another needs another observer. */
  readonly spec: NetworkSpec;
  private readonly network: GpuNetwork;
  private readonly rehearsal: Rehearsal;
  private readonly results: GPUBuffer;
  private readonly slots: Slots;
  private compiled = false;

  private constructor(network: GpuNetwork, rehearsal: Rehearsal, results: GPUBuffer, slots: Slots) {
    this.spec = rehearsal.spec;
    this.network = network;
    this.rehearsal = rehearsal;
    this.results = results;
    this.slots = slots;
  }

  /** Takes its memory, between two steps of the network; {@link compile} must be awaited before it observes. */
  static create(network: GpuNetwork): Observer {
    const { spec, options, parameters } = network;
    const slots: Slots = { layers: [], parameters: [] };
    const most = 2 * buildGraph(spec, options.batch).nodes.length + 3 * parameters.length;
    const results = network.gpu.storage(`${spec.name} observations`, most * STRIDE);
    const places = new Map<Tensor, Place>();
    const describe = (emit: Emitter, x: Tensor, relation?: Relation): Slot => {
      const index = places.size;
      const out = tensor(`description ${index}`, [DESCRIPTION_FLOATS], 'flat', 'external');
      places.set(out, { buffer: results, offset: index * STRIDE });
      emit.dispatch(describeCall(x, out, relation));
      return { index, count: elements(x.shape) };
    };
    try {
      const rehearsal = network.rehearsal(
        (copy, before) => ({
          output: ({ path, op }, y, emit) =>
            slots.layers.push({ path, op: op.name, output: describe(emit, y) }),
          gradient: ({ path }, gradient, emit) => {
            const layer = slots.layers.find((candidate) => candidate.path === path);
            const { lossScale } = emit;
            if (layer) layer.gradient = describe(emit, gradient, { lossScale });
          },
          updated: (emit) => {
            for (const [name, after] of copy.parameters) {
              const [value, gradient] = [before.get(name), copy.gradients.get(name)];
              if (!value || !gradient) throw new Error(`"${name}" has no place`);
              slots.parameters.push({
                name,
                value: describe(emit, value),
                gradient: describe(emit, gradient),
                update: describe(emit, after, { base: value }),
              });
            }
          },
        }),
        places,
      );
      return new Observer(network, rehearsal, results, slots);
    } catch (error) {
      results.destroy();
      throw error;
    }
  }

  /** Whether it is ready to observe. */
  get isCompiled(): boolean {
    return this.compiled;
  }

  /** Compiles the kernels that are missing; the network goes on meanwhile. */
  async compile(): Promise<void> {
    if (this.compiled) return;
    await this.rehearsal.compile();
    this.compiled = true;
  }

  /** Observes the step that `scalars` and `indices` would make. The network stays as it is. */
  async observe(scalars: StepScalars, indices?: Uint32Array<ArrayBuffer>): Promise<Observation> {
    this.rehearsal.run(scalars, indices);
    const { gpu } = this.network;
    const floats = new Float32Array(await gpu.read(this.results, 0, this.results.size));
    const read = ({ index, count }: Slot) =>
      readDescription(floats.subarray((index * STRIDE) / 4), count);
    return {
      layers: this.slots.layers.map(({ path, op, output, gradient }) => ({
        path,
        op,
        output: read(output),
        ...(gradient && { gradient: read(gradient) }),
      })),
      parameters: this.slots.parameters.map(({ name, value, gradient, update }) => ({
        name,
        value: read(value),
        gradient: read(gradient),
        update: read(update),
      })),
    };
  }

  /**
   * The batch norms in the step that was observed last. The batch's statistics follow from how far it moved the running
   * ones, r′ = (1 − m)·r + m·b; a norm whose running statistics stand still is left out.
   */
  async norms(): Promise<NormObservation[]> {
    const [before, after] = await Promise.all([
      this.network.readState(),
      this.rehearsal.readState(),
    ]);
    return buildGraph(this.spec, this.network.options.batch).nodes.flatMap(
      ({ path, op, params }) => {
        if (op !== ops.batch_norm) return [];
        const { momentum } = params as BatchNormParams;
        if (momentum === 0) return [];
        const running = (name: string) => [...(before.get(`${path}.${name}`) ?? [])];
        const batch = (name: string) =>
          running(name).map((r, i) => {
            const moved = after.get(`${path}.${name}`)?.[i] ?? NaN;
            return (moved - (1 - momentum) * r) / momentum;
          });
        const moments = (of: typeof running): UnbiasedMoments => ({
          mean: of('running_mean'),
          variance: of('running_var'),
        });
        return [{ path, running: moments(running), batch: moments(batch) }];
      },
    );
  }

  destroy(): void {
    this.rehearsal.destroy();
    this.results.destroy();
  }
}
