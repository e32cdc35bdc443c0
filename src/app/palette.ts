/**
 * How a network looks wherever it appears: plain networks in warm hues with hollow markers, residual
 * ones in cool hues with solid markers; depth is the shade, and the shape of the marker. Hue never
 * stands alone: warm against cool stays apart in every common form of colour blindness, and markers
 * and names say the same again. Variants (`residual-20.group_norm`) have hues and markers of their own, and so have
 * networks by hand, whatever is in them.
 */
import { BOUNDS } from '../lab/config.ts';
import { VARIANTS, isNetworkId, parseNetworkId } from '../network/families.ts';

export type Shade = 'light' | 'dark';

/** The shapes of markers: one name each as plotly, text and the drawing know it. */
const SHAPES = [
  { symbol: 'circle', solid: '●', hollow: '○' },
  { symbol: 'square', solid: '■', hollow: '□' },
  { symbol: 'triangle-up', solid: '▲', hollow: '△' },
  { symbol: 'diamond', solid: '◆', hollow: '◇' },
  { symbol: 'triangle-down', solid: '▼', hollow: '▽' },
  { symbol: 'star', solid: '★', hollow: '☆' },
] as const;

export type MarkerShape = (typeof SHAPES)[number];

export interface NetworkStyle {
  color: string;
  shape: MarkerShape;
  /** Residual networks have solid markers. */
  solid: boolean;
  /** The marker as a character, for labels. */
  glyph: string;
}

type Rgb = readonly [number, number, number];

/** From the shallowest to the deepest network, evenly spaced over the logarithm of depth. */
const RAMPS: Record<Shade, Record<'plain' | 'residual', readonly Rgb[]>> = {
  light: {
    plain: [
      [190, 128, 0],
      [217, 112, 6],
      [190, 38, 30],
      [110, 16, 50],
    ],
    residual: [
      [0, 150, 136],
      [14, 143, 186],
      [40, 72, 190],
      [60, 30, 120],
    ],
  },
  dark: {
    plain: [
      [255, 224, 130],
      [255, 183, 77],
      [255, 105, 92],
      [255, 128, 171],
    ],
    residual: [
      [128, 232, 208],
      [92, 205, 245],
      [118, 150, 255],
      [190, 150, 255],
    ],
  },
};

/** Variants of one kind, which are compared with each other, differ in hue: the places of a variant in its kind. */
const VARIANT_COLORS: Record<Shade, readonly string[]> = {
  light: ['#8a5a00', '#a3238e', '#2f7d1f', '#b3261e', '#3a4fb8', '#5b6470', '#007a8a'],
  dark: ['#f0b429', '#f08adf', '#8fd46a', '#ff8a80', '#9fb0ff', '#b8c0c8', '#5fd4e4'],
};

/** Of networks by hand: none is near a ramp. */
const CUSTOM_COLORS: Record<Shade, readonly string[]> = {
  light: ['#b0128f', '#3d7a0a', '#6b4a3a', '#4d5866', '#8a6d00', '#7a2fb0'],
  dark: ['#ff7ad9', '#a6e35a', '#d9b8a0', '#c3cedb', '#e8d44d', '#d2a8ff'],
};

/**
 * The place of each name in `count` places: the one that follows from the name alone, or where that is taken by a name
 * before it, the next.
 */
function places(names: readonly string[], count: number): Map<string, number> {
  const taken = new Map<string, number>();
  for (const name of names) {
    const own = [...name].reduce((sum, c) => (31 * sum + (c.codePointAt(0) ?? 0)) % 997, 7);
    const free = Array.from({ length: count }, (_, i) => (own + i) % count).find(
      (place) => ![...taken.values()].includes(place),
    );
    taken.set(name, free ?? own % count);
  }
  return taken;
}

function customStyles(names: readonly string[], shade: Shade): [string, NetworkStyle][] {
  const colors = CUSTOM_COLORS[shade];
  return [...places(names, colors.length)].map(([name, place]) => {
    const shape = SHAPES[(SHAPES.length - 1 - place) % SHAPES.length] ?? SHAPES[0];
    const color = colors[place] ?? colors[0] ?? '';
    return [name, { color, shape, solid: true, glyph: shape.solid }];
  });
}

/** Where a network's last variant stands in its kind; null for one without variants. */
function placeOfVariant(variants: readonly string[]): number | null {
  const last = variants.at(-1);
  for (const kind of Object.values(VARIANTS)) {
    const place = Object.keys(kind).indexOf(last ?? '');
    if (place >= 0) return place;
  }
  return null;
}

/** Styles of all networks of an experiment. The colour of one of the family depends on itself alone. */
export function networkStyles(all: readonly string[], shade: Shade): Map<string, NetworkStyle> {
  const ids = all.filter(isNetworkId);
  const byHand = all.filter((id) => !isNetworkId(id));
  const depths = [...new Set(ids.map((id) => parseNetworkId(id).depth))].sort((a, b) => a - b);
  return new Map([
    ...customStyles(byHand, shade),
    ...ids.map((id): [string, NetworkStyle] => {
      const { residual, depth, variants } = parseNetworkId(id);
      const place = placeOfVariant(variants);
      const own = place === null ? undefined : VARIANT_COLORS[shade][place];
      const shapeAt = depths.indexOf(depth) + (place === null ? 0 : place + 1);
      const shape = SHAPES[shapeAt % SHAPES.length] ?? SHAPES[0];
      return [
        id,
        {
          color: own ?? depthColor(RAMPS[shade][residual ? 'residual' : 'plain'], depth),
          shape,
          solid: residual,
          glyph: residual ? shape.solid : shape.hollow,
        },
      ];
    }),
  ]);
}

function depthColor(ramp: readonly Rgb[], depth: number): string {
  const { min, max } = BOUNDS.depth;
  const position = (Math.log(depth / min) / Math.log(max / min)) * (ramp.length - 1);
  const index = Math.max(0, Math.min(ramp.length - 2, Math.floor(position)));
  const [from, to] = [ramp[index], ramp[index + 1]];
  if (!from || !to) throw new RangeError('a ramp has at least two colours');
  const share = Math.max(0, Math.min(1, position - index));
  const hex = from.map((low, channel) =>
    Math.round(low + ((to[channel] ?? low) - low) * share)
      .toString(16)
      .padStart(2, '0'),
  );
  return `#${hex.join('')}`;
}
