/** What initialization does to a signal: the question of its chapter, answered layer by layer, with what proves each number. */
import { z } from 'zod';
import type { Gpu } from '../engine/gpu/gpu.ts';
import { propagate, propagateReference, weightOf } from '../engine/signal.ts';
import type { SignalSetting, SignalStep } from '../engine/signal.ts';
import { describeReference } from '../ops/describe.ts';
import type { Description } from '../ops/describe.ts';
import { ops } from '../ops/table.ts';
import { need, tensor } from '../reference/tensor.ts';
import type { Tensor } from '../reference/tensor.ts';
import { textsOf } from './kernel_text.ts';
import type { KernelText } from './kernel_text.ts';

const signalSetting = z.strictObject({
  width: z.int().min(1).max(4096),
  depth: z.int().min(1).max(32),
  samples: z.int().min(1).max(64),
  std: z.number().min(0).max(10),
  activation: z.enum(['relu', 'tanh', 'identity']),
  seed: z.int().min(0).max(0xffff_ffff),
}) satisfies z.ZodType<SignalSetting>;

/** A few of the numbers of a tensor, the first. */
export interface Excerpt {
  shape: readonly number[];
  data: Float64Array;
}

/** One output of sample 0, the first that is not 0: a row of the weight, drawn again in float64, times what came to the layer. */
export interface SignalOutput {
  unit: number;
  x: Excerpt;
  weight: Excerpt;
  value: number;
  reference: number;
}

export interface SignalLayer extends Pick<SignalStep, 'phase' | 'layer' | 'description'> {
  by: 'gpu' | 'reference';
  /** The description of the same numbers in float64. */
  reference: Description;
  values: Excerpt;
  /** Of layers on the way forward; the input has none. */
  output: SignalOutput | null;
  kernels: KernelText[];
}

/** One more than a proof shows, so that it says that there are more. */
const EXCERPT = 9;

const excerpt = ({ shape, data }: Tensor): Excerpt => ({ shape, data: data.slice(0, EXCERPT) });

/** Goes through the layers and back. Throws where the setting is none. */
export async function* signal(
  gpu: Gpu | null,
  question: SignalSetting,
): AsyncGenerator<SignalLayer> {
  const setting = signalSetting.parse(question);
  const steps = gpu ? propagate(gpu, setting) : propagateReference(setting);
  let before: Tensor | null = null;
  for await (const { phase, layer, values, description, dispatches } of steps) {
    yield {
      by: gpu ? 'gpu' : 'reference',
      phase,
      layer,
      description,
      reference: describeReference(values.data),
      values: excerpt(values),
      output: phase === 'forward' && before ? outputOf(setting, layer, before, values) : null,
      kernels: textsOf(dispatches),
    };
    before = values;
  }
}

function outputOf(setting: SignalSetting, layer: number, before: Tensor, y: Tensor): SignalOutput {
  const { width, activation } = setting;
  const unit = Math.max(
    0,
    y.data.subarray(0, width).findIndex((value) => value !== 0),
  );
  const x = tensor([width], before.data.subarray(0, width));
  const weight = tensor(
    [width],
    Float64Array.from({ length: width }, (_, i) => weightOf(setting, layer, unit, i)),
  );
  const z = x.data.reduce((sum, value, i) => sum + value * (weight.data[i] ?? NaN), 0);
  const result = need(ops[activation].reference.forward({}, { x: tensor([1], [z]) }), 'y');
  return {
    unit,
    x: excerpt(x),
    weight: excerpt(weight),
    value: y.data[unit] ?? NaN,
    reference: result.data[0] ?? NaN,
  };
}
