/**
 * The page's end of the line to the worker: typed commands out, typed events in, nothing else.
 */
import type { Command, Event } from './protocol.ts';

export interface LabClient {
  send(command: Command): void;
  /** Calls `listener` with every event from now on; the function it returns ends that. */
  subscribe(listener: (event: Event) => void): () => void;
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

  return {
    send: (command) => worker.postMessage(command),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
