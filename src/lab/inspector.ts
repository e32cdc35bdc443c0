/**
 * Looking inside a network of the experiment, between two of its steps: what its layers hand on, where it looks, what its
 * weights and gradients are like, and what it says of the test set. Training goes on as if nothing had been.
 */
import type { ChannelStatistics, Dataset } from '../data/dataset.ts';
import type { NormObservation, Observation } from '../engine/observe.ts';
import { Probe } from '../engine/probe.ts';
import type { ProbeOptions, ProbeReading } from '../engine/probe.ts';
import { FathomError } from '../errors.ts';
import { buildGraph } from '../network/graph.ts';
import type { Graph } from '../network/graph.ts';
import { tensor } from '../reference/tensor.ts';
import type { Tensor } from '../reference/tensor.ts';
import type { Subject } from './experiment.ts';
import { occluded, occlusionGrid } from './occlusion.ts';
import type { OcclusionGrid } from './occlusion.ts';
import { normalizedBytes, repeated, shownPicture } from './pictures.ts';
import { argmax, softmax } from './predictions.ts';
import type { Predictions } from './predictions.ts';
import { TRAIN_SLOTS } from './run.ts';
import { Spacing } from './spacing.ts';

/** Which picture: one of the set, or bytes C×H×W of somebody's own. */
export type PictureChoice =
  { kind: 'train' | 'test'; index: number } | { kind: 'own'; bytes: Uint8Array };

export interface Question {
  network: string;
  picture: PictureChoice;
  /** Of the layer; the last that hands on images where none is given. */
  path?: string | undefined;
}

export interface InspectedLayer {
  path: string;
  op: string;
  /** Of the output for one picture: [C, H, W] or [C]. */
  shape: readonly number[];
}

interface Answer {
  network: string;
  /** Steps that the network had made. */
  iteration: number;
  /** In the order of the forward pass. */
  layers: InspectedLayer[];
  path: string;
  classes: string[];
  /** What undoes the normalization of the picture. */
  statistics: ChannelStatistics;
  /** [1, C, H, W], normalized. */
  picture: Tensor;
  /** The right class; null for a picture of somebody's own. */
  label: number | null;
  /** Of each class. */
  probabilities: number[];
}

export interface FeaturesAnswer extends Answer {
  /** The layer's output, [1, C, H, W] or [1, C]. */
  output: Tensor;
  /** Weights of the convolution that takes the picture, [O, I, KH, KW]; null where there is none. */
  filters: { path: string; weight: Tensor } | null;
}

export interface AttributionAnswer extends Answer {
  /** Whose logit, and probability, is followed back. */
  target: number;
  /** [h, w] of the layer. */
  gradCam: Tensor;
  /** [H, W] of the picture. */
  saliency: Tensor;
}

export interface OcclusionAnswer {
  grid: OcclusionGrid;
  /** By how much the target's probability falls with a patch there: [rows, columns]. */
  fall: Tensor;
}

export interface StatisticsAnswer extends Observation {
  network: string;
  iteration: number;
  norms: NormObservation[];
}

export interface PredictionsAnswer extends Predictions {
  network: string;
  iteration: number;
  classes: string[];
}

/** Told how far it is; answers false to give up. */
type Progress = (done: number, total: number) => unknown;

/** Runs work on a network between two steps; see `Experiment.atRest`. */
type AtRest = <T>(network: string, work: (subject: Subject) => Promise<T>) => Promise<T>;

export class Inspector {
  private readonly atRest: AtRest;
  private readonly spacing: Spacing;
  /** Counts those who began to follow the training, and those who left. */
  private followers = 0;

  /** @param now milliseconds on a clock that never runs backwards */
  constructor(atRest: AtRest, now?: () => number) {
    this.atRest = atRest;
    this.spacing = new Spacing(undefined, now);
  }

  /**
   * What a layer makes of a picture, in evaluation.
   * @param following whether this is one of many looks while the network trains: it then waits for its time
   * @returns null for one who followed, and was overtaken by another or left
   * @throws FathomErrors `no-layer`, `no-picture`, `picture-size`, `not-finite`, and those of `Experiment.atRest`
   */
  features(question: Question, following = false): Promise<FeaturesAnswer | null> {
    return this.look(question.network, following, async (subject) => {
      const { answer, reading } = await examine(subject, question);
      if (!reading.output) throw new Error('the probe read no layer');
      return { ...answer, output: reading.output, filters: await filtersOf(subject) };
    });
  }

