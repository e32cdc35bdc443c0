/** Initial values of learned parameters. */
import type { NamedParameter } from '../network/graph.ts';
import { distribution } from '../ops/init.ts';
import { elements } from '../ops/tensor.ts';
import type { Shape } from '../ops/tensor.ts';
import { normal, streamOf, uniform } from '../random.ts';

/**
 * Values in PyTorch's order. Each parameter draws from a stream of its own, keyed by its name: networks
 * of one seed agree on every parameter they share, whatever their depth and however they are wired.
 */
export function initialValues({ name, shape, init }: NamedParameter, seed: number): Float32Array {
  const values = new Float32Array(elements(shape));
  const stream = streamOf(name);
  const drawn = distribution(init, shape);
  switch (drawn.kind) {
    case 'constant':
      return values.fill(drawn.value);
    case 'normal':
      return values.map((_, i) => drawn.std * normal(seed, stream, i));
    case 'uniform':
      return values.map((_, i) => drawn.bound * (2 * uniform(seed, stream, i) - 1));
    case 'dirac':
      return dirac(values, shape, drawn.groups);
  }
}

/** Within each group output channel o has a one at the middle tap of input channel o, as `torch.nn.init.dirac_`. */
function dirac(values: Float32Array, shape: Shape, groups: number): Float32Array {
  const [outputs = 1, inputs = 1, kh = 1, kw = 1] = shape;
  const perGroup = outputs / groups;
  const middle = Math.floor(kh / 2) * kw + Math.floor(kw / 2);
  for (let o = 0; o < outputs; o++) {
    const i = o % perGroup;
    if (i < inputs) values[(o * inputs + i) * kh * kw + middle] = 1;
  }
  return values;
}
