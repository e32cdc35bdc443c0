/** The activations that the chapter shows: those of the table of ops, with their parameters. */
import type { Shade } from '../../palette.ts';

export const FUNCTIONS = [
  'sigmoid',
  'tanh',
  'relu',
  'leaky_relu',
  'elu',
  'silu',
  'gelu',
  'identity',
] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** What a function and its derivative are drawn with. */
export const VALUE = '#0e8fba';
export const SLOPE = '#d97006';

/** One hue a function; the brighter ones stand on dark ground. */
const HUES: Record<FunctionName, Record<Shade, string>> = {
  sigmoid: { light: '#c2261e', dark: '#ff6b5e' },
  tanh: { light: '#c27c00', dark: '#ffc24d' },
  relu: { light: '#2848be', dark: '#86a8ff' },
  leaky_relu: { light: '#0e8fba', dark: '#5ccdf5' },
  elu: { light: '#00857a', dark: '#5fe0c4' },
  silu: { light: '#4d8a00', dark: '#a5dc5a' },
  gelu: { light: '#8a3fb5', dark: '#d3a2ff' },
  identity: { light: '#5d686d', dark: '#9aa7ac' },
};

export const hueOf = (name: FunctionName, shade: Shade): string => HUES[name][shade];

export interface Shape {
  /** Slope of leaky ReLU below 0. */
  slope: number;
  /** α of ELU. */
  alpha: number;
}

/** An op's parameters; the others have none to set. */
export function paramsOf(name: FunctionName, { slope, alpha }: Shape): Record<string, number> {
  if (name === 'leaky_relu') return { negative_slope: slope };
  if (name === 'elu') return { alpha };
  return {};
}
