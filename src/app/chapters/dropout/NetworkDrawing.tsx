import { useRef } from 'react';
import type { KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { INPUT, LAYERS, LINEAR } from './network.ts';
import { valueAt } from './passes.ts';
import type { Forward, Step } from './passes.ts';

const [, HIDDEN] = LAYERS;
/** The output's number among the units that can be selected; before it come those of the hidden layers. */
export const OUTPUT = 2 * HIDDEN;

/** Hidden layer (0 or 1) and index in it; the output is unit 0 of layer 2. */
export const placeOfUnit = (unit: number) => ({
  layer: Math.floor(unit / HIDDEN),
  index: unit % HIDDEN,
});

const WIDTH = 340;
const HEIGHT = 196;
const RADIUS = 16.5;
/** Room for the names of the columns. */
const TOP = 20;
const COLUMNS = ['x', 'h₁', 'h₂', 'y'] as const;

const columnX = (column: number) => 24 + (column * (WIDTH - 48)) / (LAYERS.length - 1);
const unitY = (column: number, index: number) =>
  TOP + ((index - ((LAYERS[column] ?? 1) - 1) / 2) / HIDDEN + 0.5) * (HEIGHT - TOP);

interface NetworkDrawingProps {
  label: string;
  forward: Forward;
  /** By hidden layer; null where nothing is dropped. */
  masks: readonly (Step | null)[];
  /** The pass that is drawn. */
  row: number;
  unit: number;
  onSelect: (unit: number) => void;
}

/** The network of one pass: what is dropped is hollow and crossed, and its edges are gone. One unit is selected. */
export function NetworkDrawing(props: NetworkDrawingProps) {
  const { label, forward, masks, row, unit, onSelect } = props;
  const { t } = useTranslation('dropout');
  const svg = useRef<SVGSVGElement>(null);
  const kept = (column: number, index: number) => {
    const mask = column === 1 || column === 2 ? masks[column - 1] : null;
    return !mask || valueAt(mask, row, index) === 1;
  };
  const move = (event: KeyboardEvent) => {
    const forth = event.key === 'ArrowDown' || event.key === 'ArrowRight';
    if (!forth && event.key !== 'ArrowUp' && event.key !== 'ArrowLeft') return;
    const next = (unit + (forth ? 1 : OUTPUT)) % (OUTPUT + 1);
    event.preventDefault();
    onSelect(next);
    svg.current?.querySelector<SVGElement>(`[data-unit="${next}"]`)?.focus();
  };

  return (
    <svg
      ref={svg}
      className="network"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="radiogroup"
      aria-label={label}
      onKeyDown={move}
    >
      {LINEAR.flatMap(({ weight }, from) =>
        Array.from(weight.data, (w, i) => {
          const fanIn = LAYERS[from] ?? 1;
          const [out, into] = [Math.floor(i / fanIn), i % fanIn];
          return (
            kept(from, into) &&
            kept(from + 1, out) && (
              <line
                key={`${from} ${i}`}
                className="edge"
                x1={columnX(from)}
                y1={unitY(from, into)}
                x2={columnX(from + 1)}
                y2={unitY(from + 1, out)}
                strokeWidth={0.6 + Math.min(2, Math.abs(w))}
              />
            )
          );
        }),
      )}
      {COLUMNS.map((name, column) => (
        <text key={name} className="variable" x={columnX(column)} y="12">
          {masks[column - 1] && <tspan>m ⊙ </tspan>}
          {name}
        </text>
      ))}
      {Array.from(INPUT.data, (value, index) => (
        <g key={index} className="unit" transform={`translate(${columnX(0)} ${unitY(0, index)})`}>
          <circle className="given" r={RADIUS} />
          <text>{short(value)}</text>
        </g>
      ))}
      {Array.from({ length: OUTPUT + 1 }, (_, number) => {
        const { layer, index } = placeOfUnit(number);
        const value = valueAt(forward.hidden[layer] ?? forward.y, row, index);
        const alive = kept(layer + 1, index);
        const name =
          number === OUTPUT
            ? t('drawing.output')
            : t('reading.unit', { layer: layer + 1, unit: index + 1 });
        return (
          <g
            key={number}
            className="unit"
            data-unit={number}
            data-dropped={!alive}
            transform={`translate(${columnX(layer + 1)} ${unitY(layer + 1, index)})`}
            role="radio"
            aria-checked={number === unit}
            aria-label={`${name}: ${alive ? value.toFixed(3) : t('drawing.dropped')}`}
            tabIndex={number === unit ? 0 : -1}
            onClick={() => onSelect(number)}
          >
            {number === unit && <circle className="halo" r={RADIUS + 3.5} />}
            <circle r={RADIUS} />
            {alive ? (
              <text>{short(value)}</text>
            ) : (
              <path
                d={`M${-CROSS} ${-CROSS}L${CROSS} ${CROSS}M${-CROSS} ${CROSS}L${CROSS} ${-CROSS}`}
              />
            )}
          </g>
        );
      })}
    </svg>
  );
}

/** Where the arms of a cross end on the circle. */
const CROSS = RADIUS * Math.SQRT1_2;

/** At most five characters, with a true minus. */
const short = (value: number): string =>
  value.toFixed(Math.abs(value) < 9.995 ? 2 : 1).replace('-', '−');
