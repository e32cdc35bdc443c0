/**
 * Activations: y = f(x) element by element, dL/dx = dL/dy · f′(x). Any shape.
 */
import { z } from 'zod';
import { defineOp, noParams } from './op.ts';
import type { ReferenceOp } from './op.ts';
import { map, need } from './tensor.ts';

/** An op from a function of one number and its derivative. */
function activation<P extends z.ZodType>(
  params: P,
  f: (x: number, params: z.output<P>) => number,
  derivative: (x: number, params: z.output<P>) => number,
): ReferenceOp<P> {
  return defineOp({
    params,
    inputs: ['x'],
    forward: (params, inputs) => ({ y: map(need(inputs, 'x'), (x) => f(x, params)) }),
    backward: (params, inputs, _outputs, gradOutput) => ({
      x: map(need(inputs, 'x'), (x, i) => gradOutput.data[i]! * derivative(x, params)),
    }),
  });
}

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/** y = x. */
export const identity = activation(
  noParams,
  (x) => x,
  () => 1,
);

/** y = max(0, x); the derivative at 0 is taken as 0. Nair & Hinton 2010. */
export const relu = activation(
  noParams,
  (x) => Math.max(0, x),
  (x) => (x > 0 ? 1 : 0),
);

/** y = 1 / (1 + e^−x). */
export const sigmoid = activation(noParams, logistic, (x) => logistic(x) * logistic(-x));

/** y = tanh x. */
export const tanh = activation(noParams, Math.tanh, (x) => 1 - Math.tanh(x) ** 2);

/** y = x · σ(x) with σ the logistic function. Also called swish. Elfwing et al. 2017. */
export const silu = activation(
  noParams,
  (x) => x * logistic(x),
  (x) => logistic(x) * (1 + x * logistic(-x)),
);

/** y = x for x > 0, else α(e^x − 1). Clevert et al. 2015. */
export const elu = activation(
  z.strictObject({ alpha: z.number().default(1) }),
  (x, { alpha }) => (x > 0 ? x : alpha * Math.expm1(x)),
  (x, { alpha }) => (x > 0 ? 1 : alpha * Math.exp(x)),
);

/** y = x for x > 0, else a·x with the negative slope a. Maas et al. 2013. */
export const leakyRelu = activation(
  z.strictObject({ negative_slope: z.number().default(0.01) }),
  (x, { negative_slope }) => (x > 0 ? x : negative_slope * x),
  (x, { negative_slope }) => (x > 0 ? 1 : negative_slope),
);

/** √(2/π) and the cubic coefficient of the tanh approximation. */
const GELU_SCALE = Math.sqrt(2 / Math.PI);
const GELU_CUBIC = 0.044715;

/**
 * y = x·Φ(x) with Φ the distribution function of the standard normal, Φ(x) = (1 + erf(x/√2)) / 2;
 * or, with `approximate: 'tanh'`, y = x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))).
 * Hendrycks & Gimpel 2016.
 */
export const gelu = activation(
  z.strictObject({ approximate: z.enum(['none', 'tanh']).default('none') }),
  (x, { approximate }) =>
    approximate === 'tanh'
      ? (x / 2) * (1 + Math.tanh(GELU_SCALE * (x + GELU_CUBIC * x ** 3)))
      : (x / 2) * (1 + erf(x / Math.SQRT2)),
  (x, { approximate }) => {
    if (approximate === 'tanh') {
      const t = Math.tanh(GELU_SCALE * (x + GELU_CUBIC * x ** 3));
      return (1 + t) / 2 + (x / 2) * (1 - t * t) * GELU_SCALE * (1 + 3 * GELU_CUBIC * x ** 2);
    }
    const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
    return (1 + erf(x / Math.SQRT2)) / 2 + x * density;
  },
);

/**
 * The error function, erf x = 2/√π ∫₀ˣ e^(−t²) dt, with an absolute error of about 1e-15.
 *
 * For |x| < 3 the series 2/√π · e^(−x²) · Σ_{n≥0} 2ⁿ x^(2n+1) / (1·3·5·…·(2n+1)), whose terms all have
 * one sign, so that nothing cancels (Abramowitz & Stegun 7.1.6). Beyond, one minus the continued
 * fraction of erfc (Abramowitz & Stegun 7.1.14), cut at a depth that is exact to double precision.
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > Number.EPSILON * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  let fraction = a;
  for (let k = 60; k >= 1; k--) fraction = a + k / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * fraction));
}
