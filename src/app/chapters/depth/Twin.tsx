import { Pause, Play, RotateCcw, Split } from 'lucide-react';
import { Switch } from 'radix-ui';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import type { Touch, TwinSetting, TwinState } from '../../../worker/protocol.ts';
import { useLab } from '../../context.ts';
import { BlockDrawing } from '../../drawing/BlockDrawing.tsx';
import { integer } from '../../format.ts';
import { Choice, IconButton, Segmented } from '../../parts/controls.tsx';
import { networkStyles } from '../../palette.ts';
import type { NetworkStyle } from '../../palette.ts';
import { useShade } from '../../theme.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Control } from '../controls.tsx';
import { short } from '../short.ts';
import { Waiting } from '../Waiting.tsx';
import { TWINS } from './index.tsx';
import type { State } from './index.tsx';
import { SideChart } from './SideChart.tsx';
import { useStudies } from './study.ts';

/** A network that trains, and a copy beside it in which single parts are cut, frozen or silenced. */
export function Twin({ state, change }: InstrumentProps<State>) {
  const { t } = useTranslation('depth');
  const { twin, touch } = useStudies();
  const study = useStore(twin);
  const software = useLab(({ device }) => device?.software ?? false);
  const { network, seed } = state;
  const setting: TwinSetting = { network, seed, width: software ? 4 : 8 };
  const stands = JSON.stringify(study.question) === JSON.stringify(setting);
  const answer = stands ? study.answer : null;
  const style = networkStyles([network], useShade()).get(network);

  const start = async () => {
    if (!answer) await study.open(setting);
    await study.train();
  };

  return (
    <>
      <div className="controls">
        <Control name="network" label={t('twin.network')}>
          <Segmented
            label={t('twin.network')}
            value={network}
            options={TWINS.map((value) => ({ value, name: value }))}
            onChange={(value) => change({ network: value })}
          />
        </Control>
        <button
          type="button"
          className="primary"
          disabled={study.opening}
          onClick={() => (stands && study.training ? study.pause() : void start())}
        >
          {stands && study.training ? (
            <Pause aria-hidden size={16} />
          ) : (
            <Play aria-hidden size={16} />
          )}{' '}
          {stands && study.training ? t('pause') : t('twin.train')}
        </button>
        <button type="button" disabled={answer?.split !== null} onClick={() => void touch(null)}>
          <Split aria-hidden size={16} /> {t('twin.split')}
        </button>
        <IconButton
          name={t('twin.again')}
          disabled={!answer || study.opening}
          onClick={() => void study.open(setting)}
        >
          <RotateCcw aria-hidden size={17} />
        </IconButton>
      </div>
      <Waiting waiting={study.opening} going={study.going} failure={study.failure} />
      {!answer && !study.opening && <p className="depth-say">{t('twin.idle')}</p>}
      {answer && style && (
        <div className="depth-twin">
          <section aria-label={t('twin.parts')}>
            <Parts id={network} style={style} twin={answer} onTouch={(next) => void touch(next)} />
          </section>
          <section aria-label={t('twin.curves')}>
            <SideChart
              rows={study.rows}
              names={[t('twin.original'), t('twin.twin')]}
              color={style.color}
              marks={[
                ...(answer.split === null ? [] : [answer.split]),
                ...answer.marks.map(({ iteration }) => iteration),
              ]}
            />
            <Readings twin={answer} />
            <Marks twin={answer} />
          </section>
        </div>
      )}
    </>
  );
}

interface PartsProps {
  id: string;
  style: NetworkStyle;
  twin: TwinState;
  onTouch: (touch: Touch) => void;
}

/** One block of the twin, and what may be done to it. */
function Parts({ id, style, twin, onTouch }: PartsProps) {
  const { t } = useTranslation('depth');
  const [chosen, setChosen] = useState('layer1.0');
  const [channel, setChannel] = useState(0);
  const block = twin.blocks.find(({ path }) => path === chosen) ?? twin.blocks[0];
  if (!block) return null;
  const { path } = block;
  const norms = twin.norms.filter((norm) => norm.path.startsWith(`${path}.`));
  const [first] = norms;
  const residual = id.startsWith('residual');
  const at = Math.min(channel, (first?.channels ?? 1) - 1);

  return (
    <>
      <div className="control">
        <span aria-hidden>{t('twin.block')}</span>
        <Choice
          id="twin-block"
          label={t('twin.block')}
          description={t('twin.blockTip')}
          value={path}
          options={twin.blocks.map((each) => ({ value: each.path, name: each.path }))}
          onChange={setChosen}
        />
      </div>
      <BlockDrawing id={id} style={style} connected={block.connected} />
      <ul className="depth-parts">
        {residual && (
          <Part
            name={t('twin.shortcut', { path })}
            on={block.connected}
            onChange={(connected) => onTouch({ kind: 'cut', path, on: !connected })}
          />
        )}
        {norms.map((norm) => (
          <Part
            key={norm.path}
            name={t('twin.frozen', { path: norm.path })}
            on={norm.frozen}
            onChange={(on) => onTouch({ kind: 'freeze', path: norm.path, on })}
          />
        ))}
        {first && (
          <>
            <li>
              <Choice
                id="twin-channel"
                label={t('twin.channel', { path: first.path })}
                description={t('twin.channelTip')}
                value={String(at)}
                options={Array.from({ length: first.channels }, (_, c) => ({
                  value: String(c),
                  name: t('twin.channelOf', { number: c, path: first.path }),
                }))}
                onChange={(value) => setChannel(Number(value))}
              />
            </li>
            <Part
              name={t('twin.silenced', { number: at, path: first.path })}
              on={first.silenced.includes(at)}
              onChange={(on) => onTouch({ kind: 'silence', path: first.path, channel: at, on })}
            />
          </>
        )}
      </ul>
    </>
  );
}

function Part(props: { name: string; on: boolean; onChange: (on: boolean) => void }) {
  const { name, on, onChange } = props;
  return (
    <li>
      <Switch.Root className="switch" aria-label={name} checked={on} onCheckedChange={onChange}>
        <Switch.Thumb className="switch-thumb" />
      </Switch.Root>
      <span aria-hidden>{name}</span>
    </li>
  );
}

function Readings({ twin }: { twin: TwinState }) {
  const { t, i18n } = useTranslation('depth');
  const { count, differing, distance } = twin.weights;
  const number = (value: number) => integer(value, i18n.language);
  return (
    <dl className="readings">
      <div>
        <dt>{t('twin.steps')}</dt>
        <dd>{number(twin.iteration)}</dd>
      </div>
      <div>
        <dt>{t('twin.differing', { count: number(count) })}</dt>
        <dd>{twin.split === null ? '–' : number(differing)}</dd>
      </div>
      <div>
        <dt>{t('twin.distance')}</dt>
        <dd>{twin.split === null ? '–' : short(distance)}</dd>
      </div>
    </dl>
  );
}

/** What was done, and when. */
function Marks({ twin }: { twin: TwinState }) {
  const { t } = useTranslation('depth');
  const { split, marks } = twin;
  if (split === null) return null;
  const say = (touch: Touch) => {
    const { path, on } = touch;
    const number = touch.kind === 'silence' ? touch.channel : 0;
    return t(`twin.did.${touch.kind}.${on ? 'on' : 'off'}`, { path, number });
  };
  return (
    <ol className="depth-marks">
      <li>{t('twin.at', { step: split, what: t('twin.did.split') })}</li>
      {marks.map(({ iteration, touch }, i) => (
        <li key={i}>{t('twin.at', { step: iteration, what: say(touch) })}</li>
      ))}
    </ol>
  );
}
