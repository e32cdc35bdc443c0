/** The colours of the drawing, which carries its own: an exported picture has no style sheet. */
import type { Shade } from '../palette.ts';
import type { Kind } from './layers.ts';

export const FONT =
  "system-ui, -apple-system, 'Segoe UI', 'PingFang SC', 'Noto Sans CJK SC', sans-serif";

/** Three sides of a volume and its edges. */
interface Paint {
  front: string;
  top: string;
  side: string;
  line: string;
}

export interface Colors {
  paper: string;
  ink: string;
  muted: string;
  line: string;
  arc: string;
  alert: string;
  input: Paint;
  faulty: Paint;
  kinds: Record<Kind, Paint>;
  /** Red, green, blue. */
  planes: readonly string[];
}

const HUES: Record<Shade, Record<Kind, string>> = {
  light: {
    linear: '#0b7a60',
    normalization: '#7350c4',
    activation: '#d9820b',
    dropout: '#6b7a80',
    pooling: '#c2452d',
    residual: '#2f62b5',
    block: '#3567a8',
  },
  dark: {
    linear: '#4cc9a4',
    normalization: '#b69cff',
    activation: '#f2b04d',
    dropout: '#9aa7ac',
    pooling: '#ff8a70',
    residual: '#82b1ff',
    block: '#7fb0ea',
  },
};

const channels = (color: string) => [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));

/** `share` of `a` and the rest of `b`. */
function mix(a: string, b: string, share: number): string {
  const other = channels(b);
  const hex = channels(a).map((value, i) =>
    Math.round(share * value + (1 - share) * (other[i] ?? 0))
      .toString(16)
      .padStart(2, '0'),
  );
  return `#${hex.join('')}`;
}

function paintOf(hue: string, paper: string, shade: Shade): Paint {
  const dark = shade === 'dark';
  return {
    front: mix(hue, paper, dark ? 0.5 : 0.5),
    top: mix(hue, paper, dark ? 0.68 : 0.26),
    side: mix(hue, paper, dark ? 0.32 : 0.78),
    line: mix(hue, dark ? paper : '#000000', dark ? 0.95 : 0.85),
  };
}

function colorsOf(shade: Shade): Colors {
  const dark = shade === 'dark';
  const paper = dark ? '#161c1f' : '#ffffff';
  const alert = dark ? '#ff9c8f' : '#a3271b';
  const kinds = Object.fromEntries(
    Object.entries(HUES[shade]).map(([kind, hue]) => [kind, paintOf(hue, paper, shade)]),
  ) as Record<Kind, Paint>;
  return {
    paper,
    ink: dark ? '#e8edee' : '#1c2326',
    muted: dark ? '#9aa7ac' : '#566166',
    line: dark ? '#46535a' : '#c3cac7',
    arc: dark ? '#82b1ff' : '#2f62b5',
    alert,
    input: paintOf(dark ? '#9aa7ac' : '#7c888d', paper, shade),
    faulty: paintOf(alert, paper, shade),
    kinds,
    planes: dark ? ['#e0685c', '#5fb96d', '#5c8de0'] : ['#e07a70', '#6fbf7c', '#6f97e0'],
  };
}

export const COLORS: Record<Shade, Colors> = { light: colorsOf('light'), dark: colorsOf('dark') };
