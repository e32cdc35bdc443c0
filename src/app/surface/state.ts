/** The page's state as it stands in its link, and what it asks of the worker. */
import { z } from 'zod';
import type { SurveyQuestion } from '../../worker/protocol.ts';
import { flag, whole } from '../chapters/link.ts';
import { SURVEY_BOUNDS } from '../../lab/survey.ts';

export const RANGES = ['0.25', '0.5', '1', '2'] as const;
export const SIDES = ['5', '11', '21', '31', '51'] as const;
export const IMAGES = ['16', '64', '256', '1024', '4096'] as const;

export const schema = z.object({
  along: z.enum(['plane', 'line']).default('plane'),
  /** Names of networks; where one takes no part, two that do are shown. */
  left: z.string().default(''),
  right: z.string().default(''),
  /** Where a line leads to: each network's first weights, or the other network. */
  to: z.enum(['start', 'other']).default('start'),
  show: z.enum(['contour', 'relief']).default('contour'),
  log: flag(true),
  common: flag(true),
  range: z.enum(RANGES).default('1'),
  points: z.enum(SIDES).default('11'),
  images: z.enum(IMAGES).default('256'),
  split: z.enum(['train', 'test']).default('train'),
  statistics: z.enum(['running', 'batch']).default('running'),
  seed: whole(SURVEY_BOUNDS.seed.min, SURVEY_BOUNDS.seed.max, 1),
});

export type State = z.output<typeof schema>;

/**
 * The two networks that are compared: those named, as far as they take part; else the deepest plain network and the
 * residual one of its depth, or the first two.
 */
export function pairOf({ left, right }: Pick<State, 'left' | 'right'>, ids: readonly string[]) {
  const depth = (id: string) => Number(/^plain-(\d+)$/.exec(id)?.[1] ?? 0);
  const plain = ids.toSorted((a, b) => depth(b) - depth(a)).find((id) => depth(id) > 0);
  const twin = plain?.replace('plain', 'residual');
  const usual =
    plain && twin && ids.includes(twin) ? [plain, twin] : [ids[0] ?? '', ids[1] ?? ids[0] ?? ''];
  const pick = (named: string, place: number) =>
    ids.includes(named) ? named : (usual[place] ?? '');
  return [pick(left, 0), pick(right, 1)] as const;
}

/** One question a network; of one network that stands on both sides, one. */
export function questionsOf(state: State, [left, right]: readonly [string, string]) {
  const { range, points, images, split, statistics, seed } = state;
  return [...new Set([left, right])].filter(Boolean).map((network): SurveyQuestion => {
    const other = network === left ? right : left;
    return {
      network,
      along:
        state.along === 'plane'
          ? { kind: 'plane', seed, range: Number(range) }
          : { kind: 'line', to: state.to === 'other' && other !== network ? other : null },
      points: Number(points),
      images: Number(images),
      split,
      statistics,
    };
  });
}
