/**
 * A small residual network with dropout, trained on the spot, and its predictions: deterministic ones, and random ones
 * y = f_w(x, z) where z is what training draws at random. What the chapters on images and regularization ask.
 */
import type { Dataset } from '../data/dataset.ts';
import { DeviceDataset } from '../engine/dataset.ts';
import type { Gpu } from '../engine/gpu/gpu.ts';
import type { Mode } from '../engine/graph/lower.ts';
import { GpuNetwork } from '../engine/network.ts';
import { runAugmentation } from '../engine/run_pictures.ts';
import type { StepScalars } from '../ops/step.ts';
import { shuffle } from '../random.ts';
import { NO_AUGMENTATION } from '../reference/augmentation.ts';
import type { Crop } from '../reference/augmentation.ts';
import { imageShape, tensor } from '../reference/tensor.ts';
import type { Tensor } from '../reference/tensor.ts';
import { BatchOrder, balancedSubset } from './batches.ts';
import { experimentConfig } from './config.ts';
import { stepScalars } from './experiment.ts';
import { specOf } from './networks.ts';
import { cropsOf, normalizedPictures, repeated, shownPicture, tenCrops } from './pictures.ts';
import type { ShownPicture } from './pictures.ts';
import { softmax } from './predictions.ts';
import { learningRateAt } from './schedule.ts';

/** What is drawn at random in y = f_w(x, z). */
export const SOURCES = ['dropout', 'augmentation', 'batch'] as const;
export type Source = (typeof SOURCES)[number];

/** The one network of these chapters, and how it is trained. */
const CONFIG = experimentConfig.parse({
  networks: ['residual-8.dropout25'],
  width: 8,
  batch: 32,
  steps: 150,
  warmup: 10,
  learningRate: 0.1,
  schedule: 'cosine',
  pad: 1,
  seed: 1,
});
/** The same without dropout, for the batch that batch norm sees: its weights have the same names. */
const WITHOUT_DROPOUT = 'residual-8';
/** What is drawn where z is the augmentation. */
const AUGMENTATION = { ...NO_AUGMENTATION, resize: [1, 1.4] as const, pad: 1, flip: true };
/** Training pictures that company for a batch is drawn from, where the set has as many. */
const COMPANY = 512;
/** Test pictures that accuracy is counted on, where the set has as many. */
export const TESTED = 128;

/** Told how far it is; answers false to give up. */
export type Progress = (done: number, total: number) => unknown;

export interface CropsAnswer {
  classes: string[];
  set: string;
  statistics: Dataset['statistics'];
  picture: ShownPicture;
  crops: Crop[];
  /** [crops, C, H, W]. */
  windows: Tensor;
  /** Probabilities [1 + crops, classes]: of the picture as it is, then of each crop. */
  probabilities: Tensor;
}

export interface DrawsAnswer {
  classes: string[];
  set: string;
  statistics: Dataset['statistics'];
  picture: ShownPicture;
  /** Of the one deterministic pass: [classes]. */
  plain: number[];
  /** Of every random pass: [draws, classes]. */
  draws: Tensor;
}

export interface AccuracyAnswer {
  /** Test pictures. */
  count: number;
  /** Right answers of the deterministic pass, as a share. */
  plain: number;
  /** Of the mean over 1, 2, … K random passes. */
  byDraws: number[];
}

export class Predictor {
  readonly dataset: Dataset;
  private readonly gpu: Gpu;
  /** Both take batches that are written, and hold the same weights. */
  private readonly network: GpuNetwork;
  private readonly bare: GpuNetwork;
  /** Normalized training pictures; made when they are first wanted. */
  private company: Tensor | null = null;

  private constructor(gpu: Gpu, dataset: Dataset, network: GpuNetwork, bare: GpuNetwork) {
    this.gpu = gpu;
    this.dataset = dataset;
    this.network = network;
    this.bare = bare;
  }

  /** Trains the network on a data set. */
  static async train(gpu: Gpu, dataset: Dataset, progress: Progress): Promise<Predictor> {
    const { batch, seed, steps } = CONFIG;
    const { train, test, channels, statistics } = dataset;
    const data = new DeviceDataset(gpu, train, { channels, statistics, batch });
    const [id = ''] = CONFIG.networks;
    const options = { batch, seed, rewirable: false };
    const create = (name: string, more = {}) =>
      GpuNetwork.create(gpu, specOf(name, CONFIG, dataset), { ...options, ...more });
    const trainee = await create(id, { data: { train: data, test: data } });
    try {
      const order = new BatchOrder(balancedSubset(train.labels, 0), batch, seed);
      for (let t = 0; t < steps; t++) {
        const { momentum, weightDecay, pad, flip } = CONFIG;
        const learningRate = learningRateAt(CONFIG, t, steps);
        const own = { momentum, weightDecay, pad, flip, iteration: t, learningRate };
        trainee.run('train', { ...stepScalars(CONFIG), ...own }, 0, order.at(t));
        await gpu.device.queue.onSubmittedWorkDone();
        await progress(t + 1, steps);
      }
      const [parameters, state] = [await trainee.readParameters(), await trainee.readState()];
      const copies = [];
      for (const name of [id, WITHOUT_DROPOUT]) {
        const copy = await create(name);
        for (const [key, values] of parameters) copy.writeParameter(key, values);
        for (const [key, values] of state) copy.writeState(key, values);
        copies.push(copy);
      }
      const [network, bare] = copies;
      if (!network || !bare || test.count === 0) throw new Error('there are two copies');
      return new Predictor(gpu, dataset, network, bare);
    } finally {
      trainee.destroy();
      data.destroy();
    }
  }

