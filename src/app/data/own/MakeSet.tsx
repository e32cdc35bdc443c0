import { PackageCheck } from 'lucide-react';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Choice, NumberField, Segmented } from '../../parts/controls.tsx';
import { errorSentence } from '../../i18n/index.ts';
import type { DataWarning } from '../../../worker/protocol.ts';
import { setLink } from '../link.ts';
import { NotKept } from '../NotKept.tsx';
import { Progress } from '../Progress.tsx';
import { useData } from '../state.ts';
import { filesOf, folderName } from './collection.ts';
import type { OwnClass } from './collection.ts';
import { FITS, SIZES, TEST_SHARES } from './options.ts';
import type { SetOptions } from './options.ts';
import { Warnings } from './Warnings.tsx';

const MAX_SEED = 2 ** 31 - 1;

interface Made {
  id: string;
  name: string;
  warnings: DataWarning[];
  /** Which image each file was. */
  images: Map<string, number>;
}

/** How images become a set, and the set they became. */
export function MakeSet(props: {
  classes: readonly OwnClass[];
  options: SetOptions;
  onOptions: (options: SetOptions) => void;
}) {
  const { classes, options, onOptions } = props;
  const { t } = useTranslation('data');
  const { loading, failed, notKept, open, warnings: warningsOf } = useData((state) => state);
  const [made, setMade] = useState<Made | null>(null);
  const filled = classes.filter(({ images }) => images.some(({ used }) => used));
  const isSplit = filled.some(({ images }) =>
    images.some(({ used, part }) => used && part === 'test'),
  );

  const make = async () => {
    setMade(null);
    const { size, fit, seed, testShare } = options;
    const name = folderName(options.name) || t('own.defaultName');
    const { files, images } = filesOf(classes, name);
    const id = await open(files, {
      ...{ size: Number(size), fit, seed },
      testShare: Number(testShare) / 100,
      // Made again; a set of an earlier lesson is another matter.
      replace: made?.name === name && !notKept,
    });
    if (id !== null) setMade({ id, name, warnings: await warningsOf(id), images });
  };

  return (
    <section className="card own-make" aria-labelledby="own-make">
      <h3 id="own-make">{t('own.make')}</h3>
      <Options options={options} onOptions={onOptions} isSplit={isSplit} />
      {loading?.source === 'files' ? (
        <Progress step={loading.step} />
      ) : (
        <button
          type="button"
          className="primary"
          disabled={filled.length < 2 || loading !== null}
          onClick={() => void make()}
        >
          <PackageCheck aria-hidden size={16} />
          {t('own.go')}
        </button>
      )}
      {filled.length < 2 && <p className="quietly">{t('own.twoClasses')}</p>}
      {failed?.source === 'files' && (
        <p className="note" role="alert">
          {errorSentence(failed.failure)}
        </p>
      )}
      {made && (
        <div className="own-made" role="status">
          <p>
            <b>{t(notKept ? 'own.madeInMemory' : 'own.made')}</b>{' '}
            <a href={setLink(made.id)}>{t('own.look')}</a>
          </p>
          {notKept && <NotKept failure={notKept} />}
          <Warnings warnings={made.warnings} classes={classes} images={made.images} />
        </div>
      )}
    </section>
  );
}

function Options({
  options,
  onOptions,
  isSplit,
}: {
  options: SetOptions;
  onOptions: (options: SetOptions) => void;
  /** By its folders. */
  isSplit: boolean;
}) {
  const { t } = useTranslation('data');
  const id = useId();
  const { name, size, fit, testShare, seed } = options;
  const set = (changed: Partial<SetOptions>) => onOptions({ ...options, ...changed });
  return (
    <div className="own-options">
      <label htmlFor={`${id}name`}>{t('own.name')}</label>
      <input
        id={`${id}name`}
        type="text"
        maxLength={60}
        spellCheck={false}
        placeholder={t('own.defaultName')}
        value={name}
        onChange={(event) => set({ name: event.target.value })}
      />
      <span>{t('own.size')}</span>
      <Segmented
        label={t('own.size')}
        value={size}
        options={SIZES.map((value) => ({ value, name: `${value}×${value}` }))}
        onChange={(value) => set({ size: value })}
      />
      <span>{t('own.square')}</span>
      <Segmented
        label={t('own.square')}
        value={fit}
        options={FITS.map((value) => ({ value, name: t(`own.fit.${value}`) }))}
        onChange={(value) => set({ fit: value })}
      />
      <label htmlFor={`${id}share`}>{t('own.testShare')}</label>
      {isSplit ? (
        <p>{t('own.split')}</p>
      ) : (
        <Choice
          id={`${id}share`}
          description={t('own.testShareTip')}
          value={testShare}
          options={TEST_SHARES.map((value) => ({ value, name: `${value}\u202f%` }))}
          onChange={(value) => set({ testShare: value })}
        />
      )}
      {!isSplit && (
        <>
          <label htmlFor={`${id}seed`}>{t('own.seed')}</label>
          <NumberField
            id={`${id}seed`}
            label={t('own.seed')}
            value={seed}
            min={0}
            max={MAX_SEED}
            nearest={(typed) => Math.min(MAX_SEED, Math.max(0, Math.round(typed) || 0))}
            step={(direction) => Math.max(0, seed + direction)}
            onChange={(value) => set({ seed: value })}
          />
        </>
      )}
    </div>
  );
}
