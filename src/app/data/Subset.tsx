import { RotateCcw } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { formatSetName, WHOLE } from '../../data/recipe.ts';
import type { Recipe } from '../../data/recipe.ts';
import type { SetDetails } from '../../worker/protocol.ts';
import { integer, wholePercent } from '../format.ts';
import { Segmented } from '../parts/controls.tsx';
import { nameIn } from './Classes.tsx';
import { chooseSet } from './link.ts';

const PER_CLASS = [10, 50, 200, 1000];
const RANDOM_LABELS = [0, 0.25, 0.5, 0.75, 1];
const NOISE = [0, 0.1, 0.2, 0.4];

/** The usual values, and the one that a link asks for. */
const withValue = (usual: readonly number[], value: number) =>
  [...new Set([...usual, value])].sort((a, b) => a - b);

/** What to make of a set: fewer classes, fewer pictures, random labels, noise. The recipe stands in the address. */
export function Subset({ whole, recipe }: { whole: SetDetails; recipe: Recipe }) {
  const { t, i18n } = useTranslation('data');
  const { classes, perClass, randomLabels, noise } = recipe;
  const most = Math.max(...whole.counts.train);
  const change = (part: Partial<Recipe>) =>
    chooseSet(formatSetName(whole.id, { ...recipe, ...part }));
  const all = 'all';
  return (
    <section className="subset" aria-labelledby="set-subset">
      <h3 id="set-subset">
        {t('subset.title')}
        <button
          type="button"
          disabled={formatSetName(whole.id, recipe) === whole.id}
          onClick={() => change(WHOLE)}
        >
          <RotateCcw aria-hidden size={15} />
          {t('subset.whole')}
        </button>
      </h3>
      <Labelled label={t('subset.perClass')}>
        <Segmented
          label={t('subset.perClass')}
          value={perClass === null ? all : String(perClass)}
          options={[
            ...withValue(PER_CLASS, perClass ?? 10)
              .filter((count) => count < most || count === perClass)
              .map((count) => ({ value: String(count), name: integer(count, i18n.language) })),
            { value: all, name: t('subset.all') },
          ]}
          onChange={(value) => change({ perClass: value === all ? null : Number(value) })}
        />
      </Labelled>
      <Labelled label={t('subset.randomLabels')}>
        <Segmented
          label={t('subset.randomLabels')}
          value={String(randomLabels)}
          options={withValue(RANDOM_LABELS, randomLabels).map((share) => ({
            value: String(share),
            name: wholePercent(share, i18n.language),
          }))}
          onChange={(value) => change({ randomLabels: Number(value) })}
        />
      </Labelled>
      <Labelled label={t('subset.noise')}>
        <Segmented
          label={t('subset.noise')}
          value={String(noise)}
          options={withValue(NOISE, noise).map((deviation) => ({
            value: String(deviation),
            name: deviation === 0 ? t('subset.none') : String(deviation),
          }))}
          onChange={(value) => change({ noise: Number(value) })}
        />
      </Labelled>
      <ClassChoice whole={whole} chosen={classes} onChange={(next) => change({ classes: next })} />
      <p className="quietly">{t('subset.hint')}</p>
    </section>
  );
}

function Labelled({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="labelled">
      <span aria-hidden>{label}</span>
      {children}
    </div>
  );
}

/** Which classes are left: two at least. */
function ClassChoice(props: {
  whole: SetDetails;
  chosen: readonly number[] | null;
  onChange: (chosen: readonly number[] | null) => void;
}) {
  const { t } = useTranslation('data');
  const { whole, chosen, onChange } = props;
  const every = [...whole.classes.keys()];
  const left = chosen ?? every;
  const toggle = (label: number) => {
    const next = every.filter((other) => (other === label) !== left.includes(other));
    onChange(next.length === every.length ? null : next);
  };
  return (
    <div className="labelled">
      <span id="subset-classes">{t('subset.classes')}</span>
      <div role="group" aria-labelledby="subset-classes" className="chips">
        {whole.classes.map((name, label) => {
          const on = left.includes(label);
          return (
            <button
              key={name}
              type="button"
              aria-pressed={on}
              disabled={on && left.length <= 2}
              onClick={() => toggle(label)}
            >
              {nameIn(whole, name)}
            </button>
          );
        })}
      </div>
    </div>
  );
}
