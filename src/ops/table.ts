/** The table of ops. Adding an op is one `.ts` file, one `.wgsl` file and one line here. */
import { batchNorm } from './batch_norm.ts';
import { conv2d } from './conv2d.ts';
import { add, relu } from './elementwise.ts';
import { globalAvgPool } from './global_avg_pool.ts';
import { linear } from './linear.ts';
import { shortcutOptionA } from './shortcut.ts';
import type { Op } from './op.ts';

export const ops = {
  add,
  batch_norm: batchNorm,
  conv2d,
  global_avg_pool: globalAvgPool,
  linear,
  relu,
  shortcut_option_a: shortcutOptionA,
} satisfies Record<string, Op>;
