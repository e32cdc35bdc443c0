import { useTranslation } from 'react-i18next';
import { useLab } from '../context.ts';
import type { NetworkStyle } from '../palette.ts';
import { Formula } from './Formula.tsx';

interface BlockDrawingProps {
  id: string;
  style: NetworkStyle;
  connected: boolean;
}

/** The last part of a layer's path, where the drawing shows that layer. */
const BOXES = [
  { name: 'conv1', label: 'conv', x: 20, y: 22, width: 92 },
  { name: 'bn1', label: 'norm', x: 116, y: 22, width: 38 },
  { name: 'relu1', label: 'relu', x: 20, y: 58, width: 134 },
  { name: 'conv2', label: 'conv', x: 20, y: 94, width: 92 },
  { name: 'bn2', label: 'norm', x: 116, y: 94, width: 38 },
  { name: 'relu2', label: 'relu', x: 20, y: 154, width: 134 },
] as const;

const HEIGHT = 24;
const AXIS = 87;

/** One block of a network, as in Figure 2 of He et al. 2015, and its formula. */
export function BlockDrawing({ id, style, connected }: BlockDrawingProps) {
  const { t } = useTranslation();
  const phase = useLab((state) => (state.phase?.network === id ? state.phase : null));
  const inBlock = phase && /^layer\d+\.\d+(\.|$)/.test(phase.path);
  const part = inBlock ? phase.path.split('.') : [];
  const lit = part.slice(2).find((name) => BOXES.some((box) => box.name === name));

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
        <path className="flow" d={`M${AXIS} 2V22M${AXIS} 46V58M${AXIS} 82V94M${AXIS} 118V130`} />
        <path className="flow" d={`M${AXIS} 142V154M${AXIS} 178V196`} />
        <path className="flow-head" d={`M${AXIS - 4} 190L${AXIS} 198L${AXIS + 4} 190`} />
        <text x={AXIS - 14} y="198" className="variable">
          y
        </text>
        <path
          className="shortcut"
          pathLength={1}
          d={`M${AXIS} 10H150Q178 10 178 36V112Q178 136 150 136H${AXIS + 9}`}
        />
        <text className="shortcut-label" x="188" y="77">
          x
        </text>
        {BOXES.map(({ name, label, x, y, width }) => (
          <g key={name} className="box" data-state={lit === name ? 'now' : undefined}>
            <rect x={x} y={y} width={width} height={HEIGHT} rx="4" />
            <text x={x + width / 2} y={y + HEIGHT / 2}>
              {t(`drawing.${label}`)}
            </text>
          </g>
        ))}
        <path className="flow through" d={`M${AXIS} 128V144`} />
        <g className="sum" data-state={inBlock && part.length === 2 ? 'now' : undefined}>
          <circle cx={AXIS} cy="136" r="8.5" />
          <path d={`M${AXIS - 5} 136H${AXIS + 5}M${AXIS} 131V141`} />
        </g>
      </svg>
      <figcaption>
        <b>{t('drawing.block', { network: id })}</b>
        <Formula
          tex={
            connected
              ? String.raw`\mathbf y=\mathrm{ReLU}\bigl(\mathcal F(\mathbf x)+\mathbf x\bigr)`
              : String.raw`\mathbf y=\mathrm{ReLU}\bigl(\mathcal F(\mathbf x)\bigr)`
          }
          plain={connected ? 'y = ReLU(F(x) + x)' : 'y = ReLU(F(x))'}
        />
        <span>{connected ? t('drawing.blockConnected') : t('drawing.blockCut')}</span>
      </figcaption>
    </figure>
  );
}
