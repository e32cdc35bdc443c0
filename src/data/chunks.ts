/**
 * Does `work(from, to)` over 0…count, `size` items at a time, and lets the thread handle its other
 * messages in between, so that a worker stays responsive during long work.
 */
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
    await new Promise((resolve) => setTimeout(resolve));
  }
}
