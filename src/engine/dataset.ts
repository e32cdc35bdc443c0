/**
 * Labelled pictures for the kernels that gather batches: as bytes on the GPU, in as many buffers as the device's limits
 * ask for; or, where they take more of its memory than they may, streamed batch by batch.
 *
 * A streamed set is shuffled like any other, and its curves are the same bit for bit: the order of pictures is drawn
 * from the seed before anything is uploaded, and `writeBuffer` is ordered with submits, so the pictures of a step are
 * on their way while the GPU is busy with the steps before. 128 pictures of 32×32 are 393 kB, once for all networks.
 */
import type { ChannelStatistics, Dataset, LabelledImages } from '../data/dataset.ts';
import type { BatchSource } from '../ops/batch.ts';
import { quads } from '../ops/tensor.ts';
import type { Tensor } from '../ops/tensor.ts';
import { tensor } from './graph/lower.ts';
import { bindableBytes } from './gpu/device.ts';
import type { Gpu } from './gpu/gpu.ts';
import type { Place } from './pass.ts';

export interface DeviceDatasetOptions {
  channels: number;
  statistics: ChannelStatistics;
  /** How many pictures a pass takes. */
  batch: number;
  /** Bytes that the pictures may take on the GPU; more are streamed. What the device allows where nothing is said. */
  room?: number;
  /** Bytes that one buffer of pictures takes at most; what the device binds where nothing is said. */
  bufferBytes?: number;
}

export class DeviceDataset {
  readonly count: number;
  /** Whether pictures come batch by batch. */
  readonly streamed: boolean;
  readonly source: BatchSource;
  readonly places: ReadonlyMap<Tensor, Place>;
  private readonly gpu: Gpu;
  /** Of pictures and labels, whole or of a batch. */
  private readonly pictures: GPUBuffer[];
  private readonly labels: GPUBuffer;
  private readonly indices: GPUBuffer;
  private readonly channelStatistics: GPUBuffer;
  private readonly stage: Stage | null;

  /**
   * Uploads what does not change from pass to pass.
   * Throws a FathomError `too-large` where a picture, or a batch of a streamed set, is more than a buffer holds.
   */
  constructor(gpu: Gpu, images: LabelledImages, options: DeviceDatasetOptions) {
    const { channels, statistics, batch, room = gpu.pictureBytes } = options;
    this.gpu = gpu;
    this.count = images.count;
    this.streamed = images.images.byteLength > room;
    this.stage = this.streamed ? new Stage(images, batch) : null;
    const held = this.stage ?? images;
    const perPicture = images.images.byteLength / Math.max(1, images.count);
    const { bufferBytes = bindableBytes(gpu.device) } = options;
    const perBuffer = this.streamed ? batch : Math.max(1, Math.floor(bufferBytes / perPicture));

    const upload = (name: string, data: Uint8Array<ArrayBufferLike>): GPUBuffer => {
      const buffer = gpu.storage(name, data.byteLength);
      write(gpu.device.queue, buffer, data);
      return buffer;
    };
    const firsts = Array.from(
      { length: Math.ceil(held.count / perBuffer) },
      (_, i) => i * perBuffer,
    );
    this.pictures = firsts.map((first) =>
      upload(
        'pictures',
        held.images.subarray(first * perPicture, (first + perBuffer) * perPicture),
      ),
    );
    this.labels = upload('picture labels', held.labels);
    const scales = packStatistics(channels, statistics);
    this.channelStatistics = upload('channel statistics', new Uint8Array(scales.buffer));
    // Those of a streamed set lie in the order of the batch.
    const places = Uint32Array.from({ length: batch }, (_, i) => i);
    this.indices = upload('batch indices', new Uint8Array(places.buffer));

    const external = (name: string, buffer: GPUBuffer): [Tensor, Place] => [
      tensor(name, [buffer.size / 4], 'flat', 'external'),
      { buffer, offset: 0 },
    ];
    const shards = this.pictures.map((buffer) => external('pictures', buffer));
    const labels = external('picture labels', this.labels);
    const indices = external('batch indices', this.indices);
    const packed = external('channel statistics', this.channelStatistics);
    this.places = new Map([...shards, labels, indices, packed]);
    this.source = {
      shards: shards.map(([pictures], i) => ({
        pictures,
        first: firsts[i] ?? 0,
        count: perBuffer,
      })),
      labels: labels[0],
      indices: indices[0],
      statistics: packed[0],
    };
  }

