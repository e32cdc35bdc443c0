import { Timer } from 'lucide-react';
import { Fragment, useId, useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { drawingOf } from '../../lab/networks.ts';
import type { MemoryUse, NetworkProfile } from '../../worker/protocol.ts';
import { useLab } from '../context.ts';
import { LayerTimes } from '../drawing/LayerTimes.tsx';
import { stripOf } from '../drawing/strip.ts';
import { binary, percent, significant } from '../format.ts';
import { errorSentence } from '../i18n/index.ts';
import { PASSES, columnsOf, isSameWork, kernelsOf, sum } from '../profile.ts';
import { useProfiler } from '../profiler.ts';
import { Choice, InfoTip } from './controls.tsx';
import { Expectations } from './Expectations.tsx';
import { Tunings } from './Tunings.tsx';
import './profile.css';

const NONE = '–';
/** Kernels that are shown before all are asked for: the slowest. */
const FEW = 8;

/** Where the time and the memory of a network go on this device, and what to expect of it. */
export function ProfileTab() {
  const { t } = useTranslation();
  const id = useId();
  const config = useLab((state) => state.config);
  const chosen = useLab((state) => state.selected);
  const select = useLab((state) => state.select);
  const built = useLab(({ run }) => run !== 'empty' && run !== 'preparing');
  const profiling = useProfiler((state) => state.profiling);
  const failure = useProfiler((state) => state.failure);
  const profiles = useProfiler((state) => state.profiles);
  const measure = useProfiler((state) => state.profile);
  const network = config.networks.find((name) => name === chosen) ?? config.networks.at(-1) ?? '';
  const profile = profiles[network];

  return (
    <div className="profile">
      <section aria-label={t('profile.title')}>
        <h2>
          <label htmlFor={id}>{t('profile.title')}</label>
          <InfoTip label={t('profile.title')} text={t('profile.tip')} />
        </h2>
        <div className="profile-ask">
          <Choice
            id={id}
            description={t('profile.tip')}
            value={network}
            options={config.networks.map((name) => ({ value: name, name }))}
            onChange={select}
          />
          <button
            type="button"
            className="primary"
            disabled={!built || profiling !== null}
            onClick={() => void measure(network)}
          >
            <Timer aria-hidden size={16} />
            {t('profile.measure')}
          </button>
        </div>
        <p role="status" className="hint">
          {profiling !== null && t('profile.measuring', { network: profiling })}
        </p>
        {failure && <p className="failure">{errorSentence(failure)}</p>}
        {profile &&
          (isSameWork(profile.config, config) ? (
            <Findings profile={profile} />
          ) : (
            <p className="hint">{t('profile.stale')}</p>
          ))}
        {!profile && profiling === null && !failure && (
          <p className="hint">{t('profile.empty', { network })}</p>
        )}
      </section>
      <section aria-label={t('expect.title')}>
        <h2>
          {t('expect.title')}
          <InfoTip label={t('expect.title')} text={t('expect.tip')} />
        </h2>
        <Expectations />
      </section>
      <section aria-label={t('tuning.title')}>
        <h2>
          {t('tuning.title')}
          <InfoTip label={t('tuning.title')} text={t('tuning.tip')} />
        </h2>
        <Tunings />
      </section>
    </div>
  );
}

function Findings({ profile }: { profile: NetworkProfile }) {
  const { t, i18n } = useTranslation();
  const { network, config, clock, dispatches, rounds, stepMilliseconds, memory } = profile;
  const columns = useMemo(
    () => columnsOf(dispatches, stripOf(drawingOf(network, config))),
    [network, config, dispatches],
  );
  const number = (value: number) => significant(value, i18n.language);

  return (
    <>
      <p>
        {t('profile.step', {
          network,
          step: number(stepMilliseconds),
          count: dispatches.length,
          apart: number(sum(dispatches, 'nanoseconds') / 1e6),
        })}{' '}
        {t(`profile.clock.${clock}`, { rounds })}
      </p>
      <h3>{t('profile.layers')}</h3>
      <ul className="pass-key">
        {PASSES.map((pass) => (
          <li key={pass}>
            <svg viewBox="0 0 14 14" width="14" height="14" aria-hidden>
              <rect className="pass" data-pass={pass} width="14" height="14" rx="2" />
            </svg>
            {t(`drawing.${pass}`)}{' '}
            {t('profile.milliseconds', {
              value: number(columns.reduce((total, column) => total + column[pass], 0)),
            })}
          </li>
        ))}
      </ul>
      <LayerTimes columns={columns} network={network} />
      <h3>
        {t('profile.kernels')}{' '}
        <InfoTip label={t('profile.kernels')} text={t('profile.kernelsTip')} />
      </h3>
      <Kernels profile={profile} />
      <h3>{t('profile.memory')}</h3>
      <Memory memory={memory} />
    </>
  );
}

/** A rate with its part of the measured peak below; neither where there is none. */
function Rate({ value, peak }: { value: number; peak: number }) {
  const { i18n } = useTranslation();
  if (!(value > 0) || !Number.isFinite(value)) return <td>{NONE}</td>;
  return (
    <td>
      {significant(value / 1e9, i18n.language)}
      <small>{percent(value / peak, i18n.language)}</small>
    </td>
  );
}

function Kernels({ profile: { dispatches, peaks } }: { profile: NetworkProfile }) {
  const { t, i18n } = useTranslation();
  const [all, setAll] = useState(false);
  const rows = kernelsOf(dispatches);
  const number = (value: number) => significant(value, i18n.language);
  return (
    <>
      <div className="scroll" tabIndex={0} role="group" aria-label={t('profile.kernels')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('profile.kernel')}</th>
              <th scope="col">{t('profile.runs')}</th>
              <th scope="col">{t('profile.ms')}</th>
              <th scope="col">GFLOP/s</th>
              <th scope="col">GB/s</th>
            </tr>
          </thead>
          <tbody>
            {rows
              .slice(0, all ? rows.length : FEW)
              .map(({ kernel, dispatches, milliseconds, share, flops, bandwidth }) => (
                <tr key={kernel}>
                  <th scope="row">
                    {/* Lines may break after an underscore, and nowhere else in a name. */}
                    {kernel.split(/(?<=_|\+)/).map((part, index) => (
                      <Fragment key={index}>
                        {part}
                        <wbr />
                      </Fragment>
                    ))}
                  </th>
                  <td>{dispatches}</td>
                  <td>
                    {number(milliseconds)}
                    <small>{percent(share, i18n.language)}</small>
                  </td>
                  <Rate value={flops} peak={peaks.flops} />
                  <Rate value={bandwidth} peak={peaks.bandwidth} />
                </tr>
              ))}
          </tbody>
        </table>
      </div>
      {!all && rows.length > FEW && (
        <button type="button" onClick={() => setAll(true)}>
          {t('profile.all', { count: rows.length })}
        </button>
      )}
      <p className="hint">
        {t('profile.peaks', {
          flops: number(peaks.flops / 1e9),
          bandwidth: number(peaks.bandwidth / 1e9),
        })}
      </p>
    </>
  );
}

const KINDS = ['weights', 'gradients', 'optimizer', 'statistics', 'shared'] as const;

function Memory({ memory }: { memory: MemoryUse }) {
  const { t, i18n } = useTranslation();
  const bytes = (value: number) => binary(value, i18n.language);
  const row = (key: string, name: ReactNode, value: string) => (
    <tr key={key}>
      <th scope="row">{name}</th>
      <td>{value}</td>
    </tr>
  );
  return (
    <>
      <table>
        <tbody>
          {KINDS.map((kind) => row(kind, t(`profile.kind.${kind}`), bytes(memory[kind])))}
        </tbody>
      </table>
      <p>
        {t('profile.bound', {
          bound: bytes(memory.lowerBound),
          planned: bytes(memory.transient),
          ratio: (memory.transient / memory.lowerBound).toFixed(2),
        })}
      </p>
      <table>
        <caption>{t('profile.largest')}</caption>
        <tbody>
          {memory.largest.map(({ name, shape, bytes: size }, index) =>
            row(
              String(index),
              <>
                <span>{name}</span> <small>{shape.join('×')}</small>
              </>,
              bytes(size),
            ),
          )}
        </tbody>
      </table>
    </>
  );
}
