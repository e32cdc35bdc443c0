import { useMemo } from 'react';
import type { Ref } from 'react';
import { useTranslation } from 'react-i18next';
import type { NetworkFacts } from '../../network/facts.ts';
import type { Shade } from '../palette.ts';
import { useShade } from '../theme.ts';
import { COLORS, FONT } from './colors.ts';
import type { Colors } from './colors.ts';
import type { Kind } from './layers.ts';
import { isSame } from './rows.ts';
import { ROW, sceneOf } from './scene.ts';
import type { Arc, Piece, Scene } from './scene.ts';
import { useBoard } from './store.ts';

const LEGEND: readonly Kind[] = [
  'linear',
  'normalization',
  'activation',
  'dropout',
  'pooling',
  'block',
];
const TITLE = 30;
const KEY = 26;

/** About how long a text is at a size; Chinese characters are square. */
const lengthOf = (text: string, size: number): number =>
  [...text].reduce((sum, c) => sum + (c > '\u2e80' ? 1 : 0.56) * size, 0);

interface DrawingProps {
  facts: NetworkFacts;
  /** What stands above the drawing, beside the name. */
  caption: string;
  svg: Ref<SVGSVGElement>;
}

/** The network as volumes. All looks are in the picture itself, so that it is the same when it is exported. */
export function Drawing({ facts, caption, svg }: DrawingProps) {
  const { t } = useTranslation('build');
  const shade = useShade();
  const spec = useBoard((board) => board.spec);
  const folded = useBoard((board) => board.folded);
  const selection = useBoard((board) => board.selection);
  const scene = useMemo(() => sceneOf(spec, facts, folded), [spec, facts, folded]);
  const colors = COLORS[shade];
  const kinds = LEGEND.filter((kind) =>
    scene.pieces.some((piece) => piece.kind === kind && piece.form !== 'input'),
  );
  const title = spec.name || t('unnamed');
  const keys = kinds.map((kind) => ({ kind, text: t(`kind.${kind}`) }));
  const places = keys.map((_, i) =>
    keys.slice(0, i).reduce((sum, { text }) => sum + 36 + lengthOf(text, 10.5), 0),
  );
  const width = Math.max(
    scene.width,
    40 + keys.reduce((sum, { text }) => sum + 36 + lengthOf(text, 10.5), 0),
    56 + lengthOf(title, 17) + lengthOf(caption, 11),
  );
  const height = TITLE + scene.height + KEY;
  const isChosen = ({ address, form }: Piece) =>
    form === 'input'
      ? selection === null
      : selection !== null && isSame(address, selection.address);

  return (
    <svg
      ref={svg}
      className="build-drawing"
      xmlns="http://www.w3.org/2000/svg"
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      style={{ minWidth: width * 0.62, maxWidth: width * 1.7 }}
      fontFamily={FONT}
      role="img"
      aria-label={t('drawing.label', { name: title, caption })}
    >
      <rect width={width} height={height} fill={colors.paper} />
      <text x={18} y={22} fontSize={15} fontWeight={700} fill={colors.ink}>
        {title}
        <tspan dx={10} fontSize={11} fontWeight={400} fill={colors.muted}>
          {caption}
        </tspan>
      </text>
      <g transform={`translate(${(width - scene.width) / 2} ${TITLE})`}>
        <Axis scene={scene} colors={colors} />
        {scene.pieces.map((piece) => (
          <Volume
            key={piece.path}
            piece={piece}
            axis={scene.axis}
            chosen={isChosen(piece)}
            shade={shade}
          />
        ))}
        {scene.arcs.map((arc) => (
          <Shortcut key={arc.path} arc={arc} axis={scene.axis} colors={colors} />
        ))}
        <Feet scene={scene} colors={colors} />
      </g>
      <g transform={`translate(18 ${height - 10})`}>
        {keys.map(({ kind, text }, i) => (
          <g key={kind} transform={`translate(${places[i] ?? 0} 0)`}>
            <rect
              y={-9}
              width={kind === 'linear' || kind === 'pooling' || kind === 'block' ? 11 : 4}
              height={11}
              fill={kind === 'dropout' ? colors.paper : colors.kinds[kind].front}
              stroke={colors.kinds[kind].line}
              strokeDasharray={kind === 'dropout' ? '2 1.5' : undefined}
            />
            <text x={16} fontSize={10.5} fill={colors.muted}>
              {text}
            </text>
          </g>
        ))}
      </g>
    </svg>
  );
}

function Axis({ scene, colors }: { scene: Scene; colors: Colors }) {
  const [first, last] = [scene.pieces[0], scene.pieces.at(-1)];
  if (!first || !last) return null;
  const to = last.x + last.width + 12;
  return (
    <path
      d={`M${first.x + 2} ${scene.axis}H${to}m-5 -3.5l5 3.5l-5 3.5`}
      fill="none"
      stroke={colors.line}
      strokeWidth={1.5}
    />
  );
}

