import { Hammer, Pause, Play } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import type { ConstructionAnswer, ConstructionSetting } from '../../../worker/protocol.ts';
import { useLab } from '../../context.ts';
import { percent } from '../../format.ts';
import { className } from '../../i18n/index.ts';
import { Segmented } from '../../parts/controls.tsx';
import { networkStyles } from '../../palette.ts';
import { useShade } from '../../theme.ts';
import type { InstrumentProps } from '../chapter.ts';
import { Choose, Control } from '../controls.tsx';
import { Proof } from '../Proof.tsx';
import type { Evidence } from '../Proof.tsx';
import { short } from '../short.ts';
import { Waiting } from '../Waiting.tsx';
import { DEEP, SHALLOW } from './index.tsx';
import type { State } from './index.tsx';
import { SideChart } from './SideChart.tsx';
import { useStudies } from './study.ts';

const KINDS = ['plain', 'residual'] as const;

/** A trained shallow network, the deeper one built from it, and how the two train on. */
export function Construction({ state, change }: InstrumentProps<State>) {
  const { t } = useTranslation('depth');
  const { construction } = useStudies();
  const study = useStore(construction);
  const software = useLab(({ device }) => device?.software ?? false);
  const { residual, shallow, deep, steps, seed } = state;
  const setting: ConstructionSetting = {
    residual,
    steps,
    seed,
    shallow: Number(shallow),
    deep: Number(deep),
    width: software ? 4 : 8,
  };
  const deeper = DEEP.filter((depth) => Number(depth) > Number(shallow));
  const possible = deeper.includes(deep);
  const fresh = JSON.stringify(study.question) !== JSON.stringify(setting);
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
        <Control name="shallow" label={t('construction.from')}>
          <Segmented
            label={t('construction.from')}
            value={shallow}
            options={SHALLOW.map((value) => ({ value, name: value }))}
            onChange={(value) => change({ shallow: value })}
          />
        </Control>
        <Control name="deep" label={t('construction.to')}>
          <Segmented
            label={t('construction.to')}
            value={deep}
            options={deeper.map((value) => ({ value, name: value }))}
            onChange={(value) => change({ deep: value })}
          />
        </Control>
      </div>
      <div className="controls">
        <button
          type="button"
          className={fresh ? 'primary' : ''}
          disabled={opening || !possible}
          onClick={() => void study.open(setting)}
        >
          <Hammer aria-hidden size={16} /> {t('construction.build', { steps })}
        </button>
        <button
          type="button"
          className={fresh ? '' : 'primary'}
          disabled={!answer}
          onClick={() => (study.training ? study.pause() : void study.train())}
        >
          {study.training ? <Pause aria-hidden size={16} /> : <Play aria-hidden size={16} />}{' '}
          {study.training ? t('pause') : t('construction.on')}
        </button>
      </div>
      <Waiting waiting={opening} going={study.going} failure={study.failure} />
      {!answer && !opening && !study.failure && (
        <p className="depth-say">{t('construction.idle')}</p>
      )}
      {answer && <Built answer={answer} rows={study.rows} />}
    </>
  );
}

function Built({
  answer,
  rows,
}: {
  answer: ConstructionAnswer;
  rows: React.ComponentProps<typeof SideChart>['rows'];
}) {
  const { t, i18n } = useTranslation('depth');
  const { networks, added, classes, count, measured, evaluation, training, first, kernels } =
    answer;
  const color = networkStyles(networks, useShade()).get(networks[0])?.color ?? '';
  const residual = networks[1].startsWith('residual');
  const evidence: Evidence = { by: 'gpu', kernels, operands: [{ name: 'x', ...first.x }] };
  const wrong = (which: 0 | 1) => Math.round(measured[which].error * count);

  return (
    <>
      <p className="depth-say">
        {t(residual ? 'construction.madeResidual' : 'construction.madePlain', {
          number: added.length,
          blocks: added.join(', '),
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
                  {percent(measured[which].error, i18n.language)}{' '}
                  <small>{t('construction.wrong', { number: wrong(which) })}</small>
                </td>
              ))}
              <td>{Math.abs(wrong(1) - wrong(0))}</td>
            </tr>
            <tr>
              <th scope="row">{t('construction.loss')}</th>
              <td>{measured[0].loss.toFixed(6)}</td>
              <td>{measured[1].loss.toFixed(6)}</td>
              <td>{short(Math.abs(measured[1].loss - measured[0].loss))}</td>
            </tr>
            <tr>
              <th scope="row">{t('construction.outputs')}</th>
              <td colSpan={2}>{t('construction.evaluation')}</td>
              <td>{short(evaluation.difference / evaluation.size)}</td>
            </tr>
            <tr>
              <th scope="row" />
              <td colSpan={2}>{t('construction.training')}</td>
              <td>{short(training.difference / training.size)}</td>
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
                        evidence={evidence}
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
