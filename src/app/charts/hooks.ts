/** What all charts share: plotly itself, the room they have, their colours and type. */
import { useEffect, useLayoutEffect, useState } from 'react';

export type Plotly = typeof import('./plotly.ts').default;

export const FONT = 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';

export const CHART_COLORS = {
  light: { ink: '#1c2326', muted: '#5d686d', grid: '#e6e9ea', paper: '#ffffff' },
  dark: { ink: '#e8edee', muted: '#9aa7ac', grid: '#2b3439', paper: '#161c1f' },
} as const;

/** Plotly, once it has been loaded: after the first paint, so that nothing waits for it. */
export function usePlotly(): Plotly | null {
  const [plotly, setPlotly] = useState<Plotly | null>(null);
  useEffect(() => {
    let wanted = true;
    const frame = requestAnimationFrame(() => {
      void import('./plotly.ts').then((module) => {
        if (wanted) setPlotly(() => module.default);
      });
    });
    return () => {
      wanted = false;
      cancelAnimationFrame(frame);
    };
  }, []);
  return plotly;
}

/** Draws after every render, in a task of its own: together with React's work it could take longer than a frame may. */
export function useDrawing(draw: () => void): void {
  useEffect(() => {
    const task = setTimeout(draw);
    return () => clearTimeout(task);
  });
}

/** The size of an element in CSS pixels. */
export function useSize(element: React.RefObject<HTMLElement | null>) {
  const [size, setSize] = useState({ width: 640, height: 400 });
  useLayoutEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) {
        const { width, height } = entry.contentRect;
        setSize({ width: Math.round(width), height: Math.round(height) });
      }
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return size;
}
