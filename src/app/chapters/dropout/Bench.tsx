import { Pause, Play, Plus, RotateCcw } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton, InfoTip, Segmented } from '../../parts/controls.tsx';
import { useAsked } from '../ask.ts';
import type { Instruments } from '../ask.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Control, Redraw, Slide } from '../controls.tsx';
import { passCounts, placeOf } from '../running.ts';
import { Waiting } from '../Waiting.tsx';
import type { State } from './index.tsx';
import { PASSES, SCHEMES, runPasses } from './passes.ts';
import { SchemePanel } from './SchemePanel.tsx';

const COUNTS = passCounts(PASSES);
/** Time between two steps of the animation, in ms. */
const BEAT = 180;

/** Vanilla and inverted dropout side by side, on the same masks. */
export function Bench({ state, change }: InstrumentProps<State>) {
  const { t } = useTranslation('dropout');
  const { drop, layers, scaling, seed, passes } = state;
  const ask = useCallback(
    (instruments: Instruments) => runPasses(instruments, { drop, layers, scaling, seed }),
    [drop, layers, scaling, seed],
  );
  const { answer, failure, waiting } = useAsked(ask);
  const keep = Number((1 - drop).toFixed(2));
  const p = state.p === 'drop' ? drop : keep;

  return (
    <>
      <div className="controls">
        <Control name="drop" label="p">
          <Slide
            label={t(`p.${state.p}`)}
            value={p}
            min={state.p === 'drop' ? 0 : 0.1}
            max={state.p === 'drop' ? 0.9 : 1}
            step={0.05}
            text={p.toFixed(2)}
            onChange={(value) =>
              change({ drop: state.p === 'drop' ? value : Number((1 - value).toFixed(2)) })
            }
          />
        </Control>
        <Control name="p" label={t('p.is')}>
          <Segmented
            label={t('p.is')}
            value={state.p}
            options={[
              { value: 'drop', name: t('p.drop') },
              { value: 'keep', name: t('p.keep') },
            ]}
            onChange={(value) => change({ p: value })}
          />
          <InfoTip label={t('p.ask')} text={t('p.who')} />
        </Control>
        <Control name="scaling" label={t('scaling.label')}>
          <Segmented
            label={t('scaling.label')}
            value={scaling ? 'on' : 'off'}
            options={[
              { value: 'on', name: t('scaling.on') },
              { value: 'off', name: t('scaling.off') },
            ]}
            onChange={(value) => change({ scaling: value === 'on' })}
          />
        </Control>
        <Control name="layers" label={t('layers.label')}>
          <Segmented
            label={t('layers.label')}
            value={layers}
            options={[
              { value: 'last', name: t('layers.last') },
              { value: 'both', name: t('layers.both') },
            ]}
            onChange={(value) => change({ layers: value })}
          />
        </Control>
        <Control name="passes" label={t('passes.label')}>
          <Counter state={state} change={change} />
        </Control>
        <Control name="show" label={t('show.label')}>
          <Segmented
            label={t('show.label')}
            value={state.show}
            options={[
              { value: 'pass', name: t('show.pass', { number: passes }) },
              { value: 'test', name: t('show.test') },
            ]}
            onChange={(value) => change({ show: value })}
          />
        </Control>
      </div>
      <Waiting waiting={waiting && !answer} failure={failure} before="computing" />
      <div className="schemes">
        {answer &&
          SCHEMES.map((scheme) => (
            <SchemePanel key={scheme} {...{ scheme, state, change }} passes={answer} />
          ))}
      </div>
    </>
  );
}

/** How many passes have been drawn: play, one more, from the start, with other masks. */
function Counter({ state: { passes, seed }, change }: InstrumentProps<State>) {
  const { t } = useTranslation('dropout');
  const [playing, setPlaying] = useState(false);
  const running = playing && passes < PASSES;
  const next = COUNTS[placeOf(COUNTS, passes) + 1] ?? PASSES;

  useEffect(() => {
    if (!running) return;
    const timer = setTimeout(() => change({ passes: next }), BEAT);
    return () => clearTimeout(timer);
  });

  const play = () => {
    if (!running) change({ passes: passes < PASSES ? next : 1, show: 'pass' });
    setPlaying(!running);
  };
  const stay = (part: Partial<State>) => {
    setPlaying(false);
    change(part);
  };

  return (
    <>
      <IconButton name={running ? t('passes.pause') : t('passes.play')} onClick={play}>
        {running ? <Pause aria-hidden size={18} /> : <Play aria-hidden size={18} />}
      </IconButton>
      <IconButton
        name={t('passes.more')}
        disabled={passes === PASSES}
        onClick={() => stay({ passes: passes + 1, show: 'pass' })}
      >
        <Plus aria-hidden size={18} />
      </IconButton>
      <IconButton name={t('passes.restart')} onClick={() => stay({ passes: 1, show: 'pass' })}>
        <RotateCcw aria-hidden size={17} />
      </IconButton>
      <Slide
        label={t('passes.label')}
        value={placeOf(COUNTS, passes)}
        min={0}
        max={COUNTS.length - 1}
        step={1}
        text={String(passes)}
        onChange={(place) => stay({ passes: COUNTS[place] ?? PASSES, show: 'pass' })}
      />
      <Redraw name={t('passes.masks')} seed={seed} onChange={(next) => stay({ seed: next })} />
    </>
  );
}
