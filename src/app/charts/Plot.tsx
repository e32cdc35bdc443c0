import type { Data, Layout, LayoutAxis } from 'plotly.js';
import { useEffect, useRef } from 'react';
import { useShade } from '../theme.ts';
import { CHART_COLORS, FONT, useDrawing, usePlotly, useSize } from './hooks.ts';

interface PlotProps {
  /** What the plot shows, for those who do not see it. */
  label: string;
  data: Data[];
  /** Beyond the house style; axes are completed with it. */
  layout?: Partial<Layout>;
  className?: string;
}

/** A plot in the house style, as large as the room it is given. */
export function Plot({ label, data, layout = {}, className = '' }: PlotProps) {
  const plotly = usePlotly();
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<HTMLDivElement>(null);
  const drawn = useRef<Promise<unknown>>(Promise.resolve());
  const { width, height } = useSize(frame);
  const colors = CHART_COLORS[useShade()];

  useDrawing(() => {
    if (!plotly || !plot.current) return;
    const axis = (own: Partial<LayoutAxis> = {}): Partial<LayoutAxis> => ({
      gridcolor: colors.grid,
      zerolinecolor: colors.muted,
      linecolor: colors.muted,
      tickcolor: colors.muted,
      fixedrange: true,
      automargin: true,
      ...own,
      tickfont: { color: colors.muted, ...own.tickfont },
    });
    drawn.current = plotly.react(
      plot.current,
      data,
      {
        showlegend: false,
        dragmode: false,
        margin: { l: 44, r: 12, t: 10, b: 36 },
        paper_bgcolor: colors.paper,
        plot_bgcolor: colors.paper,
        font: { family: FONT, size: 13, color: colors.ink },
        hoverlabel: { font: { family: FONT, size: 13 } },
        ...layout,
        width,
        height,
        xaxis: axis(layout.xaxis),
        yaxis: axis(layout.yaxis),
      },
      { displayModeBar: false, doubleClick: false, showTips: false, scrollZoom: false },
    );
  });

  useEffect(() => {
    const element = plot.current;
    if (!plotly || !element) return;
    // Plotly ends its drawing later, and must find the plot as it left it.
    return () => void drawn.current.finally(() => element.isConnected || plotly.purge(element));
  }, [plotly]);

  return (
    <div ref={frame} className={`plot ${className}`}>
      <div ref={plot} className="chart-plot" role="img" aria-label={label} />
    </div>
  );
}
