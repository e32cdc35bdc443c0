/** Where the time of a pass goes: every dispatch timed by itself, and the whole as training submits it. */
import type { StepScalars } from '../ops/step.ts';
import { bytesOf } from './graph/plan.ts';
import type { Mode, Phase } from './graph/lower.ts';
import type { GpuNetwork } from './network.ts';

/** One dispatch of a pass. */
export interface DispatchTime {
  phase: Phase;
  /** The layer it works for; of several that run as one, the last. */
  path: string;
  /** Entry points of its kernels, joined by `+`. */
  entry: string;
  workgroups: number;
  /** Of the first tensor that it writes: [N, C, H, W] where it is an image. */
  shape: readonly number[];
  nanoseconds: number;
  /** Floating-point operations; a multiply-add counts two. */
  flops: number;
  /**
   * Bytes of the tensors that it binds, each counted once: the least it moves where nothing is cached. The data set, of
   * which a batch reads little, is left out.
   */
  bytes: number;
}

export interface Profile {
  /** The device's own clock, or the wall's, which counts the way to the device and back to every dispatch. */
  clock: 'device' | 'wall';
  rounds: number;
  dispatches: DispatchTime[];
}

export interface ProfileOptions {
  mode?: Mode;
  scalars: StepScalars;
  /** Pictures of the batch, where the network has a data set. */
  indices?: Uint32Array<ArrayBuffer>;
  /** A browser may round the device's clock to 100 µs, which only a mean over some rounds evens out. */
  rounds?: number;
}

/**
 * Runs a pass some times with every dispatch in a compute pass of its own, and takes the mean of each. Weights, running
 * statistics and what the optimizer keeps are what they were before; the summaries are not touched.
 *
 * Dispatches that are timed apart cannot overlap, so their sum may exceed the time of the pass.
 */
export async function profile(
  network: GpuNetwork,
  { mode = 'train', scalars, indices, rounds = 5 }: ProfileOptions,
): Promise<Profile> {
  const { pass } = network.program(mode);
  const { dispatches } = pass.plan;
  const { device } = network.gpu;
  const clock = device.features.has('timestamp-query') ? 'device' : 'wall';
  const restore = network.snapshot();
  const totals = new Float64Array(dispatches.length);
  try {
    for (let round = 0; round < rounds; round++) {
      network.begin(mode, scalars, indices);
      const times =
        clock === 'device'
          ? await deviceTimes(network, mode)
          : await wallTimes(network, mode, dispatches.length);
      times.forEach((nanoseconds, i) => (totals[i]! += nanoseconds / rounds));
    }
  } finally {
    restore();
  }
  return {
    clock,
    rounds,
    dispatches: dispatches.map(({ phase, path, entry, workgroups, bindings, flops = 0 }, i) => ({
      phase,
      path,
      entry,
      workgroups: workgroups[0] * workgroups[1] * workgroups[2],
      shape:
        bindings.find(({ access }) => access === 'write' || access === 'update')?.tensor.shape ??
        [],
      nanoseconds: totals[i] ?? NaN,
      flops,
      bytes: [...new Set(bindings.map(({ tensor }) => tensor))]
        .filter(({ storage, layout }) => storage !== 'external' || layout !== 'flat')
        .reduce((sum, tensor) => sum + bytesOf(tensor), 0),
    })),
  };
}

/** A round of whole steps takes so long at least, in milliseconds: waiting for its end then counts little. */
const LONG_ROUND = 50;
/** No more rounds begin once they have taken so long. */
const PATIENCE = 1500;

/**
 * Milliseconds of one training step as training submits it: the median over `rounds`, in each of which several steps
 * follow on one another before they are waited for. On a slow device there are fewer rounds. Leaves training as it was.
 */
export async function timeStep(
  network: GpuNetwork,
  { scalars, indices, rounds = 5 }: Omit<ProfileOptions, 'mode'>,
): Promise<number> {
  const { pass } = network.program('train');
  const { queue } = network.gpu.device;
  const restore = network.snapshot();
  const timed = async (steps: number) => {
    await queue.onSubmittedWorkDone();
    const start = performance.now();
    for (let i = 0; i < steps; i++) {
      pass.submit();
    }
    await queue.onSubmittedWorkDone();
    return (performance.now() - start) / steps;
  };
  try {
    network.begin('train', scalars, indices);
    // A driver may compile at the first.
    await timed(1);
    const steps = Math.min(64, Math.ceil(LONG_ROUND / (await timed(1))));
    const times: number[] = [];
    const start = performance.now();
    while (times.length < rounds && (times.length < 2 || performance.now() - start < PATIENCE)) {
      times.push(await timed(steps));
    }
    return median(times);
  } finally {
    restore();
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}

/** One submit; timestamps around every dispatch. */
async function deviceTimes(network: GpuNetwork, mode: Mode): Promise<number[]> {
  const { gpu } = network;
  const { pass } = network.program(mode);
  const count = pass.plan.dispatches.length;
  const querySet = gpu.device.createQuerySet({ type: 'timestamp', count: 2 * count });
  const resolved = gpu.device.createBuffer({
    label: 'timestamps',
    size: 16 * count,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  try {
    const encoder = gpu.device.createCommandEncoder();
    for (let i = 0; i < count; i++) {
      pass.encode(encoder, i, i + 1, {
        querySet,
        beginningOfPassWriteIndex: 2 * i,
        endOfPassWriteIndex: 2 * i + 1,
      });
    }
    encoder.resolveQuerySet(querySet, 0, 2 * count, resolved, 0);
    gpu.device.queue.submit([encoder.finish()]);
    const stamps = new BigUint64Array(await gpu.read(resolved, 0, 16 * count));
    // Clocks of some devices stand still or jump back by a tick.
    return Array.from({ length: count }, (_, i) =>
      Math.max(0, Number((stamps[2 * i + 1] ?? 0n) - (stamps[2 * i] ?? 0n))),
    );
  } finally {
    querySet.destroy();
    resolved.destroy();
  }
}

/** One submit a dispatch, each waited for. */
async function wallTimes(network: GpuNetwork, mode: Mode, count: number): Promise<number[]> {
  const { device } = network.gpu;
  const { pass } = network.program(mode);
  const times: number[] = [];
  await device.queue.onSubmittedWorkDone();
  for (let i = 0; i < count; i++) {
    const encoder = device.createCommandEncoder();
    pass.encode(encoder, i, i + 1);
    const commands = encoder.finish();
    const start = performance.now();
    device.queue.submit([commands]);
    await device.queue.onSubmittedWorkDone();
    times.push((performance.now() - start) * 1e6);
  }
  return times;
}
