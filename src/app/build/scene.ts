/**
 * A network as volumes along an axis, in the manner of LeCun et al. 1998, figure 2: as high and deep as the images, as
 * thick as there are channels. What changes no shape is a slab on the volume before it; what is folded is a pile.
 */
import { isBlock } from '../../network/edit.ts';
import type { Address } from '../../network/edit.ts';
import type { NetworkFacts } from '../../network/facts.ts';
import type { LayerSpec, NetworkSpec, ResidualSpec } from '../../network/spec.ts';
import type { Shape } from '../../ops/tensor.ts';
import { digest, kindOf } from './layers.ts';
import type { Kind } from './layers.ts';
import { summaries } from './rows.ts';

export interface Piece {
  form: 'input' | 'volume' | 'slab' | 'pile';
  kind: Kind;
  path: string;
  address: Address;
  /** Left edge of the front. */
  x: number;
  /** Along the axis. */
  width: number;
  height: number;
  /** How far the back is shifted, to the right and upwards. */
  depth: number;
  /** Under it: channels, and what else tells it from others. */
  label: string;
  detail: string;
  /** What a folded stage holds. */
  count: number;
  faulty: boolean;
}

/** A shortcut, from `from` over the top to the addition at `to`. */
export interface Arc {
  path: string;
  from: number;
  to: number;
  /** How far above the axis it runs, and where it ends: at the axis, or on the volume that stands for its block. */
  y: number;
  base: number;
  connected: boolean;
  faulty: boolean;
}

/** What stands under a part of the axis: the size of the images, the name of a block. */
export interface Span {
  from: number;
  to: number;
  text: string;
}

export interface Scene {
  width: number;
  height: number;
  /** y of the axis, about which all fronts are centred. */
  axis: number;
  pieces: Piece[];
  arcs: Arc[];
  sizes: Span[];
  /** Innermost first. */
  blocks: (Span & { level: number; path: string; address: Address })[];
  /** y of the sizes, and of the names under them. */
  foot: number;
}

const MARGIN = 18;
const GAP = 17;
const SLAB = 4.5;
const TALLEST = 150;
const SHORTEST = 20;
const DEPTH = 0.2;
const SUM = 22;
export const ROW = 17;

const isSlab = (kind: Kind) =>
  kind === 'normalization' || kind === 'activation' || kind === 'dropout';

/** Areas are seen, so sides go by the square root. */
function sizeOf(shape: Shape, side: number): Pick<Piece, 'width' | 'height' | 'depth'> {
  const [channels = 1, height] = shape;
  if (height === undefined) {
    return { width: 9, height: SHORTEST + 9 * Math.log2(1 + channels), depth: 5 };
  }
  const share = Math.sqrt(Math.min(1, height / side));
  return {
    width: 6 + 3 * Math.log2(1 + channels),
    height: SHORTEST + (TALLEST - SHORTEST) * share,
    depth: DEPTH * (SHORTEST + (TALLEST - SHORTEST) * share),
  };
}

/** A shortcut over what reaches up to `top`. */
type Over = Pick<Arc, 'path' | 'from' | 'to' | 'base'> & { layer: ResidualSpec; top: number };

