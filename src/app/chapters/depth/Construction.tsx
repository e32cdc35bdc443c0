import { RotateCcw } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import type { ConstructionAnswer, ConstructionSetting, SideRow } from '../../../worker/protocol.ts';
import { useLabGlance } from '../../context.ts';
import { percent } from '../../format.ts';
import { className } from '../../i18n/index.ts';
import { IconButton } from '../../parts/controls.tsx';
import { networkStyles } from '../../palette.ts';
import { useShade } from '../../theme.ts';
import { useWorker } from '../../worker.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Buttons, Choose } from '../controls.tsx';
import { LateProof, Proof, evidenceOfNetwork } from '../Proof.tsx';
import { short } from '../short.ts';
import { Waiting } from '../Waiting.tsx';
import { DEEP, ORIGINS, SHALLOW } from './index.tsx';
import type { State } from './index.tsx';
import { SideChart } from './SideChart.tsx';
import { useOpened, useStudies, useWidth } from './study.ts';
import { TrainButton } from './TrainButton.tsx';

const KINDS = ['plain', 'residual'] as const;

type ComparedMode = keyof ConstructionAnswer['kernels'];
/** Where an answer holds the comparison of each mode. */
const COMPARED = { evaluate: 'evaluation', train: 'training' } as const;

/** A trained shallow network, the deeper one built from it, and how the two train on. */
export function Construction({ state, change }: InstrumentProps<State>) {
  const { t } = useTranslation('depth');
  const { construction } = useStudies();
  const study = useStore(construction);
  const width = useWidth();
  const { from, residual, shallow, steps, seed } = state;
  const deeper = DEEP.filter((depth) => Number(depth) > Number(shallow));
  const deep = deeper.includes(state.deep) ? state.deep : (deeper[0] ?? state.deep);
  const setting: ConstructionSetting | null = width && {
    ...{ from, residual, steps, seed, width },
    shallow: Number(shallow),
    deep: Number(deep),
  };
  useOpened(construction, setting, study.open);
  const ready = useTrainedSteps(`${residual ? 'residual' : 'plain'}-${shallow}`, residual);
  const { answer, opening } = study;

  return (
    <>
      <div className="controls">
        <Choose
          name="residual"
          label={t('construction.kind')}
          value={residual ? 'residual' : 'plain'}
          values={KINDS}
          nameOf={(value) => t(`argument.${value}`)}
          onChange={(value) => change({ residual: value === 'residual' })}
        />
        <Choose
          name="shallow"
          label={t('construction.from')}
          value={shallow}
          values={SHALLOW}
          nameOf={(value) => value}
          onChange={(value) => change({ shallow: value })}
        />
        <Choose
          name="deep"
          label={t('construction.to')}
          value={deep}
          values={deeper}
          nameOf={(value) => value}
          onChange={(value) => change({ deep: value })}
        />
        {(ready > 0 || from === 'experiment') && (
          <Choose
            name="from"
            label={t('construction.origin')}
            value={from}
            values={ORIGINS}
            nameOf={(value) => t(`construction.origin_${value}`)}
            onChange={(value) => change({ from: value })}
          />
        )}
        <Buttons name="train">
          <TrainButton study={study} name={t('construction.on')} />
          <IconButton
            name={t('construction.again')}
            disabled={opening || !setting}
            onClick={() => setting && void study.open(setting)}
          >
            <RotateCcw aria-hidden size={17} />
          </IconButton>
        </Buttons>
      </div>
      <Waiting waiting={opening} going={study.going} failure={study.failure} />
      {!answer && !study.failure && <p className="depth-say">{t('construction.idle')}</p>}
      {answer && <Built answer={answer} rows={study.rows} />}
    </>
  );
}

/** Steps that a network of the experiment has trained, where its shortcuts are as its name says; else 0. */
function useTrainedSteps(id: string, connected: boolean): number {
  return useLabGlance(({ networks, curves }) =>
    networks.some((each) => each.id === id && each.connected === connected)
      ? (curves[id]?.iteration.at(-1) ?? 0)
      : 0,
  );
}

const stageOf = (path: string): string => path.split('.')[0] ?? '';

/** Many blocks of a stage as a range: layer1.1–layer1.8. */
const blocksOf = (paths: readonly string[]): string[] =>
  [...new Set(paths.map(stageOf))]
    .map((stage) => paths.filter((path) => stageOf(path) === stage))
    .flatMap((of) => (of.length > 2 ? [`${of[0]}–${of.at(-1)}`] : of));

