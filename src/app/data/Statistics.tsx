import { useTranslation } from 'react-i18next';
import type { SetDetails } from '../../worker/protocol.ts';
import { wholePercent } from '../format.ts';

/** A histogram's picture, in its own units. */
const HEIGHT = 72;

/** Per channel of the training set: the distribution of its values, with mean and deviation. */
export function Statistics({ set }: { set: SetDetails }) {
  const { t } = useTranslation('data');
  const { mean, std } = set.statistics;
  const names = mean.length === 3 ? (['red', 'green', 'blue'] as const) : null;
  return (
    <section aria-labelledby="set-statistics">
      <h3 id="set-statistics">{t('statistics.title')}</h3>
      <p className="quietly">{t('statistics.hint')}</p>
      <div className="histograms">
        {set.histograms.map((bins, channel) => {
          const color = names?.[channel];
          const name = color
            ? t(`statistics.${color}`)
            : set.channels === 1
              ? t('statistics.grey')
              : t('statistics.channel', { number: channel + 1 });
          const [m, s] = [mean[channel] ?? NaN, std[channel] ?? NaN];
          return (
            <figure key={name} data-color={color ?? 'grey'}>
              <figcaption>
                <b>{name}</b>
                <span>{t('statistics.numbers', { mean: m.toFixed(4), std: s.toFixed(4) })}</span>
              </figcaption>
              <Histogram bins={bins} mean={m} std={s} label={name} />
            </figure>
          );
        })}
      </div>
    </section>
  );
}

/**
 * Bars over 0…255. Paper and ink of drawn pictures put most values into a bin or two: bars are cut at four times the
 * highest of the others, and those that are cut say what they hold.
 */
function Histogram(props: { bins: number[]; mean: number; std: number; label: string }) {
  const { t, i18n } = useTranslation('data');
  const { bins, mean, std, label } = props;
  const total = bins.reduce((sum, count) => sum + count, 0);
  const inner = Math.max(...bins.slice(1, -1));
  const top = Math.min(Math.max(...bins), 4 * inner) || 1;
  const n = bins.length;
  const cut = bins.flatMap((count, i) => (count > top ? [{ i, count }] : []));
  const words = t('statistics.label', { name: label, mean: mean.toFixed(4), std: std.toFixed(4) });
  return (
    <div className="histogram">
      <svg viewBox={`0 0 ${n} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={words}>
        <rect
          className="deviation"
          x={n * Math.max(0, mean - std)}
          width={n * (Math.min(1, mean + std) - Math.max(0, mean - std))}
          y={0}
          height={HEIGHT}
        />
        {bins.map((count, i) => {
          const height = (HEIGHT * Math.min(count, top)) / top;
          return <rect key={i} x={i} width={0.9} y={HEIGHT - height} height={height} />;
        })}
        <line x1={n * mean} x2={n * mean} y1={0} y2={HEIGHT} />
      </svg>
      {cut.map(({ i, count }) => (
        <small
          key={i}
          style={{ [i < n / 2 ? 'left' : 'right']: `${(100 * Math.min(i + 1, n - i)) / n + 1}%` }}
        >
          ↑ {wholePercent(count / total, i18n.language)}
        </small>
      ))}
      <p aria-hidden>
        <span>0</span>
        <span>1</span>
      </p>
    </div>
  );
}
