/** The points of a survey as a picture shows them. */
import type { SurveyPoint } from '../../worker/protocol.ts';
import type { Found } from './ask.ts';

/** Losses below this are drawn as it on a logarithmic scale. */
const LEAST_LOSS = 1e-6;

/** What is drawn as height: the loss, or its decimal logarithm; NaN where it is no number. */
export const heightOf = (loss: number, logarithmic: boolean): number => {
  const height = logarithmic ? Math.log10(Math.max(loss, LEAST_LOSS)) : loss;
  return Number.isFinite(height) ? height : NaN;
};

export interface Mesh {
  /** Coordinates along both directions, ascending. */
  at: readonly number[];
  /** Heights, row by row of β; NaN where there is none. */
  rows: readonly (readonly number[])[];
}

/** The finest grid through the middle of which all points are known; null before there are nine. */
export function meshOf({ question, points }: Found, logarithmic: boolean): Mesh | null {
  const { points: side } = question;
  const middle = (side - 1) / 2;
  const known = new Map<number, SurveyPoint>(points.map((point) => [point.index, point]));
  for (let stride = 1; stride <= middle; stride *= 2) {
    const places = Array.from({ length: side }, (_, i) => i).filter(
      (i) => (i - middle) % stride === 0,
    );
    const rows = places.map((j) => places.map((i) => known.get(j * side + i)));
    if (rows.some((row) => row.includes(undefined))) continue;
    return {
      at: (rows[0] ?? []).map((point) => point?.x ?? NaN),
      rows: rows.map((row) => row.map((point) => heightOf(point?.loss ?? NaN, logarithmic))),
    };
  }
  return null;
}

/** Least and greatest height of several meshes; a flat one gets some room. */
export function extentOf(meshes: readonly (Mesh | null)[]): readonly [number, number] {
  const heights = meshes.flatMap((mesh) => mesh?.rows.flat() ?? []).filter(Number.isFinite);
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  if (heights.length === 0) return [0, 1];
  return high > low ? [low, high] : [low - 0.5, high + 0.5];
}

/** Viridis (van der Walt & Smith 2015) at nine places: even in lightness, and the same to the colour-blind. */
export const VIRIDIS = [
  '#440154',
  '#472d7b',
  '#3b528b',
  '#2c728e',
  '#21918c',
  '#28ae80',
  '#5ec962',
  '#addc30',
  '#fde725',
] as const;

/** A colour on 0…1. */
export function viridis(share: number): string {
  const place = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1);
  const [low, high] = [Math.floor(place), Math.ceil(place)].map((i) => {
    const hex = parseInt(VIRIDIS[i]?.slice(1) ?? '0', 16);
    return [hex >> 16, (hex >> 8) & 255, hex & 255];
  });
  const mixed = low?.map((value, c) =>
    Math.round(value + (place % 1) * ((high?.[c] ?? 0) - value)),
  );
  return `rgb(${mixed?.join(' ')})`;
}
