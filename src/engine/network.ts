/**
 * A network on the GPU: its weights, gradients, optimizer state and running statistics, and the passes that
 * train and evaluate it.
 */
import { buildGraph, graphParameters, graphState } from '../network/graph.ts';
import type { Graph, NamedParameter, NamedState } from '../network/graph.ts';
import { withShortcuts } from '../network/families.ts';
import type { NetworkSpec } from '../network/spec.ts';
import { SKIPPED, newLossScale } from '../ops/loss_scale.ts';
import { elements, floatsOf, pack, unpack } from '../ops/tensor.ts';
import type { Precision, Tensor } from '../ops/tensor.ts';
import { ops } from '../ops/table.ts';
import { STEP, STEP_BYTES, writeStep } from '../ops/step.ts';
import type { StepScalars } from '../ops/step.ts';
import { FathomError } from '../errors.ts';
import { coalesce } from './graph/coalesce.ts';
import { fuse } from './graph/fuse.ts';
import { PLAIN_SGD, lower, tensor } from './graph/lower.ts';
import type { Listener, Lowered, Mode, NetworkTensors, Recipe } from './graph/lower.ts';
import { bytesOf, plan } from './graph/plan.ts';
import { initialValues } from './init.ts';
import type { Gpu } from './gpu/gpu.ts';
import { Pass } from './pass.ts';
import type { Place } from './pass.ts';
import type { DeviceDataset } from './dataset.ts';

/** WebGPU binds buffers at multiples of this many bytes. */
const ALIGNMENT = 256;
/** Loss, errors, steps left out. */
const SUMMARY_BYTES = 12;
const DEFAULT_SLOTS = 64;

export interface NetworkOptions {
  batch: number;
  seed: number;
  /** Where batches come from; without it they are given by {@link GpuNetwork.writeBatch}. */
  data?: { train: DeviceDataset; test: DeviceDataset };
  /** Summaries (loss, errors) of so many passes are kept on the GPU until they are read. */
  summarySlots?: number;
  /** Optimizer, label smoothing, clipping; plain SGD where nothing is said. */
  recipe?: Recipe;
  /**
   * How activations and their gradients are stored; `f16` takes half the memory and needs the feature `shader-f16`. Sums,
   * weights, statistics and the loss are f32 either way. f32 where nothing is said.
   */
  storage?: Precision;
  /** Whether shortcuts may be connected and cut later, at no cost; on by default. Off compiles half as many passes. */
  rewirable?: boolean;
  /** Passes that will be run; training and evaluation where nothing is said. */
  modes?: readonly Mode[];
  /** Both on by default; off to test against. */
  fusion?: boolean;
  reuse?: boolean;
}

/** What outlives a step, each kind in one buffer. */
export interface Memory {
  weight: GPUBuffer;
  gradient: GPUBuffer;
  /** What the optimizer keeps: SGD a velocity, Adam the moments of the gradients and how many it has seen. */
  moments: readonly GPUBuffer[];
  /** Running statistics. */
  statistics: GPUBuffer;
  /** Of a network that stores activations as f16, see `ops/loss_scale.ts`. */
  lossScale?: GPUBuffer;
}

const buffersOf = ({ weight, gradient, moments, statistics, lossScale }: Memory): GPUBuffer[] => [
  weight,
  gradient,
  ...moments,
  statistics,
  ...(lossScale ? [lossScale] : []),
];

/** See {@link GpuNetwork.rehearsal}. */
export interface Rehearsal {
  /** The wiring that it was made for. */
  spec: NetworkSpec;
  /** Compiles the kernels that are missing; must be awaited before {@link run}. The network may go on meanwhile. */
  compile(): Promise<void>;
  /** Submits one step on a fresh copy. */
  run(scalars: StepScalars, indices?: Uint32Array<ArrayBuffer>): void;
  /** Running statistics as the last step left them on the copy. */
  readState(): Promise<Map<string, Float32Array>>;
  destroy(): void;
}

/** A lowered graph with its pass. */
interface Program {
  graph: Graph;
  lowered: Lowered;
  pass: Pass;
}

export interface Summary {
  /** Mean cross-entropy over the valid samples. */
  loss: number;
  /** Number of wrong answers. */
  errors: number;
  /** Training steps so far that changed nothing, because gradients stored as f16 overflowed. */
  skipped: number;
}

