import { useCallback, useEffect, useRef, useState } from 'react';
import type { RefObject } from 'react';
import { shoot } from '../../camera.ts';
import { collection } from './collection.ts';

/** Between two pictures while a button is held, in ms: time enough to turn a thing a little. */
const INTERVAL = 200;

/** Takes pictures for a class from `begin` to `end`, one at once and then one after the other. */
export function useShots(video: RefObject<HTMLVideoElement | null>) {
  /** The class that pictures are taken for. */
  const [shooting, setShooting] = useState<number | null>(null);
  const timer = useRef<ReturnType<typeof setInterval>>(undefined);

  const end = useCallback(() => {
    clearInterval(timer.current);
    setShooting(null);
  }, []);
  const begin = useCallback(
    (own: number) => {
      clearInterval(timer.current);
      const take = async () => {
        const blob = video.current && (await shoot(video.current));
        if (blob) await collection.getState().addTo(own, [{ name: 'camera.jpg', blob }]);
      };
      void take();
      timer.current = setInterval(() => void take(), INTERVAL);
      setShooting(own);
    },
    [video],
  );
  useEffect(() => {
    // A key that is let go while another window is in front is never heard of.
    window.addEventListener('blur', end);
    return () => {
      window.removeEventListener('blur', end);
      end();
    };
  }, [end]);
  return { shooting, begin, end };
}
