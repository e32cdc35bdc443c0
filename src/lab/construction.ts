/** The construction argument with networks of the experiment: a trained shallow one, and a deeper one built from it. */
import { z } from 'zod';
import type { Dataset } from '../data/dataset.ts';
import type { Evaluation } from '../engine/evaluate.ts';
import { addedBlocks, deepen } from '../engine/deepen.ts';
import type { Gpu } from '../engine/gpu/gpu.ts';
import type { Mode } from '../engine/graph/lower.ts';
import type { GpuNetwork } from '../engine/network.ts';
import { learnedOf, writeLearned } from '../engine/tensors.ts';
import { FathomError } from '../errors.ts';
import { formatNetworkId, isCifarDepth } from '../network/families.ts';
import { predictReference } from '../network/reference.ts';
import type { ReferenceState } from '../network/reference.ts';
import type { Tensor, Tensors } from '../reference/tensor.ts';
import { BOUNDS } from './config.ts';
import type { ExperimentConfig } from './config.ts';
import type { Subject } from './experiment.ts';
import { distinct, textsOf } from './kernel_text.ts';
import type { KernelText } from './kernel_text.ts';
import { normalizedPictures } from './pictures.ts';
import { going } from './progress.ts';
import type { Progress } from './progress.ts';
import { MOST_STEPS, SideBySide } from './side_by_side.ts';
import type { SideRow } from './side_by_side.ts';
import { logitsReference, measureReference, standingOf } from './side_reference.ts';
import type { Standing } from './side_reference.ts';

const depth = z.int().min(BOUNDS.depth.min).max(56).refine(isCifarDepth);

export const constructionSetting = z.strictObject({
  /** Where the shallow network is from: trained here, or taken from the experiment as it stands. */
  from: z.enum(['here', 'experiment']),
  residual: z.boolean(),
  /** Of the network that is trained first. */
  shallow: depth,
  /** Of the network that is built from it. */
  deep: depth,
  /** Steps that the shallow network trains before, where it is trained here. */
  steps: z.int().min(1).max(1000),
  /** Channels of the first stage; one of the experiment has its own. */
  width: z.int().min(BOUNDS.width.min).max(BOUNDS.width.max),
  seed: z.int().min(0).max(BOUNDS.seed.max),
});
export type ConstructionSetting = z.infer<typeof constructionSetting>;

/** A network of the experiment, as it stands. */
export interface Taken {
  config: Pick<ExperimentConfig, 'width' | 'shortcut'>;
  /** Steps that it has trained. */
  steps: number;
  learned: ReferenceState;
}

/**
 * What a construction takes of a network of the experiment.
 *
 * @throws FathomError `rewired` where its shortcuts are not connected or cut as its name says
 */
export async function take({ run, config }: Subject): Promise<Taken> {
  const { id, network, connected, iteration } = run;
  if (connected !== id.startsWith('residual')) {
    throw new FathomError('rewired', `the shortcuts of ${id} are not as its name says`, { id });
  }
  return { config, steps: iteration, learned: await learnedOf(network) };
}

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
  /** Steps that the shallow network had trained. */
  steps: number;
  /** The shallow network's way there, where it was trained here. */
  rows: SideRow[];
  /** Training pictures, and how both do on them in evaluation mode. */
  count: number;
  measured: [shallow: Evaluation, deep: Evaluation];
  /** Pictures whose logits are compared: with running statistics, and with the batch's. */
  compared: number;
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
  /** Parameters and running statistics of both as they were compared. */
  weights: [shallow: Tensors, deep: Tensors];
  /** Of the deep network's forward pass, in evaluation and in training mode. */
  kernels: Record<ComparedMode, KernelText[]>;
}

/** With running statistics, or with the batch's. */
export type ComparedMode = Extract<Mode, 'evaluate' | 'train'>;

/** Passes on which the norms of a plain network are measured. */
const MEASURED = 4;
/** Steps between two reports of how far training is. */
const REPORTED = 8;

export class Construction {
  readonly answer: ConstructionAnswer;
  private readonly side: SideBySide;
  private readonly networks: [GpuNetwork, GpuNetwork];
  /** Both as they were compared. */
  private readonly compared: [Standing, Standing];
  /** What the reference has measured of them: it takes its time, and several numbers ask for the same. */
  private readonly found = new Map<0 | 1, Evaluation>();

  private constructor(
    side: SideBySide,
    networks: [GpuNetwork, GpuNetwork],
    compared: [Standing, Standing],
    answer: ConstructionAnswer,
  ) {
    this.side = side;
    this.networks = networks;
    this.compared = compared;
    this.answer = answer;
  }

