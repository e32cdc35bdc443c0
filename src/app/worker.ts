/** The page's line for questions to the worker, as components see it. */
import type { Remote } from 'comlink';
import { createContext, useContext } from 'react';
import type { WorkerApi } from '../worker/protocol.ts';

export const WorkerContext = createContext<Remote<WorkerApi> | null>(null);

export function useWorker(): Remote<WorkerApi> {
  const worker = useContext(WorkerContext);
  if (!worker) throw new Error('components stand inside WorkerContext');
  return worker;
}