  /**
   * Where the network looks when it names a class: Grad-CAM at a layer and saliency at the picture.
   * @param target the class; the most probable one where none is given
   * @throws FathomErrors as {@link features}, and `no-map` for a layer that hands on no images
   */
  attribution(
    question: Question,
    target: number | null = null,
    following = false,
  ): Promise<AttributionAnswer | null> {
    return this.look(question.network, following, async (subject) => {
      const name = (logits: ArrayLike<number>) => target ?? argmax(logits);
      const { answer, reading } = await examine(subject, question, name);
      const { gradCam, saliency } = reading;
      if (!gradCam || !saliency) throw new Error('the probe drew no maps');
      return {
        ...answer,
        target: name(reading.logits.data),
        gradCam: single(gradCam),
        saliency: single(saliency),
      };
    });
  }

  /**
   * By how much a class becomes less probable when a patch of the picture is covered, patch by patch.
   * @returns null when `progress` gave it up
   */
  occlusion(
    { network, picture }: Question,
    target: number,
    progress: Progress,
  ): Promise<OcclusionAnswer | null> {
    return this.atRest(network, async ({ run, dataset }) => {
      const { x } = await pictureOf(run.network.gpu, dataset, picture);
      const [, , height = 1, width = 1] = x.shape;
      const grid = occlusionGrid(height, width);
      const total = grid.rows * grid.columns;
      const batch = Math.min(run.network.options.batch, total);
      const probabilityOf = (row: ArrayLike<number>) => softmax(row)[target] ?? NaN;
      return probing(run.network, { batch }, async (probe) => {
        const classes = dataset.classes.length;
        const fall: number[] = [];
        const uncovered = await probe.run(repeated(x, batch).data);
        const plain = probabilityOf(uncovered.logits.data.subarray(0, classes));
        for (let from = 0; from < total; from += batch) {
          // The last pass covers patches below the picture as well; nobody reads those.
          const { logits } = await probe.run(occluded(x, grid, from, batch).data);
          for (let n = 0; n < Math.min(batch, total - from); n++) {
            const row = logits.data.subarray(n * classes, (n + 1) * classes);
            fall.push(plain - probabilityOf(row));
          }
          if ((await progress(Math.min(total, from + batch), total)) === false) return null;
        }
        return { grid, fall: tensor([grid.rows, grid.columns], fall) };
      });
    });
  }

  /** Layers, parameters and batch norms in the training step that the network would make next. */
  statistics(network: string, following = false): Promise<StatisticsAnswer | null> {
    const compiled = async () => {
      const observer = await this.atRest(network, ({ run }) => Promise.resolve(run.observer()));
      await observer.compile();
    };
    const observe = async ({ run, scalars, indices }: Subject) => {
      const observer = run.observer();
      // Nothing is left to compile, unless the network was rewired since.
      await observer.compile();
      const observation = await observer.observe(scalars, indices);
      const norms = await observer.norms();
      return { network, iteration: run.iteration, ...observation, norms };
    };
    return this.look(network, following, observe, compiled);
  }

  /**
   * What the network says of the first `count` test pictures, or of all where there are no more.
   * @returns null when `progress` gave it up
   */
  predictions(
    network: string,
    count: number,
    progress: Progress,
  ): Promise<PredictionsAnswer | null> {
    return this.atRest(network, async ({ run, dataset, scalars }) => {
      const { batch } = run.network.options;
      const { classes, test } = dataset;
      const total = Math.min(count, test.count);
      const predicted = new Uint8Array(total);
      const confidence = new Float32Array(total);
      for (let from = 0; from < total; from += batch) {
        // The rest of a partial batch repeats the last picture.
        const indices = Uint32Array.from({ length: batch }, (_, i) =>
          Math.min(from + i, total - 1),
        );
        run.network.run('evaluate', scalars, TRAIN_SLOTS, indices);
        const logits = await run.network.readLogits('evaluate');
        for (let n = 0; n < Math.min(batch, total - from); n++) {
          const row = softmax(logits.subarray(n * classes.length, (n + 1) * classes.length));
          expectFinite(row, network);
          predicted[from + n] = argmax(row);
          confidence[from + n] = Math.max(...row);
        }
        if ((await progress(Math.min(total, from + batch), total)) === false) return null;
      }
      const { iteration } = run;
      return {
        network,
        iteration,
        classes,
        labels: test.labels.slice(0, total),
        predicted,
        confidence,
      };
    });
  }

