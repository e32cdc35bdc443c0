/**
 * The order of training pictures. One order serves all networks of an experiment: a new permutation
 * each epoch, cut into batches; pictures left over at the end of an epoch wait for the next one.
 */
import { shuffle } from '../random.ts';

const ORDER_STREAM = 0x0bde;

/**
 * Indices of `count` pictures (all of them with 0, or where there are fewer), the first of each class in turn: as many
 * of each as there are, to within one.
 */
export function balancedSubset(labels: ArrayLike<number>, count: number): Uint32Array {
  const all = Uint32Array.from({ length: labels.length }, (_, index) => index);
  if (count === 0 || count >= labels.length) return all;
  const seen: number[] = [];
  const rank = Array.from(all, (index) => {
    const label = labels[index] ?? 0;
    const nth = seen[label] ?? 0;
    seen[label] = nth + 1;
    return nth;
  });
  return all.sort((a, b) => (rank[a] ?? 0) - (rank[b] ?? 0) || a - b).slice(0, count);
}

export class BatchOrder {
  private readonly pictures: Uint32Array;
  private readonly permutation: Uint32Array;
  private readonly batch: Uint32Array<ArrayBuffer>;
  private readonly batchesPerEpoch: number;
  private readonly seed: number;
  private epoch = -1;

  /** `pictures` are the indices that an epoch goes through. */
  constructor(pictures: Uint32Array, batch: number, seed: number) {
    this.pictures = pictures;
    this.permutation = new Uint32Array(pictures.length);
    this.batch = new Uint32Array(batch);
    this.batchesPerEpoch = Math.max(1, Math.floor(pictures.length / batch));
    this.seed = seed;
  }

  /** Indices of the pictures of iteration `t`. The array is the same one each time: use it at once. */
  at(t: number): Uint32Array<ArrayBuffer> {
    const epoch = Math.floor(t / this.batchesPerEpoch);
    const { permutation, batch } = this;
    if (epoch !== this.epoch) {
      permutation.set(this.pictures);
      shuffle(permutation, this.seed, ORDER_STREAM + epoch);
      this.epoch = epoch;
    }
    const first = (t % this.batchesPerEpoch) * batch.length;
    for (let i = 0; i < batch.length; i++) {
      // A set smaller than one batch is gone through more than once.
      batch[i] = permutation[(first + i) % permutation.length] ?? 0;
    }
    return batch;
  }
}
