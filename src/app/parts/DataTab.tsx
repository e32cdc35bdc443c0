import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import type { DatasetDescription } from '../../worker/protocol.ts';
import { useLab } from '../context.ts';
import { setLink } from '../data/link.ts';
import { pickedFiles } from '../files.ts';
import { integer } from '../format.ts';
import { className } from '../i18n/index.ts';
import { BytePicture } from './BytePicture.tsx';
import { Streamed } from './Streamed.tsx';
import { useDatasetTitle, useShownDataset } from './dataset.ts';

const SAMPLES_PER_CLASS = 3;

/** What the networks learn from, in pictures and numbers, and how to bring other data. */
export function DataTab() {
  const { t, i18n } = useTranslation();
  const dataset = useShownDataset();
  const title = useDatasetTitle();
  const waiting = useLab((state) => state.draft.data !== state.config.data);
  const isBuiltin = useLab((state) => state.draft.data === 'builtin');
  const change = useLab((state) => state.change);
  const number = (value: number) => integer(value, i18n.language);

  return (
    <div className="data">
      <h2>
        {waiting ? t('data.waiting') : t('data.title')}: {title}
      </h2>
      <p>{isBuiltin ? t('data.builtin') : t('data.own')}</p>
      {dataset && (
        <>
          <p>
            {t('data.pictures', {
              train: number(dataset.trainCount),
              test: number(dataset.testCount),
              channels: dataset.channels,
              height: dataset.height,
              width: dataset.width,
            })}
          </p>
          <Streamed dataset={dataset} />
          <Samples dataset={dataset} />
          <Statistics dataset={dataset} />
          <p>
            <a href={setLink(dataset.id)}>{t('data.more')}</a>
          </p>
        </>
      )}
      <h2>{t('data.open')}</h2>
      <FilePicker />
      {!isBuiltin && (
        <button type="button" onClick={() => change('data', 'builtin')}>
          {t('data.useBuiltin')}
        </button>
      )}
    </div>
  );
}

function FilePicker() {
  const { t } = useTranslation();
  const openFiles = useLab((state) => state.openFiles);
  const id = useId();
  return (
    <p className="picker">
      {t('data.openHint')}{' '}
      <span className="pick">
        <input
          id={id}
          type="file"
          multiple
          className="visually-hidden"
          onChange={(event) => {
            openFiles(pickedFiles(event.target.files));
            event.target.value = '';
          }}
        />
        <label htmlFor={id} className="button">
          {t('data.pick')}
        </label>
      </span>
    </p>
  );
}

/** The classes by name, with a few pictures of each. */
function Samples({ dataset }: { dataset: DatasetDescription }) {
  const { t } = useTranslation();
  const { samples, classes } = dataset;
  const examples = classes.map((name, label) => ({
    name: dataset.id === 'builtin' ? className(name) : name,
    indices: [...samples.labels.keys()]
      .filter((index) => samples.labels[index] === label)
      .slice(0, SAMPLES_PER_CLASS),
  }));

  return (
    <>
      <h3>{t('data.samples')}</h3>
      <ul className="samples">
        {examples.map(({ name, indices }) => (
          <li key={name}>
            <span>
              {indices.map((index) => (
                <BytePicture
                  key={index}
                  set={dataset}
                  index={index}
                  label={t('data.sample', { name })}
                />
              ))}
            </span>
            <b>{name}</b>
          </li>
        ))}
      </ul>
    </>
  );
}

function Statistics({ dataset }: { dataset: DatasetDescription }) {
  const { t } = useTranslation();
  const { mean, std } = dataset.statistics;
  const names = mean.length === 3 ? ['R', 'G', 'B'] : mean.map((_, index) => String(index + 1));
  return (
    <table className="statistics">
      <caption>{t('data.statistics')}</caption>
      <thead>
        <tr>
          <th scope="col">{t('data.channel')}</th>
          <th scope="col">{t('data.mean')}</th>
          <th scope="col">{t('data.std')}</th>
        </tr>
      </thead>
      <tbody>
        {names.map((name, index) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{(mean[index] ?? NaN).toFixed(3)}</td>
            <td>{(std[index] ?? NaN).toFixed(3)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
