/** The ops by kind, as the document and the menu of the builder list them. A test fails while an op is in none. */
import type { OpName } from './table.ts';

export const OP_GROUPS = {
  linear: ['conv2d', 'linear'],
  normalization: ['batch_norm', 'layer_norm', 'instance_norm', 'group_norm'],
  activation: ['relu', 'leaky_relu', 'elu', 'silu', 'gelu', 'sigmoid', 'tanh', 'identity'],
  dropout: ['dropout', 'dropout2d'],
  pooling: ['max_pool2d', 'avg_pool2d', 'global_avg_pool', 'flatten'],
  residual: ['add', 'shortcut_option_a'],
} as const satisfies Record<string, readonly OpName[]>;

export type OpGroup = keyof typeof OP_GROUPS;
