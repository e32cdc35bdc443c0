/**
 * Waiting for Dawn in Node. Its binding asks in a loop of `setImmediate` whether work is done (crbug.com/dawn/1127), which takes
 * a core from an adapter that computes on the CPU itself.
 */

/**
 * The pause between two questions, as a part of the wait so far, by which an end is told later at most. A wait is over when nothing is
 * in flight.
 */
const PAUSE_PART = 1 / 25;
/** In milliseconds. */
const SHORTEST_PAUSE = 0.25;
const LONGEST_PAUSE = 1;

type Immediate = typeof setImmediate;

/**
 * A `setImmediate` that lets callbacks of native code, which Dawn's are (and bound functions look like), pause before they ask.
 *
 * @param now milliseconds
 * @param pause lets the thread sleep for so many milliseconds
 */
export function patient(
  immediate: Immediate,
  now: () => number,
  pause: (milliseconds: number) => void,
): Immediate {
  let began = 0;
  let asking = false;
  const ask = (run: () => void): void => {
    const part = (now() - began) * PAUSE_PART;
    pause(Math.min(Math.max(part, SHORTEST_PAUSE), LONGEST_PAUSE));
    asking = true;
    try {
      run();
    } finally {
      asking = false;
    }
  };
  const isNative = (callback: unknown) =>
    typeof callback === 'function' &&
    /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(callback));
  const wrapped = ((callback: (...values: unknown[]) => void, ...values: []) => {
    if (!isNative(callback)) return immediate(callback, ...values);
    // What is not done yet asks for the next time while it is called; all else is the beginning of a wait.
    if (!asking) began = now();
    return immediate(() => ask(() => callback(...values)));
  }) as Immediate;
  return Object.assign(wrapped, immediate);
}

let installed = false;

/** Makes the `setImmediate` of this process, which Dawn's binding looks up at each use, {@link patient}. */
export function waitPatiently(): void {
  if (installed) return;
  installed = true;
  const cell = new Int32Array(new SharedArrayBuffer(4));
  globalThis.setImmediate = patient(
    globalThis.setImmediate,
    () => performance.now(),
    (milliseconds) => void Atomics.wait(cell, 0, 0, milliseconds),
  );
}
