import { RotateCcw, Split } from 'lucide-react';
import { Switch } from 'radix-ui';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import type { Touch, TwinState } from '../../../worker/protocol.ts';
import { BlockDrawing } from '../../drawing/BlockDrawing.tsx';
import { integer } from '../../format.ts';
import { Choice, IconButton } from '../../parts/controls.tsx';
import { networkStyles } from '../../palette.ts';
import type { NetworkStyle } from '../../palette.ts';
import { useShade } from '../../theme.ts';
import { useWorker } from '../../worker.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Buttons, Choose, Control, useOffered } from '../controls.tsx';
import { LateProof } from '../Proof.tsx';
import { short } from '../short.ts';
import { Waiting } from '../Waiting.tsx';
import { PREPARED, TWINS } from './index.tsx';
import type { State } from './index.tsx';
import { SideChart } from './SideChart.tsx';
import { useOpened, useStudies, useWidth } from './study.ts';
import { TrainButton } from './TrainButton.tsx';
import type { PreparedTwin } from './study.ts';

/** A network that trains, and a copy beside it in which single parts are cut, frozen or silenced. */
export function Twin({ state, change }: InstrumentProps<State>) {
  const { t } = useTranslation('depth');
  const { twin, touch, begin } = useStudies();
  const study = useStore(twin);
  const width = useWidth();
  const { network, seed, split } = state;
  const kinds = preparedFor(network);
  const kind = kinds.includes(state.touch) ? state.touch : 'freeze';
  const setting: PreparedTwin | null = width && {
    ...{ network, seed, width, split },
    touch: TOUCHES[kind],
  };
  useOpened(twin, setting, begin);
  const { answer } = study;
  const style = networkStyles([network], useShade()).get(network);

  return (
    <>
      <div className="controls">
        <Choose
          name="network"
          label={t('twin.network')}
          value={network}
          values={TWINS}
          nameOf={(value) => value}
          onChange={(value) => change({ network: value })}
        />
        <Control name="touch" label={t('twin.prepared', { step: split })}>
          <Choice
            id="twin-touch"
            label={t('twin.prepared', { step: split })}
            description={t('twin.preparedTip')}
            value={kind}
            options={kinds.map((value) => ({ value, name: t(`twin.prepared_${value}`) }))}
            onChange={(value) => change({ touch: value })}
          />
        </Control>
        <Buttons name="train">
          <TrainButton study={study} name={t('twin.train')} />
          {answer?.split === null && (
            <button type="button" onClick={() => void touch(null)}>
              <Split aria-hidden size={16} /> {t('twin.split')}
            </button>
          )}
          <IconButton
            name={t('twin.again')}
            disabled={!answer || !setting}
            onClick={() => setting && void begin(setting)}
          >
            <RotateCcw aria-hidden size={17} />
          </IconButton>
        </Buttons>
      </div>
      <Waiting waiting={study.opening} going={study.going} failure={study.failure} />
      {!answer && !study.failure && <p className="depth-say">{t('twin.idle')}</p>}
      {answer && style && (
        <div className="depth-twin">
          <section aria-label={t('twin.parts')}>
            <Parts
              {...{ state, change, style }}
              twin={answer}
              onTouch={(next) => void touch(next)}
            />
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

/** What is prepared, as the worker is told; `null` leaves the twin alone. */
const TOUCHES: Record<State['touch'], Touch | null> = {
  first: { kind: 'cut', path: 'layer1.0', on: true },
  last: { kind: 'cut', path: 'layer3.0', on: true },
  freeze: { kind: 'freeze', path: 'layer1.0.bn1', on: true },
  silence: { kind: 'silence', path: 'layer1.0.bn1', channel: 0, on: true },
  none: null,
};

/** A plain network has no shortcut to cut. */
const preparedFor = (network: string): readonly State['touch'][] =>
  network.startsWith('residual')
    ? PREPARED
    : PREPARED.filter((kind) => TOUCHES[kind]?.kind !== 'cut');

interface PartsProps extends InstrumentProps<State> {
  style: NetworkStyle;
  twin: TwinState;
  onTouch: (touch: Touch) => void;
}

/** One block of the twin, and what may be done to it. */
function Parts({ state, change, style, twin, onTouch }: PartsProps) {
  const { t } = useTranslation('depth');
  const { network: id, channel } = state;
  const offered = useOffered('parts');
  const block = twin.blocks.find(({ path }) => path === state.block) ?? twin.blocks[0];
  if (!block) return null;
  const { path } = block;
  const norms = twin.norms.filter((norm) => norm.path.startsWith(`${path}.`));
  const [first] = norms;
  const residual = id.startsWith('residual');
  const at = Math.min(channel, (first?.channels ?? 1) - 1);

  return (
    <>
      <Control name="block" label={t('twin.block')}>
        <Choice
          id="twin-block"
          label={t('twin.block')}
          description={t('twin.blockTip')}
          value={path}
          options={twin.blocks.map((each) => ({ value: each.path, name: each.path }))}
          onChange={(value) => change({ block: value })}
        />
      </Control>
      <BlockDrawing id={id} style={style} connected={block.connected} />
      {offered && (
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
                  onChange={(value) => change({ channel: Number(value) })}
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
      )}
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
  const depth = useWorker();
  const number = (value: number) => integer(value, i18n.language);
  const { count } = twin.weights;
  /** A reading that can be asked where it comes from; before the twin splits off there is none. */
  const reading = (what: 'differing' | 'distance', name: string, say: (value: number) => string) =>
    twin.split === null ? (
      '–'
    ) : (
      <LateProof
        name={name}
        value={twin.weights[what]}
        ask={async () => {
          const { kernels, reference, operands, texts } = await depth.proveTwin();
          const given = Object.entries(operands).map(([key, each]) => ({ name: key, ...each }));
          return {
            evidence: { by: 'gpu', kernels: texts, operands: given },
            value: kernels[what],
            reference: reference[what],
          };
        }}
      >
        {say(twin.weights[what])}
      </LateProof>
    );
  return (
    <dl className="readings">
      <div>
        <dt>{t('twin.steps')}</dt>
        <dd>{number(twin.iteration)}</dd>
      </div>
      <div>
        <dt>{t('twin.differing', { count: number(count) })}</dt>
        <dd>{reading('differing', t('twin.differing', { count: number(count) }), number)}</dd>
      </div>
      <div>
        <dt>{t('twin.distance')}</dt>
        <dd>{reading('distance', t('twin.distance'), short)}</dd>
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
