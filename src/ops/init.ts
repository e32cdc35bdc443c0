/**
 * How learned parameters start. A weight [O, I, KH, KW] or [O, I] has fan_in = I·KH·KW inputs and
 * fan_out = O·KH·KW outputs (with groups I counts those of one group, as in `torch.nn.init`).
 */
import { z } from 'zod';
import { elements } from './tensor.ts';
import type { Shape } from './tensor.ts';

const NONLINEARITIES = [
  'identity',
  'sigmoid',
  'tanh',
  'relu',
  'leaky_relu',
  'elu',
  'silu',
  'gelu',
] as const;
type Nonlinearity = (typeof NONLINEARITIES)[number];

const fan = z
  .enum(['in', 'out'])
  .default('in')
  .describe('Whether forward (`in`) or backward (`out`) the variance is to hold');
const scaled = (nonlinearity: Nonlinearity) => ({
  nonlinearity: z
    .enum(NONLINEARITIES)
    .default(nonlinearity)
    .describe('What follows the layer: it sets the gain a'),
  negative_slope: z.number().default(0.01).describe('Of leaky ReLU'),
});
const he = scaled('relu');
const glorot = scaled('identity');

export const initializer = z.discriminatedUnion('kind', [
  z
    .strictObject({ kind: z.literal('kaiming_normal'), fan, ...he })
    .describe('N(0, a² / fan): He et al. 2015, “Delving Deep into Rectifiers”, eq. 10 and 14'),
  z
    .strictObject({ kind: z.literal('kaiming_uniform'), fan, ...he })
    .describe('U(−b, b) with b = a·√(3 / fan): the same variance'),
  z
    .strictObject({ kind: z.literal('xavier_normal'), ...glorot })
    .describe('N(0, 2a² / (fan_in + fan_out)): Glorot & Bengio 2010, eq. 12 and 16'),
  z
    .strictObject({ kind: z.literal('xavier_uniform'), ...glorot })
    .describe('U(−b, b) with b = a·√(6 / (fan_in + fan_out)): the same variance'),
  z
    .strictObject({
      kind: z.literal('normal'),
      std: z.number().min(0).describe('σ, whatever the fan'),
    })
    .describe('N(0, σ²)'),
  z
    .strictObject({ kind: z.literal('constant'), value: z.number().describe('Of every weight') })
    .describe('The same value everywhere: all units of a layer start equal'),
  z
    .strictObject({ kind: z.literal('dirac') })
    .describe(
      'Output channel o copies input channel o as far as there is one: the layer starts as the identity',
    ),
]);
/** What a person chooses for a weight. */
export type WeightInit = z.input<typeof initializer>;

export type Initializer =
  | Exclude<z.output<typeof initializer>, { kind: 'dirac' }>
  /** U(−1/√fanIn, 1/√fanIn): what PyTorch gives linear layers and biases. */
  | { kind: 'uniform_fan_in'; fanIn: number }
  | { kind: 'dirac'; groups: number };

/** The initializer of a weight, in full: what was chosen, or He's. */
export function weightInit(
  chosen: WeightInit = { kind: 'kaiming_normal' },
  groups = 1,
): Initializer {
  const init = initializer.parse(chosen);
  return init.kind === 'dirac' ? { kind: 'dirac', groups } : init;
}

/**
 * √(second moment lost by the nonlinearity)⁻¹, as `torch.nn.init.calculate_gain`. ELU, SiLU and GELU, for
 * which PyTorch has none, take that of ReLU, whose shape they follow.
 */
export function gain(nonlinearity: Nonlinearity, negativeSlope = 0.01): number {
  switch (nonlinearity) {
    case 'identity':
    case 'sigmoid':
      return 1;
    case 'tanh':
      return 5 / 3;
    case 'leaky_relu':
      return Math.sqrt(2 / (1 + negativeSlope ** 2));
    default:
      return Math.SQRT2;
  }
}

export function fans(shape: Shape): { in: number; out: number } {
  const [outputs = 1, inputs = 1, ...kernel] = shape;
  const taps = elements(kernel);
  return { in: inputs * taps, out: outputs * taps };
}

/** What the elements of a parameter are drawn from; `dirac` is not drawn. */
export type Distribution =
  | { kind: 'normal'; std: number }
  | { kind: 'uniform'; bound: number }
  | { kind: 'constant'; value: number }
  | { kind: 'dirac'; groups: number };

/** Resolves fans and gains. */
export function distribution(init: Initializer, shape: Shape): Distribution {
  switch (init.kind) {
    case 'kaiming_normal':
    case 'kaiming_uniform': {
      const std = gain(init.nonlinearity, init.negative_slope) / Math.sqrt(fans(shape)[init.fan]);
      return init.kind === 'kaiming_normal' ? { kind: 'normal', std } : uniform(std);
    }
    case 'xavier_normal':
    case 'xavier_uniform': {
      const { in: fanIn, out: fanOut } = fans(shape);
      const std = gain(init.nonlinearity, init.negative_slope) * Math.sqrt(2 / (fanIn + fanOut));
      return init.kind === 'xavier_normal' ? { kind: 'normal', std } : uniform(std);
    }
    case 'uniform_fan_in':
      return { kind: 'uniform', bound: 1 / Math.sqrt(init.fanIn) };
    default:
      return init;
  }
}

/** A uniform distribution of this standard deviation. */
const uniform = (std: number): Distribution => ({ kind: 'uniform', bound: std * Math.sqrt(3) });
