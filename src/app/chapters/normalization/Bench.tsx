import { useCallback, useId, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Formula } from '../../drawing/Formula.tsx';
import type { Activations } from '../../../worker/protocol.ts';
import { useLab } from '../../context.ts';
import { Choice, Segmented } from '../../parts/controls.tsx';
import type { Failure } from '../../../worker/protocol.ts';
import { useAsked } from '../ask.ts';
import type { Instruments } from '../ask.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Control, Redraw, Slide } from '../controls.tsx';
import { Waiting } from '../Waiting.tsx';
import {
  AXES,
  METHODS,
  SIZES,
  activationOf,
  divisionOf,
  groupOf,
  membersOf,
  methodOf,
  randomActivation,
  setTex,
  spans,
  toggled,
} from './block.ts';
import type { Activation, Division, Place } from './block.ts';
import { BlockDrawing } from './BlockDrawing.tsx';
import { DIVISORS, STAGES, VIEWS } from './index.tsx';
import type { State } from './index.tsx';
import { SEEN, fates, normalize, valueAt } from './normalize.ts';
import type { Normalized } from './normalize.ts';
import { FatePlot, GroupPlot, Histograms } from './Plots.tsx';
import { Readings } from './Readings.tsx';

const NAMED = METHODS.filter((method) => method !== 'free');
const AXIS_NAMES = { n: 'N', c: 'C', p: 'H·W' } as const;

/** A tensor, the elements that are normalized together, and what becomes of them. */
export function Bench({ state, change }: InstrumentProps<State>) {
  const { t } = useTranslation('normalization');
  const { method, axes, groups, gamma, beta, mode, seed } = state;
  const [pointed, setPointed] = useState<Place | null>(null);
  const division = divisionOf(state);
  const place = pointed ?? { n: state.n - 1, c: state.c - 1, p: state.p - 1 };
  const source = useSource(state.of, seed);
  const { activation } = source;
  const ask = useCallback(
    (instruments: Instruments) =>
      normalize(instruments, { method, axes, groups, gamma, beta, mode, activation }),
    [method, axes, groups, gamma, beta, mode, activation],
  );
  const { answer, failure, waiting } = useAsked(ask);

  return (
    <>
      <Controls state={state} change={change} division={division} taken={source.taken} />
      <p className="built" role="status">
        {t(`built.${nameOf(state)}`)}
        {mode === 'evaluate' && method === 'batch' && ` ${t('built.evaluate', { count: SEEN })}`}
      </p>
      <Waiting
        waiting={waiting && !answer}
        failure={failure ?? source.failure}
        before="computing"
      />
      {answer && (
        <div className="normalization">
          <section className="tensor-panel" aria-label={t('block.title')}>
            <BlockDrawing
              label={t('block.label')}
              values={stageOf(answer, state.stage)}
              division={division}
              place={place}
              onPoint={setPointed}
              onSelect={({ n, c, p }) => change({ n: n + 1, c: c + 1, p: p + 1 })}
            />
            {source.taken && <p className="taken">{t('of.taken', takenFrom(source.taken))}</p>}
            <p className="sums">
              <Formula
                tex={String.raw`\mu_i=\frac1m\!\sum_{k\in\textcolor{#d97006}{\mathcal S_i}}\!x_k`}
                plain="μᵢ = mean of x over Sᵢ"
              />
              <Formula
                tex={String.raw`\sigma_i^2=\frac1m\!\sum_{k\in\textcolor{#d97006}{\mathcal S_i}}\!(x_k-\mu_i)^2`}
                plain="σᵢ² = mean of (x − μᵢ)² over Sᵢ"
              />
              <Formula tex={String.raw`\textcolor{#d97006}{${setTex(division)}}`} plain="Sᵢ" />
            </p>
          </section>
          <section className="findings" aria-label={t('reading.title')}>
            <Readings of={answer} division={division} place={place} />
            <Control name="view" label={t('view.label')}>
              <Segmented
                label={t('view.label')}
                value={state.view}
                options={VIEWS.map((view) => ({ value: view, name: t(`view.${view}`) }))}
                onChange={(view) => change({ view })}
              />
            </Control>
            <View
              state={state}
              of={answer}
              activation={activation}
              division={division}
              place={place}
            />
          </section>
        </div>
      )}
    </>
  );
}

interface Source {
  activation: Activation;
  /** Where the activations come from a network: from which layer, and when. */
  taken: Activations | null;
  failure: Failure | null;
}

/** Random activations, or those of a network of the experiment; random ones until these are there. */
function useSource(of: string, seed: number): Source {
  const ask = useCallback(
    async (instruments: Instruments) => {
      const [network, path] = of.split('/');
      return network ? { seed, activations: await instruments.activations(network, path) } : null;
    },
    [of, seed],
  );
  const { answer, failure } = useAsked(ask);
  const taken = of === '' ? null : answer;
  const activation = useMemo(
    () => (taken ? activationOf(taken.activations.x, taken.seed) : randomActivation(seed)),
    [taken, seed],
  );
  return { activation, taken: taken?.activations ?? null, failure: of === '' ? null : failure };
}

const takenFrom = ({ network, path, iteration }: Activations) => ({ network, path, iteration });

/** What the chosen axes are called. */
function nameOf({ method, axes, groups }: State) {
  if (method === 'free') return axes;
  if (method === 'group' && groups === 1) return 'groupLayer';
  if (method === 'group' && groups === SIZES.c) return 'groupInstance';
  return method;
}

