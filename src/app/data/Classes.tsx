import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { SetDetails } from '../../worker/protocol.ts';
import { integer } from '../format.ts';
import { className } from '../i18n/index.ts';
import { BytePicture } from '../parts/BytePicture.tsx';

/** Of more classes only so many are shown at first. */
const FIRST = 20;

/** Class by class: its name, how many pictures it has, and some of them. */
export function Classes({ set }: { set: SetDetails }) {
  const { t } = useTranslation('data');
  const [all, setAll] = useState(false);
  const { classes, samples } = set;
  const most = Math.max(...set.counts.train, ...set.counts.test);
  const shown = all ? classes.length : Math.min(classes.length, FIRST);
  return (
    <section aria-labelledby="set-classes">
      <h3 id="set-classes">{t('classes.title')}</h3>
      <p className="quietly">{t(set.wrongLabels > 0 ? 'classes.hintWrong' : 'classes.hint')}</p>
      <ul className="class-list">
        {classes.slice(0, shown).map((name, label) => (
          <li key={name}>
            <b>{nameIn(set, name)}</b>
            <Counts set={set} label={label} most={most} />
            <span className="class-pictures">
              {[...samples.labels.keys()]
                .filter((index) => samples.labels[index] === label)
                .map((index) => (
                  <Sample key={index} set={set} index={index} />
                ))}
            </span>
          </li>
        ))}
      </ul>
      {shown < classes.length && (
        <button type="button" onClick={() => setAll(true)}>
          {t('classes.all', { count: classes.length })}
        </button>
      )}
    </section>
  );
}

/** Classes of the built-in set have names in both languages. */
export const nameIn = ({ id }: Pick<SetDetails, 'id'>, name: string): string =>
  id.startsWith('builtin') ? className(name) : name;

/** Two bars on one scale, with their numbers. */
function Counts({ set, label, most }: { set: SetDetails; label: number; most: number }) {
  const { t, i18n } = useTranslation('data');
  const [train, test] = [set.counts.train[label] ?? 0, set.counts.test[label] ?? 0];
  const number = (value: number) => integer(value, i18n.language);
  return (
    <span className="class-counts">
      <span className="count-bars" aria-hidden>
        <i style={{ width: `${(100 * train) / most}%` }} />
        <i style={{ width: `${(100 * test) / most}%` }} />
      </span>
      <small>{t('classes.counts', { train: number(train), test: number(test) })}</small>
    </span>
  );
}

/** A training picture; one whose label was made random has a dashed frame. */
function Sample({ set, index }: { set: SetDetails; index: number }) {
  const { t } = useTranslation('data');
  const { samples, classes } = set;
  const nameOf = (label = 0) => nameIn(set, classes[label] ?? '');
  const [label, truth] = [samples.labels[index], samples.truths[index]];
  const wrong = label !== truth;
  const words = wrong
    ? t('classes.wrong', { label: nameOf(label), truth: nameOf(truth) })
    : t('classes.sample', { name: nameOf(label) });
  return (
    <BytePicture
      set={set}
      index={index}
      label={words}
      title={words}
      data-wrong={wrong || undefined}
    />
  );
}
