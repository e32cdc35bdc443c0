/** Chapter: regularization. Random in training, averaged in testing: y = f_w(x, z). */
import { z } from 'zod';
import { defineChapter } from '../chapter.ts';
import { whole } from '../link.ts';
import { Bench } from './Bench.tsx';
import en from './en.json';
import './regularization.css';
import zh from './zh.json';

export const texts = { en, zh };

/** Random passes that are drawn at most. */
export const DRAWS = 128;

const link = z.object({
  /** What z is. */
  source: z.enum(['dropout', 'augmentation', 'batch']).default('dropout'),
  /** Of the test set. */
  picture: whole(0, 999, 3),
  /** So many passes are shown. */
  draws: whole(1, DRAWS, DRAWS),
  /** Of z. */
  seed: whole(0, 9999, 1),
  view: z.enum(['one', 'accuracy']).default('one'),
});

export type State = z.output<typeof link>;

export default defineChapter({
  id: 'regularization',
  link,
  formula: {
    tex: String.raw`\begin{gathered}y=f_w(x,z)\\ \mathbb E_z\,y\approx\frac1K\sum_{k=1}^{K} f_w(x,z_k)\pm\frac{2\sigma}{\sqrt K}\end{gathered}`,
    plain: 'y = f(x, z),  E f(x, z) ≈ 1/K Σ f(x, zₖ) ± 2σ/√K',
  },
  states: [
    { name: 'opening', state: {} },
    { name: 'one', state: { draws: 1 } },
    { name: 'few', state: { draws: 8 } },
    { name: 'augmentation', state: { source: 'augmentation' } },
    { name: 'batch', state: { source: 'batch' } },
    { name: 'accuracy', state: { view: 'accuracy' } },
  ],
  tries: [
    {
      name: 'dropout',
      query: 'networks=residual-8,residual-8.dropout25&trainCount=400&steps=600',
    },
    {
      name: 'augmentation',
      query: 'networks=residual-8&trainCount=400&resize=true&resizeTo=1.4&pad=2&steps=600',
    },
  ],
  Instrument: Bench,
});
