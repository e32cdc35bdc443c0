/**
 * Predictions of a small trained network: deterministic ones, and random ones y = f_w(x, z) where z is what training draws
 * at random. What the chapters on images and regularization ask.
 */
import type { Dataset } from '../data/dataset.ts';
import type { Dispatch, Mode } from '../engine/graph/lower.ts';
import { shuffle } from '../random.ts';
import { NO_AUGMENTATION } from '../reference/augmentation.ts';
import type { Crop } from '../reference/augmentation.ts';
import { imageShape, tensor } from '../reference/tensor.ts';
import type { Tensor, Tensors } from '../reference/tensor.ts';
import { BATCH } from './forward.ts';
import type { Forward, Variant } from './forward.ts';
import {
  augmentedRows,
  cropsOf,
  normalizedPictures,
  repeated,
  shownPicture,
  tenCrops,
} from './pictures.ts';
import type { ShownPicture } from './pictures.ts';
import { softmax } from './predictions.ts';
import { going } from './progress.ts';
import type { Progress } from './progress.ts';

/** What is drawn at random in y = f_w(x, z). */
export const SOURCES = ['dropout', 'augmentation', 'batch'] as const;
export type Source = (typeof SOURCES)[number];

interface Way {
  variant: Variant;
  mode: Mode;
}
/** The deterministic pass. */
const PLAIN: Way = { variant: 'dropout', mode: 'evaluate' };
/** How the network runs where this is random. */
const WAYS: Record<Source, Way> = {
  dropout: { variant: 'dropout', mode: 'monte_carlo' },
  augmentation: PLAIN,
  batch: { variant: 'bare', mode: 'train' },
};
/** What is drawn where z is the augmentation. */
const AUGMENTATION = { ...NO_AUGMENTATION, resize: [1, 1.4] as const, pad: 1, flip: true };
/** Training pictures that company for a batch is drawn from, where the set has as many. */
const COMPANY = 512;
/** Test pictures that accuracy is counted on, where the set has as many. */
export const TESTED = 128;

/** What every answer says of itself. */
export interface PredictorAnswer {
  by: 'gpu' | 'reference';
  classes: string[];
  set: string;
  statistics: Dataset['statistics'];
  /** Of the network, by name. */
  weights: Tensors;
  /** What ran on the GPU for a batch of predictions; nothing where the reference answers. */
  dispatches: readonly Dispatch[];
}

export interface CropsAnswer extends PredictorAnswer {
  picture: ShownPicture;
  crops: Crop[];
  /** [crops, C, H, W]. */
  windows: Tensor;
  /** Probabilities [1 + crops, classes]: of the picture as it is, then of each crop. */
  probabilities: Tensor;
}

export interface DrawsAnswer extends PredictorAnswer {
  picture: ShownPicture;
  /** Of the one deterministic pass: [classes]. */
  plain: number[];
  /** Of every random pass: [draws, classes]. */
  draws: Tensor;
}

export interface AccuracyAnswer extends PredictorAnswer {
  /** The test pictures: [N, C, H, W], normalized. */
  x: Tensor;
  /** Test pictures. */
  count: number;
  /** Right answers of the deterministic pass, as a share. */
  plain: number;
  /** Of the mean over 1, 2, … K random passes. */
  byDraws: number[];
}

/** Answers by the kernels or by the float64 reference: the same questions, drawn alike. */
export class Predictor {
  readonly dataset: Dataset;
  private readonly network: Forward;
  /** Normalized training pictures; made when they are first wanted. */
  private company: Tensor | null = null;

  constructor(dataset: Dataset, network: Forward) {
    this.dataset = dataset;
    this.network = network;
  }

  /** Every crop's prediction for a test picture, at several scales, and that for the picture as it is. */
  async crops(picture: number, scales: readonly number[]): Promise<CropsAnswer> {
    const shown = await shownPicture(this.network.gpu, this.dataset, picture, 'test');
    const [, , h, w] = imageShape(shown.x);
    const crops = tenCrops(scales, h, w);
    const windows = await cropsOf(this.network.gpu, shown.x, crops);
    const all = tensor(
      [1 + crops.length, ...windows.shape.slice(1)],
      [...shown.x.data, ...windows.data],
    );
    const probabilities = await this.predict(all, PLAIN, 0);
    return { ...this.about(PLAIN), picture: shown, crops, windows, probabilities };
  }

  /** Random predictions for one test picture, and the deterministic one. */
  async draws(
    picture: number,
    source: Source,
    count: number,
    seed: number,
    progress: Progress,
  ): Promise<DrawsAnswer> {
    const shown = await shownPicture(this.network.gpu, this.dataset, picture, 'test');
    const plain = await this.predict(shown.x, PLAIN, 0);
    const rows: number[] = [];
    const classes = this.dataset.classes.length;
    const x = repeated(shown.x, BATCH);
    for (let done = 0, pass = 0; done < count; pass++) {
      // A pass with other pictures around gives one draw; else every row of the batch is one.
      const size = source === 'batch' ? 1 : Math.min(BATCH, count - done);
      const input = source === 'batch' ? await this.among(shown.x, pass, seed) : x;
      const drawn = await this.random(input, source, pass, seed, size);
      rows.push(...drawn.data.slice(0, size * classes));
      done += size;
      await going(progress, done, count);
    }
    return {
      ...this.about(WAYS[source]),
      picture: shown,
      plain: [...plain.data],
      draws: tensor([count, classes], rows),
    };
  }

