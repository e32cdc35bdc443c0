import { Plus, RotateCcw } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton, Segmented } from '../../parts/controls.tsx';
import type { InstrumentProps } from '../chapter.ts';
import { Buttons, Choose, Control, Redraw, Slide } from '../controls.tsx';
import { passCounts, placeOf } from '../running.ts';
import { Accuracy } from './Accuracy.tsx';
import { DRAWS } from './index.tsx';
import type { State } from './index.tsx';
import { OnePicture } from './OnePicture.tsx';

const COUNTS = passCounts(DRAWS);
const SOURCES = ['dropout', 'augmentation', 'batch'] as const;
const VIEWS = ['one', 'accuracy'] as const;

/** Random predictions, for one picture or for a test set. */
export function Bench({ state, change }: InstrumentProps<State>) {
  const { t } = useTranslation('regularization');
  const { source, view, draws, seed, picture } = state;
  return (
    <>
      <div className="controls">
        <Control name="source" label="z">
          <Segmented
            label={t('source.label')}
            value={source}
            options={SOURCES.map((value) => ({ value, name: t(`source.${value}`) }))}
            onChange={(value) => change({ source: value })}
          />
        </Control>
        <Choose
          name="view"
          label={t('view.label')}
          value={view}
          values={VIEWS}
          nameOf={(value) => t(`view.${value}`)}
          onChange={(value) => change({ view: value })}
        />
        {view === 'one' && (
          <>
            <Control name="picture" label={t('picture')}>
              <Slide
                label={t('picture')}
                {...{ min: 0, max: 59, step: 1, value: picture }}
                onChange={(value) => change({ picture: value })}
              />
            </Control>
            <Control name="draws" label={t('draws')}>
              <IconButton
                name={t('more')}
                disabled={draws === DRAWS}
                onClick={() => change({ draws: draws + 1 })}
              >
                <Plus aria-hidden size={18} />
              </IconButton>
              <IconButton name={t('restart')} onClick={() => change({ draws: 1 })}>
                <RotateCcw aria-hidden size={17} />
              </IconButton>
              <Slide
                label={t('draws')}
                value={placeOf(COUNTS, draws)}
                min={0}
                max={COUNTS.length - 1}
                step={1}
                text={String(draws)}
                onChange={(place) => change({ draws: COUNTS[place] ?? DRAWS })}
              />
            </Control>
          </>
        )}
        <Buttons name="seed">
          <Redraw name={t('again')} seed={seed} onChange={(next) => change({ seed: next })} />
        </Buttons>
      </div>
      {view === 'one' ? <OnePicture state={state} /> : <Accuracy state={state} />}
    </>
  );
}
