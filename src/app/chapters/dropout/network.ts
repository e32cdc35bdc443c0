/**
 * The chapter's network: 3 inputs, two hidden layers of 5 ReLU units, one output. Its weights are drawn once (He et al.
 * 2015, N(0, 2 / fan-in)) and stay; only the masks change from pass to pass.
 */
import { normal, streamOf } from '../../../random.ts';
import { tensor } from '../../../reference/tensor.ts';
import type { Tensor } from '../../../reference/tensor.ts';

/** Units by layer. */
export const LAYERS = [3, 5, 5, 1] as const;
/** Of the weights. With it a mean over masks before a ReLU differs visibly from one pass without masks. */
const SEED = 3678;

/** Normal numbers that float32 holds exactly. */
function drawn(shape: readonly number[], name: string, deviation: number): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const at = (_: unknown, i: number) => Math.fround(deviation * normal(SEED, streamOf(name), i));
  return tensor(shape, Array.from({ length: size }, at));
}

export interface Linear {
  weight: Tensor;
  bias: Tensor;
}

/** The input of every pass, [1, 3]. */
export const INPUT = tensor([1, LAYERS[0]], [1, 0.5, -0.75]);

/** From layer `to − 1` to layer `to`: weight [out, in], bias [out]. */
export const LINEAR: readonly Linear[] = [1, 2, 3].map((to) => {
  const [fanIn = 1, fanOut = 1] = LAYERS.slice(to - 1);
  return {
    weight: drawn([fanOut, fanIn], `weight${to}`, Math.sqrt(2 / fanIn)),
    bias: drawn([fanOut], `bias${to}`, 0.2),
  };
});