const stageOf = ({ x, normalized, y }: Normalized, stage: State['stage']): ArrayLike<number> =>
  ({ x: x.data, normalized: normalized.values, y: y.values })[stage];

interface ControlsProps extends InstrumentProps<State> {
  division: Division;
  taken: Activations | null;
}

function Controls({ state, change, division, taken }: ControlsProps) {
  const { t } = useTranslation('normalization');
  const { method } = state;
  return (
    <div className="controls">
      <Control name="method" label={t('method.label')}>
        <Segmented
          label={t('method.label')}
          value={method}
          options={NAMED.map((name) => ({ value: name, name: t(`method.${name}`) }))}
          onChange={(name) => change({ method: name })}
        />
      </Control>
      <Control name="axes" label={t('axes.label')}>
        <div className="segmented axes" role="group" aria-label={t('axes.label')}>
          {AXES.map((axis) => (
            <button
              key={axis}
              type="button"
              aria-pressed={spans(division, axis)}
              onClick={() => {
                const next = toggled(division, axis);
                change({ method: methodOf(next), axes: next });
              }}
            >
              {AXIS_NAMES[axis]}
            </button>
          ))}
        </div>
      </Control>
      {method === 'group' && (
        <Control name="groups" label={t('groups')}>
          <Slide
            label={t('groups')}
            value={DIVISORS.indexOf(state.groups)}
            min={0}
            max={DIVISORS.length - 1}
            step={1}
            text={String(state.groups)}
            onChange={(index) => change({ groups: DIVISORS[index] ?? 1 })}
          />
        </Control>
      )}
      {method === 'batch' && (
        <Control name="mode" label={t('mode.label')}>
          <Segmented
            label={t('mode.label')}
            value={state.mode}
            options={[
              { value: 'train', name: t('mode.train') },
              { value: 'evaluate', name: t('mode.evaluate') },
            ]}
            onChange={(mode) => change({ mode })}
          />
        </Control>
      )}
      <Control name="gamma" label="γ">
        <Slide
          label="γ"
          value={state.gamma}
          min={0}
          max={2}
          step={0.1}
          text={state.gamma.toFixed(1)}
          onChange={(gamma) => change({ gamma })}
        />
      </Control>
      <Control name="beta" label="β">
        <Slide
          label="β"
          value={state.beta}
          min={-3}
          max={3}
          step={0.1}
          text={state.beta.toFixed(1)}
          onChange={(beta) => change({ beta })}
        />
      </Control>
      <SourceControl state={state} change={change} taken={taken} />
      <Control name="stage" label={t('stage.label')}>
        <Segmented
          label={t('stage.label')}
          value={state.stage}
          options={STAGES.map((stage) => ({ value: stage, name: t(`stage.short.${stage}`) }))}
          onChange={(stage) => change({ stage })}
        />
        <Redraw
          name={t(taken ? 'of.again' : 'seed')}
          seed={state.seed}
          onChange={(next) => change({ seed: next })}
        />
      </Control>
    </div>
  );
}

/** Whether the tensor is random, or of which layer of which network. */
function SourceControl({ state, change, taken }: Omit<ControlsProps, 'division'>) {
  const { t } = useTranslation('normalization');
  const ids = [useId(), useId()] as const;
  const networks = useLab((lab) => lab.config.networks);
  const [network = ''] = state.of.split('/');
  return (
    <Control name="of" label={t('of.label')}>
      <Choice
        id={ids[0]}
        label={t('of.label')}
        description={t('of.description')}
        value={network}
        options={[
          { value: '', name: t('of.random') },
          ...[...new Set([...networks, ...(network ? [network] : [])])].map((id) => ({
            value: id,
            name: id,
          })),
        ]}
        onChange={(of) => change({ of })}
      />
      {taken && (
        <Choice
          id={ids[1]}
          label={t('of.layer')}
          description={t('of.description')}
          value={taken.path}
          options={taken.paths.map((path) => ({ value: path, name: path }))}
          onChange={(path) => change({ of: `${network}/${path}` })}
        />
      )}
    </Control>
  );
}

interface ViewProps {
  state: State;
  of: Normalized;
  activation: Activation;
  division: Division;
  place: Place;
}

function View({ state, of, activation, division, place }: ViewProps) {
  const members = useMemo(() => membersOf(division), [division]);
  const group = groupOf(place, division);
  switch (state.view) {
    case 'histograms':
      return <Histograms of={of} members={members[group] ?? []} />;
    case 'groups':
      return <GroupPlot of={of} group={group} />;
    case 'batches':
      return <Fates state={state} of={of} activation={activation} place={place} />;
  }
}

/** Batch norm's answer for one element depends on its company; the others' does not. */
function Fates({ state, of, activation, place: { c, p } }: Omit<ViewProps, 'division'>) {
  const { method, mode } = state;
  const ask = useCallback(
    (instruments: Instruments) => fates(instruments, activation, { c, p }),
    [activation, c, p],
  );
  const { answer } = useAsked(ask);
  const alone = method !== 'batch' && !spans(divisionOf(state), 'n');
  const fixed = alone || (method === 'batch' && mode === 'evaluate');
  return (
    <FatePlot fates={answer ?? []} alone={fixed ? valueAt(of.normalized, { n: 0, c, p }) : null} />
  );
}
