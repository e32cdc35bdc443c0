import { useRef } from 'react';
import type { KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { AXES, PLACES, SIZES, groupOf, indexOf, moved, spans } from './block.ts';
import type { Division, Place } from './block.ts';

/** A cell's edges along C and along H·W, and from one picture to the next, in units of the drawing. */
const C = { x: 11, y: -5.2 };
const P = { x: 0, y: 10.4 };
const N = { x: 108, y: 22 };
/** How thick a picture's slab is. */
const DEPTH = { x: 4.6, y: 2.6 };
const LEFT = 34;
const TOP = 68;
const WIDTH = LEFT + (SIZES.n - 1) * N.x + SIZES.c * C.x + 16;
const HEIGHT = TOP + (SIZES.n - 1) * N.y + SIZES.p * P.y + 30;
/** Values from here on are drawn in full colour. */
const FULL = 2.5;

const at = (n: number, c: number, p: number) => ({
  x: LEFT + n * N.x + c * C.x + p * P.x,
  y: TOP + n * N.y + c * C.y + p * P.y,
});
type Point = ReturnType<typeof at>;
const path = (...points: Point[]) =>
  `M${points.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}Z`;
const behind = ({ x, y }: Point): Point => ({ x: x + DEPTH.x, y: y + DEPTH.y - 2 * DEPTH.y });

const cell = ({ n, c, p }: Place) =>
  path(at(n, c, p), at(n, c + 1, p), at(n, c + 1, p + 1), at(n, c, p + 1));

const KEYS: Record<string, readonly ['n' | 'c' | 'p', number]> = {
  ArrowRight: ['c', 1],
  ArrowLeft: ['c', -1],
  ArrowDown: ['p', 1],
  ArrowUp: ['p', -1],
  PageDown: ['n', 1],
  PageUp: ['n', -1],
};

interface BlockProps {
  /** What it shows, and the element in words. */
  label: string;
  values: ArrayLike<number>;
  division: Division;
  place: Place;
  onPoint: (place: Place | null) => void;
  onSelect: (place: Place) => void;
}

/** The tensor as one slab a picture; the elements that are normalized with the chosen one are lit. */
export function BlockDrawing({ label, values, division, place, onPoint, onSelect }: BlockProps) {
  const { t } = useTranslation('normalization');
  const svg = useRef<SVGSVGElement>(null);
  const group = groupOf(place, division);
  const onKey = (event: KeyboardEvent) => {
    const key = KEYS[event.key];
    if (!key) return;
    event.preventDefault();
    event.stopPropagation();
    onSelect(moved(place, ...key));
  };
  const placeUnder = (target: EventTarget): Place | null => {
    const index = target instanceof Element ? target.getAttribute('data-index') : null;
    return index === null ? null : (PLACES[Number(index)] ?? null);
  };

  return (
    <svg
      ref={svg}
      className="tensor"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={PLACES.length - 1}
      aria-valuenow={indexOf(place)}
      aria-valuetext={t('block.place', { n: place.n + 1, c: place.c + 1, p: place.p + 1 })}
      onKeyDown={onKey}
      onPointerOver={({ target, pointerType }) =>
        pointerType === 'mouse' && onPoint(placeUnder(target))
      }
      onPointerLeave={() => onPoint(null)}
      onClick={({ target }) => {
        const chosen = placeUnder(target);
        if (chosen) onSelect(chosen);
      }}
    >
      {Array.from({ length: SIZES.n }, (_, n) => (
        <path
          key={n}
          className="side"
          d={
            path(at(n, 0, 0), at(n, SIZES.c, 0), behind(at(n, SIZES.c, 0)), behind(at(n, 0, 0))) +
            path(
              at(n, SIZES.c, 0),
              behind(at(n, SIZES.c, 0)),
              behind(at(n, SIZES.c, SIZES.p)),
              at(n, SIZES.c, SIZES.p),
            )
          }
        />
      ))}
      {PLACES.map((each, i) => {
        const value = values[i] ?? 0;
        return (
          <path
            key={i}
            className="cell"
            data-index={i}
            data-lit={groupOf(each, division) === group}
            data-sign={value < 0 ? 'negative' : 'positive'}
            fillOpacity={(0.08 + 0.92 * Math.min(1, Math.abs(value) / FULL)).toFixed(2)}
            d={cell(each)}
          />
        );
      })}
      <path className="chosen" d={cell(place)} />
      {AXES.map((axis) => (
        <Axis key={axis} axis={axis} spanned={spans(division, axis)} />
      ))}
    </svg>
  );
}

/** The name of an axis at its edge; bold where statistics are taken along it. */
function Axis({ axis, spanned }: { axis: 'n' | 'c' | 'p'; spanned: boolean }) {
  const far = SIZES.n - 1;
  const [from, to, name] = {
    n: [at(0, 0, SIZES.p + 1), at(far, 0, SIZES.p + 1), 'N'] as const,
    c: [at(0, 0, -1.2), at(0, SIZES.c, -1.2), 'C'] as const,
    p: [{ ...at(0, 0, 0), x: LEFT - 9 }, { ...at(0, 0, SIZES.p), x: LEFT - 9 }, 'H·W'] as const,
  }[axis];
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  const off = { n: { x: 0, y: 15 }, c: { x: -6, y: -6 }, p: { x: -6, y: 0 } }[axis];
  return (
    <g className="axis" data-spanned={spanned} data-axis={axis}>
      <path d={`M${from.x} ${from.y}L${to.x} ${to.y}`} />
      <text
        x={middle.x + off.x}
        y={middle.y + off.y}
        {...(axis === 'p' && {
          transform: `rotate(-90 ${middle.x + off.x} ${middle.y})`,
        })}
      >
        {name}
      </text>
    </g>
  );
}
