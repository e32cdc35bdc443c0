/** The loss surfaces around the networks of an experiment, as files. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Experiment } from '../lab/experiment.ts';
import { gridOf, surveyFile, surveyName, surveyQuestion } from '../lab/survey.ts';
import type { SurveyPoint } from '../lab/survey.ts';

/** What is asked of every network; the rest is as in the app. */
export interface SurveySettings {
  points: number;
  range: number;
  images: number;
  seed: number;
}

/**
 * Writes DIR/surface-NETWORK.json for each network.
 * @throws FathomErrors as {@link Experiment.survey}
 */
export async function writeSurveys(
  experiment: Experiment,
  { points, range, images, seed }: SurveySettings,
  out: string,
  progress: (done: number, total: number) => void,
): Promise<void> {
  const { networks } = experiment.config;
  for (const [k, network] of networks.entries()) {
    const question = surveyQuestion.parse({
      network,
      along: { kind: 'plane', seed, range },
      points,
      images,
      split: 'train',
      statistics: 'running',
    });
    const total = gridOf(question).length;
    const found: SurveyPoint[] = [];
    const survey = await experiment.survey(question, (point) => {
      found.push(point);
      progress(k * total + found.length, networks.length * total);
      return true;
    });
    await writeFile(join(out, `${surveyName(network)}.json`), surveyFile(question, found, survey));
  }
}
