/** Chapter: dropout. Random masks in training, one scaled pass at test time, and why the two agree on average. */
import { z } from 'zod';
import { defineChapter } from '../chapter.ts';
import { flag, real, whole } from '../link.ts';
import { Bench } from './Bench.tsx';
import './dropout.css';
import en from './en.json';
import { PASSES } from './passes.ts';
import zh from './zh.json';

export const texts = { en, zh };

const link = z.object({
  /** Probability that a unit is dropped. */
  drop: real(0, 0.9, 0.5),
  /** Which probability the letter p stands for. */
  p: z.enum(['drop', 'keep']).default('drop'),
  layers: z.enum(['last', 'both']).default('last'),
  scaling: flag(true),
  /** Of the masks. */
  seed: whole(0, 9999, 1),
  /** Passes so far; the last of them is drawn. */
  passes: whole(1, PASSES, PASSES),
  /** Whether the last pass is drawn, or the one at test time. */
  show: z.enum(['pass', 'test']).default('pass'),
  /** The unit whose value is read: 0–4 and 5–9 in the hidden layers, 10 is the output. */
  unit: whole(0, 10, 10),
});

export type State = z.output<typeof link>;

export default defineChapter({
  id: 'dropout',
  link,
  formula: {
    tex: String.raw`m_i\sim\mathrm{Bernoulli}(1-p),\qquad \mathbb E\!\left[\frac{\mathbf m\odot\mathbf h}{1-p}\right]=\mathbf h`,
    plain: 'mᵢ ~ Bernoulli(1 − p),  E[m ⊙ h / (1 − p)] = h',
  },
  states: [
    { name: 'opening', state: {} },
    { name: 'one', state: { passes: 1 } },
    { name: 'test', state: { show: 'test' } },
    { name: 'unscaled', state: { scaling: false } },
    { name: 'heavy', state: { drop: 0.8 } },
    { name: 'both', state: { layers: 'both' } },
  ],
  tries: [
    {
      name: 'small',
      query: 'networks=plain-8,plain-8.dropout50&trainCount=200&steps=600',
    },
  ],
  Instrument: Bench,
});
