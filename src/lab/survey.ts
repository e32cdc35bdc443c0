/** A survey of the loss around a network: what is asked, in which order points come, and the file that holds them. */
import { z } from 'zod';

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
    /** x from 0 at the network to 1 at the other, or at its own first weights where that is null, and about a quarter beyond. */
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

/** A point with the mean cross-entropy there, and the share of wrong answers. */
export interface SurveyPoint extends GridPoint {
  loss: number;
  error: number;
}

export interface Survey {
  /** Training steps that the network had made. */
  iteration: number;
  /** Pictures that each point was evaluated on. */
  images: number;
  /** Whether it was ended before all points were there. */
  cancelled: boolean;
}

/** Of the steps of a line, the share that lies beyond each of its ends: it goes about a quarter of its length beyond them. */
const BEYOND = 1 / 6;

/**
 * The points of a question, the middle first, then those of every wider grid before those of the finer: n = 5 takes the middle,
 * then a grid of 3 × 3, then the rest.
 */
export function gridOf({ along, points }: Pick<SurveyQuestion, 'along' | 'points'>): GridPoint[] {
  const plane = along.kind === 'plane';
  const middle = (points - 1) / 2;
  // Points of a line lie on both of its ends: the networks themselves.
  const beyond = Math.round(BEYOND * (points - 1));
  const between = points - 1 - 2 * beyond;
  const at = (i: number) =>
    plane ? along.range * ((i - middle) / middle) : (i - beyond) / between;
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

/** What the file of a network is called, without its ending. */
export const surveyName = (network: string): string => `surface-${network}`;

/**
 * A survey as a file: what was asked, how it ended (null before it has), and the points in the order they came. Losses that are no
 * numbers become null.
 */
export const surveyFile = (
  question: SurveyQuestion,
  points: readonly SurveyPoint[],
  survey: Survey | null,
): string => `${JSON.stringify({ version: 1, question, survey, points }, null, 1)}\n`;
