/** The chapter's tensor, and which of its elements share one mean and one variance. */
import { normal, streamOf, uniform } from '../../../random.ts';
import { tensor } from '../../../reference/tensor.ts';
import type { Tensor } from '../../../reference/tensor.ts';

/** Pictures, channels, and positions of a picture, which make one axis here. */
export const SIZES = { n: 4, c: 8, p: 16 } as const;
export type Axis = keyof typeof SIZES;
export const AXES = ['n', 'c', 'p'] as const;
const SIDE = 4;

/** An element by its indices. */
export type Place = Record<Axis, number>;

export const indexOf = ({ n, c, p }: Place): number => (n * SIZES.c + c) * SIZES.p + p;

export const PLACES: readonly Place[] = Array.from(
  { length: SIZES.n * SIZES.c * SIZES.p },
  (_, i) => ({
    n: Math.floor(i / (SIZES.c * SIZES.p)),
    c: Math.floor(i / SIZES.p) % SIZES.c,
    p: i % SIZES.p,
  }),
);

/** The element that is a number of steps on along an axis, as far as there are any. */
export const moved = (place: Place, axis: Axis, steps: number): Place => ({
  ...place,
  [axis]: Math.min(SIZES[axis] - 1, Math.max(0, place[axis] + steps)),
});

/**
 * An element of picture `picture`: normal, with a level and a spread of its channel's own and a brightness of its
 * picture's, as activations have them. A number that float32 holds exactly.
 */
export function elementOf(seed: number, picture: number, c: number, p: number): number {
  const draw = (name: string, i: number) => normal(seed, streamOf(name), i);
  const level = 1.2 * draw('level', c);
  const spread = 0.5 + 0.9 * Math.abs(draw('spread', c));
  const brightness = 0.8 * draw('brightness', picture);
  const own = draw('element', (picture * SIZES.c + c) * SIZES.p + p);
  return Math.fround(level + brightness + spread * own);
}

/** The activation of any picture, from 0 on, at a channel and a position. */
export type Activation = (picture: number, c: number, p: number) => number;

export const randomActivation =
  (seed: number): Activation =>
  (picture, c, p) =>
    elementOf(seed, picture, c, p);

/**
 * Real ones: the first pictures of a batch [N, C, H, W] as they stand; any further one is drawn from its pictures but the
 * first, with replacement.
 */
export function activationOf({ shape, data }: Tensor, seed: number): Activation {
  const [pictures = 1] = shape;
  const drawn = (picture: number) =>
    1 + Math.floor(uniform(seed, streamOf('company'), picture) * (pictures - 1));
  return (picture, c, p) => {
    const n = picture < SIZES.n ? picture : drawn(picture);
    return data[(n * SIZES.c + c) * SIZES.p + p] ?? NaN;
  };
}

/** Batch number `batch` of activations, [N, C, H, W]. */
export function activations(of: Activation, batch = 0): Tensor {
  return tensor(
    [SIZES.n, SIZES.c, SIDE, SIDE],
    PLACES.map(({ n, c, p }) => of(batch * SIZES.n + n, c, p)),
  );
}

/**
 * Batches of `size` pictures which all hold picture 0, one batch in place of each channel, so that one pass of batch
 * norm normalizes them all: [size, batches, H, W], every plane of channel `c`.
 */
export function batchesAround(of: Activation, c: number, size: number, batches: number): Tensor {
  const picture = (row: number, batch: number) => (row === 0 ? 0 : 1000 + batch * 64 + row);
  return tensor(
    [size, batches, SIDE, SIDE],
    Array.from({ length: size * batches * SIZES.p }, (_, i) => {
      const [row, batch] = [Math.floor(i / (batches * SIZES.p)), Math.floor(i / SIZES.p) % batches];
      return of(picture(row, batch), c, i % SIZES.p);
    }),
  );
}

/** Axes over which mean and variance are taken, in the order n, c, p. */
export const SUBSETS = ['none', 'n', 'c', 'p', 'nc', 'np', 'cp', 'ncp'] as const;
export type Subset = (typeof SUBSETS)[number];

export const METHODS = ['batch', 'layer', 'instance', 'group', 'free'] as const;
export type Method = (typeof METHODS)[number];

/** The axes of the methods that have a name; those of group norm are all of a picture, of which it takes parts. */
const AXES_OF: Record<Exclude<Method, 'free'>, Subset> = {
  batch: 'np',
  layer: 'cp',
  instance: 'p',
  group: 'cp',
};

/** What is normalized together: elements that differ only along `axes`, and in the same of `groups` parts of C. */
export interface Division {
  axes: Subset;
  groups: number;
}

export const divisionOf = (state: { method: Method; axes: Subset; groups: number }): Division => ({
  axes: state.method === 'free' ? state.axes : AXES_OF[state.method],
  groups: state.method === 'group' ? state.groups : 1,
});

export const spans = ({ axes }: Division, axis: Axis): boolean =>
  axes !== 'none' && axes.includes(axis);

/** The method whose axes these are; `free` where they have no name of their own. */
export const methodOf = (axes: Subset): Method =>
  METHODS.find((method) => method !== 'free' && method !== 'group' && AXES_OF[method] === axes) ??
  'free';

/** The axes with one of them added, or taken away. */
export function toggled(division: Division, axis: Axis): Subset {
  const axes = AXES.filter((each) => spans(division, each) !== (each === axis)).join('');
  return SUBSETS.find((subset) => subset === axes) ?? 'none';
}

/** Axes along which elements of different groups differ, with how many groups lie along each. */
function keptAxes(division: Division): { axis: Axis; count: number }[] {
  const { groups } = division;
  return AXES.flatMap((axis): { axis: Axis; count: number }[] => {
    if (!spans(division, axis)) return [{ axis, count: SIZES[axis] }];
    return axis === 'c' && groups > 1 ? [{ axis, count: groups }] : [];
  });
}

export const groupCount = (division: Division): number =>
  keptAxes(division).reduce((product, { count }) => product * count, 1);

/** The group of an element: row-major over the axes that are kept. */
export const groupOf = (place: Place, division: Division): number =>
  keptAxes(division).reduce(
    (group, { axis, count }) => group * count + Math.floor((place[axis] * count) / SIZES[axis]),
    0,
  );

/** The flat index of every element, group by group; all groups are of one size. */
export function membersOf(division: Division): number[][] {
  const members = Array.from({ length: groupCount(division) }, (): number[] => []);
  PLACES.forEach((place, i) => members[groupOf(place, division)]?.push(i));
  return members;
}

/** The condition that makes k one of the elements that are normalized with i (Wu & He 2018, equations 3 to 7). */
export function setTex(division: Division): string {
  const conditions = keptAxes(division).map(({ axis }) => {
    const name = { n: 'N', c: 'C', p: 'HW' }[axis];
    return spans(division, axis)
      ? String.raw`\bigl\lfloor\tfrac{k_C}{C/G}\bigr\rfloor=\bigl\lfloor\tfrac{i_C}{C/G}\bigr\rfloor`
      : `k_{${name}}=i_{${name}}`;
  });
  return (
    String.raw`\mathcal S_i=\{\,k` +
    (conditions.length > 0 ? String.raw`\mid ` : '') +
    String.raw`${conditions.join(',\\ ')}\,\}`
  );
}
