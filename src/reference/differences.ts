/** Gradients held to central finite differences of the forward pass, in float64. */
import { expectShape, map, need } from './tensor.ts';
import type { Tensor, Tensors } from './tensor.ts';
import type { ReferenceOp } from './op.ts';

const EPS = 1e-6;
const ATOL = 1e-5;
const RTOL = 1e-3;
/** Of a large tensor so many elements are looked at. */
const MOST_ELEMENTS = 40;

/** The gradient that is farthest off. */
export interface WorstGradient {
  /** Its error in units of what is allowed, 1e-5 + 1e-3·|difference quotient|: 1 or less passes. */
  ratio: number;
  /** `x[17]`. */
  where: string;
}

/**
 * Compares dL/d of the inputs `names` with difference quotients, where L = Σ y·gradOutput. Throws where a gradient has
 * not the shape of its input.
 */
export function worstGradient(
  op: ReferenceOp,
  params: unknown,
  inputs: Tensors,
  names: readonly string[],
  gradOutputFor: (y: Tensor) => Tensor,
): WorstGradient {
  const outputs = op.forward(params, inputs);
  const gradOutput = gradOutputFor(need(outputs, 'y'));
  const loss = (changed: Tensors): number =>
    need(op.forward(params, changed), 'y').data.reduce(
      (sum, value, i) => sum + value * (gradOutput.data[i] ?? NaN),
      0,
    );
  const gradients = op.backward?.(params, inputs, outputs, gradOutput) ?? {};
  let worst: WorstGradient = { ratio: 0, where: '' };
  for (const name of names) {
    const gradient = need(gradients, name);
    const x = need(inputs, name);
    expectShape(`the gradient of ${name}`, gradient, x.shape);
    const stride = Math.ceil(x.data.length / MOST_ELEMENTS);
    // The last element is always among them.
    for (let i = x.data.length - 1; i >= 0; i -= stride) {
      const moved = (by: number) => ({
        ...inputs,
        [name]: map(x, (value, j) => (j === i ? value + by : value)),
      });
      const numeric = (loss(moved(EPS)) - loss(moved(-EPS))) / (2 * EPS);
      const error = Math.abs((gradient.data[i] ?? NaN) - numeric);
      const ratio = error / (ATOL + RTOL * Math.abs(numeric));
      if (!(ratio <= worst.ratio)) worst = { ratio, where: `${name}[${i}]` };
    }
  }
  return worst;
}
