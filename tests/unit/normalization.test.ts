import type { Remote } from 'comlink';
import { describe, expect, it } from 'vitest';
import {
  AXES,
  METHODS,
  PLACES,
  SIZES,
  SUBSETS,
  divisionOf,
  groupCount,
  groupOf,
  indexOf,
  membersOf,
  methodOf,
  randomActivation,
  spans,
  toggled,
} from '../../src/app/chapters/normalization/block.ts';
import type { Division } from '../../src/app/chapters/normalization/block.ts';
import { normalize } from '../../src/app/chapters/normalization/normalize.ts';
import { Instruments } from '../../src/lab/instruments.ts';
import type { InstrumentsApi } from '../../src/worker/protocol.ts';

const ELEMENTS = SIZES.n * SIZES.c * SIZES.p;
const DIVISIONS: Division[] = SUBSETS.flatMap((axes) =>
  (axes.includes('c') ? [1, 2, 4, 8] : [1]).map((groups) => ({ axes, groups })),
);

describe.each(DIVISIONS)('what shares a mean over $axes in $groups groups', (division) => {
  it('is every element once, in groups of one size', () => {
    const members = membersOf(division);
    expect(members).toHaveLength(groupCount(division));
    expect(new Set(members.map(({ length }) => length)).size).toBe(1);
    expect(members.flat().sort((a, b) => a - b)).toEqual([...Array(ELEMENTS).keys()]);
  });

  it('differs only along the axes of the mean, and within one part of the channels', () => {
    const part = (c: number) => Math.floor(c / (SIZES.c / division.groups));
    const first = PLACES[ELEMENTS / 2 + 5]!;
    const together = PLACES.filter(
      (other) =>
        AXES.every((axis) => spans(division, axis) || other[axis] === first[axis]) &&
        (!spans(division, 'c') || part(other.c) === part(first.c)),
    );
    expect(membersOf(division)[groupOf(first, division)]).toEqual(together.map(indexOf));
  });
});

it('means as many as the course says: batch 8, layer 4, instance 32, group 16', () => {
  const counts = METHODS.map((method) => groupCount(divisionOf({ method, axes: 'n', groups: 4 })));
  expect(counts).toEqual([8, 4, 32, 16, 128]);
});

it('an axis toggled twice gives back what was there', () => {
  for (const axes of SUBSETS) {
    for (const axis of AXES) {
      const once = toggled({ axes, groups: 1 }, axis);
      expect(once).not.toBe(axes);
      expect(toggled({ axes: once, groups: 1 }, axis)).toBe(axes);
    }
  }
});

it('axes that have a name are called by it', () => {
  expect(SUBSETS.map(methodOf)).toEqual([
    'free',
    'free',
    'free',
    'instance',
    'free',
    'batch',
    'layer',
    'free',
  ]);
});

it('running statistics are those of their recurrence on plain sums', async () => {
  const instruments = new Instruments(Promise.resolve(null)) as unknown as Remote<InstrumentsApi>;
  const { used } = await normalize(instruments, {
    ...{ method: 'batch', mode: 'evaluate', axes: 'n', groups: 1, gamma: 1, beta: 0 },
    activation: randomActivation(3),
  });
  expect(used.mean).toHaveLength(SIZES.c);
  for (let c = 0; c < SIZES.c; c++) {
    expect(used.mean[c]).toBeCloseTo(used.reference.mean[c]!, 12);
    expect(used.variance[c]).toBeCloseTo(used.reference.variance[c]!, 12);
  }
  expect(used.step.answer.state.running_mean?.data).toBe(used.mean);
});
