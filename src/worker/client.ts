/**
 * The page's end of the lines to the worker: typed commands out and typed events in, and beside them questions, each
 * with its answer.
 */
import { wrap } from 'comlink';
import type { Remote } from 'comlink';
import type { Command, Event, OpenInstruments, WorkerApi } from './protocol.ts';

export interface LabClient {
  send(command: Command): void;
  /** Calls `listener` with every event from now on; the function it returns ends that. */
  subscribe(listener: (event: Event) => void): () => void;
  /** Each call rejects with a `Failure`. */
  api: Remote<WorkerApi>;
}

/**
 * Starts the worker. A worker that cannot be loaded, or dies, is reported to the listeners as
 * `unsupported` with the code `worker`: nothing can train without it.
 */
export function createLabClient(): LabClient {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const listeners = new Set<(event: Event) => void>();
  const publish = (event: Event) => {
    for (const listener of listeners) listener(event);
  };
  const crashed = (reason: string) =>
    publish({
      type: 'unsupported',
      code: 'worker',
      message: `The training worker stopped: ${reason}`,
      details: { reason },
    });

  worker.onmessage = ({ data }: MessageEvent<Event>) => publish(data);
  worker.onmessageerror = () => crashed('a message could not be read');
  worker.onerror = (event) => crashed(event.message || 'its program could not be loaded');

  const { port1, port2 } = new MessageChannel();
  const hello: OpenInstruments = { type: 'instruments', port: port2 };
  worker.postMessage(hello, [port2]);

  return {
    send: (command) => worker.postMessage(command),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    api: wrap<WorkerApi>(port1),
  };
}
