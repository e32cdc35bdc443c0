import { Grid3x3, Square } from 'lucide-react';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type {
  AttributionAnswer,
  InspectorQuestion,
  OcclusionAnswer,
} from '../../worker/protocol.ts';
import { Picture } from '../chapters/Picture.tsx';
import { percent, significant } from '../format.ts';
import { className, errorSentence } from '../i18n/index.ts';
import { Choice } from '../parts/controls.tsx';
import { useShade } from '../theme.ts';
import { useWorker } from '../worker.ts';
import { useInspected, useLongQuestion } from './ask.ts';
import type { Inspector, LongQuestion, Progress } from './ask.ts';
import { peakOf, signed } from './paint.ts';
import { Pixels } from './Pixels.tsx';

/** Of the patches, and of the class and picture that they were laid on. */
interface Covered {
  answer: OcclusionAnswer;
  of: InspectorQuestion;
  target: number;
}

/** Where the network looks when it names a class: three maps over the picture. */
export function Where({ question }: { question: InspectorQuestion }) {
  const { t, i18n } = useTranslation('inspect');
  const [wish, setWish] = useState<number | null>(null);
  const ask = useCallback(
    (inspector: Inspector, following: boolean) => inspector.attribution(question, wish, following),
    [question, wish],
  );
  const { answer, failure } = useInspected(ask, true);
  const occlusion = useLongQuestion<Covered>(question);
  if (failure) return <p role="alert">{errorSentence(failure)}</p>;
  if (!answer) return <p role="status">{t('waiting')}</p>;
  const { classes, probabilities, target } = answer;
  const covered = occlusion.answer;
  const shown = covered?.of === question && covered.target === target ? covered.answer : null;

  return (
    <div className="inspect-where">
      <div className="inspect-row">
        <label htmlFor="target">{t('where.target')}</label>
        <Choice
          id="target"
          description={t('where.targetTip')}
          value={wish === null ? '' : String(wish)}
          options={[
            { value: '', name: t('where.likeliest') },
            ...classes.map((name, c) => ({ value: String(c), name: className(name) })),
          ]}
          onChange={(value) => setWish(value === '' ? null : Number(value))}
        />
        <output data-testid="target">
          {className(classes[target] ?? '')} {percent(probabilities[target] ?? NaN, i18n.language)}
        </output>
      </div>
      <div className="inspect-trio">
        <Overlay
          answer={answer}
          map={answer.gradCam.data}
          size={answer.gradCam.shape}
          smooth
          title={t('where.gradCam')}
          text={t('where.gradCamText', { layer: answer.path })}
          reading={t('where.most', {
            value: significant(peakOf(answer.gradCam.data), i18n.language),
          })}
        />
        <Overlay
          answer={answer}
          map={answer.saliency.data}
          size={answer.saliency.shape}
          title={t('where.saliency')}
          text={t('where.saliencyText')}
          reading={t('where.most', {
            value: significant(peakOf(answer.saliency.data), i18n.language),
          })}
        />
        <Overlay
          answer={answer}
          map={shown?.fall.data ?? null}
          size={shown?.fall.shape ?? [1, 1]}
          title={t('where.occlusion')}
          text={t('where.occlusionText')}
          reading={
            shown
              ? t('where.fall', { value: percent(Math.max(...shown.fall.data), i18n.language) })
              : null
          }
        >
          <Cover question={question} target={target} occlusion={occlusion} />
        </Overlay>
      </div>
    </div>
  );
}

interface CoverProps {
  question: InspectorQuestion;
  target: number;
  occlusion: LongQuestion<Covered>;
}

function Cover({ question, target, occlusion }: CoverProps) {
  const inspector = useWorker();
  const { t } = useTranslation('inspect');
  const { done, failure, start, stop } = occlusion;
  const cover = (progress: Progress) =>
    inspector
      .occlusion(question, target, progress)
      .then((answer) => answer && { answer, of: question, target });
  return (
    <div className="inspect-row">
      {done === null ? (
        <button type="button" onClick={() => void start(cover)}>
          <Grid3x3 aria-hidden size={16} />
          {t('where.cover')}
        </button>
      ) : (
        <>
          <button type="button" onClick={stop}>
            <Square aria-hidden size={16} />
            {t('stop')}
          </button>
          <progress aria-label={t('where.occlusion')} value={done} max={1} />
        </>
      )}
      {failure && <span role="alert">{errorSentence(failure)}</span>}
    </div>
  );
}

interface OverlayProps {
  answer: AttributionAnswer;
  /** Null before there is one. */
  map: Float64Array | null;
  /** [rows, columns] of the map. */
  size: readonly number[];
  smooth?: boolean;
  title: string;
  text: string;
  reading: string | null;
  children?: React.ReactNode;
}

/** A map over the picture in grey: orange counts for the class, blue against it. */
function Overlay({
  answer,
  map,
  size,
  smooth = false,
  title,
  text,
  reading,
  children,
}: OverlayProps) {
  const shade = useShade();
  const [rows = 1, columns = 1] = size;
  const paint = useCallback(
    (x: number, y: number) => {
      const most = map && peakOf(map);
      if (!map || !most) return null;
      const value = (map[y * columns + x] ?? 0) / most;
      // The strongest hue, more or less of it: zero leaves the picture clear.
      return { colour: signed(Math.sign(value), shade), opacity: 0.85 * Math.abs(value) };
    },
    [map, columns, shade],
  );
  return (
    <figure className="inspect-overlay">
      <figcaption>
        <b>{title}</b>
        {reading && <output>{reading}</output>}
      </figcaption>
      <div className="inspect-stack" data-smooth={smooth}>
        <Picture of={answer.picture} statistics={answer.statistics} label={title} />
        <Pixels width={columns} height={rows} label={reading ?? title} paint={paint} />
      </div>
      {children}
      <p className="quietly">{text}</p>
    </figure>
  );
}
