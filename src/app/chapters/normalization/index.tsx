/** Chapter: normalization. Batch, layer, instance and group norm differ only in the axes of their mean and variance. */
import { z } from 'zod';
import { defineChapter } from '../chapter.ts';
import { real, whole } from '../link.ts';
import { Bench } from './Bench.tsx';
import { METHODS, SIZES, SUBSETS } from './block.ts';
import en from './en.json';
import './normalization.css';
import zh from './zh.json';

export const texts = { en, zh };

/** Numbers of groups that divide the channels. */
export const DIVISORS = Array.from({ length: SIZES.c }, (_, i) => i + 1).filter(
  (groups) => SIZES.c % groups === 0,
);
export const STAGES = ['x', 'normalized', 'y'] as const;
export const VIEWS = ['histograms', 'groups', 'batches'] as const;

const link = z.object({
  method: z.enum(METHODS).default('batch'),
  /** Over which axes, where the method is `free`. */
  axes: z.enum(SUBSETS).default('np'),
  groups: z.coerce
    .number()
    .refine((groups) => DIVISORS.includes(groups))
    .default(4),
  gamma: real(0, 2, 1),
  beta: real(-3, 3, 0),
  mode: z.enum(['train', 'evaluate']).default('train'),
  /** What the block shows. */
  stage: z.enum(STAGES).default('x'),
  view: z.enum(VIEWS).default('histograms'),
  /** What is normalized: nothing where it is random, else `network` or `network/layer` of the experiment. */
  of: z.string().max(80).default(''),
  seed: whole(0, 9999, 1),
  /** The element whose group is lit, counted from 1. */
  n: whole(1, SIZES.n, 2),
  c: whole(1, SIZES.c, 3),
  p: whole(1, SIZES.p, 6),
});

export type State = z.output<typeof link>;

const TRIED =
  'networks=residual-8,residual-8.layer_norm,residual-8.instance_norm,residual-8.group_norm';

export default defineChapter({
  id: 'normalization',
  link,
  formula: {
    tex: String.raw`\hat x_i=\frac{x_i-\mu_i}{\sqrt{\sigma_i^2+\varepsilon}},\qquad y_i=\gamma\,\hat x_i+\beta`,
    plain: 'x̂ = (x − μ) / √(σ² + ε),  y = γ·x̂ + β',
  },
  states: [
    { name: 'opening', state: {} },
    { name: 'layer', state: { method: 'layer' } },
    { name: 'instance', state: { method: 'instance' } },
    { name: 'group', state: { method: 'group' } },
    { name: 'groups', state: { view: 'groups', stage: 'normalized' } },
    { name: 'affine', state: { gamma: 1.5, beta: 2, stage: 'y' } },
    { name: 'batches', state: { view: 'batches' } },
    { name: 'evaluate', state: { mode: 'evaluate', view: 'batches' } },
  ],
  tries: [2, 8, 32].map((batch) => ({
    name: `batch${batch}`,
    query: `${TRIED}&batch=${batch}&steps=600`,
  })),
  Instrument: Bench,
});
