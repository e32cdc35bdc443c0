import type { Data, Layout } from 'plotly.js';
import type { KeyboardEvent, PointerEvent } from 'react';
import { Plot } from '../../charts/Plot.tsx';
import { placeOf, SPAN, STEP, xAt } from './grid.ts';

/** Room for the axes, fixed, so that a place under the pointer is a place on the axis. */
const MARGIN = { l: 44, r: 14, t: 10, b: 32 };
const KEYS: Record<string, number> = {
  ArrowRight: 1,
  ArrowUp: 1,
  ArrowLeft: -1,
  ArrowDown: -1,
  PageUp: 1 / STEP,
  PageDown: -1 / STEP,
  Home: -Infinity,
  End: Infinity,
};

interface DragPlotProps {
  /** What the plot shows. */
  label: string;
  /** What dragging moves. */
  handle: string;
  data: Data[];
  layout?: Partial<Layout>;
  x: number;
  onMove: (x: number) => void;
  className?: string;
}

/** A plot over x from −SPAN to SPAN, on which x is moved by mouse, touch or keyboard. */
export function DragPlot(props: DragPlotProps) {
  const { label, handle, data, layout = {}, x, onMove, className = '' } = props;
  const place = placeOf(x);
  const onPointer = (event: PointerEvent<HTMLElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    onMove(xAt(placeOf(((event.clientX - left) / width) * 2 * SPAN - SPAN)));
  };
  const onKey = (event: KeyboardEvent) => {
    const step = KEYS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    onMove(xAt(placeOf(xAt(place) + step * STEP)));
  };

  return (
    <div className={`activations-drag ${className}`}>
      <Plot
        label={label}
        data={data}
        layout={{
          ...layout,
          margin: MARGIN,
          xaxis: { range: [-SPAN, SPAN], automargin: false, dtick: 2, ...layout.xaxis },
          yaxis: { automargin: false, ...layout.yaxis },
          shapes: [
            {
              type: 'line',
              xref: 'x',
              yref: 'paper',
              x0: xAt(place),
              x1: xAt(place),
              y0: 0,
              y1: 1,
              line: { color: 'rgba(128, 140, 146, 0.6)', width: 1.5, dash: 'dot' },
            },
          ],
        }}
      />
      <div
        className="activations-handle"
        style={{ inset: `${MARGIN.t}px ${MARGIN.r}px ${MARGIN.b}px ${MARGIN.l}px` }}
        role="slider"
        tabIndex={0}
        aria-label={handle}
        aria-valuemin={-SPAN}
        aria-valuemax={SPAN}
        aria-valuenow={xAt(place)}
        onKeyDown={onKey}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          onPointer(event);
        }}
        onPointerMove={(event) =>
          event.currentTarget.hasPointerCapture(event.pointerId) && onPointer(event)
        }
      />
    </div>
  );
}
