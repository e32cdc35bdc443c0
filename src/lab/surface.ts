/**
 * Surveys of the loss around a network of an experiment, point by point from coarse to fine. Each point stands between two
 * training steps; all of them are of the weights as they were when the survey began.
 */
import { z } from 'zod';
import type { Evaluation } from '../engine/evaluate.ts';
import type { GpuNetwork } from '../engine/network.ts';
import { LossSlice } from '../engine/surface.ts';
import type { SliceOptions } from '../engine/surface.ts';
import type { DeviceDataset } from '../engine/dataset.ts';
import { FathomError } from '../errors.ts';
import type { StepScalars } from '../ops/step.ts';
import { balancedSubset } from './batches.ts';

/** Bounds of a survey; forms and links read them here. Points lie on a grid with one in the middle. */
export const SURVEY_BOUNDS = {
  range: { min: 0.05, max: 3, step: 0.05 },
  points: { min: 3, max: 51, step: 2 },
  images: { min: 1, max: 100_000, step: 1 },
  seed: { min: 0, max: 4_294_967_295, step: 1 },
} as const;

const int = ({ min, max }: { min: number; max: number }) => z.int().min(min).max(max);

export const surveyQuestion = z.object({
  network: z.string(),
  along: z.discriminatedUnion('kind', [
    /** x and y from −range to range, in filter-normalized directions drawn from the seed. */
    z.object({
      kind: z.literal('plane'),
      seed: int(SURVEY_BOUNDS.seed),
      range: z.number().min(SURVEY_BOUNDS.range.min).max(SURVEY_BOUNDS.range.max),
    }),
    /** x from 0 at the network to 1 at the other, or at its own first weights where that is null, and a quarter beyond. */
    z.object({ kind: z.literal('line'), to: z.string().nullable() }),
  ]),
  /** Of one side. */
  points: int(SURVEY_BOUNDS.points).refine((count) => count % 2 === 1, { error: 'must be odd' }),
  /** Of the training or the test set, as many of each class; all of them where there are fewer. */
  images: int(SURVEY_BOUNDS.images),
  split: z.enum(['train', 'test']),
  statistics: z.enum(['running', 'batch']),
});

export type SurveyQuestion = z.infer<typeof surveyQuestion>;

/** A place in the grid, row by row, and where that is in weight space. */
export interface GridPoint {
  index: number;
  x: number;
  y: number;
}

/** A point with its loss and error. */
export type SurveyPoint = GridPoint & Evaluation;

/** Told each point as it comes; the answer false ends the survey. */
export type OnPoint = (point: SurveyPoint) => boolean | Promise<boolean>;

export interface Survey {
  /** Training steps that the network had made. */
  iteration: number;
  /** Pictures that each point was evaluated on. */
  images: number;
  /** Whether it was ended before all points were there. */
  cancelled: boolean;
}

/** What a survey needs of an experiment. */
export interface SurveyedLab {
  /** As `Experiment.between`. */
  between<T>(work: () => Promise<T>): Promise<T>;
  run(id: string): { network: GpuNetwork; iteration: number };
  data: Record<SurveyQuestion['split'], { device: DeviceDataset; labels: ArrayLike<number> }>;
  scalars: StepScalars;
  /** Submits that one pass of this network is cut into. */
  submits(id: string): number;
}

/** How far beyond its ends a line goes. */
const BEYOND = 0.25;

/**
 * The points of a question, the middle first, then those of every wider grid before those of the finer: n = 5 takes the middle,
 * then a grid of 3 × 3, then the rest.
 */
export function gridOf({ along, points }: Pick<SurveyQuestion, 'along' | 'points'>): GridPoint[] {
  const plane = along.kind === 'plane';
  const middle = (points - 1) / 2;
  const [from, to] = plane ? [-along.range, along.range] : [-BEYOND, 1 + BEYOND];
  // Exactly zero in the middle of a plane, whatever the range.
  const at = (i: number) => (from + to) / 2 + ((to - from) / 2) * ((i - middle) / middle);
  const rows = plane ? points : 1;
  const order = Array.from({ length: points * rows }, (_, index) => {
    const [i, j] = [index % points, Math.floor(index / points)];
    const [dx, dy] = [i - middle, plane ? j - middle : 0];
    const level = Math.min(fineness(dx), fineness(dy));
    return {
      level,
      distance: Math.hypot(dx, dy),
      point: { index, x: at(i), y: plane ? at(j) : 0 },
    };
  });
  order.sort((a, b) => b.level - a.level || a.distance - b.distance);
  return order.map(({ point }) => point);
}

/** How often an integer can be halved. */
const fineness = (n: number): number => (n === 0 ? Infinity : Math.log2(n & -n));

/**
 * @throws FathomErrors `survey` where the question does not hold, `no-network`, `different-parameters`, `experiment-closed`
 */
export async function survey(
  lab: SurveyedLab,
  asked: SurveyQuestion,
  onPoint: OnPoint,
): Promise<Survey> {
  const question = checked(asked);
  const { run, slice, options } = await lab.between(() => prepare(lab, question));
  try {
    const found = { iteration: run.iteration, images: options.count };
    for (const point of gridOf(question)) {
      const evaluation = await lab.between(() => slice.evaluate([point.x, point.y], options));
      if (!evaluation || !(await onPoint({ ...point, ...evaluation }))) {
        return { ...found, cancelled: true };
      }
    }
    return { ...found, cancelled: false };
  } finally {
    slice.destroy();
  }
}

/** Seconds that one picture takes at a point of such a survey. */
export function paceOf(
  lab: SurveyedLab,
  asked: SurveyQuestion,
  now: () => number,
): Promise<number> {
  const question = checked(asked);
  return lab.between(async () => {
    const { run, slice, options } = await prepare(lab, question);
    try {
      const { batch } = run.network.options;
      const time = async (passes: number) => {
        const began = now();
        await slice.evaluate([0, 0], { ...options, count: passes * batch });
        return (now() - began) / 1000;
      };
      // The first pass makes bind groups; what one more takes is left when reading back is taken off.
      await time(1);
      const [one, three] = [await time(1), await time(3)];
      return Math.max(three - one, three / 6) / (2 * batch);
    } finally {
      slice.destroy();
    }
  });
}

function checked(question: SurveyQuestion): SurveyQuestion {
  const result = surveyQuestion.safeParse(question);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const name = issue?.path.join('.') ?? '';
  const reason = issue?.message ?? '';
  throw new FathomError('survey', `the survey's ${name} does not hold: ${reason}`, {
    name,
    reason,
  });
}

async function prepare(lab: SurveyedLab, { network: id, along, ...rest }: SurveyQuestion) {
  const { network, iteration } = lab.run(id);
  const { device: data, labels } = lab.data[rest.split];
  const options: SliceOptions = { data, statistics: rest.statistics };
  const other = along.kind === 'line' && along.to !== null ? lab.run(along.to).network : null;
  const slice =
    along.kind === 'plane'
      ? await LossSlice.plane(network, along.seed, options)
      : await LossSlice.line(network, other, options);
  const pictures = balancedSubset(labels, rest.images);
  const submits = lab.submits(id);
  const evaluation = { pictures, count: pictures.length, scalars: lab.scalars, submits };
  return { run: { network, iteration }, slice, options: evaluation };
}

/** A survey as a file: what was asked, and what was found. Losses that are no numbers become null. */
export const surveyFile = (
  question: SurveyQuestion,
  points: readonly SurveyPoint[],
  found: Omit<Survey, 'cancelled'>,
): string => `${JSON.stringify({ version: 1, question, ...found, points }, null, 1)}\n`;
