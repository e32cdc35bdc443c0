import { Play, Square } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { FeaturesAnswer, PredictionsAnswer } from '../../worker/protocol.ts';
import { Picture } from '../chapters/Picture.tsx';
import { integer, percent } from '../format.ts';
import { className, errorSentence } from '../i18n/index.ts';
import { Choice } from '../parts/controls.tsx';
import { accuracyByClass, confusion, picturesOf, surestMistakes } from './answers.ts';
import { useWorker } from '../worker.ts';
import { useLongQuestion } from './ask.ts';
import type { Progress } from './ask.ts';

const COUNTS = [200, 1000];
/** More than any set has. */
const ALL = 10_000_000;
/** Pictures of a gallery. */
const SHOWN = 24;
const LIKELIEST = 10;
/** Undoes no normalization: pictures on 0…1. */
const PLAIN = { mean: [0, 0, 0], std: [1, 1, 1] };

interface PredictionsProps {
  features: FeaturesAnswer;
  network: string;
  testCount: number;
  /** Inspects this test picture. */
  onPick: (index: number) => void;
}

/** What the network says of this picture and of the test set. */
export function PredictionsView({ features, network, testCount, onPick }: PredictionsProps) {
  const { t, i18n } = useTranslation('inspect');
  const inspector = useWorker();
  const { answer, done, failure, start, stop } = useLongQuestion<PredictionsAnswer>(network);
  const [wish, setWish] = useState(1000);
  const counts = COUNTS.filter((each) => each < testCount);
  const count = wish < testCount ? wish : ALL;
  const said = answer?.network === network ? answer : null;
  const test = (progress: Progress) => inspector.predictions(network, count, progress);
  return (
    <div className="inspect-predictions">
      <Bars features={features} />
      <section aria-labelledby="test-title">
        <h3 id="test-title">{t('test.title')}</h3>
        <div className="inspect-row">
          <label htmlFor="count">{t('test.count')}</label>
          <Choice
            id="count"
            description={t('test.count')}
            value={String(count)}
            options={[...counts, ALL].map((each) => ({
              value: String(each),
              name:
                each === ALL
                  ? t('test.all', { count: integer(testCount, i18n.language) })
                  : integer(each, i18n.language),
            }))}
            onChange={(value) => setWish(Number(value))}
          />
          {done === null ? (
            <button type="button" className="primary" onClick={() => void start(test)}>
              <Play aria-hidden size={16} />
              {t('test.start')}
            </button>
          ) : (
            <>
              <button type="button" onClick={stop}>
                <Square aria-hidden size={16} />
                {t('stop')}
              </button>
              <progress aria-label={t('test.title')} value={done} max={1} />
            </>
          )}
        </div>
        {failure && <p role="alert">{errorSentence(failure)}</p>}
        {said && <Tested said={said} onPick={onPick} />}
      </section>
    </div>
  );
}

