/** In which order a survey takes its points, and what it refuses. */
import { describe, expect, it } from 'vitest';
import { SURVEY_BOUNDS, gridOf, surveyFile, surveyQuestion } from '../../src/lab/survey.ts';
import type { SurveyQuestion } from '../../src/lab/survey.ts';

const plane = (range: number): SurveyQuestion['along'] => ({ kind: 'plane', seed: 1, range });

describe('the points of a plane', () => {
  it('begin in the middle, and come from coarse to fine', () => {
    const order = gridOf({ along: plane(1), points: 5 });
    expect(order[0]).toEqual({ index: 12, x: 0, y: 0 });
    const corners = order.slice(1, 9).map(({ index }) => index);
    expect(corners.toSorted((a, b) => a - b)).toEqual([0, 2, 4, 10, 14, 20, 22, 24]);
  });

  it.each([3, 11, 21])('are all there, once, in rows of x: %d', (points) => {
    const order = gridOf({ along: plane(0.7), points });
    const sorted = order.toSorted((a, b) => a.index - b.index);
    expect(sorted.map(({ index }) => index)).toEqual(sorted.map((_, i) => i));
    expect(sorted).toHaveLength(points * points);
    expect(sorted[0]).toMatchObject({ x: -0.7, y: -0.7 });
    expect(sorted[points - 1]).toMatchObject({ x: 0.7, y: -0.7 });
    expect(sorted.at(-1)).toMatchObject({ x: 0.7, y: 0.7 });
  });
});

it.each([3, 5, 7, 11, 21, 31, 51])(
  'a line of %d points stands on both ends, and goes beyond them',
  (points) => {
    const order = gridOf({ along: { kind: 'line', to: null }, points });
    const xs = order.map(({ x }) => x).toSorted((a, b) => a - b);
    expect(xs.length).toBe(points);
    expect(xs).toContain(0);
    expect(xs).toContain(1);
    const [first = NaN] = xs;
    expect(first + (xs.at(-1) ?? NaN)).toBeCloseTo(1, 12);
    // A quarter, as near as a step allows.
    if (points > 5) expect(Math.abs(-first - 0.25)).toBeLessThan(0.1);
    expect(order.every(({ y }) => y === 0)).toBe(true);
    expect(order[0]).toMatchObject({ x: 0.5 });
  },
);

it('a grid has a middle, and every setting its bounds', () => {
  const question = {
    network: 'plain-8',
    along: plane(1),
    points: 5,
    images: 8,
    split: 'train',
    statistics: 'running',
  };
  expect(surveyQuestion.safeParse(question).success).toBe(true);
  for (const broken of [
    { points: 4 },
    { points: SURVEY_BOUNDS.points.max + 2 },
    { images: 0 },
    { along: plane(0) },
    { split: 'all' },
  ]) {
    expect(surveyQuestion.safeParse({ ...question, ...broken }).success).toBe(false);
  }
});

it('a file holds what was asked and found, and null where a loss is no number', () => {
  const question = surveyQuestion.parse({
    network: 'plain-8',
    along: plane(1),
    points: 3,
    images: 8,
    split: 'test',
    statistics: 'batch',
  });
  const survey = { iteration: 5, images: 8, cancelled: false };
  const points = [{ index: 4, x: 0, y: 0, loss: NaN, error: 1 }];
  expect(JSON.parse(surveyFile(question, points, survey))).toEqual({
    version: 1,
    question,
    survey,
    points: [{ index: 4, x: 0, y: 0, loss: null, error: 1 }],
  });
});
