/** What a network says of each picture, and what can be counted of it. */

export interface Predictions {
  /** The right class of each picture, the most probable one, and its probability. */
  labels: Uint8Array;
  predicted: Uint8Array;
  confidence: Float32Array;
}

/** e^z / Σ e^z of one row of logits, in float64. */
export function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const largest = Math.max(...values);
  const powers = values.map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** Where the largest number stands; the first of equals. */
export const argmax = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((best, value, i, all) => (value > (all[best] ?? NaN) ? i : best), 0);
