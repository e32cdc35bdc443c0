/** Small parts that the views share. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Formula } from '../../drawing/Formula.tsx';
import { Choose, Control, Redraw } from '../controls.tsx';
import { useHidden } from '../view.ts';
import { FUNCTIONS } from './functions.ts';
import type { FunctionName } from './functions.ts';

export function FunctionControl(props: {
  value: FunctionName;
  onChange: (name: FunctionName) => void;
}) {
  const { t } = useTranslation('activations');
  return (
    <Choose
      name="function"
      label={t('function')}
      value={props.value}
      values={FUNCTIONS}
      nameOf={(value) => t(`names.${value}`)}
      onChange={props.onChange}
    />
  );
}

export function SeedControl({ seed, change }: { seed: number; change: (seed: number) => void }) {
  const { t } = useTranslation('activations');
  return (
    <Control name="seed" label={t('seed')}>
      <Redraw name={t('again')} seed={seed} onChange={change} />
    </Control>
  );
}

/** The formula of one view. */
export function ViewFormula(props: { tex: string; plain: string }) {
  return useHidden('formula') ? null : (
    <p className="activations-formula">
      <Formula {...props} />
    </p>
  );
}

/** A line's colour and what it is. */
export function KeyItem(props: { color: string; line?: 'solid' | 'dashed'; children: ReactNode }) {
  return (
    <li>
      <i style={{ borderTop: `3px ${props.line ?? 'solid'} ${props.color}` }} /> {props.children}
    </li>
  );
}
