/** Questions of the inspector to the worker: once, or again and again while networks train. */
import type { Remote } from 'comlink';
import { useEffect, useState } from 'react';
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
