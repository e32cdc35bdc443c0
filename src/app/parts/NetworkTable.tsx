import { Switch } from 'radix-ui';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { drawingOf } from '../../lab/networks.ts';
import { isConnected } from '../../network/fit.ts';
import type { NetworkDescription } from '../../worker/protocol.ts';
import { useLab, useLabGlance } from '../context.ts';
import { secondsLeft } from '../curves.ts';
import { duration, integer, percent, prefixed } from '../format.ts';
import { networkStyles } from '../palette.ts';
import type { LabState } from '../store.ts';
import type { NetworkStyle } from '../palette.ts';
import { useShade } from '../theme.ts';
import { CurveKey, Tip } from './controls.tsx';

const NONE = '–';

/** The networks in numbers: a legend of the chart, and the switches of the shortcuts. */
export function NetworkTable() {
  const { t } = useTranslation();
  const networks = useLab((state) => state.networks);
  const ids = useLab((state) => state.config.networks);
  const styles = networkStyles(ids, useShade());

  return (
    <section className="networks" aria-label={t('table.label')}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('table.network')}</th>
            <Tip text={t('table.residualTip')}>
              <th scope="col">{t('table.residual')}</th>
            </Tip>
            <th scope="col">{t('table.trainError')}</th>
            <th scope="col">{t('table.testError')}</th>
            <th scope="col">{t('table.iterations')}</th>
            <th scope="col">{t('table.timeLeft')}</th>
            <th scope="col">{t('table.speed')}</th>
            <th scope="col">{t('table.depth')}</th>
            <th scope="col">{t('table.parameters')}</th>
            <Tip text={t('table.flopsTip')}>
              <th scope="col">{t('table.flops')}</th>
            </Tip>
          </tr>
        </thead>
        <tbody>
          {ids.map((id) => {
            const style = styles.get(id);
            return (
              style && (
                <NetworkRow
                  key={id}
                  id={id}
                  style={style}
                  network={networks.find((network) => network.id === id)}
                />
              )
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

interface NetworkRowProps {
  id: string;
  style: NetworkStyle;
  /** Undefined until the worker has built it. */
  network: NetworkDescription | undefined;
}

/** Of the whole experiment: networks advance together, so it is the time left of each. */
function timeLeft({ config, curves, marks, datasets }: LabState): number | null {
  const { networks, steps, evalEvery, batch, data } = config;
  const diverged = new Set(marks.map(({ kind, network }) => kind === 'diverged' && network));
  const training = networks.filter((id) => !diverged.has(id));
  const testBatches = Math.ceil((datasets[data]?.testCount ?? 0) / batch);
  return secondsLeft(
    training.flatMap((id) => curves[id] ?? []),
    { steps, evalEvery, testBatches },
  );
}

function NetworkRow({ id, style, network }: NetworkRowProps) {
  const { t, i18n } = useTranslation();
  const { language } = i18n;
  const hidden = useLab((state) => state.hidden.includes(id));
  const setHidden = useLab((state) => state.setHidden);
  const toggle = useLab((state) => state.toggle);
  const select = useLab((state) => state.select);
  const diverged = useLab((state) =>
    state.marks.some((mark) => mark.kind === 'diverged' && mark.network === id),
  );
  const steps = useLab((state) => state.config.steps);
  const config = useLab((state) => state.config);
  const connected = useMemo(() => isConnected(drawingOf(id, config)) === true, [id, config]);
  const built = useLab((state) => state.run !== 'empty' && state.run !== 'preparing');
  useLabGlance((state) => state.revision);
  const curve = useLabGlance((state) => state.curves[id]);
  const speed = useLabGlance((state) => state.imagesPerSecond[id]);
  const left = useLabGlance(timeLeft);
  const iteration = curve?.iteration.at(-1) ?? 0;
  const train = curve?.trainError.at(-1);
  const test = curve?.testError.at(-1);

  return (
    <tr data-hidden={hidden || undefined}>
      <th scope="row">
        <Tip text={t('table.hide', { network: id })}>
          <button
            type="button"
            className="key-button"
            aria-pressed={!hidden}
            aria-label={t('table.hide', { network: id })}
            onClick={() => setHidden(id, !hidden)}
          >
            <CurveKey style={style} />
          </button>
        </Tip>
        <Tip text={t('table.show', { network: id })}>
          <button
            type="button"
            className="name-button"
            style={{ color: style.color }}
            onClick={() => select(id)}
          >
            {id}
          </button>
        </Tip>
      </th>
      <td>
        <Switch.Root
          className="switch"
          aria-label={t('table.toggle', { network: id })}
          checked={network?.connected ?? connected}
          disabled={!network?.rewirable || !built}
          onCheckedChange={(connected) => toggle(id, connected)}
        >
          <Switch.Thumb className="switch-thumb" />
        </Switch.Root>
      </td>
      <td className="strong">{train === undefined ? NONE : percent(train, language)}</td>
      <td className="strong">{test === undefined ? NONE : percent(test, language)}</td>
      <td>
        {diverged ? (
          <span className="diverged">✕ {t('table.diverged')}</span>
        ) : (
          integer(iteration, language)
        )}
      </td>
      <td>{diverged || left === null ? NONE : duration(iteration >= steps ? 0 : left)}</td>
      <td>{speed === undefined ? NONE : integer(speed, language)}</td>
      <td>{network ? network.depth : NONE}</td>
      <td>{network ? integer(network.parameters, language) : NONE}</td>
      <td>{network ? prefixed(network.flopsPerStep) : NONE}</td>
    </tr>
  );
}
