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
export const argmax = (values: readonly number[]): number =>
  values.reduce((best, value, i) => (value > (values[best] ?? NaN) ? i : best), 0);

/** counts[truth][prediction]: how many pictures of one class were taken for another. */
export function confusion({ labels, predicted }: Predictions, classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  for (const [i, label] of labels.entries()) {
    const row = counts[label];
    const to = predicted[i];
    if (row && to !== undefined) row[to] = (row[to] ?? 0) + 1;
  }
  return counts;
}

/** Share of right answers among pictures of each class; null for a class without any. */
export const accuracyByClass = (counts: readonly (readonly number[])[]): (number | null)[] =>
  counts.map((row, c) => {
    const all = row.reduce((a, b) => a + b, 0);
    return all === 0 ? null : (row[c] ?? 0) / all;
  });

/** Places of the pictures of class `truth` that were taken for `prediction`, the surest first. */
export function picturesOf(
  { labels, predicted, confidence }: Predictions,
  truth: number,
  prediction: number,
): number[] {
  return surestFirst(confidence, (i) => labels[i] === truth && predicted[i] === prediction);
}

/** Places of the wrong answers, the surest first. */
export const surestMistakes = ({ labels, predicted, confidence }: Predictions): number[] =>
  surestFirst(confidence, (i) => labels[i] !== predicted[i]);

const surestFirst = (confidence: Float32Array, wanted: (i: number) => boolean): number[] =>
  Array.from(confidence.keys())
    .filter(wanted)
    .toSorted((a, b) => (confidence[b] ?? 0) - (confidence[a] ?? 0));
