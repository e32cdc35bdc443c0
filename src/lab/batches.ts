/**
 * The order of training pictures. One order serves all networks of an experiment: a new permutation
 * each epoch, cut into batches; pictures left over at the end of an epoch wait for the next one.
 */
import { shuffle } from '../random.ts';

const ORDER_STREAM = 0x0bde;

export class BatchOrder {
  private readonly permutation: Uint32Array;
  private readonly batch: Uint32Array<ArrayBuffer>;
  private readonly batchesPerEpoch: number;
  private readonly seed: number;
  private epoch = -1;

  constructor(count: number, batch: number, seed: number) {
    this.permutation = new Uint32Array(count);
    this.batch = new Uint32Array(batch);
    this.batchesPerEpoch = Math.max(1, Math.floor(count / batch));
    this.seed = seed;
  }

  /** Indices of the pictures of iteration `t`. The array is the same one each time: use it at once. */
  at(t: number): Uint32Array<ArrayBuffer> {
    const epoch = Math.floor(t / this.batchesPerEpoch);
    const { permutation, batch } = this;
    if (epoch !== this.epoch) {
      for (let i = 0; i < permutation.length; i++) permutation[i] = i;
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
