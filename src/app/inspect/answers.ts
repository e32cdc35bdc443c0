/** What can be counted of a network's answers to the test pictures. */
import type { PredictionsAnswer } from '../../worker/protocol.ts';

type Predictions = Pick<PredictionsAnswer, 'labels' | 'predicted' | 'confidence'>;

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
