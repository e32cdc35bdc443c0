/**
 * A plan made ready to run: pipelines and bind groups in an array, replayed as they stand. Running a
 * pass creates nothing but the command buffer that WebGPU asks for.
 */
import type { Tensor } from '../ops/tensor.ts';
import { bytesOf } from './graph/plan.ts';
import type { Plan } from './graph/plan.ts';
import type { Phase } from './graph/lower.ts';
import type { Gpu } from './gpu/gpu.ts';

/** Where a tensor that outlives the step lies. */
export interface Place {
  buffer: GPUBuffer;
  /** Bytes, a multiple of 256. */
  offset: number;
}

/** Consecutive dispatches of one layer in one phase: the unit of slow motion and of the profiler. */
export interface Segment {
  phase: Phase;
  path: string;
  /** First dispatch, and the one after the last. */
  from: number;
  to: number;
}

interface Prepared {
  pipeline: GPUComputePipeline;
  bindGroup: GPUBindGroup;
  workgroups: readonly [number, number, number];
}

export class Pass {
  readonly plan: Plan;
  readonly segments: readonly Segment[];
  private readonly gpu: Gpu;
  private readonly places: ReadonlyMap<Tensor, Place>;
  private prepared: Prepared[] = [];
  private version = -1;
  private compiled: Promise<void> | null = null;

  /** Reserves memory; {@link compile} must be awaited before it is encoded. */
  constructor(gpu: Gpu, plan: Plan, places: ReadonlyMap<Tensor, Place>) {
    this.gpu = gpu;
    this.plan = plan;
    this.places = places;
    this.segments = segmentsOf(plan);
    gpu.transient.reserve(plan.sizes);
  }

  /** A pass that is ready to run. */
  static async create(
    gpu: Gpu,
    plan: Plan,
    places: ReadonlyMap<Tensor, Place>,
    progress?: (done: number, total: number) => void,
  ): Promise<Pass> {
    const pass = new Pass(gpu, plan, places);
    try {
      await pass.compile(progress);
    } catch (error) {
      pass.destroy();
      throw error;
    }
    return pass;
  }

  /** Compiles the kernels that are missing, once. */
  compile(progress?: (done: number, total: number) => void): Promise<void> {
    this.compiled ??= this.gpu.kernels
      .compile(this.plan.dispatches, progress)
      .catch((error: unknown) => {
        // It may be tried again.
        this.compiled = null;
        throw error;
      });
    return this.compiled;
  }

  /** Gives its memory back; the pass is not to be used again. */
  destroy(): void {
    this.gpu.transient.release(this.plan.sizes);
  }

  /** Records dispatches `from` … `to` (all of them by default) into one compute pass, which may note its times. */
  encode(
    encoder: GPUCommandEncoder,
    from = 0,
    to = this.plan.dispatches.length,
    timestampWrites?: GPUComputePassTimestampWrites,
  ): void {
    this.prepare();
    const pass = encoder.beginComputePass(timestampWrites && { timestampWrites });
    for (let i = from; i < to; i++) {
      const step = this.prepared[i];
      if (!step) break;
      pass.setPipeline(step.pipeline);
      pass.setBindGroup(0, step.bindGroup);
      pass.dispatchWorkgroups(step.workgroups[0], step.workgroups[1], step.workgroups[2]);
    }
    pass.end();
  }

  /** Runs dispatches `from` … `to`, all of them by default, in one submit. */
  submit(from?: number, to?: number): void {
    const { device } = this.gpu;
    const encoder = device.createCommandEncoder();
    this.encode(encoder, from, to);
    device.queue.submit([encoder.finish()]);
  }

  /** The buffer range in which a tensor of this pass lies. */
  place(tensor: Tensor): Place {
    const index = this.plan.buffers.get(tensor);
    if (index !== undefined) return { buffer: this.gpu.transient.get(index), offset: 0 };
    const place = this.places.get(tensor);
    if (!place) throw new Error(`tensor "${tensor.name}" has no place in memory`);
    return place;
  }

  /** Makes bind groups anew if transient buffers were replaced since. */
  private prepare(): void {
    if (this.version === this.gpu.transient.version) return;
    this.version = this.gpu.transient.version;
    this.prepared = this.plan.dispatches.map((dispatch) => {
      const { pipeline, layout } = this.gpu.kernels.get(dispatch);
      const entries = dispatch.bindings.map(({ tensor }, binding) => {
        const { buffer, offset } = this.place(tensor);
        return { binding, resource: { buffer, offset, size: bytesOf(tensor) } };
      });
      const bindGroup = this.gpu.device.createBindGroup({ layout, entries });
      return { pipeline, bindGroup, workgroups: dispatch.workgroups };
    });
  }
}

function segmentsOf({ dispatches }: Plan): Segment[] {
  const segments: Segment[] = [];
  dispatches.forEach(({ phase, path }, index) => {
    const last = segments.at(-1);
    if (last?.phase === phase && last.path === path) last.to = index + 1;
    else segments.push({ phase, path, from: index, to: index + 1 });
  });
  return segments;
}
