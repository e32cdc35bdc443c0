import { CircleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import type { DataWarning } from '../../../worker/protocol.ts';
import { collection } from './collection.ts';
import type { OwnClass, OwnImage } from './collection.ts';

/** What to know of the set that was made, and one click to mend what can be mended. */
export function Warnings(props: {
  warnings: readonly DataWarning[];
  classes: readonly OwnClass[];
  images: ReadonlyMap<string, number>;
}) {
  const { warnings, classes, images } = props;
  const { t } = useTranslation('data');
  const byId = new Map(classes.flatMap((own) => own.images).map((image) => [image.id, image]));
  const imageOf = (name = '') => byId.get(images.get(name) ?? NaN);
  if (warnings.length === 0) return <p>{t('own.noWarnings')}</p>;
  return (
    <ul className="own-warnings">
      {warnings.map((warning) => (
        <li key={warning.kind}>
          <CircleAlert aria-hidden size={16} />
          <Warning warning={warning} imageOf={imageOf} />
        </li>
      ))}
    </ul>
  );
}

function Warning({
  warning,
  imageOf,
}: {
  warning: DataWarning;
  imageOf: (name?: string) => OwnImage | undefined;
}) {
  const { t, i18n } = useTranslation('data');
  const list = (names: string[]) => new Intl.ListFormat(i18n.language).format(names);
  switch (warning.kind) {
    case 'few-pictures': {
      const { expected } = warning;
      const classes = list(warning.classes.map(({ name, count }) => `${name} (${count})`));
      return <p>{t('own.warn.few', { expected, classes })}</p>;
    }
    case 'same-pictures':
    case 'shared-pictures': {
      const groups = warning.groups.map((group) =>
        group.map(({ name }) => imageOf(name)).filter((image) => !!image),
      );
      const what = warning.kind === 'same-pictures' ? 'same' : 'shared';
      return (
        <div>
          <p>{t(`own.warn.${what}`, { groups: groups.length })}</p>
          <Twins groups={groups} />
        </div>
      );
    }
    case 'unreadable-pictures': {
      const names = warning.names.map((name) => imageOf(name)?.name ?? name);
      return <p>{t('own.warn.unreadable', { names: list(names) })}</p>;
    }
  }
}

/** Groups of images that are shown. */
const SHOWN_GROUPS = 12;

/** One image of each group, and a button that leaves the others out. */
function Twins({ groups }: { groups: OwnImage[][] }) {
  const { t } = useTranslation('data');
  const use = useStore(collection, (state) => state.use);
  const extra = groups.flatMap(([, ...others]) => others).filter(({ used }) => used);
  return (
    <>
      <p className="own-twins">
        {groups.slice(0, SHOWN_GROUPS).map((group) => (
          <span key={group[0]?.id}>
            <img src={group[0]?.url} alt="" />×{group.length}
          </span>
        ))}
      </p>
      {extra.length > 0 ? (
        <button type="button" onClick={() => use(new Set(extra.map(({ id }) => id)), false)}>
          {t('own.warn.drop', { count: extra.length })}
        </button>
      ) : (
        <p>{t('own.warn.again')}</p>
      )}
    </>
  );
}
