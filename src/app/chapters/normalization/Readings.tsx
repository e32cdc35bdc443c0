import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Proof, evidenceOf } from '../Proof.tsx';
import { decimals } from '../short.ts';
import { PLACES, groupCount, groupOf, indexOf } from './block.ts';
import type { Division, Place } from './block.ts';
import type { Computed, Moments, Normalized } from './normalize.ts';

interface ReadingsProps {
  of: Normalized;
  division: Division;
  place: Place;
}

/** The numbers of one group and of one of its elements, each with its proof. */
export function Readings({ of, division, place }: ReadingsProps) {
  const { t } = useTranslation('normalization');
  const group = groupOf(place, division);
  const count = groupCount(division);
  const index = indexOf(place);
  const x = of.x.data[index] ?? NaN;
  return (
    <dl className="readings">
      <Reading name={t('reading.members')}>
        {PLACES.length / count} <small>{t('reading.groups', { number: count })}</small>
      </Reading>
      <Reading name={t('reading.mean')}>
        <Moment of={of.used} kind="mean" group={group} name={t('reading.mean')} />
      </Reading>
      <Reading name={t('reading.variance')}>
        <Moment of={of.used} kind="variance" group={group} name={t('reading.variance')} />
      </Reading>
      <Reading name={t('reading.element')}>
        {decimals(x, 3)} → <Value of={of.normalized} index={index} name="x̂" /> →{' '}
        <Value of={of.y} index={index} name="y" />
      </Reading>
      <Reading name={t('reading.after')}>
        <Moment of={of.moments.y} kind="mean" group={group} name={t('reading.afterMean')} />
        {', '}
        <Moment of={of.moments.y} kind="variance" group={group} name={t('reading.afterVariance')} />
      </Reading>
    </dl>
  );
}

interface MomentProps {
  of: Moments;
  kind: 'mean' | 'variance';
  group: number;
  name: string;
}

function Moment({ of, kind, group, name }: MomentProps) {
  const value = of[kind][group] ?? NaN;
  return (
    <Proof
      evidence={evidenceOf(of.step.question, of.step.answer)}
      name={name}
      value={value}
      reference={of.reference[kind][group] ?? NaN}
    >
      {decimals(value, 3)}
    </Proof>
  );
}

function Value({ of, index, name }: { of: Computed; index: number; name: string }) {
  const value = of.values[index] ?? NaN;
  return (
    <Proof
      evidence={evidenceOf(of.step.question, of.step.answer)}
      name={name}
      value={value}
      reference={of.reference[index] ?? NaN}
    >
      {decimals(value, 3)}
    </Proof>
  );
}

function Reading({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
