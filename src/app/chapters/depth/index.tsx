/** Chapter: depth. Why a deeper network could be no worse, and what makes that hard for plain layers and easy for residual blocks. */
import { useTranslation } from 'react-i18next';
import { z } from 'zod';
import { defineChapter } from '../chapter.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Choose } from '../controls.tsx';
import { flag, real, whole } from '../link.ts';
import { Argument } from './Argument.tsx';
import { STAGES } from './argument.ts';
import { Construction } from './Construction.tsx';
import './depth.css';
import en from './en.json';
import { Twin } from './Twin.tsx';
import zh from './zh.json';

export const texts = { en, zh };

const VIEWS = { argument: Argument, construction: Construction, twin: Twin } as const;
type ViewName = keyof typeof VIEWS;
const NAMES = Object.keys(VIEWS) as ViewName[];

/** Depths of the construction, as text in links. */
export const SHALLOW = ['8', '14', '20'] as const;
export const DEEP = ['14', '20', '32', '56'] as const;
export const TWINS = ['residual-8', 'residual-14', 'residual-20', 'plain-14'] as const;
/** Where the construction's shallow network is from. */
export const ORIGINS = ['here', 'experiment'] as const;
/** What is done to the twin when it splits off. */
export const PREPARED = ['first', 'last', 'freeze', 'silence', 'none'] as const;

const link = z.object({
  view: z.enum(NAMES).default('argument'),
  /** How far the argument has been clicked through. */
  stage: z.enum(STAGES).default('two'),
  /** What the second layer's weights are multiplied by. */
  scale: real(0, 1.5, 0.1),
  seed: whole(0, 9999, 1),
  residual: flag(false),
  from: z.enum(ORIGINS).default('here'),
  shallow: z.enum(SHALLOW).default('8'),
  deep: z.enum(DEEP).default('20'),
  /** Steps that the shallow network trains before the deep one is built. */
  steps: whole(1, 1000, 200),
  network: z.enum(TWINS).default('residual-14'),
  touch: z.enum(PREPARED).default('first'),
  /** The step at which the twin splits off. */
  split: whole(1, 500, 40),
  /** The block that is drawn, and its channel that may be silenced. */
  block: z
    .string()
    .regex(/^layer[1-3]\.\d$/)
    .default('layer1.0'),
  channel: whole(0, 63, 0),
});

export type State = z.output<typeof link>;

function Instrument(props: InstrumentProps<State>) {
  const { t } = useTranslation('depth');
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

export default defineChapter({
  id: 'depth',
  link,
  formula: {
    tex: String.raw`\begin{gathered}\mathcal H(\mathbf x)=\mathbf x\\ \mathcal F(\mathbf x)+\mathbf x=\mathbf x\iff\mathcal F(\mathbf x)=\mathbf 0\end{gathered}`,
    plain: 'H(x) = x;  F(x) + x = x ⇔ F(x) = 0',
  },
  views: { field: 'view', names: NAMES },
  states: [
    { name: 'opening', state: {} },
    { name: 'one', state: { stage: 'one' } },
    { name: 'start', state: { scale: 1 } },
    { name: 'zero', state: { scale: 0 } },
    { name: 'identity', state: { stage: 'identity' } },
    { name: 'plain', state: { view: 'construction' } },
    { name: 'residual', state: { view: 'construction', residual: true } },
    { name: 'twin', state: { view: 'twin' } },
    { name: 'last', state: { view: 'twin', touch: 'last', block: 'layer3.0' } },
    { name: 'freeze', state: { view: 'twin', touch: 'freeze' } },
    { name: 'untouched', state: { view: 'twin', touch: 'none' } },
  ],
  tries: [
    { name: 'four', query: '' },
    { name: 'layers', query: 'networks=plain-56,residual-56' },
    { name: 'zeroInit', query: 'networks=plain-56,residual-56,residual-56.zero_init' },
  ],
  Instrument,
});
