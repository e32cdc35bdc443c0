/** The worker's answers about the loss around a network, as components ask for them. */
import { proxy } from 'comlink';
import { useEffect, useRef, useState } from 'react';
import type { Failure, Survey, SurveyPoint, SurveyQuestion } from '../../worker/protocol.ts';
import { useWorker } from '../worker.ts';

/** What is known of one question. */
export interface Found {
  question: SurveyQuestion;
  points: readonly SurveyPoint[];
  /** Null until it has ended. */
  survey: Survey | null;
}

export interface Surveys {
  found: readonly Found[];
  running: boolean;
  failure: Failure | null;
  start(questions: readonly SurveyQuestion[]): void;
  stop(): void;
}

/** Surveys that go on side by side; leaving the page ends them. */
export function useSurveys(): Surveys {
  const api = useWorker();
  const [found, setFound] = useState<readonly Found[]>([]);
  const [running, setRunning] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const wanted = useRef(false);
  useEffect(
    () => () => {
      wanted.current = false;
    },
    [],
  );

  const run = async (questions: readonly SurveyQuestion[]) => {
    wanted.current = true;
    setRunning(true);
    setFailure(null);
    setFound(questions.map((question) => ({ question, points: [], survey: null })));
    const change = (at: number, by: (before: Found) => Partial<Found>) =>
      setFound((all) => all.map((each, i) => (i === at ? { ...each, ...by(each) } : each)));
    const asked = questions.map(async (question, at) => {
      const hear = (point: SurveyPoint) => {
        if (wanted.current) change(at, ({ points }) => ({ points: [...points, point] }));
        return wanted.current;
      };
      const survey = await api.survey(question, proxy(hear));
      change(at, () => ({ survey }));
    });
    for (const result of await Promise.allSettled(asked)) {
      if (result.status === 'rejected') setFailure(result.reason as Failure);
    }
    setRunning(false);
  };
  return {
    found,
    running,
    failure,
    start: (questions) => void run(questions),
    stop: () => (wanted.current = false),
  };
}

/** Seconds that all points of these questions would take, measured on this device; null until that is known. */
export function useEstimate(
  questions: readonly SurveyQuestion[],
  pictures: number,
  ready: boolean,
): number | null {
  const api = useWorker();
  const [pace, setPace] = useState<{ of: string; seconds: number } | null>(null);
  // The pace depends on the networks and on what is computed, and not on how many points there are.
  const key = JSON.stringify(
    questions.map(({ network, statistics, split }) => ({ network, statistics, split })),
  );
  const latest = useRef(questions);
  useEffect(() => {
    latest.current = questions;
  });
  useEffect(() => {
    if (!ready) return;
    let wanted = true;
    Promise.all(latest.current.map((question) => api.surveyPace(question))).then(
      (seconds) => wanted && setPace({ of: key, seconds: seconds.reduce((a, b) => a + b, 0) }),
      // Without an experiment, or while another takes its place, there is nothing to expect.
      () => wanted && setPace(null),
    );
    return () => {
      wanted = false;
    };
  }, [api, key, ready]);
  const [first] = questions;
  if (!first || pace?.of !== key) return null;
  const side = first.points;
  const points = first.along.kind === 'plane' ? side * side : side;
  return points * Math.min(first.images, pictures) * pace.seconds;
}
