import { useTranslation } from 'react-i18next';
import { changesOf, parseNetworkId } from '../../network/families.ts';
import { useLab } from '../context.ts';
import type { NetworkStyle } from '../palette.ts';
import { Formula } from './Formula.tsx';

interface BlockDrawingProps {
  id: string;
  style: NetworkStyle;
  connected: boolean;
}

const NORMS = {
  batch_norm: 'BN',
  layer_norm: 'LN',
  instance_norm: 'IN',
  group_norm: 'GN',
} as const;

const ACTIVATIONS = {
  identity: 'id',
  relu: 'ReLU',
  leaky_relu: 'LeakyReLU',
  elu: 'ELU',
  silu: 'SiLU',
  gelu: 'GELU',
  sigmoid: 'sigmoid',
  tanh: 'tanh',
} as const;

interface Box {
  /** The last part of the layer's path. */
  name: string;
  label: string;
  x: number;
  width: number;
}

/** Boxes that stand side by side, as high as {@link HEIGHT}. */
interface Row {
  y: number;
  boxes: Box[];
}

const LEFT = 20;
const WIDTH = 134;
const HEIGHT = 24;
const AXIS = LEFT + WIDTH / 2;
const SMALL = 38;
const GAP = 4;

/** Two layers side by side, or the one that there is. */
function row(
  y: number,
  [first, second]: readonly (Omit<Box, 'x' | 'width'> | null)[],
  narrow: 0 | 1,
): Row {
  const given = [first, second].filter((box) => !!box);
  if (given.length === 1)
    return { y, boxes: given.map((box) => ({ ...box, x: LEFT, width: WIDTH })) };
  const widths = narrow === 0 ? [SMALL, WIDTH - SMALL - GAP] : [WIDTH - SMALL - GAP, SMALL];
  const [width = 0] = widths;
  return {
    y,
    boxes: given.map((box, i) => ({ ...box, x: LEFT + i * (width + GAP), width: widths[i] ?? 0 })),
  };
}

/** One block of a network, as in Figure 2 of He et al. 2015 (or Figure 1b of He et al. 2016), and its formula. */
export function BlockDrawing({ id, style, connected }: BlockDrawingProps) {
  const { t } = useTranslation();
  const phase = useLab((state) => (state.phase?.network === id ? state.phase : null));
  const { norm = { type: 'batch_norm' }, activation, order } = changesOf(parseNetworkId(id));
  const inBlock = phase && /^layer\d+\.\d+(\.|$)/.test(phase.path);
  const part = inBlock ? phase.path.split('.') : [];

  const bend = ACTIVATIONS[activation?.type ?? 'relu'];
  const conv = (name: string) => ({ name, label: t('drawing.conv') });
  const normal = (name: string) => norm && { name, label: NORMS[norm.type] };
  const act = (name: string) => ({ name, label: bend });
  const before = order === 'pre_activation';
  const body = before
    ? [
        row(17, [normal('bn1'), act('relu1')], 0),
        row(46, [conv('conv1')], 0),
        row(75, [normal('bn2'), act('relu2')], 0),
        row(104, [conv('conv2')], 0),
      ]
    : [
        row(22, [conv('conv1'), normal('bn1')], 1),
        row(58, [act('relu1')], 0),
        row(94, [conv('conv2'), normal('bn2')], 1),
      ];
  const after = before ? [] : [row(154, [act('relu2')], 0)];
  const sum = before ? 146 : 136;
  const stops = [...body.map(({ y }) => y), sum - 6, ...after.map(({ y }) => y), 196];
  const starts = [
    2,
    ...body.map(({ y }) => y + HEIGHT),
    sum + 6,
    ...after.map(({ y }) => y + HEIGHT),
  ];
  const lit = part
    .slice(2)
    .find((name) =>
      [...body, ...after].some(({ boxes }) => boxes.some((box) => box.name === name)),
    );
  const result = connected
    ? String.raw`\mathcal F(\mathbf x)+\mathbf x`
    : String.raw`\mathcal F(\mathbf x)`;
  const plain = connected ? 'F(x) + x' : 'F(x)';

  return (
    <figure
      className="block"
      data-connected={connected}
      data-phase={phase?.phase ?? undefined}
      style={{ color: style.color }}
    >
      <svg viewBox="18 0 178 202" role="img" aria-label={t('drawing.block', { network: id })}>
        <text x={AXIS - 14} y="12" className="variable">
          x
        </text>
        <path className="flow" d={starts.map((y, i) => `M${AXIS} ${y}V${stops[i]}`).join('')} />
        <path className="flow-head" d={`M${AXIS - 4} 190L${AXIS} 198L${AXIS + 4} 190`} />
        <text x={AXIS - 14} y="198" className="variable">
          y
        </text>
        <path
          className="shortcut"
          pathLength={1}
          d={`M${AXIS} 10H150Q178 10 178 36V${sum - 24}Q178 ${sum} 150 ${sum}H${AXIS + 9}`}
        />
        <text className="shortcut-label" x="188" y="77">
          x
        </text>
        {[...body, ...after].flatMap(({ y, boxes }) =>
          boxes.map(({ name, label, x, width }) => (
            <g key={name} className="box" data-state={lit === name ? 'now' : undefined}>
              <rect x={x} y={y} width={width} height={HEIGHT} rx="4" />
              <text x={x + width / 2} y={y + HEIGHT / 2}>
                {label}
              </text>
            </g>
          )),
        )}
        <path className="flow through" d={`M${AXIS} ${sum - 8}V${sum + 8}`} />
        <g className="sum" data-state={inBlock && part.length === 2 ? 'now' : undefined}>
          <circle cx={AXIS} cy={sum} r="8.5" />
          <path d={`M${AXIS - 5} ${sum}H${AXIS + 5}M${AXIS} ${sum - 5}V${sum + 5}`} />
        </g>
      </svg>
      <figcaption>
        <b>{t('drawing.block', { network: id })}</b>
        <Formula
          tex={
            before
              ? String.raw`\mathbf y=${result}`
              : String.raw`\mathbf y=\mathrm{${bend}}\bigl(${result}\bigr)`
          }
          plain={before ? `y = ${plain}` : `y = ${bend}(${plain})`}
        />
        <span>{connected ? t('drawing.blockConnected') : t('drawing.blockCut')}</span>
      </figcaption>
    </figure>
  );
}