  /**
   * Trains the shallow network or takes it from the experiment, builds the deep one and compares them.
   *
   * @param takeFrom a network of the experiment by its name
   * @param progress told the steps done
   * @throws FathomErrors `not-deeper` and `given-up`
   */
  static async build(
    gpu: Gpu,
    dataset: Dataset,
    question: ConstructionSetting,
    takeFrom: (id: string) => Promise<Taken>,
    progress: Progress,
  ): Promise<Construction> {
    const { from, residual, shallow, deep, steps, ...rest } = constructionSetting.parse(question);
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
    const taken = from === 'experiment' ? await takeFrom(ids[0]) : null;
    const { width, shortcut } = { ...rest, ...taken?.config };
    const side = new SideBySide(gpu, dataset, { seed: rest.seed, width, shortcut });
    try {
      const networks: [GpuNetwork, GpuNetwork] = [await side.add(ids[0]), await side.add(ids[1])];
      const rows: SideRow[] = [];
      if (taken) writeLearned(networks[0], taken.learned);
      while (!taken && side.iteration < steps) {
        const count = Math.min(REPORTED, MOST_STEPS, steps - side.iteration);
        rows.push(...(await side.train([networks[0]], count)));
        await going(progress, side.iteration, steps);
      }
      await deepen(
        ...networks,
        Array.from({ length: MEASURED }, (_, i) => {
          const { scalars, indices } = side.passAt(side.iteration + i);
          return { scalars, indices: indices.slice() };
        }),
      );
      const compared: [Standing, Standing] = [
        await standingOf(networks[0]),
        await standingOf(networks[1]),
      ];
      const answer = {
        networks: ids,
        steps: taken?.steps ?? steps,
        rows,
        ...(await compare(gpu, side, networks, compared)),
      };
      return new Construction(side, networks, compared, answer);
    } catch (error) {
      side.destroy();
      throw error;
    }
  }

  /** Trains both on, on the same batches. */
  train(steps: number): Promise<SideRow[]> {
    return this.side.train(this.networks, steps);
  }

  /** What the float64 reference measures of the shallow network (0) or of the deep one (1), as they were compared. */
  async measureReference(which: 0 | 1, progress: Progress): Promise<Evaluation> {
    const found =
      this.found.get(which) ?? (await measureReference(this.side, this.compared[which], progress));
    this.found.set(which, found);
    return found;
  }

  /** The comparison of logits, by the float64 reference. */
  async compareReference(mode: ComparedMode): Promise<LogitComparison> {
    const [shallow, deep] = this.compared;
    const logits = async (standing: Standing) =>
      (await logitsReference(this.side, standing, mode === 'train')).data;
    return comparison(await logits(shallow), await logits(deep));
  }

  destroy(): void {
    this.side.destroy();
  }
}

async function compare(
  gpu: Gpu,
  side: SideBySide,
  networks: [GpuNetwork, GpuNetwork],
  compared: [Standing, Standing],
): Promise<Omit<ConstructionAnswer, 'networks' | 'rows' | 'steps'>> {
  const [shallow, deep] = networks;
  const { classes } = side.dataset;
  const both = async <T>(ask: (network: GpuNetwork) => Promise<T>): Promise<[T, T]> => [
    await ask(shallow),
    await ask(deep),
  ];
  const [one, other] = await both((network) => side.logits(network, 'evaluate'));
  const inTraining = await both((network) => side.logits(network, 'train'));
  const x = await normalizedPictures(gpu, side.dataset, 0, 1, 'train');
  const reference = ({ spec, ...state }: Standing) => [
    ...predictReference(spec, state, x, { training: false }).data,
  ];
  const weights = ({ parameters, running }: Standing) => ({ ...parameters, ...running });
  const kernels = (mode: ComparedMode) =>
    distinct(
      textsOf(deep.program(mode).pass.plan.dispatches.filter(({ phase }) => phase === 'forward')),
    );
  const firstOf = (logits: ArrayLike<number>) =>
    Array.from({ length: classes.length }, (_, c) => logits[c] ?? NaN);
  return {
    added: addedBlocks(shallow, deep),
    classes,
    count: side.dataset.train.count,
    measured: await both((network) => side.measure(network)),
    compared: side.firstBatch.length,
    evaluation: comparison(one, other),
    training: comparison(...inTraining),
    first: {
      x,
      logits: [firstOf(one), firstOf(other)],
      reference: [reference(compared[0]), reference(compared[1])],
    },
    weights: [weights(compared[0]), weights(compared[1])],
    kernels: { evaluate: kernels('evaluate'), train: kernels('train') },
  };
}

function comparison(one: ArrayLike<number>, other: ArrayLike<number>): LogitComparison {
  const largest = (values: readonly number[]) =>
    values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const values = Array.from(one);
  return {
    difference: largest(values.map((value, i) => value - (other[i] ?? NaN))),
    size: largest(values),
  };
}
