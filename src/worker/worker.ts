/** The worker's program: a {@link Host} between the page and the GPU. */
import { describeError, Host } from './host.ts';
import type { Command } from './protocol.ts';

const host = new Host(navigator.gpu, (event) => self.postMessage(event));

self.onmessage = ({ data }: MessageEvent<Command>) => {
  try {
    host.handle(data);
  } catch (error) {
    self.postMessage({ type: 'failed', command: data.type, ...describeError(error) });
  }
};