  /** Every crop's prediction for a test picture, at several scales, and that for the picture as it is. */
  async crops(picture: number, scales: readonly number[]): Promise<CropsAnswer> {
    const shown = await shownPicture(this.gpu, this.dataset, picture, 'test');
    const [, , h, w] = imageShape(shown.x);
    const crops = tenCrops(scales, h, w);
    const windows = await cropsOf(this.gpu, shown.x, crops);
    const all = tensor(
      [1 + crops.length, ...windows.shape.slice(1)],
      [...shown.x.data, ...windows.data],
    );
    const probabilities = await this.predict(all, 'evaluate', 0);
    return { ...this.about(), picture: shown, crops, windows, probabilities };
  }

  /** Random predictions for one test picture, and the deterministic one. */
  async draws(
    picture: number,
    source: Source,
    count: number,
    seed: number,
    progress: Progress,
  ): Promise<DrawsAnswer> {
    const shown = await shownPicture(this.gpu, this.dataset, picture, 'test');
    const plain = await this.predict(shown.x, 'evaluate', 0);
    const rows: number[] = [];
    const classes = this.dataset.classes.length;
    const { batch } = CONFIG;
    const x = repeated(shown.x, batch);
    for (let done = 0, pass = 0; done < count; pass++) {
      // A pass with other pictures around gives one draw; else every row of the batch is one.
      const size = source === 'batch' ? 1 : Math.min(batch, count - done);
      const input = source === 'batch' ? await this.among(shown.x, pass, seed) : x;
      const drawn = await this.random(input, source, pass, seed);
      rows.push(...drawn.data.slice(0, size * classes));
      done += size;
      await progress(done, count);
    }
    return {
      ...this.about(),
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
    const x = await normalizedPictures(this.gpu, this.dataset, 0, count, 'test');
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
    const plain = share((await this.predict(x, 'evaluate', 0)).data);
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
      await progress(pass + 1, draws);
    }
    return { count, plain, byDraws };
  }

  destroy(): void {
    this.network.destroy();
    this.bare.destroy();
  }

  private about() {
    const { classes, statistics, id } = this.dataset;
    return { classes, statistics, set: id };
  }

  /** The picture, and behind it training pictures drawn for this pass. */
  private async among(x: Tensor, pass: number, seed: number): Promise<Tensor> {
    const count = Math.min(COMPANY, this.dataset.train.count);
    this.company ??= await normalizedPictures(this.gpu, this.dataset, 0, count, 'train');
    const places = Uint32Array.from({ length: count }, (_, n) => n);
    shuffle(places, seed, pass);
    const others = picked(this.company, places.slice(0, CONFIG.batch - 1));
    return tensor([CONFIG.batch, ...x.shape.slice(1)], [...x.data, ...others.data]);
  }

  /** Probabilities of pictures with one draw of z for each. */
  private async random(x: Tensor, source: Source, pass: number, seed: number): Promise<Tensor> {
    if (source === 'dropout') return this.predict(x, 'monte_carlo', pass, seed);
    if (source === 'batch') return this.predict(x, 'train', pass, seed, this.bare);
    const draw = { seed, iteration: pass };
    const { y } = await runAugmentation(this.gpu, x, AUGMENTATION, this.dataset.statistics, draw);
    return this.predict(y, 'evaluate', pass, seed);
  }

  /** Probabilities [N, classes] of normalized pictures, batch by batch; the last batch is filled up with the first pictures. */
  private async predict(
    x: Tensor,
    mode: Mode,
    pass: number,
    seed = 0,
    network = this.network,
  ): Promise<Tensor> {
    const { batch } = CONFIG;
    const [n] = imageShape(x);
    const classes = this.dataset.classes.length;
    const rows: number[] = [];
    // In training mode a step learns nothing at rate 0, but running statistics move.
    const restore = mode === 'train' ? network.snapshot() : null;
    for (let from = 0; from < n; from += batch) {
      const places = Uint32Array.from({ length: batch }, (_, i) => (from + i) % n);
      network.writeBatch(picked(x, places).data, new Uint32Array(batch));
      // Every batch draws masks of its own.
      const iteration = pass * Math.ceil(n / batch) + from / batch;
      const scalars: StepScalars = { ...stepScalars(CONFIG), seed, iteration };
      network.run(mode, scalars, 0);
      const logits = await network.readLogits(mode);
      const valid = Math.min(batch, n - from);
      for (let row = 0; row < valid; row++) {
        rows.push(...softmax(logits.subarray(row * classes, (row + 1) * classes)));
      }
    }
    restore?.();
    return tensor([n, classes], rows);
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
