/** Questions that a network must be trained for first, with how far that is. */
import { proxy } from 'comlink';
import { useCallback, useState } from 'react';
import { useAsked } from './ask.ts';
import type { Asked, Instruments } from './ask.ts';

export interface Going {
  task: 'training' | 'drawing' | 'proving';
  done: number;
  total: number;
}

/** Answers whether the result is still wanted. */
export type Listener = (done: number, total: number) => boolean;

/** As {@link useAsked}, with the progress of each task, null before there is any. */
export function useTrained<T>(
  ask: (
    instruments: Instruments,
    training: Listener,
    drawing: Listener,
    proving: Listener,
  ) => Promise<T>,
): Asked<T> & { going: Going | null } {
  const [going, setGoing] = useState<Going | null>(null);
  const whole = useCallback(
    (instruments: Instruments, wanted: () => boolean) => {
      const listen = (task: Going['task']) =>
        proxy((done: number, total: number) => {
          if (wanted()) setGoing({ task, done, total });
          return wanted();
        });
      return ask(instruments, listen('training'), listen('drawing'), listen('proving'));
    },
    [ask],
  );
  return { ...useAsked(whole), going };
}
