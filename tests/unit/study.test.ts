/** What the chapter on depth trains for itself: begun, paused and asked for anew while an answer is on its way. */
import { expect, it } from 'vitest';
import { createStudy } from '../../src/app/chapters/depth/study.ts';

const later = () => new Promise((resolve) => setTimeout(resolve));

function counting() {
  let iteration = 0;
  return createStudy<string, string>({
    open: async () => {
      await later();
      iteration = 0;
      return { answer: 'open', rows: [] };
    },
    train: async (steps) => {
      await later();
      const rows = Array.from({ length: steps }, () => ({
        iteration: ++iteration,
        loss: [],
        error: [],
      }));
      return { rows };
    },
  });
}

it('a training that is paused and begun again at once goes on once, to the end asked for last', async () => {
  const study = counting();
  const { open, train, pause } = study.getState();
  await open('one');
  const first = train(20);
  pause();
  await Promise.all([first, train(60)]);
  const { rows, training } = study.getState();
  expect(rows.map(({ iteration }) => iteration)).toEqual(
    Array.from({ length: 60 }, (_, i) => i + 1),
  );
  expect(training).toBe(false);
});

it('what was trained for another question is left aside', async () => {
  const study = counting();
  const { open, train } = study.getState();
  await open('one');
  const first = train(20);
  await Promise.all([first, open('other')]);
  expect(study.getState()).toMatchObject({ question: 'other', rows: [], training: false });
});

it('a question that nobody waits for any more is told so, and its failure is kept from the next', async () => {
  const wanted: boolean[] = [];
  const study = createStudy<string, string>({
    open: async (question, progress) => {
      await later();
      wanted.push(progress(1, 2));
      if (question === 'first') throw new Error('given up');
      return { answer: question, rows: [] };
    },
    train: () => Promise.resolve({ rows: [] }),
  });
  const { open } = study.getState();
  await Promise.all([open('first'), open('second')]);
  expect(wanted).toEqual([false, true]);
  expect(study.getState()).toMatchObject({ answer: 'second', failure: null, opening: false });
});
