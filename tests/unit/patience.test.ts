/** Waiting for Dawn in Node. */
import { expect, test } from 'vitest';
import { patient } from '../../src/cli/patience.ts';

/** A clock that the test moves, callbacks that it calls, and the pauses that were made. */
function makeWait() {
  const pauses: number[] = [];
  const queue: (() => void)[] = [];
  let time = 0;
  const immediate = ((callback: () => void) => queue.push(callback)) as never;
  const wait = patient(
    immediate,
    () => time,
    (milliseconds) => {
      pauses.push(milliseconds);
      time += milliseconds;
    },
  );
  /** Lets a callback ask again and again, as Dawn's does, for so many milliseconds. */
  const ask = (milliseconds: number, asked = native) => {
    const end = time + milliseconds;
    wait(asked);
    while (queue.length > 0) {
      again = () => {
        if (time < end) wait(asked);
      };
      queue.shift()?.();
      time += 0.01;
    }
  };
  return { pauses, ask };
}

let again = () => {};
let called = 0;
function count(): void {
  called++;
  again();
}
const native = count.bind(null);

test('a wait asks after pauses that are a twenty-fifth of it, within bounds', () => {
  const { pauses, ask } = makeWait();
  called = 0;
  ask(1000);
  expect(called).toBe(pauses.length);
  expect(pauses.slice(0, 5)).toEqual([0.25, 0.25, 0.25, 0.25, 0.25]);
  expect(pauses.slice(-5)).toEqual([1, 1, 1, 1, 1]);
  let waited = 0;
  for (const pause of pauses) {
    expect(pause).toBeCloseTo(Math.min(Math.max(waited / 25, 0.25), 1), 1);
    waited += pause + 0.01;
  }
});

test('each wait begins with short pauses', () => {
  const { pauses, ask } = makeWait();
  ask(100);
  expect(pauses.at(-1)).toBe(1);
  const { length } = pauses;
  ask(1);
  expect(pauses[length]).toBe(0.25);
});

test('arguments arrive, and what is no function is left to Node', () => {
  const got: unknown[] = [];
  const list = got.push.bind(got) as (...values: unknown[]) => void;
  const immediate = ((callback: (...values: unknown[]) => void, ...values: unknown[]) => {
    callback(...values);
  }) as never;
  const wait = patient(
    immediate,
    () => 0,
    () => undefined,
  );
  wait(list, 1, 2);
  wait((...values: unknown[]) => got.push(...values), 3);
  expect(got).toEqual([1, 2, 3]);
  expect(() =>
    patient(
      setImmediate,
      () => 0,
      () => undefined,
    )('no function' as never),
  ).toThrow(/must be of type function/);
});

test('other callbacks of JavaScript never wait', () => {
  const { pauses, ask } = makeWait();
  called = 0;
  ask(20, count);
  expect(called).toBeGreaterThan(1900);
  expect(pauses).toEqual([]);
});