export class GpuNetwork {
  readonly gpu: Gpu;
  readonly options: NetworkOptions;
  /** The network as it is wired now. */
  spec: NetworkSpec;
  /** All parameters, those of projection shortcuts last, whether connected or not. */
  readonly parameters: readonly NamedParameter[];
  readonly state: readonly NamedState[];

  private readonly parameterOffsets: ReadonlyMap<string, number>;
  private readonly stateOffsets: ReadonlyMap<string, number>;
  private readonly memory: Memory;
  private readonly step: GPUBuffer;
  private readonly summaries: GPUBuffer;
  /** Filled by {@link writeBatch} where there is no data set. */
  private batchBuffers: { x: GPUBuffer; labels: GPUBuffer } | null = null;
  private readonly stepFloats = new Float32Array(STEP_BYTES / 4);
  private readonly stepIntegers = new Uint32Array(this.stepFloats.buffer);
  /** All that were prepared, by mode and wiring. */
  private readonly programs = new Map<string, Program>();
  /** Those of the present wiring. */
  private current: ReadonlyMap<Mode, Program> = new Map();

  private constructor(gpu: Gpu, spec: NetworkSpec, options: NetworkOptions) {
    this.gpu = gpu;
    this.spec = spec;
    this.options = options;

    // Everything a connected network has, in an order in which a cut one uses a prefix.
    const connected = buildGraph(withShortcuts(spec, true), options.batch);
    const cut = new Set(
      graphParameters(buildGraph(withShortcuts(spec, false), options.batch)).map(
        ({ name }) => name,
      ),
    );
    const all = graphParameters(connected);
    this.parameters = [
      ...all.filter(({ name }) => cut.has(name)),
      ...all.filter(({ name }) => !cut.has(name)),
    ];
    this.state = graphState(connected);

    const parameters = layOut(this.parameters);
    const state = layOut(this.state);
    this.parameterOffsets = parameters.offsets;
    this.stateOffsets = state.offsets;
    const { optimizer } = options.recipe ?? PLAIN_SGD;
    this.memory = {
      weight: gpu.storage(`${spec.name} weights`, parameters.bytes),
      gradient: gpu.storage(`${spec.name} gradients`, parameters.bytes),
      moments: (optimizer.kind === 'sgd'
        ? ['velocities']
        : ['first moments', 'second moments', 'updates']
      ).map((name) => gpu.storage(`${spec.name} ${name}`, parameters.bytes)),
      statistics: gpu.storage(`${spec.name} running statistics`, state.bytes),
      ...(options.storage === 'f16' && {
        lossScale: gpu.storage(`${spec.name} loss scale`, newLossScale().byteLength),
      }),
    };
    this.summaries = gpu.storage(
      `${spec.name} summaries`,
      (options.summarySlots ?? DEFAULT_SLOTS) * SUMMARY_BYTES,
    );
    this.step = gpu.device.createBuffer({
      label: `${spec.name} step`,
      size: STEP_BYTES,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    this.reset();
  }

  /**
   * Lays out memory, initializes weights from the seed and compiles the passes of its modes. Where the network
   * is rewirable, its passes with shortcuts connected and cut are laid out as well; {@link compileAll} compiles what is
   * left of them, and to switch then costs nothing.
   *
   * @throws FathomError `no-f16` where the device cannot store activations as the options ask
   */
  static async create(
    gpu: Gpu,
    spec: NetworkSpec,
    options: NetworkOptions,
    progress?: (done: number, total: number) => void,
  ): Promise<GpuNetwork> {
    expectStorage(gpu.device, options.storage);
    const network = new GpuNetwork(gpu, spec, options);
    const { rewirable = true } = options;
    const wirings = rewirable
      ? [spec, withShortcuts(spec, true), withShortcuts(spec, false)]
      : [spec];
    try {
      for (const wiring of wirings) for (const mode of network.modes) network.prepare(mode, wiring);
      await network.rewire(spec, progress);
    } catch (error) {
      network.destroy();
      throw error;
    }
    return network;
  }

  /** Weights and running statistics as the seed gives them, what the optimizer keeps zero, no summaries. */
  reset(): void {
    for (const parameter of this.parameters) {
      this.writeParameter(parameter.name, initialValues(parameter, this.options.seed));
    }
    for (const { name, shape, initial } of this.state) {
      this.writeState(name, new Float32Array(elements(shape)).fill(initial));
    }
    const { queue } = this.gpu.device;
    const encoder = this.gpu.device.createCommandEncoder();
    for (const moment of this.memory.moments) encoder.clearBuffer(moment);
    queue.submit([encoder.finish()]);
    if (this.memory.lossScale) queue.writeBuffer(this.memory.lossScale, 0, newLossScale());
    // A pass that never ran must not pass for one without errors.
    queue.writeBuffer(this.summaries, 0, new Float32Array(this.summaries.size / 4).fill(NaN));
  }

  /** Rewires the network; weights, the optimizer's state and statistics stay. Compiles only what was never compiled. */
  async rewire(spec: NetworkSpec, progress?: (done: number, total: number) => void): Promise<void> {
    const { modes } = this;
    for (const [index, mode] of modes.entries()) {
      await this.prepare(mode, spec).pass.compile((done, total) =>
        progress?.(index + done / Math.max(1, total), modes.length),
      );
    }
    this.current = new Map(modes.map((mode) => [mode, this.prepare(mode, spec)]));
    this.spec = spec;
  }

  /** Compiles what {@link create} left: the passes of the other wiring. */
  async compileAll(): Promise<void> {
    for (const { pass } of [...this.programs.values()]) await pass.compile();
  }

  /** Evaluation that samples differs from plain evaluation where there is dropout. */
  private get modes(): readonly Mode[] {
    if (this.options.modes) return this.options.modes;
    const { nodes } = buildGraph(withShortcuts(this.spec, true), this.options.batch);
    const samples = nodes.some(({ op }) => op === ops.dropout || op === ops.dropout2d);
    return samples ? ['train', 'evaluate', 'monte_carlo'] : ['train', 'evaluate'];
  }

  /** The program of a mode for one way to wire the network; laid out on first use, and not compiled. */
  private prepare(mode: Mode, spec: NetworkSpec): Program {
    const key = programKey(mode, spec);
    const present = this.programs.get(key);
    if (present) return present;
    const { batch, fusion = true, reuse = true, data, storage } = this.options;
    const written = buildGraph(spec, batch);
    const graph = fusion ? fuse(written) : written;
    const places = new Map<Tensor, Place>([[STEP, { buffer: this.step, offset: 0 }]]);
    const dataset = mode === 'train' ? data?.train : data?.test;
    for (const [tensor, place] of dataset?.places ?? []) places.set(tensor, place);
    const tensors = this.tensors(graph, places);
    const lowered = lower(graph, tensors, {
      mode,
      recipe: this.options.recipe ?? PLAIN_SGD,
      fusion,
      tuning: this.gpu.tuning,
      storage,
      ...(dataset && { source: dataset.source }),
    });
    if (!dataset) this.placeBatch(lowered, places);
    const { maxStorageBuffersPerShaderStage } = this.gpu.device.limits;
    const dispatches = fusion
      ? coalesce(lowered.dispatches, this.gpu.tuning.together, maxStorageBuffersPerShaderStage)
      : lowered.dispatches;
    const planned = plan(dispatches, [lowered.summary, lowered.logits], { reuse });
    const program = { graph, lowered, pass: new Pass(this.gpu, planned, places) };
    this.programs.set(key, program);
    return program;
  }

  /** The pass of a mode as the network is wired now. */
  program(mode: Mode): Program {
    // Without dropout there is nothing to sample.
    const program =
      this.current.get(mode) ?? (mode === 'monte_carlo' ? this.current.get('evaluate') : undefined);
    if (!program) throw new Error(`no pass of ${this.spec.name} was prepared for ${mode}`);
    return program;
  }

  /**
   * Submits one pass over the pictures `indices` (or over the batch that was written), in one or several submits of
   * about as many dispatches each. Its summary goes to `slot` and is read later by {@link readSummaries}.
   */
  run(
    mode: Mode,
    scalars: StepScalars,
    slot: number,
    indices?: Uint32Array<ArrayBuffer>,
    submits = 1,
  ): void {
    this.begin(mode, scalars, indices);
    const { length } = this.program(mode).pass.plan.dispatches;
    const slices = Math.min(submits, length);
    for (let i = 0; i < slices; i++) {
      const [from, to] = [
        Math.floor((i * length) / slices),
        Math.floor(((i + 1) * length) / slices),
      ];
      this.submit(mode, from, to, slot);
    }
  }

  /**
   * Keeps weights, gradients, running statistics and what the optimizer keeps; the function it returns puts them back,
   * once. What runs between leaves no trace but its summaries.
   */
  snapshot(): () => void {
    const kept = this.duplicate();
    this.copy(this.memory, kept);
    return () => {
      this.copy(kept, this.memory);
      for (const buffer of buffersOf(kept)) buffer.destroy();
    };
  }

  /**
   * A training step beside the network, on a copy of what outlives a step: what the next step would do. Its ops run one
   * by one, none fused, so that the listener sees every output written. It takes memory at once, also what the network's
   * steps share: make it between two of them.
   *
   * @param listen given the tensors of the copy, and the parameters as they are before the step
   * @param own places of tensors that the listener dispatches to
   */
  rehearsal(
    listen: (copy: NetworkTensors, before: ReadonlyMap<string, Tensor>) => Listener,
    own: ReadonlyMap<Tensor, Place>,
  ): Rehearsal {
    const { spec } = this;
    const { batch, recipe = PLAIN_SGD, data, storage } = this.options;
    const graph = buildGraph(spec, batch);
    const memory = this.duplicate();
    const places = new Map<Tensor, Place>([[STEP, { buffer: this.step, offset: 0 }]]);
    for (const [tensor, place] of data?.train.places ?? []) places.set(tensor, place);
    const tensors = this.tensors(graph, places, memory);
    const before = this.tensors(graph, places, this.memory).parameters;
    try {
      const lowered = lower(graph, tensors, {
        mode: 'train',
        recipe,
        fusion: false,
        tuning: this.gpu.tuning,
        storage,
        listener: listen(tensors, before),
        ...(data && { source: data.train.source }),
      });
      if (!data) this.placeBatch(lowered, places);
      for (const [tensor, place] of own) places.set(tensor, place);
      const pass = new Pass(this.gpu, plan(lowered.dispatches, []), places);
      return {
        spec,
        compile: () => pass.compile(),
        run: (scalars, indices) => {
          this.copy(this.memory, memory);
          this.begin('train', scalars, indices);
          pass.submit();
        },
        readState: () => this.readAll(memory.statistics, this.state, this.stateOffsets),
        destroy: () => {
          pass.destroy();
          for (const buffer of buffersOf(memory)) buffer.destroy();
        },
      };
    } catch (error) {
      for (const buffer of buffersOf(memory)) buffer.destroy();
      throw error;
    }
  }

  /**
   * Takes over weights, gradients, running statistics and what the optimizer keeps of another network with the same
   * optimizer and storage, which may be wired otherwise.
   *
   * @throws FathomError `different-parameters`
   */
  copyFrom(other: GpuNetwork): void {
    this.expectSameParameters(other);
    if (buffersOf(this.memory).length !== buffersOf(other.memory).length) {
      throw new Error(`optimizer or storage of ${this.spec.name} and ${other.spec.name} differ`);
    }
    this.copy(other.memory, this.memory);
  }

  /** @throws FathomError `different-parameters` where the two do not have the same parameters and running statistics */
  expectSameParameters(other: GpuNetwork): void {
    const list = ({ parameters, state }: GpuNetwork) =>
      [...parameters, ...state].map(({ name, shape }) => `${name} [${shape.join(', ')}]`);
    const [own, others] = [list(this), list(other)];
    const longer = own.length >= others.length ? own : others;
    const at = longer.findIndex((_, i) => own[i] !== others[i]);
    if (at < 0) return;
    const [network, against] = [this.spec.name, other.spec.name];
    throw new FathomError(
      'different-parameters',
      `${network} and ${against} do not have the same parameters: the one has ${own[at] ?? 'nothing'} where the other ` +
        `has ${others[at] ?? 'nothing'}; take networks of the same depth and the same layers`,
      { network, other: against },
    );
  }

  /**
   * The parameters and running statistics that a graph of this network uses, for a pass that only reads them; their places
   * are added to `places`.
   */
  lend(graph: Graph, places: Map<Tensor, Place>): Pick<NetworkTensors, 'parameters' | 'state'> {
    const { parameters, state } = this.tensors(graph, places);
    return { parameters, state };
  }

  private duplicate(): Memory {
    const twin = (buffer: GPUBuffer) => this.gpu.storage(`${buffer.label} kept`, buffer.size);
    const { weight, gradient, moments, statistics, lossScale } = this.memory;
    return {
      weight: twin(weight),
      gradient: twin(gradient),
      moments: moments.map(twin),
      statistics: twin(statistics),
      ...(lossScale && { lossScale: twin(lossScale) }),
    };
  }

  private copy(from: Memory, to: Memory): void {
    const encoder = this.gpu.device.createCommandEncoder();
    const targets = buffersOf(to);
    for (const [index, buffer] of buffersOf(from).entries()) {
      const target = targets[index];
      if (target) encoder.copyBufferToBuffer(buffer, 0, target, 0, buffer.size);
    }
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  /** For slow motion: uploads what a pass needs; its segments are then submitted by {@link runSegment}. */
  begin(mode: Mode, scalars: StepScalars, indices?: Uint32Array<ArrayBuffer>): void {
    const { queue } = this.gpu.device;
    writeStep(scalars, this.stepFloats, this.stepIntegers);
    queue.writeBuffer(this.step, 0, this.stepFloats);
    const { data } = this.options;
    if (indices) (mode === 'train' ? data?.train : data?.test)?.select(indices);
  }

  /** Submits one segment of a pass; with the last one the summary goes to `slot`. */
  runSegment(mode: Mode, index: number, slot: number): void {
    const { pass } = this.program(mode);
    const segment = pass.segments[index];
    if (segment) this.submit(mode, segment.from, segment.to, slot);
  }

  /** Loss, errors and steps left out of the passes whose summaries went to slots `first` … `first + count − 1`. */
  async readSummaries(first: number, count: number): Promise<Summary[]> {
    const bytes = await this.gpu.read(this.summaries, first * SUMMARY_BYTES, count * SUMMARY_BYTES);
    const values = new Float32Array(bytes);
    return Array.from({ length: count }, (_, i) => {
      const [loss = NaN, errors = NaN, skipped = NaN] = values.subarray(3 * i);
      return { loss, errors, skipped: this.memory.lossScale ? skipped : 0 };
    });
  }

  /** A batch of normalized images [N, C, H, W] and labels [N], for a network without a data set. */
  writeBatch(images: ArrayLike<number>, labels: Uint32Array<ArrayBuffer>): void {
    if (!this.batchBuffers) throw new Error('this network takes its batches from a data set');
    const { queue } = this.gpu.device;
    const { batch } = this.options;
    const { channels, height, width } = this.spec.input;
    const shape = [batch, channels, height, width];
    queue.writeBuffer(this.batchBuffers.x, 0, pack({ shape, layout: 'image' }, images));
    queue.writeBuffer(this.batchBuffers.labels, 0, labels);
  }

  /** Values in PyTorch's order (OIHW). Throws if the name or the count is wrong. */
  writeParameter(name: string, values: ArrayLike<number>): void {
    const parameter = find(this.parameters, name, 'parameter');
    expectCount(name, elements(parameter.shape), values.length);
    this.gpu.device.queue.writeBuffer(
      this.memory.weight,
      offset(this.parameterOffsets, name),
      pack(parameter, values),
    );
  }

  /** Writes one channel of a parameter that has one value a channel: γ or β of a norm, a bias. */
  writeChannel(name: string, channel: number, value: number): void {
    const { shape, layout } = find(this.parameters, name, 'parameter');
    const [channels = 0] = shape;
    if (layout !== 'channels' || channel < 0 || channel >= channels) {
      throw new FathomError('no-channel', `"${name}" has no channel ${channel}`, { name, channel });
    }
    const at = offset(this.parameterOffsets, name) + 4 * channel;
    this.gpu.device.queue.writeBuffer(this.memory.weight, at, Float32Array.of(value));
  }

  writeState(name: string, values: ArrayLike<number>): void {
    const state = find(this.state, name, 'running statistic');
    expectCount(name, elements(state.shape), values.length);
    this.gpu.device.queue.writeBuffer(
      this.memory.statistics,
      offset(this.stateOffsets, name),
      pack(state, values),
    );
  }

  /** All parameters in PyTorch's order, by name. */
  readParameters(): Promise<Map<string, Float32Array>> {
    return this.readAll(this.memory.weight, this.parameters, this.parameterOffsets);
  }

  /** One parameter in PyTorch's order. */
  async readParameter(name: string): Promise<Float32Array> {
    const parameter = find(this.parameters, name, 'parameter');
    const bytes = bytesOf({ ...parameter, storage: 'parameter' });
    const at = offset(this.parameterOffsets, name);
    const stored = await this.gpu.read(this.memory.weight, at, bytes);
    return unpack(parameter, new Float32Array(stored));
  }

  /** Gradients of the last pass in PyTorch's order, by parameter name. */
  readGradients(): Promise<Map<string, Float32Array>> {
    return this.readAll(this.memory.gradient, this.parameters, this.parameterOffsets);
  }

  /** What the optimizer keeps, by parameter name: of SGD the velocities alone. */
  readMoments(): Promise<Map<string, Float32Array>[]> {
    return Promise.all(
      this.memory.moments.map((each) => this.readAll(each, this.parameters, this.parameterOffsets)),
    );
  }

  readState(): Promise<Map<string, Float32Array>> {
    return this.readAll(this.memory.statistics, this.state, this.stateOffsets);
  }

  /** Logits [N, classes] of the last pass of this mode. */
  async readLogits(mode: Mode): Promise<Float32Array> {
    const { lowered, pass } = this.program(mode);
    const { buffer, offset } = pass.place(lowered.logits);
    const bytes = await this.gpu.read(buffer, offset, bytesOf(lowered.logits));
    return unpack(lowered.logits, floatsOf(lowered.logits, bytes));
  }

  /** Weights and running statistics, for passes that read them, or write those of a network made for it. */
  get learned(): Pick<Memory, 'weight' | 'statistics'> {
    return this.memory;
  }

  /** Where a parameter lies among the weights, in bytes. */
  offsetOf(parameter: string): number {
    return offset(this.parameterOffsets, parameter);
  }

  /** Bytes of what this network keeps from step to step. */
  get keptBytes(): Record<'weights' | 'gradients' | 'optimizer' | 'statistics', number> {
    return {
      weights: this.memory.weight.size,
      gradients: this.memory.gradient.size,
      optimizer: this.memory.moments.reduce((sum, { size }) => sum + size, 0),
      statistics: this.memory.statistics.size,
    };
  }

  /** Frees what belongs to this network alone. */
  destroy(): void {
    for (const buffer of [...buffersOf(this.memory), this.step, this.summaries]) buffer.destroy();
    for (const { pass } of this.programs.values()) pass.destroy();
    this.programs.clear();
    this.current = new Map();
    this.batchBuffers?.x.destroy();
    this.batchBuffers?.labels.destroy();
  }

  /** Submits dispatches `from` … `to` of a pass; after the last of all its summary is copied to `slot`. */
  private submit(mode: Mode, from: number, to: number, slot: number): void {
    const { lowered, pass } = this.program(mode);
    const { device } = this.gpu;
    const encoder = device.createCommandEncoder();
    pass.encode(encoder, from, to);
    if (to === pass.plan.dispatches.length) {
      const { buffer } = pass.place(lowered.summary);
      const { lossScale } = this.memory;
      const at = slot * SUMMARY_BYTES;
      encoder.copyBufferToBuffer(buffer, 0, this.summaries, at, 8);
      if (lossScale) encoder.copyBufferToBuffer(lossScale, 4 * SKIPPED, this.summaries, at + 8, 4);
    }
    device.queue.submit([encoder.finish()]);
  }

  /** Tensors for the parameters and state of a graph, and their places in `memory`. */
  private tensors(
    graph: Graph,
    places: Map<Tensor, Place>,
    memory: Memory = this.memory,
  ): NetworkTensors {
    const parameters = new Map<string, Tensor>();
    const gradients = new Map<string, Tensor>();
    const state = new Map<string, Tensor>();
    const used = graphParameters(graph);
    for (const { name, shape, layout } of used) {
      const at = offset(this.parameterOffsets, name);
      const value = tensor(name, shape, layout, 'parameter');
      const gradient = tensor(`d(${name})`, shape, layout, 'gradient');
      places.set(value, { buffer: memory.weight, offset: at });
      places.set(gradient, { buffer: memory.gradient, offset: at });
      parameters.set(name, value);
      gradients.set(name, gradient);
    }
    for (const { name, shape, layout } of graphState(graph)) {
      const value = tensor(name, shape, layout, 'state');
      places.set(value, { buffer: memory.statistics, offset: offset(this.stateOffsets, name) });
      state.set(name, value);
    }
    const names = new Set(used.filter(({ frozen }) => !frozen).map(({ name }) => name));
    const update = this.runs(names).map(({ from, to }) => {
      const place = (kind: string, buffer: GPUBuffer) => {
        const flat = tensor(`all ${kind}`, [(to - from) / 4], 'flat', 'parameter');
        places.set(flat, { buffer, offset: from });
        return flat;
      };
      const [first, second, updates] = memory.moments.map((buffer, i) =>
        place(`moments ${i + 1}`, buffer),
      );
      if (!first) throw new Error('every optimizer keeps something');
      return {
        weight: place('weights', memory.weight),
        gradient: place('gradients', memory.gradient),
        first,
        ...(second && { second }),
        ...(updates && { updates }),
      };
    });
    const { lossScale: buffer } = memory;
    const lossScale = buffer && tensor('loss scale', [buffer.size / 4], 'flat', 'external');
    if (lossScale) places.set(lossScale, { buffer, offset: 0 });
    return { parameters, gradients, state, update, ...(lossScale && { lossScale }) };
  }

  /** Byte ranges of the parameters that learn, neighbours joined. A cut shortcut's weights stay untouched. */
  private runs(used: ReadonlySet<string>): { from: number; to: number }[] {
    const runs: { from: number; to: number }[] = [];
    for (const parameter of this.parameters) {
      if (!used.has(parameter.name)) continue;
      const from = offset(this.parameterOffsets, parameter.name);
      const to = from + align(bytesOf({ ...parameter, storage: 'parameter' }));
      const last = runs.at(-1);
      if (last?.to === from) last.to = to;
      else runs.push({ from, to });
    }
    return runs;
  }

  private placeBatch({ x, labels }: Lowered, places: Map<Tensor, Place>): void {
    this.batchBuffers ??= {
      x: this.gpu.storage(`${this.spec.name} batch`, bytesOf(x)),
      labels: this.gpu.storage(`${this.spec.name} labels`, bytesOf(labels)),
    };
    places.set(x, { buffer: this.batchBuffers.x, offset: 0 });
    places.set(labels, { buffer: this.batchBuffers.labels, offset: 0 });
  }

  private async readAll(
    buffer: GPUBuffer,
    entries: readonly (NamedParameter | NamedState)[],
    offsets: ReadonlyMap<string, number>,
  ): Promise<Map<string, Float32Array>> {
    const bytes = await this.gpu.read(buffer, 0, buffer.size);
    return new Map(
      entries.map((entry) => {
        const stored = new Float32Array(bytes, offset(offsets, entry.name));
        return [entry.name, unpack(entry, stored)];
      }),
    );
  }
}

const programKey = (mode: Mode, spec: NetworkSpec): string =>
  `${mode} ${JSON.stringify(spec.layers)}`;

/** Refuses what the device cannot store. */
function expectStorage({ features }: GPUDevice, storage: Precision = 'f32'): void {
  if (storage === 'f32' || features.has('shader-f16')) return;
  throw new FathomError(
    'no-f16',
    'this adapter cannot store activations as f16, for it lacks the feature shader-f16: choose f32',
  );
}

const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

function layOut(entries: readonly (NamedParameter | NamedState)[]): {
  offsets: Map<string, number>;
  bytes: number;
} {
  const offsets = new Map<string, number>();
  let bytes = 0;
  for (const entry of entries) {
    offsets.set(entry.name, bytes);
    bytes += align(bytesOf({ ...entry, storage: 'parameter' }));
  }
  return { offsets, bytes };
}

function offset(offsets: ReadonlyMap<string, number>, name: string): number {
  const at = offsets.get(name);
  if (at === undefined) throw new Error(`"${name}" was not laid out`);
  return at;
}

function find<T extends { name: string }>(entries: readonly T[], name: string, kind: string): T {
  const entry = entries.find((candidate) => candidate.name === name);
  if (!entry) {
    throw new FathomError('unknown-parameter', `this network has no ${kind} named "${name}"`, {
      name,
    });
  }
  return entry;
}

function expectCount(name: string, expected: number, found: number): void {
  if (expected === found) return;
  throw new FathomError(
    'parameter-size',
    `"${name}" holds ${expected} numbers, but ${found} were given`,
    { name, expected, found },
  );
}
