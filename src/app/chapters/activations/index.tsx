/** Chapter: activations. Function and derivative, and what they do to values and gradients through many layers. */
import { z } from 'zod';
import { defineChapter } from '../chapter.ts';
import type { InstrumentProps } from '../chapter.ts';
import { real } from '../link.ts';
import en from './en.json';
import { FunctionPlot } from './FunctionPlot.tsx';
import { FUNCTIONS } from './functions.ts';
import zh from './zh.json';

export const texts = { en, zh };

const link = z.object({
  function: z.enum(FUNCTIONS).default('sigmoid'),
  /** Where the point stands. */
  x: real(-6, 6, 2),
});

export type State = z.output<typeof link>;

function Instrument({ state, change }: InstrumentProps<State>) {
  return <FunctionPlot name={state.function} x={state.x} change={change} />;
}

export default defineChapter({
  id: 'activations',
  link,
  formula: {
    tex: String.raw`\mathbf y=\phi(W\mathbf x+\mathbf b),\qquad \frac{\partial L}{\partial\mathbf x}=W^{\!\top}\Bigl(\phi'\odot\frac{\partial L}{\partial\mathbf y}\Bigr)`,
    plain: 'y = φ(Wx + b),  dL/dx = Wᵀ(φ′ ⊙ dL/dy)',
  },
  states: [
    { name: 'opening', state: {} },
    { name: 'relu', state: { function: 'relu', x: -2 } },
    { name: 'gelu', state: { function: 'gelu', x: -0.75 } },
  ],
  tries: [],
  Instrument,
});
