/**
 * Surveys of the loss around a network of an experiment, point by point from coarse to fine. Each point stands between two
 * training steps, gives way to urgent commands and is then computed anew; all of them are of the weights as they were when
 * the survey began.
 */
import type { GpuNetwork } from '../engine/network.ts';
import { LossSlice } from '../engine/surface.ts';
import type { SliceOptions } from '../engine/surface.ts';
import type { DeviceDataset } from '../engine/dataset.ts';
import { FathomError } from '../errors.ts';
import type { StepScalars } from '../ops/step.ts';
import { balancedSubset } from './batches.ts';
import { gridOf, surveyQuestion } from './survey.ts';
import type { Survey, SurveyPoint, SurveyQuestion } from './survey.ts';

/** Told each point as it comes; the answer false ends the survey. */
export type OnPoint = (point: SurveyPoint) => boolean | Promise<boolean>;

/** What a survey needs of an experiment. */
export interface SurveyedLab {
  /** As `Experiment.between`. */
  between<T>(work: () => Promise<T>): Promise<T>;
  /** What is waited for after each pass of a point; false where the point is to give way. */
  afterPass(): () => Promise<boolean>;
  run(id: string): { network: GpuNetwork; iteration: number };
  data: Record<SurveyQuestion['split'], { device: DeviceDataset; labels: ArrayLike<number> }>;
  scalars: StepScalars;
  /** Submits that one pass of this network is cut into. */
  submits(id: string): number;
}

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
      const evaluation = await patiently(() =>
        lab.between(() =>
          slice.evaluate([point.x, point.y], { ...options, onPass: lab.afterPass() }),
        ),
      );
      if (!(await onPoint({ ...point, ...evaluation }))) return { ...found, cancelled: true };
    }
    return { ...found, cancelled: false };
  } finally {
    slice.destroy();
  }
}

/** Tries again until it is not given up. */
async function patiently<T>(attempt: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const result = await attempt();
    if (result !== null) return result;
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
