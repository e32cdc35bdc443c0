import { decimals } from '../short.ts';
import { WIDTH } from './argument.ts';
import type { ArgumentAnswer, Stage } from './argument.ts';

interface LayerDrawingProps {
  answer: ArgumentAnswer;
  kind: 'plain' | 'residual';
  stage: Stage;
  /** What the drawing shows, for those who do not see it. */
  label: string;
}

const CELL = 46;
const HEIGHT = 24;
const LEFT = 64;
const AXIS = LEFT + (WIDTH * CELL) / 2;
const RIGHT = LEFT + WIDTH * CELL;

/** Where each thing stands, from the top. */
const AT = { x: 8, first: 48, h: 88, matrix: 134, z: 250, sum: 292, relu: 312, y: 352 } as const;

/** A vector's or a matrix's numbers as cells: orange where positive, blue where negative, as strong as large. */
function Cells({ data, y, name }: { data: ArrayLike<number>; y: number; name: string }) {
  return (
    <g>
      <text className="variable" x={LEFT - 12} y={y + HEIGHT / 2}>
        {name}
      </text>
      {Array.from(data, (value, i) => {
        const [left, top] = [LEFT + (i % WIDTH) * CELL, y + Math.floor(i / WIDTH) * HEIGHT];
        const hue = value >= 0 ? '217, 112, 6' : '14, 120, 186';
        return (
          <g key={i}>
            <rect
              className="cell"
              x={left}
              y={top}
              width={CELL - 2}
              height={HEIGHT - 2}
              rx="3"
              style={{ fill: `rgba(${hue}, ${Math.min(0.6, 0.4 * Math.abs(value))})` }}
            />
            <text className="number" x={left + CELL / 2 - 1} y={top + HEIGHT / 2 - 1}>
              {decimals(value, 2)}
            </text>
          </g>
        );
      })}
    </g>
  );
}

function Box({ y, text }: { y: number; text: string }) {
  return (
    <g className="box">
      <rect x={AXIS - 58} y={y} width="116" height={HEIGHT} rx="4" />
      <text x={AXIS} y={y + HEIGHT / 2}>
        {text}
      </text>
    </g>
  );
}

/** From x through one layer to h, and through a second one to y, number by number. */
export function LayerDrawing({ answer, kind, stage, label }: LayerDrawingProps) {
  const { x, h } = answer;
  const { weight, z, y } = answer[kind];
  const both = stage !== 'one';
  const residual = kind === 'residual';
  const flows = [
    [AT.x + HEIGHT, AT.first],
    [AT.first + HEIGHT, AT.h],
    ...(both
      ? [
          [AT.h + HEIGHT, AT.matrix],
          [AT.matrix + WIDTH * HEIGHT, AT.z],
          [AT.z + HEIGHT, AT.relu],
          [AT.relu + HEIGHT, AT.y],
        ]
      : []),
  ];
  return (
    <svg
      className="depth-layers"
      viewBox={`20 0 280 ${both ? AT.y + HEIGHT + 4 : AT.h + HEIGHT + 4}`}
      role="img"
      aria-label={label}
    >
      <path className="flow" d={flows.map(([from, to]) => `M${AXIS} ${from}V${to}`).join('')} />
      <Cells data={x.data} y={AT.x} name="x" />
      <Box y={AT.first} text="ReLU(W₁x)" />
      <Cells data={h.value.data} y={AT.h} name="h" />
      {both && (
        <>
          {residual && (
            <path
              className="way"
              d={`M${RIGHT} ${AT.h + 11}H276Q288 ${AT.h + 11} 288 ${AT.h + 24}V${AT.sum - 13}Q288 ${AT.sum} 276 ${AT.sum}H${AXIS + 9}`}
            />
          )}
          <Cells data={weight.data} y={AT.matrix} name="W₂" />
          <Cells data={z.value.data} y={AT.z} name="W₂h" />
          {residual && (
            <g className="sum">
              <circle cx={AXIS} cy={AT.sum} r="8.5" />
              <path d={`M${AXIS - 5} ${AT.sum}H${AXIS + 5}M${AXIS} ${AT.sum - 5}V${AT.sum + 5}`} />
            </g>
          )}
          <Box y={AT.relu} text={residual ? 'ReLU(W₂h + h)' : 'ReLU(W₂h)'} />
          <Cells data={y.value.data} y={AT.y} name="y" />
        </>
      )}
    </svg>
  );
}