  /** Nobody follows the training any longer: a look that waits for its time is given up. */
  leave(): void {
    this.followers++;
  }

  /**
   * A look at once; or, for whoever follows the training, when it is due.
   * @param prepare done before, while the network trains
   */
  private async look<T>(
    network: string,
    following: boolean,
    work: (subject: Subject) => Promise<T>,
    prepare?: () => Promise<void>,
  ): Promise<T | null> {
    const follower = following ? ++this.followers : null;
    const isOvertaken = () => follower !== null && follower !== this.followers;
    if (following) await this.spacing.pause();
    if (isOvertaken()) return null;
    await prepare?.();
    if (isOvertaken()) return null;
    return this.atRest(network, (subject) => this.spacing.look(() => work(subject)));
  }
}

/** One picture through the network, and back from the logit of a class where one is to be named. */
async function examine(
  { run, dataset }: Subject,
  { picture, path }: Question,
  name?: (logits: ArrayLike<number>) => number,
): Promise<{ answer: Answer; reading: ProbeReading }> {
  const { network } = run;
  const { classes, statistics } = dataset;
  const layers = layersOf(buildGraph(network.spec, 1));
  const chosen = path ?? layers.findLast(({ shape }) => shape.length === 3)?.path;
  const { x, label } = await pictureOf(network.gpu, dataset, picture);
  const options = {
    batch: 1,
    attribute: name !== undefined,
    ...(chosen !== undefined && { path: chosen }),
  };
  const reading = await probing(network, options, (probe) =>
    probe.run(x.data, ({ data }) => (name ? [name(data)] : [])),
  );
  const probabilities = softmax(reading.logits.data);
  expectFinite(probabilities, run.id);
  return {
    reading,
    answer: {
      network: run.id,
      iteration: run.iteration,
      layers,
      path: chosen ?? '',
      classes,
      statistics,
      picture: x,
      label,
      probabilities,
    },
  };
}

async function probing<T>(
  network: Subject['run']['network'],
  options: ProbeOptions,
  use: (probe: Probe) => Promise<T>,
): Promise<T> {
  const probe = await Probe.create(network, options);
  try {
    return await use(probe);
  } finally {
    probe.destroy();
  }
}

const layersOf = ({ nodes }: Graph): InspectedLayer[] =>
  nodes.map(({ path, op, output }) => ({ path, op: op.name, shape: output.shape.slice(1) }));

async function pictureOf(
  gpu: Subject['run']['network']['gpu'],
  dataset: Dataset,
  picture: PictureChoice,
): Promise<{ x: Tensor; label: number | null }> {
  if (picture.kind === 'own') {
    return { x: await normalizedBytes(gpu, dataset, picture.bytes), label: null };
  }
  const { count } = dataset[picture.kind];
  if (!Number.isInteger(picture.index) || picture.index < 0 || picture.index >= count) {
    throw new FathomError(
      'no-picture',
      `the set has no picture ${picture.index}: the last one is ${count - 1}`,
      { index: picture.index, last: count - 1 },
    );
  }
  return shownPicture(gpu, dataset, picture.index, picture.kind);
}

/** Weights of the first convolution, where it takes the picture itself. */
async function filtersOf({ run }: Subject): Promise<FeaturesAnswer['filters']> {
  const { network } = run;
  const { input, nodes } = buildGraph(network.spec, 1);
  const node = nodes.find(({ op, inputs }) => op.name === 'conv2d' && inputs.x === input);
  const name = `${node?.path}.weight`;
  const parameter = network.parameters.find((each) => each.name === name);
  if (!node || !parameter) return null;
  return { path: node.path, weight: tensor(parameter.shape, await network.readParameter(name)) };
}

function expectFinite(probabilities: readonly number[], network: string): void {
  if (probabilities.every(Number.isFinite)) return;
  throw new FathomError(
    'not-finite',
    `${network} no longer computes with numbers: its loss has diverged; reset it, with a lower learning rate`,
    { network },
  );
}

/** The map of the only picture: [H, W] of [1, H, W]. */
const single = ({ shape, data }: Tensor): Tensor => tensor(shape.slice(1), data);
