/** Chapter: activations. Function and derivative, and what they do to values and gradients through many layers. */
import { useTranslation } from 'react-i18next';
import { z } from 'zod';
import { defineChapter } from '../chapter.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Choose } from '../controls.tsx';
import { flag, real, whole } from '../link.ts';
import './activations.css';
import { Curves } from './Curves.tsx';
import { Depth } from './Depth.tsx';
import { STEPS } from './descent.ts';
import en from './en.json';
import { FUNCTIONS } from './functions.ts';
import { Gelu } from './Gelu.tsx';
import { SPAN } from './grid.ts';
import { DEEPEST, GAINS } from './stack.ts';
import zh from './zh.json';
import { Zigzag } from './Zigzag.tsx';

export const texts = { en, zh };

const VIEWS = { curves: Curves, depth: Depth, zigzag: Zigzag, gelu: Gelu } as const;
type ViewName = keyof typeof VIEWS;
const NAMES = Object.keys(VIEWS) as ViewName[];

const link = z.object({
  view: z.enum(NAMES).default('curves'),
  function: z.enum(FUNCTIONS).default('sigmoid'),
  /** Where the point stands. */
  x: real(-SPAN, SPAN, 3),
  /** Whether the other functions are drawn as well. */
  others: flag(false),
  /** Slope of leaky ReLU below 0. */
  slope: real(0, 0.5, 0.01),
  /** Of ELU. */
  alpha: real(0, 1.5, 1),
  /** Of the stack. */
  layers: whole(2, DEEPEST, 20),
  gain: z.enum(GAINS).default('kaiming'),
  /** The bias of every unit of the stack. */
  shift: real(-1.5, 1.5, 0),
  seed: whole(0, 9999, 1),
  /** Steps of the descent that are drawn. */
  step: whole(1, STEPS, 16),
  batch: z.enum(['one', 'all']).default('one'),
  /** Learning rate of the descent. */
  rate: real(0.1, 1.5, 1),
});

export type State = z.output<typeof link>;

function Instrument(props: InstrumentProps<State>) {
  const { t } = useTranslation('activations');
  const { view } = props.state;
  const View = VIEWS[view];
  return (
    <>
      <Choose
        name="view"
        label={t('view.label')}
        value={view}
        values={NAMES}
        nameOf={(value) => t(`view.${value}`)}
        onChange={(value) => props.change({ view: value })}
      />
      <View {...props} />
    </>
  );
}

/** The same network under each function, and what the sweep of them needs to be done within minutes. */
const networks = (base: string) =>
  ['', '.leaky_relu', '.elu', '.silu', '.gelu', '.tanh', '.sigmoid']
    .map((variant) => base + variant)
    .join(',');

export default defineChapter({
  id: 'activations',
  link,
  formula: {
    tex: String.raw`\mathbf y=\phi(W\mathbf x+\mathbf b),\qquad \frac{\partial L}{\partial\mathbf x}=W^{\!\top}\Bigl(\phi'\odot\frac{\partial L}{\partial\mathbf y}\Bigr)`,
    plain: 'y = φ(Wx + b),  dL/dx = Wᵀ(φ′ ⊙ dL/dy)',
  },
  views: { field: 'view', names: NAMES },
  states: [
    { name: 'opening', state: {} },
    { name: 'relu', state: { function: 'relu', x: -2 } },
    { name: 'all', state: { function: 'gelu', x: -0.75, others: true } },
    { name: 'depth', state: { view: 'depth' } },
    { name: 'depthRelu', state: { view: 'depth', function: 'relu' } },
    { name: 'dead', state: { view: 'depth', function: 'relu', shift: -0.5 } },
    { name: 'zigzag', state: { view: 'zigzag' } },
    { name: 'batch', state: { view: 'zigzag', batch: 'all' } },
    { name: 'gelu', state: { view: 'gelu', x: 1 } },
    { name: 'dip', state: { view: 'gelu', x: -0.75 } },
  ],
  tries: [
    { name: 'norm', query: `networks=${networks('plain-20')}&batch=32&steps=400` },
    { name: 'bare', query: `networks=${networks('plain-8.no_norm')}&batch=32&steps=400` },
  ],
  Instrument,
});
