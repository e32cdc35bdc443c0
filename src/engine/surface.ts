/**
 * The loss off the weights that training has reached: on a plane along two random directions (Li et al. 2018, "Visualizing the
 * Loss Landscape of Neural Nets"), or on the line to other weights (Goodfellow et al. 2015, "Qualitatively characterizing
 * neural network optimization problems").
 *
 * A second network, the probe, is given a weighted sum of three points and evaluated; the network that trains is only read,
 * when the slice is made. Directions are filter-normalized, and zero in biases and in the scales and shifts of norms, as in
 * the paper. On a plane running statistics stay those of the centre; along a line they go from those of one end to the other's.
 */
import { SHARES, directionCall, mixCall } from '../ops/direction.ts';
import { DRAW_WORDS, drawWords } from '../ops/draw.ts';
import type { KernelCall } from '../ops/op.ts';
import type { Tensor } from '../ops/tensor.ts';
import { streamOf } from '../random.ts';
import type { DeviceDataset } from './dataset.ts';
import { evaluate } from './evaluate.ts';
import type { Evaluation, EvaluateOptions } from './evaluate.ts';
import type { Gpu } from './gpu/gpu.ts';
import { tensor } from './graph/lower.ts';
import { plan } from './graph/plan.ts';
import { GpuNetwork } from './network.ts';
import { Pass } from './pass.ts';
import type { Place } from './pass.ts';

export interface SliceOptions {
  /** Whose pictures are evaluated. */
  data: DeviceDataset;
  /** What batch norms take: the running statistics, as in the paper, or those of each batch. */
  statistics: 'running' | 'batch';
}

/** A point or a direction in the space of all weights, with the running statistics that belong to it. */
type Point = GpuNetwork['learned'];

/** How much of each of three points. */
type Shares = readonly [number, number, number];

/** Bytes between small tensors in one buffer: WebGPU binds at multiples of 256. */
const STRIDE = 256;

export class LossSlice {
  private readonly probe: GpuNetwork;
  private readonly mode: 'evaluate' | 'batch_statistics';
  private readonly points: readonly [Point, Point, Point];
  private readonly sharesAt: (x: number, y: number) => Shares;
  private readonly shares: GPUBuffer;
  private readonly mix: Pass;

  private constructor(
    probe: GpuNetwork,
    mode: LossSlice['mode'],
    points: LossSlice['points'],
    sharesAt: LossSlice['sharesAt'],
    shares: GPUBuffer,
    mix: Pass,
  ) {
    this.probe = probe;
    this.mode = mode;
    this.points = points;
    this.sharesAt = sharesAt;
    this.shares = shares;
    this.mix = mix;
  }

  /** θ + x·δ + y·η around the present weights θ of `network`; δ and η are drawn from the seed, by parameter name. */
  static plane(network: GpuNetwork, seed: number, options: SliceOptions): Promise<LossSlice> {
    return LossSlice.create(
      network,
      options,
      async () => [
        copyOf(network),
        await drawDirection(network, seed, 0),
        await drawDirection(network, seed, 1),
      ],
      (x, y) => [1, x, y],
    );
  }

  /**
   * (1 − x)·θ + x·θ′ from the present weights θ of `network` to those of `other`, or to those that its own seed gave where
   * there is no other. All along it is wired as `network`.
   *
   * @throws FathomError `different-parameters` where the two do not have the same parameters
   */
  static line(
    network: GpuNetwork,
    other: GpuNetwork | null,
    options: SliceOptions,
  ): Promise<LossSlice> {
    if (other) network.expectSameParameters(other);
    return LossSlice.create(
      network,
      options,
      // A new network, as the probe still is, has the weights of the seed.
      (probe) => Promise.resolve([copyOf(network), copyOf(other ?? probe), zeroPoint(network)]),
      (x) => [1 - x, x, 0],
    );
  }

  private static async create(
    network: GpuNetwork,
    { data, statistics }: SliceOptions,
    pointsFor: (probe: GpuNetwork) => Promise<LossSlice['points']>,
    sharesAt: LossSlice['sharesAt'],
  ): Promise<LossSlice> {
    const { gpu, spec, options } = network;
    const mode = statistics === 'batch' ? 'batch_statistics' : 'evaluate';
    const probe = await GpuNetwork.create(gpu, spec, {
      ...options,
      data: { train: data, test: data },
      modes: [mode],
      rewirable: false,
      summarySlots: Math.ceil(data.count / options.batch),
    });
    try {
      const shares = gpu.storage('shares', STRIDE);
      const points = await pointsFor(probe);
      const mix = await mixPass(gpu, points, shares, probe);
      return new LossSlice(probe, mode, points, sharesAt, shares, mix);
    } catch (error) {
      probe.destroy();
      throw error;
    }
  }