function Built({ answer, rows }: { answer: ConstructionAnswer; rows: readonly SideRow[] }) {
  const { t, i18n } = useTranslation('depth');
  const depth = useWorker();
  const { networks, added, classes, count, measured, first, kernels, weights, steps } = answer;
  const color = networkStyles(networks, useShade()).get(networks[0])?.color ?? '';
  const residual = networks[1].startsWith('residual');
  const [, ...shape] = first.x.shape;
  const evidence = (mode: ComparedMode, which: 0 | 1, pictures: number) =>
    evidenceOfNetwork({ by: 'gpu', kernels: kernels[mode], weights: weights[which] }, [
      { name: 'x', shape: [pictures, ...shape], data: first.x.data },
    ]);
  const wrong = (which: 0 | 1) => Math.round(measured[which].error * count);
  /** A number of one network's measurement, that can be asked where it comes from. */
  const measuredOf = (which: 0 | 1, what: 'error' | 'loss', text: string) => (
    <LateProof
      name={`${networks[which]}: ${t(`construction.${what}`)}`}
      value={measured[which][what]}
      ask={async (_, _training, _drawing, proving) => ({
        evidence: evidence('evaluate', which, count),
        reference: (await depth.measureReference(which, proving))[what],
      })}
    >
      {text}
    </LateProof>
  );
  /** The same of the difference of both. */
  const differenceOf = (what: 'error' | 'loss', scale: number, text: string) => (
    <LateProof
      name={`${t('construction.difference')}: ${t(`construction.${what}`)}`}
      value={scale * Math.abs(measured[1][what] - measured[0][what])}
      ask={async (_, _training, _drawing, proving) => {
        const one = await depth.measureReference(0, proving);
        const other = await depth.measureReference(1, proving);
        return {
          evidence: evidence('evaluate', 1, count),
          reference: scale * Math.abs(other[what] - one[what]),
        };
      }}
    >
      {text}
    </LateProof>
  );
  const comparedIn = (mode: ComparedMode) => {
    const { difference, size } = answer[COMPARED[mode]];
    return (
      <LateProof
        name={`${t('construction.outputs')}: ${t(`construction.${COMPARED[mode]}`)}`}
        value={difference / size}
        ask={async () => {
          const reference = await depth.compareReference(mode);
          return {
            evidence: evidence(mode, 1, answer.compared),
            reference: reference.difference / reference.size,
          };
        }}
      >
        {short(difference / size)}
      </LateProof>
    );
  };

  return (
    <>
      <p className="depth-say">
        {t('construction.trained', { network: networks[0], steps })}
        {t(residual ? 'construction.madeResidual' : 'construction.madePlain', {
          number: added.length,
          blocks: new Intl.ListFormat(i18n.language).format(blocksOf(added)),
        })}
      </p>
      <div className="depth-scroll">
        <table className="depth-table">
          <thead>
            <tr>
              <td />
              <th scope="col">{networks[0]}</th>
              <th scope="col">{networks[1]}</th>
              <th scope="col">{t('construction.difference')}</th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">{t('construction.trainError', { number: count })}</th>
              {([0, 1] as const).map((which) => (
                <td key={which}>
                  {measuredOf(which, 'error', percent(measured[which].error, i18n.language))}{' '}
                  <small>{t('construction.wrong', { number: wrong(which) })}</small>
                </td>
              ))}
              <td>{differenceOf('error', count, String(Math.abs(wrong(1) - wrong(0))))}</td>
            </tr>
            <tr>
              <th scope="row">{t('construction.loss')}</th>
              <td>{measuredOf(0, 'loss', measured[0].loss.toFixed(6))}</td>
              <td>{measuredOf(1, 'loss', measured[1].loss.toFixed(6))}</td>
              <td>
                {differenceOf('loss', 1, short(Math.abs(measured[1].loss - measured[0].loss)))}
              </td>
            </tr>
            <tr>
              <th scope="row">{t('construction.outputs')}</th>
              <td colSpan={2}>{t('construction.evaluation')}</td>
              <td>{comparedIn('evaluate')}</td>
            </tr>
            <tr>
              <th scope="row" />
              <td colSpan={2}>{t('construction.training')}</td>
              <td>{comparedIn('train')}</td>
            </tr>
          </tbody>
        </table>
      </div>
      <SideChart rows={rows} names={networks} color={color} marks={[answer.rows.length]} />
      <details>
        <summary>{t('construction.logits')}</summary>
        <div className="depth-scroll">
          <table className="depth-table">
            <thead>
              <tr>
                <td />
                {networks.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {classes.map((name, c) => (
                <tr key={name}>
                  <th scope="row">{className(name)}</th>
                  {([0, 1] as const).map((which) => (
                    <td key={which}>
                      <Proof
                        evidence={evidence('evaluate', which, 1)}
                        name={t('construction.logit', {
                          network: networks[which],
                          name: className(name),
                        })}
                        value={first.logits[which][c] ?? NaN}
                        reference={first.reference[which][c] ?? NaN}
                      >
                        {(first.logits[which][c] ?? NaN).toFixed(5)}
                      </Proof>
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}
