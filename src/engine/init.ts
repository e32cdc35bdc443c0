/** Initial values of learned parameters. */
import type { NamedParameter } from '../network/graph.ts';
import { elements } from '../ops/tensor.ts';
import { normal, streamOf, uniform } from '../random.ts';

/**
 * Values in PyTorch's order. Each parameter draws from a stream of its own, keyed by its name: networks
 * of one seed agree on every parameter they share, whatever their depth and however they are wired.
 */
export function initialValues({ name, shape, init }: NamedParameter, seed: number): Float32Array {
  const values = new Float32Array(elements(shape));
  const stream = streamOf(name);
  switch (init.kind) {
    case 'constant':
      return values.fill(init.value);
    case 'kaiming_normal': {
      const deviation = Math.sqrt(2 / elements(shape.slice(1)));
      return values.map((_, i) => deviation * normal(seed, stream, i));
    }
    case 'uniform_fan_in': {
      const bound = 1 / Math.sqrt(init.fanIn);
      return values.map((_, i) => bound * (2 * uniform(seed, stream, i) - 1));
    }
  }
}
