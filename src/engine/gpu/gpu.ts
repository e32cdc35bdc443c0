/**
 * What all networks on one device share: compiled kernels, and one set of buffers for what lives only
 * within a step. The queue runs steps one after the other, so networks never need theirs at the same time.
 */
import { FathomError } from '../../errors.ts';
import { TUNINGS, withFeatures } from '../../ops/tuning.ts';
import type { Tuning, TuningName } from '../../ops/tuning.ts';
import { bindableBytes, pictureBytesOf } from './device.ts';
import { measurePeaks } from '../peaks.ts';
import type { Peaks } from '../peaks.ts';
import { KernelCache } from './kernels.ts';

export class Gpu {
  readonly device: GPUDevice;
  readonly kernels: KernelCache;
  readonly transient: TransientBuffers;
  /** Which variants of kernels its passes are made of. */
  readonly tuning: Tuning;
  /** Bytes of its memory that the pictures of an experiment may take; what is more is streamed. */
  readonly pictureBytes: number;
  private measuredPeaks: Promise<Peaks> | null = null;

  constructor(
    device: GPUDevice,
    tuning: TuningName = 'gpu',
    pictureBytes = pictureBytesOf(device),
  ) {
    this.device = device;
    this.tuning = withFeatures(TUNINGS[tuning], device.features);
    this.pictureBytes = pictureBytes;
    this.kernels = new KernelCache(device);
    this.transient = new TransientBuffers(device);
  }

  /**
   * Calls `listener` with every error that WebGPU finds late (memory that ran out, a command that is not
   * valid); what was computed since is worth nothing. The function it returns ends that.
   */
  onError(listener: (error: Error) => void): () => void {
    const hear = ({ error }: GPUUncapturedErrorEvent) => {
      const outOfMemory = error instanceof GPUOutOfMemoryError;
      listener(
        outOfMemory
          ? new FathomError('out-of-memory', `the GPU has run out of memory: ${error.message}`)
          : new FathomError('gpu', `the GPU refused a command: ${error.message}`, {
              reason: error.message,
            }),
      );
    };
    this.device.addEventListener('uncapturederror', hear);
    return () => this.device.removeEventListener('uncapturederror', hear);
  }

  /**
   * A buffer that kernels read, as storage or uniform, and write, and that can be copied from and to.
   * Throws a FathomError `too-large` if the device binds no buffer of so many bytes.
   */
  storage(label: string, bytes: number): GPUBuffer {
    expectFits(this.device, label, bytes);
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

  /** What the device can do at most: measured at the first call, which should find the device at rest. */
  peaks(): Promise<Peaks> {
    this.measuredPeaks ??= measurePeaks(this.device);
    return this.measuredPeaks;
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
    try {
      await staging.mapAsync(GPUMapMode.READ);
      return staging.getMappedRange().slice(0);
    } finally {
      staging.destroy();
    }
  }
}

/** Refuses by name what the device could not bind: it would be found out only in the middle of a step. */
function expectFits(device: GPUDevice, what: string, bytes: number): void {
  const limit = bindableBytes(device);
  if (bytes <= limit) return;
  const mebibytes = (value: number) => Math.ceil(value / 2 ** 20);
  throw new FathomError(
    'too-large',
    `${what} take ${mebibytes(bytes)} MiB in one buffer, but this adapter holds ${mebibytes(limit)} MiB at most: ` +
      'choose a smaller batch, width or image size',
    { what, needed: mebibytes(bytes), limit: mebibytes(limit) },
  );
}

/**
 * One set of transient buffers, as large as the greediest plan needs. Plans reserve what they need and give
 * it back; when the greediest is gone, the set shrinks.
 */
export class TransientBuffers {
  /** Rises when buffers were replaced: bind groups made before are stale. */
  version = 0;
  private readonly device: GPUDevice;
  private buffers: GPUBuffer[] = [];
  private readonly reservations = new Set<readonly number[]>();

  constructor(device: GPUDevice) {
    this.device = device;
  }

  get bytes(): number {
    return this.buffers.reduce((sum, { size }) => sum + size, 0);
  }

  /** Makes sure that buffer i holds at least `sizes[i]` bytes, until they are released. */
  reserve(sizes: readonly number[]): void {
    for (const size of sizes) expectFits(this.device, 'the activations of a layer', size);
    this.reservations.add(sizes);
    this.fit();
  }

  release(sizes: readonly number[]): void {
    this.reservations.delete(sizes);
    this.fit();
  }

  get(index: number): GPUBuffer {
    const buffer = this.buffers[index];
    if (!buffer) throw new Error(`transient buffer ${index} was not reserved`);
    return buffer;
  }

  /** Replaces every buffer whose size is not the greatest that is reserved. */
  private fit(): void {
    const wanted: number[] = [];
    for (const sizes of this.reservations) {
      sizes.forEach((size, index) => {
        wanted[index] = Math.max(wanted[index] ?? 0, size);
      });
    }
    const before = this.buffers;
    this.buffers = wanted.map((size, index) => {
      const present = before[index];
      if (present?.size === size) return present;
      this.version++;
      return this.device.createBuffer({
        label: `transient ${index}`,
        size,
        usage:
          GPUBufferUsage.STORAGE |
          GPUBufferUsage.UNIFORM |
          GPUBufferUsage.COPY_SRC |
          GPUBufferUsage.COPY_DST,
      });
    });
    // Work that was submitted keeps the old memory until it is done.
    for (const buffer of before) if (!this.buffers.includes(buffer)) buffer.destroy();
  }
}