  /** Share of right answers of the mean over 1 … `draws` random passes, on the first test pictures. */
  async accuracy(
    source: Source,
    draws: number,
    seed: number,
    progress: Progress,
  ): Promise<AccuracyAnswer> {
    const { test, classes } = this.dataset;
    const count = Math.min(TESTED, test.count);
    const x = await normalizedPictures(this.network.gpu, this.dataset, 0, count, 'test');
    const share = (scores: ArrayLike<number>) => {
      let right = 0;
      for (let n = 0; n < count; n++) {
        const own = Array.from(
          { length: classes.length },
          (_, c) => scores[n * classes.length + c] ?? 0,
        );
        right += Number(own.indexOf(Math.max(...own)) === test.labels[n]);
      }
      return right / count;
    };
    const plain = share((await this.predict(x, PLAIN, 0)).data);
    const sum = new Float64Array(count * classes.length);
    const byDraws: number[] = [];
    for (let pass = 0; pass < draws; pass++) {
      // Batch norm sees the test pictures in another company each time.
      const places = Uint32Array.from({ length: count }, (_, n) => n);
      if (source === 'batch') shuffle(places, seed, pass);
      const drawn = await this.random(picked(x, places), source, pass, seed);
      for (const [row, place] of places.entries()) {
        for (let c = 0; c < classes.length; c++) {
          const at = place * classes.length + c;
          sum[at] = (sum[at] ?? 0) + (drawn.data[row * classes.length + c] ?? 0);
        }
      }
      byDraws.push(share(sum));
      await going(progress, pass + 1, draws);
    }
    return { ...this.about(WAYS[source]), x, count, plain, byDraws };
  }

  destroy(): void {
    this.network.destroy();
  }

  private about({ variant, mode }: Way): PredictorAnswer {
    const { classes, statistics, id } = this.dataset;
    const { gpu, weights } = this.network;
    const dispatches = this.network.dispatches(variant, mode);
    return { by: gpu ? 'gpu' : 'reference', classes, statistics, set: id, weights, dispatches };
  }

  /** The picture, and behind it training pictures drawn for this pass. */
  private async among(x: Tensor, pass: number, seed: number): Promise<Tensor> {
    const count = Math.min(COMPANY, this.dataset.train.count);
    this.company ??= await normalizedPictures(this.network.gpu, this.dataset, 0, count, 'train');
    const places = Uint32Array.from({ length: count }, (_, n) => n);
    shuffle(places, seed, pass);
    const others = picked(this.company, places.slice(0, BATCH - 1));
    return tensor([BATCH, ...x.shape.slice(1)], [...x.data, ...others.data]);
  }

  /** Probabilities of the first `rows` pictures with one draw of z for each. */
  private async random(
    x: Tensor,
    source: Source,
    pass: number,
    seed: number,
    rows = imageShape(x)[0],
  ): Promise<Tensor> {
    if (source !== 'augmentation') return this.predict(x, WAYS[source], pass, seed, rows);
    const { statistics } = this.dataset;
    const draw = { seed, iteration: pass };
    const y = await augmentedRows(this.network.gpu, x, AUGMENTATION, statistics, draw);
    return this.predict(y, WAYS[source], pass, seed, rows);
  }

  /**
   * Probabilities [rows, classes] of the first of N normalized pictures, batch by batch; the last batch is filled up with
   * the first pictures.
   */
  private async predict(
    x: Tensor,
    way: Way,
    pass: number,
    seed = 0,
    rows = imageShape(x)[0],
  ): Promise<Tensor> {
    const [n] = imageShape(x);
    const classes = this.dataset.classes.length;
    const probabilities: number[] = [];
    for (let from = 0; from < rows; from += BATCH) {
      const places = Uint32Array.from({ length: BATCH }, (_, i) => (from + i) % n);
      // Every batch draws masks of its own.
      const draw = { seed, iteration: pass * Math.ceil(n / BATCH) + from / BATCH };
      const wanted = Math.min(BATCH, rows - from);
      const question = { ...way, draw, rows: wanted };
      const logits = Array.from(await this.network.logits(picked(x, places), question));
      for (let row = 0; row < wanted; row++) {
        probabilities.push(...softmax(logits.slice(row * classes, (row + 1) * classes)));
      }
    }
    return tensor([rows, classes], probabilities);
  }
}

/** Pictures by their places. */
function picked({ shape, data }: Tensor, places: Uint32Array): Tensor {
  const each = data.length / (shape[0] ?? 1);
  const values = new Float64Array(places.length * each);
  for (const [row, place] of places.entries()) {
    values.set(data.subarray(place * each, (place + 1) * each), row * each);
  }
  return tensor([places.length, ...shape.slice(1)], values);
}
