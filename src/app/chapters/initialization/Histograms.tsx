import { useTranslation } from 'react-i18next';
import type { SignalLayer } from '../../../worker/protocol.ts';
import type { InstrumentProps } from '../chapter.ts';
import type { State } from './index.tsx';
import { short } from '../short.ts';

const WIDE = 100;
const HIGH = 60;
/** The common axis runs from minus to plus this; the input is N(0, 1). */
const REACH = 3;

interface HistogramsProps extends InstrumentProps<State> {
  layers: readonly SignalLayer[];
  depth: number;
}

/** One small histogram a layer, outputs above gradients; the chosen layer's numbers are read below. */
export function Histograms({ layers, depth, state, change }: HistogramsProps) {
  const { t } = useTranslation('initialization');
  const find = (phase: SignalLayer['phase'], layer: number) =>
    layers.find((candidate) => candidate.phase === phase && candidate.layer === layer);
  const choose = (layer: number, from: HTMLElement) => {
    change({ layer });
    from.parentElement?.querySelectorAll<HTMLElement>('[role=radio]')[layer]?.focus();
  };

  return (
    <div
      className="initialization-layers"
      role="radiogroup"
      aria-label={t('histogram.choose')}
      onKeyDown={(event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (step === undefined || !(event.target instanceof HTMLElement)) return;
        event.preventDefault();
        choose((state.layer + step + depth + 1) % (depth + 1), event.target);
      }}
    >
      {Array.from({ length: depth + 1 }, (_, layer) => (
        <button
          key={layer}
          type="button"
          role="radio"
          aria-checked={layer === state.layer}
          tabIndex={layer === state.layer ? 0 : -1}
          onClick={() => change({ layer })}
        >
          <b>{layer === 0 ? t('histogram.input') : t('histogram.layer', { layer })}</b>
          <Histogram of={find('forward', layer)} scale={state.scale} kind="forward" />
          <Histogram of={find('backward', layer)} scale={state.scale} kind="backward" />
        </button>
      ))}
    </div>
  );
}

interface HistogramProps {
  of: SignalLayer | undefined;
  scale: State['scale'];
  kind: SignalLayer['phase'];
}

function Histogram({ of, scale, kind }: HistogramProps) {
  const { t } = useTranslation('initialization');
  const deviation = of && short(of.description.deviation);
  return (
    <>
      <svg
        viewBox={`0 -1 ${WIDE} ${HIGH + 2}`}
        preserveAspectRatio="none"
        role="img"
        data-kind={kind}
        aria-label={t(`histogram.${kind}`, { deviation: deviation ?? '…' })}
      >
        <line x1={0} y1={HIGH} x2={WIDE} y2={HIGH} />
        {of && <path d={barsOf(of.description, scale)} />}
      </svg>
      <small>{deviation ?? '…'}</small>
    </>
  );
}

/** The density that fills the height on the common axis: a little more than that of N(0, 1) at its peak. */
const DENSEST = 0.45;

/**
 * The bars as one outline. On the common axis heights are densities, cut where they are higher. Else they are relative to the highest bar, but for
 * that which holds ReLU's zeros: it would press down all others, and is cut.
 */
export function barsOf(
  { min, max, bins, zeros, count }: SignalLayer['description'],
  scale: State['scale'],
): string {
  const [low, high] =
    scale === 'one' ? [-REACH, REACH] : max > min ? [min, max] : [min - 1, max + 1];
  const at = (value: number) => (WIDE * (value - low)) / (high - low);
  const place = (value: number) => Math.min(WIDE, Math.max(0, at(value)));
  const span = (max - min) / bins.length;
  const ofZero = zeros > count / 10 ? Math.min(bins.length - 1, Math.floor(-min / span)) : -1;
  const highest =
    scale === 'one' ? DENSEST * count * span : Math.max(...bins.filter((_, i) => i !== ofZero), 1);
  return bins
    .map((number, i) => {
      const from = place(min + i * span);
      // What is narrower than a line is drawn as one.
      const to = Math.max(from + 2, place(min + (i + 1) * span));
      const top = HIGH - HIGH * Math.min(1, number / highest);
      const outside = at(min + i * span) >= WIDE || at(min + (i + 1) * span) <= 0;
      return number === 0 || outside
        ? ''
        : `M${fixed(from)} ${HIGH}V${fixed(top)}H${fixed(to)}V${HIGH}Z`;
    })
    .join('');
}

const fixed = (value: number): string => value.toFixed(2);
