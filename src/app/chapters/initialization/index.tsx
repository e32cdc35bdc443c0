/** Chapter: initialization. What σ of the weights does to a signal through ten layers, and to its gradient back. */
import { z } from 'zod';
import { defineChapter } from '../chapter.ts';
import { real, whole } from '../link.ts';
import { Bench } from './Bench.tsx';
import en from './en.json';
import './initialization.css';
import { ACTIVATIONS, RULES } from './theory.ts';
import zh from './zh.json';

export const texts = { en, zh };

export const WIDTHS = [256, 1024, 4096] as const;
export const DEPTH = 10;
export const SAMPLES = 16;

const link = z.object({
  width: z.coerce
    .number()
    .refine((width) => (WIDTHS as readonly number[]).includes(width))
    .default(256),
  activation: z.enum(ACTIVATIONS).default('relu'),
  rule: z.enum(RULES).default('small'),
  /** σ where the rule is `free`. */
  sigma: real(0.001, 0.5, 0.1),
  seed: whole(0, 9999, 1),
  /** The layer whose numbers are read; 0 is the input. */
  layer: whole(0, DEPTH, DEPTH),
  /** Whether all histograms stand on one axis, or each on its own. */
  scale: z.enum(['one', 'own']).default('one'),
});

export type State = z.output<typeof link>;

const RUN = 'batch=32&steps=600';

export default defineChapter({
  id: 'initialization',
  link,
  formula: {
    tex: String.raw`\text{ReLU:}\quad \mathrm{E}[h_L^2]=\left(\tfrac{n\sigma^2}{2}\right)^{\!L}\mathrm{E}[h_0^2]`,
    plain: 'ReLU:  E[h_L²] = (nσ²/2)^L · E[h_0²]',
  },
  states: [
    { name: 'opening', state: {} },
    { name: 'explode', state: { rule: 'free', sigma: 0.2 } },
    { name: 'kaiming', state: { rule: 'kaiming' } },
    { name: 'xavier', state: { rule: 'xavier' } },
    { name: 'tanh', state: { rule: 'xavier', activation: 'tanh' } },
    { name: 'saturated', state: { rule: 'free', sigma: 0.3, activation: 'tanh' } },
    { name: 'linear', state: { rule: 'xavier', activation: 'identity' } },
    { name: 'notes', state: { width: 4096, rule: 'large' } },
  ],
  tries: [
    {
      name: 'bare',
      query: `networks=plain-20.no_norm.init_small,plain-20.no_norm.init_xavier,plain-20.no_norm&${RUN}`,
    },
    {
      name: 'norm',
      query: `networks=plain-20.init_small,plain-20,plain-20.init_large&${RUN}`,
    },
  ],
  Instrument: Bench,
});
