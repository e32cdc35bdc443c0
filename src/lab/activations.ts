/** Real activations for the chapter on normalization: a corner of what a layer of a training network hands on. */
import { FathomError } from '../errors.ts';
import { tap } from '../engine/tap.ts';
import { buildGraph } from '../network/graph.ts';
import { imageDims } from '../ops/tensor.ts';
import type { StepScalars } from '../ops/step.ts';
import { tensor } from '../reference/tensor.ts';
import type { Tensor } from '../reference/tensor.ts';
import type { NetworkRun } from './run.ts';

/** Pictures (at least), channels, rows and columns of the corner that is taken. */
export const CORNER = { n: 4, c: 8, side: 4 } as const;

export interface Activations {
  network: string;
  path: string;
  /** Steps that the network had made. */
  iteration: number;
  /** Layers that are large enough, in the order of the forward pass. */
  paths: string[];
  /** [batch, 8, 4, 4]: all pictures, the first channels, the middle of each picture. */
  x: Tensor;
}

/** @throws FathomError `no-activations` where the batch or every layer is too small, or `path` is none of the layers */
export async function activationsOf(
  run: NetworkRun,
  path: string | undefined,
  { scalars, indices }: { scalars: StepScalars; indices: Uint32Array<ArrayBuffer> },
): Promise<Activations> {
  const { network } = run;
  const { batch } = network.options;
  const paths = buildGraph(network.spec, batch).nodes.flatMap(({ path: each, op, output }) => {
    const [, c, h, w] = imageDims(output.shape);
    return op.name === 'conv2d' && c >= CORNER.c && Math.min(h, w) >= CORNER.side ? [each] : [];
  });
  const chosen = path ?? paths[Math.floor(paths.length / 2)];
  if (batch < CORNER.n || chosen === undefined || !paths.includes(chosen)) {
    throw new FathomError(
      'no-activations',
      `${run.id}: activations of at least ${CORNER.n} pictures × ${CORNER.c} channels × ${CORNER.side} × ${CORNER.side} pixels ` +
        `are wanted of ${path ?? 'a layer'}; there are ${batch} pictures, and these layers are large enough: ${paths.join(', ') || 'none'}`,
      { network: run.id, path: path ?? '' },
    );
  }
  const y = await tap(network, chosen, scalars, indices);
  return { network: run.id, path: chosen, iteration: run.iteration, paths, x: cornerOf(y) };
}

/** The first channels and the middle rows and columns of [N, C, H, W]. */
function cornerOf({ shape, data }: Tensor): Tensor {
  const [n, channels, height, width] = imageDims(shape);
  const { c, side } = CORNER;
  const [top, left] = [Math.floor((height - side) / 2), Math.floor((width - side) / 2)];
  return tensor(
    [n, c, side, side],
    Array.from({ length: n * c * side * side }, (_, i) => {
      const column = left + (i % side);
      const row = top + (Math.floor(i / side) % side);
      const plane =
        Math.floor(i / (side * side * c)) * channels + (Math.floor(i / (side * side)) % c);
      return data[(plane * height + row) * width + column] ?? NaN;
    }),
  );
}
