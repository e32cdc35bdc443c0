import type { Data } from 'plotly.js';
import { useEffect, useMemo, useState } from 'react';
import { Plot } from '../charts/Plot.tsx';
import { VIRIDIS } from './grid.ts';
import type { Mesh } from './grid.ts';

/** So many lines lie between the least and the greatest height. */
const LEVELS = 14;

interface ContourProps {
  label: string;
  mesh: Mesh;
  extent: readonly [number, number];
  /** What a height stands for, in words. */
  words: (height: number) => string;
  /** The dot in the middle. */
  centre: string;
}

/** Lines of equal loss, labelled; the dot is where training stands. */
export function Contour({ label, mesh, extent, words, centre }: ContourProps) {
  const ready = useContourTrace();
  const data = useMemo<Data[]>(() => {
    const [low, high] = extent;
    const colorscale = VIRIDIS.map((color, i): [number, string] => [
      i / (VIRIDIS.length - 1),
      color,
    ]);
    return [
      {
        type: 'contour',
        x: [...mesh.at],
        y: [...mesh.at],
        z: mesh.rows.map((row) => row.map((height) => (Number.isNaN(height) ? null : height))),
        zmin: low,
        zmax: high,
        autocontour: false,
        contours: {
          start: low,
          end: high,
          size: (high - low) / LEVELS,
          showlabels: true,
          labelformat: '.3~g',
          labelfont: { size: 11, color: '#111111' },
        },
        colorscale,
        showscale: false,
        line: { width: 0.7, color: 'rgba(0, 0, 0, 0.55)' },
        text: mesh.rows.map((row) => row.map(words)),
        hovertemplate: 'α %{x:.2f}, β %{y:.2f}: %{text}<extra></extra>',
      } as unknown as Data,
      {
        type: 'scatter',
        mode: 'markers',
        x: [0],
        y: [0],
        marker: { size: 11, color: '#ffffff', line: { color: '#d1242f', width: 3 } },
        hovertemplate: `${centre}<extra></extra>`,
      },
    ];
  }, [mesh, extent, words, centre]);
  if (!ready) return <div className="plot" aria-busy />;
  return (
    <Plot
      label={label}
      data={data}
      layout={{
        xaxis: { title: { text: 'α' }, showgrid: false, zeroline: false },
        yaxis: { title: { text: 'β' }, showgrid: false, zeroline: false },
      }}
    />
  );
}

/** Whether plotly knows contours. */
function useContourTrace(): boolean {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    let wanted = true;
    void import('./plotly_contour.ts').then(() => wanted && setReady(true));
    return () => {
      wanted = false;
    };
  }, []);
  return ready;
}
