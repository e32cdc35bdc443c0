/** The construction argument with networks of the experiment: a trained shallow one, and a deeper one built from it. */
import { z } from 'zod';
import type { Dataset } from '../data/dataset.ts';
import type { Evaluation } from '../engine/evaluate.ts';
import { addedBlocks, deepen } from '../engine/deepen.ts';
import type { Gpu } from '../engine/gpu/gpu.ts';
import type { GpuNetwork } from '../engine/network.ts';
import { learnedOf } from '../engine/tensors.ts';
import { FathomError } from '../errors.ts';
import { formatNetworkId, isCifarDepth } from '../network/families.ts';
import { runReference } from '../network/reference.ts';
import type { Tensor } from '../reference/tensor.ts';
import { BOUNDS } from './config.ts';
import { distinct, textsOf } from './kernel_text.ts';
import type { KernelText } from './kernel_text.ts';
import { normalizedPictures } from './pictures.ts';
import { MOST_STEPS, SideBySide } from './side_by_side.ts';
import type { SideRow } from './side_by_side.ts';

const depth = z.int().min(BOUNDS.depth.min).max(56).refine(isCifarDepth);

export const constructionSetting = z.strictObject({
  residual: z.boolean(),
  /** Of the network that is trained first. */
  shallow: depth,
  /** Of the network that is built from it. */
  deep: depth,
  /** Steps that the shallow network trains before. */
  steps: z.int().min(1).max(1000),
  width: z.int().min(BOUNDS.width.min).max(BOUNDS.width.max),
  seed: z.int().min(0).max(BOUNDS.seed.max),
});
export type ConstructionSetting = z.infer<typeof constructionSetting>;

/** Logits of the same pictures from both networks. */
export interface LogitComparison {
  /** The largest difference between the two, and the largest logit. */
  difference: number;
  size: number;
}

export interface ConstructionAnswer {
  /** Names of both networks: `plain-8`, `plain-20`. */
  networks: [shallow: string, deep: string];
  /** Paths of the blocks that are the identity. */
  added: string[];
  classes: string[];
  /** The shallow network's way there. */
  rows: SideRow[];
  /** Training pictures, and how both do on them in evaluation mode. */
  count: number;
  measured: [shallow: Evaluation, deep: Evaluation];
  /** With running statistics, and with the batch's. */
  evaluation: LogitComparison;
  training: LogitComparison;
  /** Of the first picture. */
  first: {
    /** [1, C, H, W], normalized. */
    x: Tensor;
    logits: [shallow: number[], deep: number[]];
    /** The float64 reference's, with the same weights. */
    reference: [shallow: number[], deep: number[]];
  };
  /** Of the deep network's evaluation. */
  kernels: KernelText[];
}

/** Passes on which the norms of a plain network are measured. */
const MEASURED = 4;
/** Steps between two reports of how far training is. */
const REPORTED = 8;

export class Construction {
  readonly answer: ConstructionAnswer;
  private readonly side: SideBySide;
  private readonly networks: [GpuNetwork, GpuNetwork];

  private constructor(
    side: SideBySide,
    networks: [GpuNetwork, GpuNetwork],
    answer: ConstructionAnswer,
  ) {
    this.side = side;
    this.networks = networks;
    this.answer = answer;
  }

  /**
   * Trains the shallow network, builds the deep one and compares them.
   *
   * @param progress told the steps done, and waited for
   * @throws FathomError `not-deeper`
   */
  static async build(
    gpu: Gpu,
    dataset: Dataset,
    question: ConstructionSetting,
    progress: (done: number, total: number) => unknown,
  ): Promise<Construction> {
    const { residual, shallow, deep, steps, ...rest } = constructionSetting.parse(question);
    if (deep <= shallow) {
      throw new FathomError(
        'not-deeper',
        `a network of ${deep} layers is not deeper than one of ${shallow}`,
        { shallow, deep },
      );
    }
    const ids = [shallow, deep].map((each) =>
      formatNetworkId({ residual, depth: each, variants: [] }),
    ) as [string, string];
    const side = new SideBySide(gpu, dataset, rest);
    try {
      const networks: [GpuNetwork, GpuNetwork] = [await side.add(ids[0]), await side.add(ids[1])];
      const rows: SideRow[] = [];
      while (side.iteration < steps) {
        const count = Math.min(REPORTED, MOST_STEPS, steps - side.iteration);
        rows.push(...(await side.train([networks[0]], count)));
        await progress(side.iteration, steps);
      }
      await deepen(
        ...networks,
        Array.from({ length: MEASURED }, (_, i) => {
          const { scalars, indices } = side.passAt(side.iteration + i);
          return { scalars, indices: indices.slice() };
        }),
      );
      const answer = { networks: ids, rows, ...(await compare(gpu, side, networks)) };
      return new Construction(side, networks, answer);
    } catch (error) {
      side.destroy();
      throw error;
    }
  }

  /** Trains both on, on the same batches. */
  train(steps: number): Promise<SideRow[]> {
    return this.side.train(this.networks, steps);
  }

  destroy(): void {
    this.side.destroy();
  }
}

async function compare(
  gpu: Gpu,
  side: SideBySide,
  networks: [GpuNetwork, GpuNetwork],
): Promise<Omit<ConstructionAnswer, 'networks' | 'rows'>> {
  const [shallow, deep] = networks;
  const { classes, train } = side.dataset;
  const both = async <T>(ask: (network: GpuNetwork) => Promise<T>): Promise<[T, T]> => [
    await ask(shallow),
    await ask(deep),
  ];
  const [one, other] = await both((network) => side.logits(network, 'evaluate'));
  const inTraining = await both((network) => side.logits(network, 'train'));
  const x = await normalizedPictures(gpu, side.dataset, 0, 1, 'train');
  const firstOf = (logits: ArrayLike<number>) =>
    Array.from({ length: classes.length }, (_, c) => logits[c] ?? NaN);
  return {
    added: addedBlocks(shallow, deep),
    classes,
    count: train.count,
    measured: await both((network) => side.measure(network)),
    evaluation: comparison(one, other),
    training: comparison(...inTraining),
    first: {
      x,
      logits: [firstOf(one), firstOf(other)],
      reference: await both(async (network) => {
        const { spec } = network;
        const state = await learnedOf(network);
        const { logits } = runReference(spec, state, x, [train.labels[0] ?? 0], {
          training: false,
        });
        return [...logits.data];
      }),
    },
    kernels: distinct(textsOf(deep.program('evaluate').pass.plan.dispatches)),
  };
}

function comparison(one: Float32Array, other: Float32Array): LogitComparison {
  const largest = (values: Float32Array) =>
    values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return {
    difference: largest(one.map((value, i) => value - (other[i] ?? NaN))),
    size: largest(one),
  };
}