export function sceneOf(
  spec: NetworkSpec,
  { layers, faults }: Pick<NetworkFacts, 'layers' | 'faults'>,
  folded: ReadonlySet<string>,
): Scene {
  const known = summaries(layers);
  const { channels, height, width } = spec.input;
  const side = Math.max(height, width);
  const pieces: Piece[] = [];
  const arcs: Arc[] = [];
  const blocks: Scene['blocks'] = [];
  const sizes: Span[] = [];
  let shape: Shape = [channels, height, width];
  let x = MARGIN;
  let highest = 0;

  /** Notes the size of what lies between `from` and here. */
  const measure = (from: number) => {
    const [, h, w] = shape;
    const text = h === undefined ? '' : `${h}×${w ?? h}`;
    const last = sizes.at(-1);
    if (last?.text === text) last.to = x;
    else sizes.push({ from, to: x, text });
  };
  const place = (piece: Omit<Piece, 'x'>, gap: number) => {
    x += gap;
    pieces.push({ ...piece, x });
    const from = x;
    x += piece.width;
    measure(from);
    highest = Math.max(highest, piece.height / 2 + piece.depth);
    return piece.height / 2 + piece.depth;
  };
  const isFaulty = (path: string) =>
    faults.has(path) || [...faults.keys()].some((each) => each.startsWith(`${path}.`));

  /** Draws a list; gives how far it reaches above the axis. */
  const draw = (list: readonly LayerSpec[], at: Address, prefix: string, level: number): number => {
    let top = 0;
    for (const [index, layer] of list.entries()) {
      const address = [...at, index];
      const path = prefix ? `${prefix}.${layer.name}` : layer.name;
      top = Math.max(top, drawLayer(layer, address, path, level));
    }
    return top;
  };

  const drawLayer = (layer: LayerSpec, address: Address, path: string, level: number): number => {
    const kind = kindOf(layer.type);
    const holds = isBlock(layer);
    if (!holds || folded.has(path)) {
      const after = known.get(path)?.shape ?? shape;
      shape = after;
      const common = { kind, path, address, faulty: isFaulty(path), count: 0 };
      const own = sizeOf(after, side);
      if (!holds && isSlab(kind)) {
        const slab = { ...own, width: SLAB, form: 'slab' as const, label: '', detail: '' };
        return place({ ...common, ...slab }, 1.5);
      }
      const [count = 0] = after;
      if (!holds) {
        const detail = layer.type === 'conv2d' ? (digest(layer).split(',')[0] ?? '') : '';
        const volume = { ...own, form: 'volume' as const, label: String(count), detail };
        return place({ ...common, ...volume }, GAP);
      }
      const pile = {
        ...own,
        width: own.width + 12,
        form: 'pile' as const,
        label: String(count),
        detail: '',
        count: layer.type === 'stage' ? layer.layers.length : 0,
      };
      const from = x + GAP;
      const top = place({ ...common, ...pile }, GAP);
      blocks.push({ from, to: x, text: layer.name, level, path, address });
      if (layer.type !== 'residual') return top;
      return shortcut({
        layer,
        path,
        from: from + own.depth,
        to: x - 6 + own.depth,
        top,
        base: top,
      });
    }
    const before = pieces.at(-1);
    // Room for the foot of the shortcut beside what the volume before it shows of its side.
    if (layer.type === 'residual') x += before ? before.depth : 0;
    const from = x + GAP;
    const name = () => blocks.push({ from, to: x, text: layer.name, level, path, address });
    if (layer.type === 'stage') {
      const top = draw(layer.layers, address, path, level + 1);
      if (x < from) x = from + SUM;
      name();
      return top;
    }
    const inside = draw(layer.body, [...address, 'body'], path, level + 1);
    x += GAP + SUM / 2;
    const reach = shortcut({ layer, path, from: from - 7, to: x, top: inside, base: 0 });
    x += SUM / 2;
    const top = Math.max(reach, draw(layer.after, [...address, 'after'], path, level + 1));
    name();
    return top;
  };

  const shortcut = ({ layer, path, from, to, top, base }: Over): number => {
    const y = Math.max(top, SUM) + 13;
    const faulty = ['add', 'shortcut', 'downsample.0', 'downsample.1'].some((own) =>
      faults.has(`${path}.${own}`),
    );
    arcs.push({ path, from, to, y, base, connected: layer.connected, faulty });
    highest = Math.max(highest, y);
    return y;
  };

  place(
    {
      ...sizeOf(shape, side),
      form: 'input',
      kind: 'block',
      path: '',
      address: [],
      label: String(channels),
      detail: '',
      count: 0,
      faulty: false,
    },
    0,
  );
  draw(spec.layers, [], '', 0);

  const axis = highest + 14;
  const lowest = Math.max(...pieces.map(({ height }) => height / 2));
  const foot = axis + lowest + 34;
  const levels = Math.max(0, ...blocks.map(({ level }) => level + 1));
  // Levels are counted from the inside: the names of the innermost blocks stand next to the volumes.
  const named = blocks.map((block) => ({ ...block, level: levels - 1 - block.level }));
  const last = pieces.at(-1);
  return {
    width: x + (last?.depth ?? 0) + MARGIN,
    height: foot + ROW * (levels + 1) + 4,
    axis,
    pieces,
    arcs,
    sizes: sizes.filter(({ text }) => text !== ''),
    blocks: named,
    foot,
  };
}
