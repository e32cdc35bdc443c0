/**
 * Networks that train for a chapter: opened by a question, trained on in small portions for as long as somebody wants,
 * and kept while other pages are looked at.
 */
import { proxy } from 'comlink';
import type { Remote } from 'comlink';
import { useEffect } from 'react';
import { createStore } from 'zustand/vanilla';
import type { StoreApi } from 'zustand/vanilla';
import type {
  ConstructionAnswer,
  ConstructionSetting,
  DepthApi,
  Failure,
  SideRow,
  Touch,
  TwinSetting,
  TwinState,
} from '../../../worker/protocol.ts';
import { useLab } from '../../context.ts';
import { useWorker } from '../../worker.ts';
import type { Going } from '../training.ts';

/** Training ends here by itself. */
const LONGEST = 1500;
/** A portion is of so many steps at most, and takes about so many milliseconds. */
const PORTION = 16;
const PORTION_MS = 150;

export interface StudyState<Q, A> {
  /** What was asked last. */
  question: Q | null;
  answer: A | null;
  rows: readonly SideRow[];
  /** Whether the answer is being made, and how far that is. */
  opening: boolean;
  going: Going | null;
  training: boolean;
  failure: Failure | null;
  open(question: Q): Promise<void>;
  /** Trains until {@link pause}, or until so many steps are done. */
  train(until?: number): Promise<void>;
  pause(): void;
}

export type Study<Q, A> = StoreApi<StudyState<Q, A>>;

interface StudySource<Q, A> {
  open(
    question: Q,
    progress: (done: number, total: number) => void,
  ): Promise<{ answer: A; rows: readonly SideRow[] }>;
  train(steps: number): Promise<{ rows: readonly SideRow[]; answer?: A }>;
}

function createStudy<Q, A>(source: StudySource<Q, A>): Study<Q, A> {
  return createStore<StudyState<Q, A>>()((set, get) => ({
    question: null,
    answer: null,
    rows: [],
    opening: false,
    going: null,
    training: false,
    failure: null,

    open: async (question) => {
      const begun = { answer: null, rows: [], going: null, failure: null };
      set({ ...begun, question, opening: true, training: false });
      const current = () => get().question === question;
      try {
        const opened = await source.open(question, (done, total) => {
          if (current()) set({ going: { task: 'training', done, total } });
        });
        if (current()) set({ ...opened, opening: false, going: null });
      } catch (failure) {
        if (current()) set({ failure: failure as Failure, opening: false, going: null });
      }
    },

    train: async (until = LONGEST) => {
      if (get().training || !get().answer) return;
      set({ training: true, failure: null });
      const { question } = get();
      const goesOn = () => get().training && get().question === question;
      const left = () => until - (get().rows.at(-1)?.iteration ?? 0);
      let portion = 1;
      try {
        while (goesOn() && left() > 0) {
          const before = performance.now();
          const { rows, answer } = await source.train(Math.min(portion, left()));
          if (get().question !== question) return;
          set((state) => ({ rows: [...state.rows, ...rows], ...(answer && { answer }) }));
          const quick = performance.now() - before < PORTION_MS;
          portion = quick ? Math.min(PORTION, 2 * portion) : Math.max(1, Math.floor(portion / 2));
        }
        if (get().question === question) set({ training: false });
      } catch (failure) {
        if (get().question === question) set({ failure: failure as Failure, training: false });
      }
    },

    pause: () => set({ training: false }),
  }));
}

export interface DepthStudies {
  construction: Study<ConstructionSetting, ConstructionAnswer>;
  twin: Study<PreparedTwin, TwinState>;
  /** A twin that is prepared: it splits off and is touched at step `split`, and both train on until twice as many. */
  begin(question: PreparedTwin): Promise<void>;
  /** Touches the twin; with null it splits off and is left alone. */
  touch(touch: Touch | null): Promise<void>;
}

/** What the twin's view begins with. */
export interface PreparedTwin extends TwinSetting {
  split: number;
  /** Null leaves the twin alone. */
  touch: Touch | null;
}

export function createStudies(depth: Remote<DepthApi>): DepthStudies {
  const construction = createStudy<ConstructionSetting, ConstructionAnswer>({
    open: async (question, progress) => {
      const answer = await depth.construct(question, proxy(progress));
      return { answer, rows: answer.rows };
    },
    train: async (steps) => ({ rows: await depth.trainConstruction(steps) }),
  });
  const twin = createStudy<PreparedTwin, TwinState>({
    open: async ({ network, seed, width }) => ({
      answer: await depth.openTwin({ network, seed, width }),
      rows: [],
    }),
    train: async (steps) => {
      const { rows, state } = await depth.trainTwin(steps);
      return { rows, answer: state };
    },
  });
  const touch = async (what: Touch | null) => {
    try {
      const answer = await depth.touchTwin(what);
      twin.setState({ answer, failure: null });
    } catch (failure) {
      twin.setState({ failure: failure as Failure });
    }
  };
  return {
    construction,
    twin,
    touch,
    begin: async (question) => {
      const { split } = question;
      const { open, train } = twin.getState();
      /** Nobody has paused, and nothing else was asked for meanwhile. */
      const reached = (step: number) =>
        twin.getState().question === question && twin.getState().rows.length >= step;
      await open(question);
      await train(split);
      if (!reached(split)) return;
      await touch(question.touch);
      if (reached(split)) await train(2 * split);
    },
  };
}

/** Channels of the first stage: fewer where a CPU computes. Null until that is known. */
export const useWidth = (): 4 | 8 | null =>
  useLab(({ device, unsupported }) => {
    if (!device && !unsupported) return null;
    return device && !device.software ? 8 : 4;
  });

/** Makes what a view shows by itself when it is opened or set otherwise; null where that cannot be known yet. */
export function useOpened<Q, A>(
  study: Study<Q, A>,
  question: Q | null,
  open: (question: Q) => Promise<void>,
): void {
  const wanted = JSON.stringify(question);
  useEffect(() => {
    if (wanted === 'null' || JSON.stringify(study.getState().question) === wanted) return;
    void open(JSON.parse(wanted) as Q);
  }, [study, wanted, open]);
}

const known = new WeakMap<Remote<DepthApi>, DepthStudies>();

/** The studies of this page, the same at every call. */
export function useStudies(): DepthStudies {
  const depth = useWorker();
  const studies = known.get(depth) ?? createStudies(depth);
  known.set(depth, studies);
  return studies;
}
