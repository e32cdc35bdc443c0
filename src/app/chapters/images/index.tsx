/** Chapter: images in. Normalization a channel, augmentation in training, crops at test time. */
import { z } from 'zod';
import { defineChapter } from '../chapter.ts';
import { flag, real, whole } from '../link.ts';
import { Bench } from './Bench.tsx';
import en from './en.json';
import './images.css';
import zh from './zh.json';

export const texts = { en, zh };

const link = z.object({
  view: z.enum(['channels', 'augment', 'crops']).default('channels'),
  step: z.enum(['raw', 'centred', 'scaled']).default('scaled'),
  /** Of the training set; of the test set for crops. */
  picture: whole(0, 999, 3),
  flip: flag(true),
  pad: whole(0, 8, 0),
  resize: flag(true),
  /** Short sides after resizing, as multiples of the training size. */
  from: real(1, 4, 1.14),
  to: real(1, 4, 2.14),
  brightness: real(0, 1, 0),
  contrast: real(0, 1, 0),
  saturation: real(0, 1, 0),
  cutout: whole(0, 32, 0),
  /** Of the draws. */
  seed: whole(0, 9999, 1),
  /** At how many scales crops are taken. */
  scales: whole(1, 3, 1),
});

export type State = z.output<typeof link>;

export default defineChapter({
  id: 'images',
  link,
  formula: {
    tex: String.raw`\hat x_{c}=\frac{x_{c}-\mu_c}{\sigma_c},\qquad \bar p=\frac1K\sum_{k=1}^{K} f_w\bigl(\mathrm{crop}_k(x)\bigr)`,
    plain: 'x̂ = (x − μ) / σ of each channel,  p̄ = 1/K Σ f(cropₖ(x))',
  },
  states: [
    { name: 'opening', state: {} },
    { name: 'raw', state: { step: 'raw' } },
    { name: 'flip', state: { view: 'augment', resize: false } },
    { name: 'resize', state: { view: 'augment' } },
    {
      name: 'colour',
      state: {
        view: 'augment',
        resize: false,
        brightness: 0.4,
        contrast: 0.4,
        saturation: 0.4,
        cutout: 6,
      },
    },
    { name: 'crops', state: { view: 'crops' } },
    { name: 'scales', state: { view: 'crops', scales: 3 } },
  ],
  tries: [
    { name: 'without', query: 'networks=residual-20&trainCount=400&flip=false&steps=600' },
    {
      name: 'with',
      query:
        'networks=residual-20&trainCount=400&resize=true&resizeTo=1.4&cutout=4&brightness=0.3&steps=600',
    },
  ],
  Instrument: Bench,
});
