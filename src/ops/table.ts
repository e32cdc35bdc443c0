/** The table of ops. Adding an op is one `.ts` file, one `.wgsl` file, one line here, one among the layers of `network/spec.ts` and one in `groups.ts`. */
import { elu, gelu, identity, leakyRelu, sigmoid, silu, tanh } from './activations.ts';
import { batchNorm } from './batch_norm.ts';
import { conv2d } from './conv2d.ts';
import { dropout, dropout2d } from './dropout.ts';
import { add, relu } from './elementwise.ts';
import { flatten } from './flatten.ts';
import { globalAvgPool } from './global_avg_pool.ts';
import { groupNorm, instanceNorm, layerNorm } from './group_norm.ts';
import { linear } from './linear.ts';
import { avgPool2d, maxPool2d } from './pool2d.ts';
import { shortcutOptionA } from './shortcut.ts';
import type { Op } from './op.ts';

export const ops = {
  add,
  avg_pool2d: avgPool2d,
  batch_norm: batchNorm,
  conv2d,
  dropout,
  dropout2d,
  elu,
  flatten,
  gelu,
  global_avg_pool: globalAvgPool,
  group_norm: groupNorm,
  identity,
  instance_norm: instanceNorm,
  layer_norm: layerNorm,
  leaky_relu: leakyRelu,
  linear,
  max_pool2d: maxPool2d,
  relu,
  shortcut_option_a: shortcutOptionA,
  sigmoid,
  silu,
  tanh,
} satisfies Record<string, Op>;

export type OpName = keyof typeof ops;
