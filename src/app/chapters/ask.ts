/** Questions of the chapters to the kernels, as components ask them. */
import type { Remote } from 'comlink';
import { useCallback, useEffect, useState } from 'react';
import type { Failure, InstrumentsApi, OpAnswer, OpQuestion } from '../../worker/protocol.ts';
import { useWorker } from '../worker.ts';

export type Instruments = Remote<InstrumentsApi>;

export interface Asked<T> {
  /** The answer to the last question that was answered; the one before stays until the next is there. */
  answer: T | null;
  failure: Failure | null;
  /** Whether `answer` is not yet that of the present question. */
  waiting: boolean;
}

/**
 * Asks whenever `ask` changes (keep it with `useCallback`). Answers that come late, after another question, are left
 * aside; `wanted` says meanwhile whether an answer still is.
 */
export function useAnswer<T>(ask: (wanted: () => boolean) => Promise<T>): Asked<T> {
  const [asked, setAsked] = useState<Asked<T> & { of: unknown }>({
    answer: null,
    failure: null,
    waiting: true,
    of: null,
  });
  useEffect(() => {
    let wanted = true;
    ask(() => wanted).then(
      (answer) => wanted && setAsked({ answer, failure: null, waiting: false, of: ask }),
      (failure: Failure) => wanted && setAsked({ answer: null, failure, waiting: false, of: ask }),
    );
    return () => {
      wanted = false;
    };
  }, [ask]);
  return { ...asked, waiting: asked.of !== ask };
}

/** As {@link useAnswer}, of the kernels. */
export function useAsked<T>(
  ask: (instruments: Instruments, wanted: () => boolean) => Promise<T>,
): Asked<T> {
  const instruments = useWorker();
  return useAnswer(
    useCallback((wanted: () => boolean) => ask(instruments, wanted), [instruments, ask]),
  );
}

/** Runs one op; keep the question with `useMemo`. */
export function useOp(question: OpQuestion): Asked<{ question: OpQuestion; answer: OpAnswer }> {
  const ask = useCallback(
    async (instruments: Instruments) => ({ question, answer: await instruments.run(question) }),
    [question],
  );
  return useAsked(ask);
}

/** So long a setting stands before its question is asked, in ms: sliders pass many by. */
export const REST = 120;

/** The value, once it has stood for a moment; at first at once. Keep it with `useMemo`. */
export function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), REST);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
