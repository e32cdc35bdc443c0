/** Long work in small parts, so that a worker goes on training and answering meanwhile. */

/** Bytes of pictures that are walked at a time: some milliseconds' work. */
const CHUNK_BYTES = 2 ** 21;

/** Lets the thread handle its other messages. */
export const pause = () => new Promise<void>((resolve) => setTimeout(resolve));

/** Does `work(from, to)` over 0…count, `size` items at a time, with a pause after each. */
export async function inChunks(
  count: number,
  size: number,
  work: (from: number, to: number) => void,
  report?: (done: number) => void,
): Promise<void> {
  for (let from = 0; from < count; from += size) {
    const to = Math.min(count, from + size);
    work(from, to);
    report?.(to);
    await pause();
  }
}

/** As {@link inChunks}, over items of `bytes` bytes each. */
export const inByteChunks = (
  count: number,
  bytes: number,
  work: (from: number, to: number) => void,
): Promise<void> => inChunks(count, Math.max(1, Math.floor(CHUNK_BYTES / bytes)), work);
