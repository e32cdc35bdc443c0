/** What every contender is given: a network's initial weights and one batch, from our own seed and data. */
import { generateBuiltin } from '../src/data/builtin.ts';
import { initialValues } from '../src/engine/init.ts';
import { buildGraph, graphParameters, stepFlops } from '../src/network/graph.ts';
import { networkOf } from './config.ts';
import type { BenchConfig } from './config.ts';

export interface Weight {
  /** torchvision's: `layer2.0.conv1.weight`. */
  name: string;
  /** Convolutions [O, I, KH, KW], the linear layer [O, I]. */
  shape: readonly number[];
  values: Float32Array<ArrayBuffer>;
}

export interface Task {
  config: BenchConfig;
  weights: readonly Weight[];
  /** Normalized pictures [N, 3, H, W]. */
  images: Float32Array<ArrayBuffer>;
  labels: Uint32Array<ArrayBuffer>;
  /** Floating-point operations of a training step, and of a forward pass. */
  stepFlops: number;
  forwardFlops: number;
}

const SEED = 1;

export async function makeTask(config: BenchConfig): Promise<Task> {
  const { size, batch } = config;
  const graph = buildGraph(networkOf(config), batch);
  const weights = graphParameters(graph).map((parameter) => ({
    name: parameter.name,
    shape: parameter.shape,
    values: Float32Array.from(initialValues(parameter, SEED)),
  }));
  const { train, statistics } = await generateBuiltin({ size });
  const plane = size * size;
  const images = Float32Array.from({ length: batch * 3 * plane }, (_, i) => {
    const channel = Math.floor(i / plane) % 3;
    const { mean, std } = statistics;
    return ((train.images[i] ?? 0) / 255 - (mean[channel] ?? 0)) / (std[channel] ?? 1);
  });
  const labels = Uint32Array.from({ length: batch }, (_, i) => train.labels[i] ?? 0);
  const flops = stepFlops(graph);
  return { config, weights, images, labels, stepFlops: flops, forwardFlops: flops / 3 };
}

/** One residual block of {@link blocksOf}. */
export interface Block {
  /** Its path: `layer2.0`. */
  path: string;
  channels: number;
  stride: 1 | 2;
}

/** The residual blocks of a network in order, for contenders that are written by hand. */
export function blocksOf({ depth, width }: BenchConfig): Block[] {
  return [1, 2, 3].flatMap((stage) =>
    Array.from({ length: (depth - 2) / 6 }, (_, i) => ({
      path: `layer${stage}.${i}`,
      channels: width * 2 ** (stage - 1),
      stride: stage > 1 && i === 0 ? (2 as const) : (1 as const),
    })),
  );
}
