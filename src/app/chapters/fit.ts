import { useEffect, useRef } from 'react';
import type { RefObject } from 'react';

/** Type and plots get smaller by such steps, and no smaller than this part of what a presentation begins with. */
const STEP = 0.03;
const SMALLEST = 0.7;

/** In class all of an instrument is seen at once: `--fit` makes its type and plots smaller until they fit its frame. */
export function useFit(active: boolean): RefObject<HTMLElement | null> {
  const instrument = useRef<HTMLElement>(null);
  useEffect(() => {
    const element = instrument.current;
    if (!active || !element) return;
    let frame = 0;
    const fit = () => {
      frame = 0;
      for (let size = 1; size >= SMALLEST; size -= STEP) {
        element.style.setProperty('--fit', size.toFixed(2));
        if (element.scrollHeight <= element.clientHeight) return;
      }
    };
    const later = () => {
      frame ||= requestAnimationFrame(fit);
    };
    const content = new MutationObserver(later);
    content.observe(element, { childList: true, subtree: true, characterData: true });
    const room = new ResizeObserver(later);
    room.observe(element);
    return () => {
      content.disconnect();
      room.disconnect();
      cancelAnimationFrame(frame);
      element.style.removeProperty('--fit');
    };
  }, [active]);
  return instrument;
}