/** The likeliest classes of the picture. */
function Bars({ features }: { features: FeaturesAnswer }) {
  const { t, i18n } = useTranslation('inspect');
  const { probabilities, classes, label } = features;
  const likeliest = Array.from(probabilities.keys())
    .toSorted((a, b) => (probabilities[b] ?? 0) - (probabilities[a] ?? 0))
    .slice(0, LIKELIEST);
  return (
    <section aria-labelledby="bars-title">
      <h3 id="bars-title">{t('bars.title')}</h3>
      <ol className="inspect-bars" data-testid="bars">
        {likeliest.map((c) => (
          <li key={c} data-truth={c === label}>
            <span>
              {className(classes[c] ?? '')}
              {c === label && <i>{t('bars.truth')}</i>}
            </span>
            <span className="inspect-bar" aria-hidden>
              <i style={{ width: `${100 * (probabilities[c] ?? 0)}%` }} />
            </span>
            <output>{percent(probabilities[c] ?? NaN, i18n.language)}</output>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Tested({ said, onPick }: { said: PredictionsAnswer; onPick: (index: number) => void }) {
  const { t, i18n } = useTranslation('inspect');
  const [cell, setCell] = useState<{ truth: number; answer: number } | null>(null);
  const { classes, labels, iteration } = said;
  const counts = confusion(said, classes.length);
  const right = counts.reduce((sum, row, c) => sum + (row[c] ?? 0), 0);
  const accuracy = accuracyByClass(counts);
  const name = (c: number) => className(classes[c] ?? '');
  const percentage = (part: number) => percent(part, i18n.language);
  const wrong = surestMistakes(said);
  const opened = cell && picturesOf(said, cell.truth, cell.answer);
  return (
    <>
      <p role="status" data-testid="accuracy">
        {t('test.accuracy', {
          right: integer(right, i18n.language),
          count: integer(labels.length, i18n.language),
          percent: percentage(right / labels.length),
          iteration: integer(iteration, i18n.language),
        })}
      </p>
      <div className="inspect-scroll" tabIndex={0} role="region" aria-label={t('test.confusion')}>
        <table className="inspect-confusion">
          <caption>{t('test.confusion')}</caption>
          <thead>
            <tr>
              <td />
              {classes.map((each, c) => (
                <th key={each} scope="col">
                  <span>{name(c)}</span>
                </th>
              ))}
              <th scope="col">{t('test.right')}</th>
            </tr>
          </thead>
          <tbody>
            {counts.map((row, truth) => {
              const most = Math.max(1, ...row);
              return (
                <tr key={classes[truth]}>
                  <th scope="row">{name(truth)}</th>
                  {row.map((count, answer) => (
                    <td key={classes[answer]} data-right={truth === answer}>
                      <button
                        type="button"
                        disabled={count === 0}
                        aria-pressed={cell?.truth === truth && cell.answer === answer}
                        aria-label={t('test.cell', {
                          count,
                          truth: name(truth),
                          answer: name(answer),
                        })}
                        style={{ '--part': count / most } as React.CSSProperties}
                        onClick={() => setCell({ truth, answer })}
                      >
                        {count || '·'}
                      </button>
                    </td>
                  ))}
                  <td>{accuracy[truth] === null ? '–' : percentage(accuracy[truth] ?? NaN)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {cell && opened && (
        <Gallery
          title={t('test.opened', { truth: name(cell.truth), answer: name(cell.answer) })}
          places={opened}
          said={said}
          onPick={onPick}
        />
      )}
      {wrong.length > 0 && (
        <Gallery title={t('test.mistakes')} places={wrong} said={said} onPick={onPick} />
      )}
    </>
  );
}

interface GalleryProps {
  title: string;
  /** Of test pictures. */
  places: readonly number[];
  said: PredictionsAnswer;
  onPick: (index: number) => void;
}

/** Test pictures with what was said of them; each can be inspected. */
function Gallery({ title, places, said, onPick }: GalleryProps) {
  const { t, i18n } = useTranslation('inspect');
  const inspector = useWorker();
  const [pictures, setPictures] = useState<Awaited<ReturnType<typeof inspector.testPictures>>>();
  const shown = places.slice(0, SHOWN);
  const key = shown.join();
  useEffect(() => {
    let wanted = true;
    const numbers = key === '' ? [] : key.split(',').map(Number);
    void inspector.testPictures(numbers).then((found) => wanted && setPictures(found));
    return () => {
      wanted = false;
    };
  }, [inspector, key]);
  const name = (c: number | undefined) => className(said.classes[c ?? 0] ?? '');
  return (
    <section className="inspect-gallery" aria-label={title}>
      <h3>
        {title} <span className="quietly">{integer(places.length, i18n.language)}</span>
      </h3>
      <ul>
        {shown.map((place, i) => {
          const text = t('test.said', {
            answer: name(said.predicted[place]),
            percent: percent(said.confidence[place] ?? NaN, i18n.language),
            truth: name(said.labels[place]),
          });
          return (
            <li key={place}>
              <button type="button" title={text} onClick={() => onPick(place)}>
                {pictures && <Picture of={pictures} index={i} statistics={PLAIN} label={text} />}
                <span aria-hidden>
                  {name(said.predicted[place])}{' '}
                  {percent(said.confidence[place] ?? NaN, i18n.language)}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
