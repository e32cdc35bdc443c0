/**
 * The kernels that make a batch of pictures, run by themselves on tensors given and returned in NCHW order; see
 * `shaders/batch.wgsl`. As in `run_op.ts`, each run must be awaited before the next.
 */
import type { ChannelStatistics } from '../data/dataset.ts';
import { emitAugmentation, resizeCropCall } from '../ops/augment.ts';
import { gatherCalls } from '../ops/batch.ts';
import { elements, imageDims } from '../ops/tensor.ts';
import type { Shape, Tensor } from '../ops/tensor.ts';
import type { Augmentation, Crop, Draw } from '../reference/augmentation.ts';
import { need } from '../reference/tensor.ts';
import type { Tensor as HostTensor } from '../reference/tensor.ts';
import { packStatistics } from './dataset.ts';
import { Recorder } from './graph/lower.ts';
import type { Dispatch } from './graph/lower.ts';
import type { Gpu } from './gpu/gpu.ts';
import { Bench } from './run_op.ts';

export interface PictureRun {
  y: HostTensor;
  dispatches: readonly Dispatch[];
}

/** What training does to a batch. */
export type BatchAugmentation = Augmentation & { pad: number; flip: boolean };

/** Normalizes bytes N×C×H×W. */
export function runGather(
  gpu: Gpu,
  bytes: Uint8Array,
  shape: Shape,
  statistics: ChannelStatistics,
): Promise<PictureRun> {
  const [n, c] = imageDims(shape);
  const words = new Uint32Array(Math.ceil(elements(shape) / 4));
  new Uint8Array(words.buffer).set(bytes);
  return run(gpu, shape, (bench, recorder, y) => {
    const pictures = bench.putBytes('pictures', [words.length], words);
    const source = {
      shards: [{ pictures, first: 0, count: n }],
      labels: bench.putBytes('labels', [n], new Uint32Array(n)),
      indices: bench.putBytes(
        'indices',
        [n],
        Uint32Array.from({ length: n }, (_, i) => i),
      ),
      statistics: putStatistics(bench, c, statistics),
    };
    const labels = recorder.transient('picked labels', [n], 'flat');
    for (const call of gatherCalls(source, y, labels)) recorder.dispatch(call);
  });
}

/** Augments normalized pictures as the training step of these keys would. */
export function runAugmentation(
  gpu: Gpu,
  x: HostTensor,
  augmentation: BatchAugmentation,
  statistics: ChannelStatistics,
  draw: Draw,
): Promise<PictureRun> {
  const [, c] = imageDims(x.shape);
  const { pad, flip } = augmentation;
  const scalars = { ...draw, pad, flip };
  return run(
    gpu,
    x.shape,
    (bench, recorder, y) => {
      const pictures = bench.put('x', x, 'image');
      const scales = putStatistics(bench, c, statistics);
      emitAugmentation(recorder, pictures, scales, y, augmentation);
    },
    scalars,
  );
}

/** Resizes each picture and cuts a given window out of it. */
export function runCrops(gpu: Gpu, x: HostTensor, crops: readonly Crop[]): Promise<PictureRun> {
  const words = crops.flatMap(({ side, top, left, mirrored }) => [
    side,
    top,
    left,
    Number(mirrored),
  ]);
  return run(gpu, x.shape, (bench, recorder, y) => {
    const choices = bench.putBytes('choices', [crops.length, 4], Int32Array.from(words));
    recorder.dispatch(resizeCropCall(bench.put('x', x, 'image'), y, { choices }));
  });
}

async function run(
  gpu: Gpu,
  shape: Shape,
  record: (bench: Bench, recorder: Recorder, y: Tensor) => void,
  scalars: Partial<Draw & { pad: number; flip: boolean }> = {},
): Promise<PictureRun> {
  const bench = new Bench(gpu);
  try {
    const recorder = new Recorder(gpu.tuning);
    const result = recorder.transient('y', shape, 'image');
    record(bench, recorder, result);
    const y = need(await bench.run(recorder, { y: result }, scalars), 'y');
    return { y, dispatches: recorder.dispatches };
  } finally {
    bench.destroy();
  }
}

const putStatistics = (bench: Bench, channels: number, statistics: ChannelStatistics) => {
  const packed = new Uint32Array(packStatistics(channels, statistics).buffer);
  return bench.putBytes('channel statistics', [packed.length], packed);
};
