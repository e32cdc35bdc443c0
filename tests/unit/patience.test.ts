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
  /** Lets a callback come again and again, as Dawn's does, for so many milliseconds. */
  const ask = (callback: () => void, milliseconds: number) => {
    for (const end = time + milliseconds; time < end; time += 0.01) {
      wait(callback);
      queue.shift()?.();
    }
  };
  return { pauses, ask, rest: (milliseconds: number) => (time += milliseconds) };
}

let called = 0;
const count = () => void called++;
const native = count.bind(null);

test('a short wait asks without a pause, a long one with pauses from five milliseconds on', () => {
  const { pauses, ask, rest } = makeWait();
  called = 0;
  ask(native, 4.9);
  expect(called).toBeGreaterThan(400);
  expect(pauses).toEqual([]);
  ask(native, 10);
  expect(pauses.length).toBeGreaterThan(80);
  const { length } = pauses;
  rest(2);
  ask(native, 4.9);
  expect(pauses).toHaveLength(length);
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
  ask(count, 20);
  expect(called).toBeGreaterThan(1900);
  expect(pauses).toEqual([]);
});