  /** Loss and error at (x, y); at (0, 0) exactly those of the network. Null when it was given up. */
  evaluate(
    [x, y]: readonly [x: number, y: number],
    options: Omit<EvaluateOptions, 'mode'>,
  ): Promise<Evaluation | null> {
    const { queue } = this.probe.gpu.device;
    queue.writeBuffer(this.shares, 0, Float32Array.of(...this.sharesAt(x, y), 0));
    this.mix.submit();
    return evaluate(this.probe, { ...options, mode: this.mode });
  }

  /** Weights at the point that was evaluated last, in PyTorch's order, by name. */
  readParameters(): Promise<Map<string, Float32Array>> {
    return this.probe.readParameters();
  }

  destroy(): void {
    this.mix.destroy();
    this.probe.destroy();
    this.shares.destroy();
    for (const { weight, statistics } of this.points) {
      weight.destroy();
      statistics.destroy();
    }
  }
}

/** Writes weights and running statistics of `to` from those of three points. */
function mixPass(
  gpu: Gpu,
  points: readonly [Point, Point, Point],
  shares: GPUBuffer,
  { learned: to }: GpuNetwork,
): Promise<Pass> {
  const places = new Map<Tensor, Place>();
  const place = (name: string, buffer: GPUBuffer, floats = buffer.size / 4): Tensor => {
    const placed = tensor(name, [floats], 'flat', 'external');
    places.set(placed, { buffer, offset: 0 });
    return placed;
  };
  const share = place('shares', shares, SHARES);
  const calls = (['weight', 'statistics'] as const)
    // A network without batch norm has no statistics.
    .filter((kind) => to[kind].size >= STRIDE)
    .map((kind) => {
      const [a, b, c] = points;
      const parts = [
        place(`${kind} a`, a[kind]),
        place(`${kind} b`, b[kind]),
        place(`${kind} c`, c[kind]),
      ] as const;
      return mixCall(parts, share, place(kind, to[kind]));
    });
  return passOf(gpu, calls, places);
}

function passOf(
  gpu: Gpu,
  calls: readonly KernelCall[],
  places: ReadonlyMap<Tensor, Place>,
): Promise<Pass> {
  const dispatches = calls.map((call) => ({ ...call, phase: 'update' as const, path: 'surface' }));
  return Pass.create(gpu, plan(dispatches, []), places);
}

function zeroPoint({ gpu, learned }: GpuNetwork): Point {
  return {
    weight: gpu.storage('point', learned.weight.size),
    statistics: gpu.storage('statistics of a point', learned.statistics.size),
  };
}

function copyOf(network: GpuNetwork): Point {
  const copy = zeroPoint(network);
  const { learned, gpu } = network;
  const encoder = gpu.device.createCommandEncoder();
  for (const kind of ['weight', 'statistics'] as const) {
    encoder.copyBufferToBuffer(learned[kind], 0, copy[kind], 0, copy[kind].size);
  }
  gpu.device.queue.submit([encoder.finish()]);
  return copy;
}

/** The stream of random numbers that a direction (0 or 1) takes in one parameter. */
export const directionStream = (direction: number, parameter: string): number =>
  streamOf(`direction ${direction} of ${parameter}`);

/** Networks with one seed agree in the directions of what they share, as in their first weights, up to the filters' norms. */
async function drawDirection(network: GpuNetwork, seed: number, direction: number): Promise<Point> {
  const { gpu, learned, parameters } = network;
  const weights = parameters.filter(({ layout }) => layout === 'kernel');
  const drawn = zeroPoint(network);
  const draws = gpu.storage('draws', weights.length * STRIDE);
  const places = new Map<Tensor, Place>();
  const calls = weights.map(({ name, shape, layout }, index) => {
    const weight = tensor(name, shape, layout, 'external');
    const along = tensor(`direction of ${name}`, shape, layout, 'external');
    const draw = tensor(`draw of ${name}`, [DRAW_WORDS], 'flat', 'external');
    const offset = network.offsetOf(name);
    places.set(weight, { buffer: learned.weight, offset });
    places.set(along, { buffer: drawn.weight, offset });
    places.set(draw, { buffer: draws, offset: index * STRIDE });
    const words = drawWords(seed, directionStream(direction, name), 1);
    gpu.device.queue.writeBuffer(draws, index * STRIDE, words);
    return directionCall(weight, along, draw);
  });
  const pass = await passOf(gpu, calls, places);
  pass.submit();
  pass.destroy();
  draws.destroy();
  return drawn;
}
