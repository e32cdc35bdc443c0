/** Labelled pictures on the GPU, as bytes. */
import type { ChannelStatistics, LabelledImages } from '../data/dataset.ts';
import type { BatchSource } from '../ops/batch.ts';
import { quads } from '../ops/tensor.ts';
import type { Tensor } from '../ops/tensor.ts';
import { FathomError } from '../errors.ts';
import { tensor } from './graph/lower.ts';
import type { Gpu } from './gpu/gpu.ts';
import type { Place } from './pass.ts';

export class DeviceDataset {
  readonly count: number;
  readonly source: BatchSource;
  readonly places: ReadonlyMap<Tensor, Place>;
  private readonly gpu: Gpu;
  private readonly indices: GPUBuffer;
  private readonly buffers: GPUBuffer[];

  /**
   * Uploads pictures and labels once. `batch` is how many pictures a pass takes.
   * Throws if the bytes do not fit into one storage binding of the device.
   */
  constructor(
    gpu: Gpu,
    images: LabelledImages,
    channels: number,
    statistics: ChannelStatistics,
    batch: number,
  ) {
    this.gpu = gpu;
    this.count = images.count;
    const limit = gpu.device.limits.maxStorageBufferBindingSize;
    if (images.images.byteLength > limit) {
      throw new FathomError(
        'dataset-too-large',
        `the pictures take ${images.images.byteLength} bytes; this device binds at most ${limit}`,
        { bytes: images.images.byteLength, limit },
      );
    }
    const upload = (name: string, data: Uint8Array): GPUBuffer => {
      const buffer = gpu.storage(name, data.byteLength);
      const whole = new Uint8Array(buffer.size);
      whole.set(data);
      gpu.device.queue.writeBuffer(buffer, 0, whole);
      return buffer;
    };
    const scales = packStatistics(channels, statistics);
    const pictures = upload('pictures', images.images);
    const labels = upload('picture labels', images.labels);
    const channelStatistics = upload('channel statistics', new Uint8Array(scales.buffer));
    this.indices = gpu.storage('batch indices', batch * 4);
    this.buffers = [pictures, labels, channelStatistics, this.indices];

    const external = (name: string, buffer: GPUBuffer): [Tensor, Place] => [
      tensor(name, [buffer.size / 4], 'flat', 'external'),
      { buffer, offset: 0 },
    ];
    const placed = {
      pictures: external('pictures', pictures),
      labels: external('picture labels', labels),
      statistics: external('channel statistics', channelStatistics),
      indices: external('batch indices', this.indices),
    };
    this.places = new Map(Object.values(placed));
    this.source = {
      pictures: placed.pictures[0],
      labels: placed.labels[0],
      statistics: placed.statistics[0],
      indices: placed.indices[0],
    };
  }

  /** Names the pictures of the next pass. */
  select(indices: Uint32Array<ArrayBuffer>): void {
    this.gpu.device.queue.writeBuffer(this.indices, 0, indices);
  }

  destroy(): void {
    for (const buffer of this.buffers) buffer.destroy();
  }
}

/** For each vec4 of channels: mean, 1/std. A channel without deviation is only shifted. */
export function packStatistics(
  channels: number,
  { mean, std }: ChannelStatistics,
): Float32Array<ArrayBuffer> {
  const packed = new Float32Array(quads(channels) * 8);
  for (let c = 0; c < channels; c++) {
    const at = Math.floor(c / 4) * 8 + (c % 4);
    packed[at] = mean[c] ?? 0;
    packed[at + 4] = 1 / (std[c] || 1);
  }
  return packed;
}
