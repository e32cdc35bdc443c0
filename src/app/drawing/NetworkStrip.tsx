import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { drawingOf } from '../../lab/networks.ts';
import { depthOf } from '../../network/fit.ts';
import { useLab } from '../context.ts';
import type { NetworkStyle } from '../palette.ts';
import { barAt, stripOf } from './strip.ts';

const TALLEST = 25;
const SHORTEST = 5;
const ARC_ROOM = 12;
const WIDTH = 340;

interface NetworkStripProps {
  id: string;
  style: NetworkStyle;
  connected: boolean;
  selected: boolean;
  /** Layers of the deepest network: all strips are drawn to the same scale. */
  deepest: number;
  onSelect: () => void;
}

/** One network, layer by layer. */
export function NetworkStrip(props: NetworkStripProps) {
  const { id, style, connected, selected, deepest, onSelect } = props;
  const { t } = useTranslation();
  const phase = useLab((state) => (state.phase?.network === id ? state.phase : null));
  const config = useLab((state) => state.config);
  const spec = useMemo(() => drawingOf(id, config), [id, config]);
  const strip = useMemo(() => stripOf(spec), [spec]);
  const pitch = Math.min(14, WIDTH / deepest);
  const thickness = Math.max(1.5, pitch * 0.62);
  const lit = phase ? barAt(strip, phase.path) : null;
  const center = (bar: number) => (bar + 0.5) * pitch;
  const state = (bar: number) => {
    if (!phase?.phase || lit === null) return undefined;
    if (bar === lit) return 'now';
    const passed = phase.phase === 'backward' ? bar > lit : bar < lit;
    return passed ? 'passed' : undefined;
  };

  return (
    <button
      type="button"
      className="strip"
      data-connected={connected}
      data-phase={phase?.phase ?? undefined}
      aria-pressed={selected}
      onClick={onSelect}
      style={{ color: style.color }}
    >
      <span className="strip-name">
        <b>
          {style.glyph} {id}
        </b>
        <span>
          {phase?.phase
            ? t('drawing.step', { phase: t(`drawing.${phase.phase}`), path: phase.path })
            : connected
              ? t('drawing.connected')
              : t('drawing.cut')}
        </span>
      </span>
      <svg
        viewBox={`0 0 ${WIDTH} ${ARC_ROOM + TALLEST}`}
        role="img"
        aria-label={t('drawing.label', { network: id, depth: depthOf(spec) })}
      >
        {strip.arcs.map(({ path, from, to }, index) => {
          const [left, right] = [center(from) + pitch / 2, center(to) + pitch / 2];
          const base = ARC_ROOM + TALLEST - barHeight(strip.bars[to]?.side ?? 0);
          const rise = Math.min(ARC_ROOM - 2, (right - left) * 0.6);
          return (
            <path
              key={path}
              className="arc"
              pathLength={1}
              style={{ transitionDelay: `${index * 8}ms` }}
              d={`M${left} ${base - 1}C${left} ${base - 1 - rise * 1.3} ${right} ${base - 1 - rise * 1.3} ${right} ${base - 1}`}
            />
          );
        })}
        {strip.bars.map(({ path, side }, bar) => (
          <rect
            key={path}
            className="bar"
            data-state={state(bar)}
            x={center(bar) - thickness / 2}
            y={ARC_ROOM + TALLEST - barHeight(side)}
            width={thickness}
            height={barHeight(side)}
            rx={Math.min(1.5, thickness / 3)}
          />
        ))}
      </svg>
    </button>
  );
}

function barHeight(side: number): number {
  return Math.max(SHORTEST, TALLEST * side);
}
