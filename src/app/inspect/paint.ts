/** Numbers as colours: pure functions, so that tests can look at them. */
import type { Shade } from '../palette.ts';

export type Colour = readonly [red: number, green: number, blue: number];

/** Zero is the ground; what is positive turns orange, what is negative blue: apart for every kind of colour vision. */
const SCALES: Record<Shade, { zero: Colour; positive: Colour; negative: Colour }> = {
  light: { zero: [244, 245, 243], positive: [176, 64, 0], negative: [0, 84, 166] },
  dark: { zero: [24, 31, 34], positive: [255, 170, 84], negative: [96, 182, 255] },
};

/** The colour of `value` on a scale from −1 to 1. */
export function signed(value: number, shade: Shade): Colour {
  const { zero, positive, negative } = SCALES[shade];
  const end = value >= 0 ? positive : negative;
  const part = Math.min(1, Math.abs(value));
  const mix = (i: 0 | 1 | 2) => Math.round(zero[i] + (end[i] - zero[i]) * part);
  return [mix(0), mix(1), mix(2)];
}

/** Greatest absolute value, 0 of nothing. */
export const peakOf = (values: Float64Array): number =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** A grid of maps of one size with a gap of one pixel between them. */
export interface Mosaic {
  columns: number;
  rows: number;
  width: number;
  height: number;
}

/** About as wide as `ratio` times its height; one whose last row is full may be somewhat narrower or wider. */
export function mosaicOf(count: number, height: number, width: number, ratio: number): Mosaic {
  const wanted = Math.sqrt((count * ratio * (height + 1)) / (width + 1));
  const fault = (columns: number) => {
    const empty = (columns - (count % columns)) % columns;
    return Math.abs(Math.log(columns / wanted)) + (empty > 0 ? 0.25 : 0) + empty / count;
  };
  const columns = Array.from({ length: count }, (_, i) => i + 1).reduce((best, each) =>
    fault(each) < fault(best) ? each : best,
  );
  const rows = Math.ceil(count / columns);
  return { columns, rows, width: columns * (width + 1) - 1, height: rows * (height + 1) - 1 };
}

/** The map at a pixel of a mosaic and the place in it, or null in a gap or behind the last. */
export function mapAt(
  { columns }: Mosaic,
  count: number,
  [height, width]: readonly [number, number],
  x: number,
  y: number,
): { map: number; row: number; column: number } | null {
  const [column, row] = [x % (width + 1), y % (height + 1)];
  const map = Math.floor(y / (height + 1)) * columns + Math.floor(x / (width + 1));
  const inside = x >= 0 && y >= 0 && column < width && row < height && map < count;
  return inside && Math.floor(x / (width + 1)) < columns ? { map, row, column } : null;
}