  /** Bytes of pictures and labels on the GPU. */
  get bytes(): number {
    return [...this.pictures, this.labels].reduce((sum, { size }) => sum + size, 0);
  }

  /** Names the pictures of the next pass; allocates nothing. */
  select(indices: Uint32Array<ArrayBuffer>): void {
    const { queue } = this.gpu.device;
    const [pictures] = this.pictures;
    if (!this.stage) return queue.writeBuffer(this.indices, 0, indices);
    if (!pictures || !this.stage.fill(indices)) return;
    queue.writeBuffer(pictures, 0, this.stage.images);
    queue.writeBuffer(this.labels, 0, this.stage.labels);
  }

  destroy(): void {
    const { pictures, labels, indices, channelStatistics } = this;
    for (const buffer of [...pictures, labels, indices, channelStatistics]) buffer.destroy();
  }
}

/** Both parts of a set; test pictures take what room the training pictures leave. Throws as {@link DeviceDataset}. */
export function placeDataset(
  gpu: Gpu,
  { train, test, channels, statistics }: Dataset,
  batch: number,
): { train: DeviceDataset; test: DeviceDataset } {
  const options = { channels, statistics, batch };
  const first = new DeviceDataset(gpu, train, options);
  try {
    const room = Math.max(0, gpu.pictureBytes - first.bytes);
    return { train: first, test: new DeviceDataset(gpu, test, { ...options, room }) };
  } catch (error) {
    first.destroy();
    throw error;
  }
}

/** No picture has this number. */
const NONE = 0xffffffff;

/** The pictures of one batch in the order of the batch, on their way to the GPU. */
class Stage implements LabelledImages {
  readonly count: number;
  readonly images: Uint8Array<ArrayBuffer>;
  readonly labels: Uint8Array<ArrayBuffer>;
  private readonly from: LabelledImages;
  private readonly perPicture: number;
  /** The pictures that are here. */
  private readonly held: Uint32Array;

  constructor(from: LabelledImages, batch: number) {
    this.from = from;
    this.count = batch;
    this.perPicture = from.images.byteLength / from.count;
    this.images = new Uint8Array(whole(batch * this.perPicture));
    this.labels = new Uint8Array(whole(batch));
    this.held = new Uint32Array(batch).fill(NONE);
  }

  /** Fetches pictures; false where they are here already: networks that train side by side take the same. */
  fill(indices: Uint32Array): boolean {
    const { held, from, images, labels, perPicture } = this;
    let same = 0;
    while (same < indices.length && indices[same] === held[same]) same++;
    if (same === indices.length) return false;
    held.set(indices);
    for (let n = 0; n < indices.length; n++) {
      const picture = indices[n] ?? 0;
      const start = picture * perPicture;
      labels[n] = from.labels[picture] ?? 0;
      // Not `set(subarray(…))`, which would make an object a picture.
      for (let i = 0, to = n * perPicture; i < perPicture; i++, to++) {
        images[to] = from.images[start + i] ?? 0;
      }
    }
    return true;
  }
}

/** WebGPU writes whole words. */
const whole = (bytes: number): number => Math.ceil(bytes / 4) * 4;

/** Writes bytes to the start of a buffer: what are no whole words at their end with zeros behind. */
function write(queue: GPUQueue, buffer: GPUBuffer, bytes: Uint8Array): void {
  const rest = bytes.byteLength % 4;
  const words = bytes.byteLength - rest;
  if (words > 0) queue.writeBuffer(buffer, 0, bytes as Uint8Array<ArrayBuffer>, 0, words);
  if (rest === 0) return;
  const last = new Uint8Array(4);
  last.set(bytes.subarray(words));
  queue.writeBuffer(buffer, words, last);
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
