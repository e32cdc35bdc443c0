/** Compares what was computed with what was expected. */
import { sameShape } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/** The element of one tensor that is farthest off. */
export interface Comparison {
  tensor: string;
  error: number;
  /** The largest error that would pass. */
  allowed: number;
  /** error / allowed: 1 or less passes. */
  ratio: number;
  /** Says it all in words. */
  message: string;
}

/** The largest error of one tensor. What is missing, misshapen or not a number is infinitely wrong. */
export function compareTensor(
  name: string,
  got: Tensor | undefined,
  want: Tensor,
  allowed: number,
): Comparison {
  if (!got) return hopeless(name, allowed, 'missing from the result');
  if (!sameShape(got.shape, want.shape)) {
    return hopeless(name, allowed, `has shape [${got.shape}], expected [${want.shape}]`);
  }
  let error = 0;
  let worst = 0;
  want.data.forEach((expected, i) => {
    const found = got.data[i] ?? NaN;
    const difference = found === expected ? 0 : Math.abs(found - expected);
    const finite = Number.isFinite(difference) ? difference : Infinity;
    if (finite > error) {
      error = finite;
      worst = i;
    }
  });
  const place = `[${unravel(worst, want.shape)}]`;
  const found = `got ${got.data[worst]}, expected ${want.data[worst]}`;
  return {
    tensor: name,
    error,
    allowed,
    ratio: error / allowed,
    message: `${name}: largest error ${error.toExponential(2)} (allowed ${allowed.toExponential(2)}) at ${place}: ${found}`,
  };
}

function hopeless(tensor: string, allowed: number, fault: string): Comparison {
  return { tensor, error: Infinity, allowed, ratio: Infinity, message: `${tensor}: ${fault}` };
}

/** Largest magnitude of a tensor; 0 when it is empty. */
export const largest = ({ data }: Tensor): number =>
  data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);

/** The index of every axis, from a flat row-major index. */
function unravel(flat: number, shape: readonly number[]): number[] {
  let rest = flat;
  return shape
    .toReversed()
    .map((length) => {
      const index = rest % length;
      rest = Math.floor(rest / length);
      return index;
    })
    .toReversed();
}
