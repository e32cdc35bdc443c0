import { useTranslation } from 'react-i18next';
import type { Scheme } from './passes.ts';

interface CodeProps {
  scheme: Scheme;
  /** Which probability the letter p stands for. */
  reading: 'drop' | 'keep';
  drop: number;
  scaling: boolean;
}

/** The lines that a course's notes write for a scheme (NumPy); what mends the expectation is marked, or struck out. */
export function Code({ scheme, reading, drop, scaling }: CodeProps) {
  const { t } = useTranslation('dropout');
  const p = reading === 'drop' ? drop : 1 - drop;
  const keep = reading === 'drop' ? '(1 - p)' : 'p';
  const factor = (text: string) => (scaling ? <mark>{text}</mark> : <del>{text}</del>);

  return (
    <div className="code">
      <h3>{t(`scheme.${scheme}`)}</h3>
      <code>
        p = {p.toFixed(2)} <i># {t(`code.${reading}`)}</i>
      </code>
      <span>{t('code.train')}</span>
      <code>
        m = rand(*h.shape) {reading === 'drop' ? '>=' : '<'} p
        <br />h = h * m{scheme === 'inverted' && factor(` / ${keep}`)}
      </code>
      <span>{t('code.test')}</span>
      <code>
        h = h{scheme === 'vanilla' && factor(` * ${keep}`)}
        {scheme === 'inverted' && <i> # {t('code.nothing')}</i>}
      </code>
    </div>
  );
}
