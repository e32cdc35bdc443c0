/**
 * Waiting for Dawn in Node. Its binding asks in a loop of `setImmediate` whether work is done (crbug.com/dawn/1127), which takes
 * a core from an adapter that computes on the CPU itself.
 */

/** Milliseconds for which it may ask without a pause: to wake a core again takes longer than what is done by then. */
const EAGER_MS = 5;
/** Milliseconds between two questions from then on. */
const PAUSE_MS = 0.1;
/** Milliseconds without a question after which the next one begins a new wait. */
const NEW_WAIT_MS = 1;

type Immediate = typeof setImmediate;

/**
 * A `setImmediate` that lets callbacks of native code, which Dawn's are (and bound functions look like), wait where they come again and
 * again.
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
  let last = -Infinity;
  const ask = (run: () => void): void => {
    if (now() - last > NEW_WAIT_MS) began = now();
    if (now() - began > EAGER_MS) pause(PAUSE_MS);
    run();
    last = now();
  };
  const isNative = (callback: unknown) =>
    typeof callback === 'function' &&
    /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(callback));
  const wrapped = ((callback: (...values: unknown[]) => void, ...values: []) =>
    isNative(callback)
      ? immediate(() => ask(() => callback(...values)))
      : immediate(callback, ...values)) as Immediate;
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
