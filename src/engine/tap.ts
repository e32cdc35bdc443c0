/** What one layer of a network hands on, element by element. */
import { FathomError } from '../errors.ts';
import { buildGraph } from '../network/graph.ts';
import { tensor as hostTensor } from '../reference/tensor.ts';
import type { Tensor as HostTensor } from '../reference/tensor.ts';
import { ceilDiv } from '../ops/op.ts';
import { pad4, storedElements, unpack } from '../ops/tensor.ts';
import type { Tensor } from '../ops/tensor.ts';
import { materializeCall } from '../ops/view.ts';
import type { StepScalars } from '../ops/step.ts';
import { tensor } from './graph/lower.ts';
import type { GpuNetwork } from './network.ts';
import type { Place } from './pass.ts';

/**
 * The output of the layer at `path` in the step that `scalars` and `indices` would make, as training computes it. The
 * network stays as it is.
 *
 * @returns [N, C, H, W], or [N, C] behind a flattening
 * @throws FathomError `no-layer` where no layer of the present wiring has that path
 */
export async function tap(
  network: GpuNetwork,
  path: string,
  scalars: StepScalars,
  indices?: Uint32Array<ArrayBuffer>,
): Promise<HostTensor> {
  const { gpu } = network;
  const { nodes } = buildGraph(network.spec, network.options.batch);
  const shape = nodes.find((node) => node.path === path)?.output.shape;
  if (!shape) {
    throw new FathomError('no-layer', `the network ${network.spec.name} has no layer "${path}"`, {
      path,
    });
  }
  const copy = tensor(`copy of ${path}`, shape, 'image', 'external');
  const channels = shape[1] ?? 1;
  const neutral = tensor('neutral', [ceilDiv(channels, 4), 4, 4], 'flat', 'external');
  const buffers = [copy, neutral].map((each) => gpu.storage(each.name, 4 * storedElements(each)));
  const [to, coefficients] = buffers as [GPUBuffer, GPUBuffer];
  gpu.device.queue.writeBuffer(coefficients, 0, neutralCoefficients(channels));
  const places = new Map<Tensor, Place>([
    [copy, { buffer: to, offset: 0 }],
    [neutral, { buffer: coefficients, offset: 0 }],
  ]);
  try {
    const rehearsal = network.rehearsal(
      () => ({
        output: (node, y, emit) => {
          if (node.path !== path) return;
          emit.dispatch(materializeCall({ x: y, coefficients: neutral, relu: false }, copy));
        },
        gradient: () => undefined,
        updated: () => undefined,
      }),
      places,
    );
    try {
      await rehearsal.compile();
      rehearsal.run(scalars, indices);
      const floats = new Float32Array(await gpu.read(to, 0, 4 * storedElements(copy)));
      return hostTensor(shape, unpack(copy, floats));
    } finally {
      rehearsal.destroy();
    }
  } finally {
    for (const buffer of buffers) buffer.destroy();
  }
}

/** (x − 0)·1 + 0 for every channel: see `View`. */
function neutralCoefficients(channels: number): Float32Array<ArrayBuffer> {
  const SLOPE = 1;
  return Float32Array.from({ length: 4 * pad4(channels) }, (_, i) =>
    Math.floor(i / 4) % 4 === SLOPE ? 1 : 0,
  );
}