function Shortcut({ arc, axis, colors }: { arc: Arc; axis: number; colors: Colors }) {
  const { from, to, y, base, connected, faulty } = arc;
  const foot = axis - base;
  const stroke = faulty ? colors.alert : connected ? colors.arc : colors.line;
  const top = axis - y;
  const bend = Math.min(12, (to - from) / 2, foot - top);
  return (
    <g fill="none" stroke={stroke} strokeWidth={connected ? 1.8 : 1.2}>
      <path
        d={`M${from} ${foot}V${top + bend}Q${from} ${top} ${from + bend} ${top}H${to - bend}Q${to} ${top} ${to} ${top + bend}V${base > 0 ? foot : axis - 8}`}
        strokeDasharray={connected ? undefined : '3 4'}
      />
      {connected && base > 0 && <path d={`M${to - 3} ${foot - 5}l3 5l3 -5`} />}
      {connected && base === 0 && (
        <g>
          <path d={`M${to - 3.5} ${axis - 13}l3.5 5l3.5 -5`} />
          <circle cx={to} cy={axis} r={7} fill={colors.paper} />
          <path d={`M${to - 4} ${axis}h8M${to} ${axis - 4}v8`} />
        </g>
      )}
    </g>
  );
}

interface VolumeProps {
  piece: Piece;
  axis: number;
  chosen: boolean;
  shade: Shade;
}

/** Front, top and side of a volume; of a pile two more behind it. */
function Volume({ piece, axis, chosen, shade }: VolumeProps) {
  const select = useBoard((board) => board.select);
  const fold = useBoard((board) => board.fold);
  const colors = COLORS[shade];
  const { form, kind, x, width, height, depth, path, address, faulty, count } = piece;
  const paint = form === 'input' ? colors.input : faulty ? colors.faulty : colors.kinds[kind];
  const hollow = kind === 'dropout' && !faulty;
  const top = axis - height / 2;
  const piles = form === 'pile' ? [2, 1, 0] : [0];
  const front = form === 'pile' ? width - 12 : width;

  return (
    <g
      stroke={chosen ? colors.ink : paint.line}
      strokeWidth={chosen ? 2 : 0.8}
      strokeLinejoin="round"
      strokeDasharray={hollow ? '2 1.5' : undefined}
      cursor="pointer"
      onClick={() => select(form === 'input' ? null : { address, count: 1 })}
      onDoubleClick={() => {
        if (form === 'pile') fold(path, false);
      }}
    >
      <title>{path}</title>
      {piles.map((i) => {
        const left = x + 6 * i;
        const right = left + front;
        return (
          <g key={i} fillOpacity={hollow ? 0.35 : 1}>
            <path
              fill={form === 'slab' ? paint.front : paint.side}
              d={`M${right} ${top}l${depth} ${-depth}v${height}l${-depth} ${depth}z`}
            />
            <path
              fill={paint.top}
              d={`M${left} ${top}l${depth} ${-depth}h${front}l${-depth} ${depth}z`}
            />
            <path fill={paint.front} d={`M${left} ${top}h${front}v${height}h${-front}z`} />
          </g>
        );
      })}
      {form === 'input' && <ColorPlanes piece={piece} axis={axis} colors={colors} />}
      {form === 'pile' && count > 1 && (
        <text
          x={x + front / 2}
          y={axis + 4}
          textAnchor="middle"
          fontSize={11.5}
          fontWeight={700}
          stroke={paint.front}
          strokeWidth={3}
          paintOrder="stroke"
          fill={colors.ink}
        >
          {`×${count}`}
        </text>
      )}
      {faulty && (
        <text
          x={x + width / 2}
          y={top - depth - 5}
          textAnchor="middle"
          fontSize={15}
          fontWeight={700}
          stroke="none"
          fill={colors.alert}
        >
          !
        </text>
      )}
    </g>
  );
}

/** The channels of an image, if they are red, green and blue. */
function ColorPlanes({ piece, axis, colors }: { piece: Piece; axis: number; colors: Colors }) {
  const { x, width, height, label } = piece;
  if (label !== '3') return null;
  return colors.planes.map((color, i) => (
    <rect
      key={color}
      x={x + (i * width) / 3}
      y={axis - height / 2}
      width={width / 3}
      height={height}
      fill={color}
      stroke="none"
    />
  ));
}

/** Under the volumes: channels, the size of the images, and which block they belong to. */
function Feet({ scene, colors }: { scene: Scene; colors: Colors }) {
  const { axis, foot, sizes, blocks } = scene;
  return (
    <g fontSize={9.5} textAnchor="middle" fill={colors.muted}>
      {scene.pieces
        .filter(({ label }) => label !== '')
        .map(({ path, x, width, height, label, detail }) => (
          <g key={path}>
            <text x={x + width / 2} y={axis + height / 2 + 12} fontWeight={600} fill={colors.ink}>
              {label}
            </text>
            <text x={x + width / 2} y={axis + height / 2 + 22} fontSize={8}>
              {detail}
            </text>
          </g>
        ))}
      {sizes.map(({ from, to, text }) => (
        <Bracket key={from} {...{ from, to, text, colors }} y={foot} strong={false} />
      ))}
      {blocks.map(({ from, to, text, level, path }) => (
        <Bracket key={path} {...{ from, to, text, colors }} y={foot + ROW * (level + 1)} strong />
      ))}
    </g>
  );
}

interface BracketProps {
  from: number;
  to: number;
  text: string;
  y: number;
  strong: boolean;
  colors: Colors;
}

function Bracket({ from, to, text, y, strong, colors }: BracketProps) {
  const room = Math.floor((to - from) / 5.2);
  const short = text.length <= room ? text : room >= 3 ? `${text.slice(0, room - 1)}…` : '';
  return (
    <g>
      <path
        d={`M${from} ${y - 3}v3H${to}v-3`}
        fill="none"
        stroke={strong ? colors.arc : colors.line}
      />
      <text x={(from + to) / 2} y={y + 10} fill={strong ? colors.ink : colors.muted}>
        {short}
      </text>
    </g>
  );
}
