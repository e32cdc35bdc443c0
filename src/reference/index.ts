/**
 * The table of reference ops, in plain float64 TypeScript: the oracle of the tests and the CPU
 * fallback of the chapters. Written to be read; nothing here is tuned.
 */
import { elu, gelu, identity, leakyRelu, relu, sigmoid, silu, tanh } from './activations.ts';
import { augment } from './augment.ts';
import { basicBlock } from './basic_block.ts';
import { conv2d } from './conv2d.ts';
import { dropout, dropout2d } from './dropout.ts';
import { flatten } from './flatten.ts';
import { linear } from './linear.ts';
import { softmaxCrossEntropy } from './loss.ts';
import { batchNorm, groupNorm, instanceNorm, layerNorm } from './norm.ts';
import type { ReferenceOp } from './op.ts';
import { adam, adamw, sgd } from './optimizers.ts';
import { avgPool2d, globalAvgPool, maxPool2d } from './pool.ts';
import { add, shortcutOptionA } from './residual.ts';

export type { ReferenceOp } from './op.ts';
export type { Tensor, Tensors } from './tensor.ts';

/** All ops by name. */
export const reference: Readonly<Record<string, ReferenceOp>> = {
  conv2d,
  batch_norm: batchNorm,
  layer_norm: layerNorm,
  instance_norm: instanceNorm,
  group_norm: groupNorm,
  identity,
  relu,
  sigmoid,
  tanh,
  gelu,
  silu,
  elu,
  leaky_relu: leakyRelu,
  dropout,
  dropout2d,
  flatten,
  linear,
  max_pool2d: maxPool2d,
  avg_pool2d: avgPool2d,
  global_avg_pool: globalAvgPool,
  softmax_cross_entropy: softmaxCrossEntropy,
  add,
  shortcut_option_a: shortcutOptionA,
  basic_block: basicBlock,
  augment,
  sgd,
  adam,
  adamw,
};
