/**
 * What all networks on one device share: compiled kernels, and one set of buffers for what lives only
 * within a step. The queue runs steps one after the other, so networks never need theirs at the same time.
 */
import { KernelCache } from './kernels.ts';

export class Gpu {
  readonly device: GPUDevice;
  readonly kernels: KernelCache;
  readonly transient: TransientBuffers;

  constructor(device: GPUDevice) {
    this.device = device;
    this.kernels = new KernelCache(device);
    this.transient = new TransientBuffers(device);
  }

  /** A buffer that kernels read, as storage or uniform, and write, and that can be copied from and to. */
  storage(label: string, bytes: number): GPUBuffer {
    return this.device.createBuffer({
      label,
      size: Math.max(4, Math.ceil(bytes / 4) * 4),
      usage:
        GPUBufferUsage.STORAGE |
        GPUBufferUsage.UNIFORM |
        GPUBufferUsage.COPY_SRC |
        GPUBufferUsage.COPY_DST,
    });
  }

  /** Reads `bytes` of a buffer back. */
  async read(buffer: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    const staging = this.device.createBuffer({
      label: 'readback',
      size: bytes,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, bytes);
    this.device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const copy = staging.getMappedRange().slice(0);
    staging.destroy();
    return copy;
  }
}

/** One set of transient buffers, as large as the greediest plan needs. */
export class TransientBuffers {
  /** Rises when a buffer was replaced by a larger one: bind groups made before are stale. */
  version = 0;
  private readonly device: GPUDevice;
  private readonly buffers: GPUBuffer[] = [];

  constructor(device: GPUDevice) {
    this.device = device;
  }

  get bytes(): number {
    return this.buffers.reduce((sum, { size }) => sum + size, 0);
  }

  /** Makes sure that buffer i holds at least `sizes[i]` bytes. */
  reserve(sizes: readonly number[]): void {
    sizes.forEach((size, index) => {
      const present = this.buffers[index];
      if (present && present.size >= size) return;
      // Work that was submitted keeps the old memory until it is done.
      present?.destroy();
      this.buffers[index] = this.device.createBuffer({
        label: `transient ${index}`,
        size,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      });
      this.version++;
    });
  }

  get(index: number): GPUBuffer {
    const buffer = this.buffers[index];
    if (!buffer) throw new Error(`transient buffer ${index} was not reserved`);
    return buffer;
  }
}
