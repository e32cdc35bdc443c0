/** Questions of the inspector to the worker: once, again and again while networks train, or with progress. */
import { proxy } from 'comlink';
import type { ProxyMarked, Remote } from 'comlink';
import { useEffect, useRef, useState } from 'react';
import { useLab } from '../context.ts';
import { useWorker } from '../worker.ts';
import type { Failure, InspectorApi } from '../../worker/protocol.ts';

export type Inspector = Remote<InspectorApi>;

export interface Inspected<T> {
  /** The newest answer; that to the question before stays until the next is there, and where there is none. */
  answer: T | null;
  failure: Failure | null;
}

/**
 * Asks at once, whenever `ask` changes (keep it with `useCallback`) and whenever a run starts, stops or is rewired; where
 * `follow` is set, also as often as the worker allows while networks train.
 */
export function useInspected<T>(
  ask: ((inspector: Inspector, following: boolean) => Promise<T | null>) | null,
  follow: boolean,
): Inspected<T> {
  const inspector = useWorker();
  const run = useLab((state) => state.run);
  const networks = useLab((state) => state.networks);
  const [inspected, setInspected] = useState<Inspected<T>>({ answer: null, failure: null });
  const ready = run !== 'empty' && run !== 'preparing' && networks.length > 0;
  useEffect(() => {
    if (!ask || !ready) return;
    let wanted = true;
    const look = async (following: boolean): Promise<void> => {
      try {
        const answer = await ask(inspector, following);
        if (!wanted || answer === null) return;
        setInspected({ answer, failure: null });
        if (follow && run === 'running') await look(true);
      } catch (failure) {
        if (wanted) setInspected(({ answer }) => ({ answer, failure: failure as Failure }));
      }
    };
    void look(false);
    return () => {
      wanted = false;
    };
  }, [inspector, ask, follow, ready, run, networks]);
  return inspected;
}

/** Hears how much of it is done; false ends the work. */
export type Progress = ((done: number, total: number) => boolean) & ProxyMarked;

export interface LongQuestion<T> {
  /** The newest answer. */
  answer: T | null;
  /** Part of the work that is done; null when nothing runs. */
  done: number | null;
  failure: Failure | null;
  start: (ask: (progress: Progress) => Promise<T | null>) => Promise<void>;
  stop: () => void;
}

/** A question that takes long. It is given up when it is stopped, when `of` changes, and when the reader leaves. */
export function useLongQuestion<T>(of: unknown): LongQuestion<T> {
  const [answer, setAnswer] = useState<T | null>(null);
  const [done, setDone] = useState<number | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const current = useRef<{ wanted: boolean } | null>(null);
  const stop = () => {
    if (current.current) current.current.wanted = false;
  };
  useEffect(() => stop, [of]);
  const start: LongQuestion<T>['start'] = async (ask) => {
    stop();
    const run = { wanted: true };
    current.current = run;
    setFailure(null);
    setDone(0);
    const progress = (now: number, total: number) => {
      if (current.current === run) setDone(now / total);
      return run.wanted;
    };
    try {
      const found = await ask(proxy(progress));
      if (found !== null) setAnswer(found);
    } catch (error) {
      setFailure(error as Failure);
    }
    if (current.current === run) setDone(null);
  };
  return { answer, done, failure, start, stop };
}
