import { useEffect, useRef, useState } from 'react';
import { CHART_COLORS, FONT, useSize } from '../charts/hooks.ts';
import { useShade } from '../theme.ts';
import { viridis } from './grid.ts';
import type { Mesh } from './grid.ts';

/** Radians: the turn about the vertical axis, and how far from above one looks. */
interface Turn {
  azimuth: number;
  elevation: number;
}

const FIRST: Turn = { azimuth: 0.6, elevation: 0.55 };
const ELEVATIONS = [0.1, Math.PI / 2] as const;
/** By one press of an arrow key, and by one pixel of dragging. */
const [BY_KEY, BY_PIXEL] = [Math.PI / 24, 0.008];
/** Of the box that the surface stands in, whose base is 2 wide. */
const HEIGHT = 1.3;

interface ReliefProps {
  label: string;
  mesh: Mesh;
  extent: readonly [number, number];
  /** How far the whole grid goes along both directions. */
  reach: number;
}

/**
 * The surface to turn, by dragging and by arrow keys: quadrilaterals from the farthest to the nearest on a canvas. Some
 * thousand of them are drawn in a few milliseconds, without WebGL and plotly's 0.4 MB for it.
 */
export function Relief({ label, mesh, extent, reach }: ReliefProps) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = useSize(frame);
  const shade = useShade();
  const [turn, setTurn] = useState(FIRST);
  const by = (azimuth: number, elevation: number) =>
    setTurn((before) => ({
      azimuth: before.azimuth + azimuth,
      elevation: Math.min(ELEVATIONS[1], Math.max(ELEVATIONS[0], before.elevation + elevation)),
    }));

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const ratio = window.devicePixelRatio;
    context.canvas.width = Math.round(width * ratio);
    context.canvas.height = Math.round(height * ratio);
    context.scale(ratio, ratio);
    draw(context, { width, height }, { mesh, extent, reach }, turn, CHART_COLORS[shade]);
  }, [width, height, mesh, extent, reach, turn, shade]);

  return (
    <div ref={frame} className="plot surface-relief">
      <canvas
        ref={canvas}
        role="img"
        tabIndex={0}
        aria-label={label}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={(event) => {
          if (event.buttons === 0) return;
          by(-BY_PIXEL * event.movementX, BY_PIXEL * event.movementY);
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowLeft') by(BY_KEY, 0);
          else if (event.key === 'ArrowRight') by(-BY_KEY, 0);
          else if (event.key === 'ArrowUp') by(0, -BY_KEY);
          else if (event.key === 'ArrowDown') by(0, BY_KEY);
          else return;
          event.preventDefault();
        }}
      />
    </div>
  );
}

function draw(
  context: CanvasRenderingContext2D,
  size: { width: number; height: number },
  { mesh: { at, rows }, extent: [low, high], reach }: Omit<ReliefProps, 'label'>,
  { azimuth, elevation }: Turn,
  colors: { ink: string; muted: string; paper: string },
): void {
  const [cos, sin] = [Math.cos(azimuth), Math.sin(azimuth)];
  const scale = Math.min(size.width / 3, size.height / 2.9);
  const share = (z: number) => (z - low) / (high - low);
  /** Pixels, and how near it is, of a place on −1…1 and a height on 0…1. */
  const project = (x: number, y: number, z: number) => {
    const near = -(x * sin + y * cos);
    const up = near * -Math.sin(elevation) + HEIGHT * (z - 0.5) * Math.cos(elevation);
    return {
      x: size.width / 2 + scale * (x * cos - y * sin),
      y: size.height / 2 - scale * up,
      near,
    };
  };
  type Corner = ReturnType<typeof project>;
  const path = (corners: readonly Corner[]) => {
    context.beginPath();
    for (const { x, y } of corners) context.lineTo(x, y);
    context.closePath();
  };

  context.fillStyle = colors.paper;
  context.fillRect(0, 0, size.width, size.height);
  context.lineJoin = 'round';
  context.strokeStyle = colors.muted;
  path(
    [
      [-1, -1],
      [1, -1],
      [1, 1],
      [-1, 1],
    ].map(([x = 0, y = 0]) => project(x, y, 0)),
  );
  context.stroke();
  context.fillStyle = colors.ink;
  context.font = `14px ${FONT}`;
  context.textAlign = 'center';
  for (const [name, x, y] of [
    ['α', 1.14, 0],
    ['β', 0, 1.14],
  ] as const) {
    const place = project(x, y, 0);
    context.fillText(name, place.x, place.y + 5);
  }

  const tiles: { corners: Corner[]; near: number; color: string }[] = [];
  for (let j = 0; j + 1 < at.length; j++) {
    for (let i = 0; i + 1 < at.length; i++) {
      const heights: number[] = [];
      const corners = [
        [i, j],
        [i + 1, j],
        [i + 1, j + 1],
        [i, j + 1],
      ].map(([a = 0, b = 0]) => {
        const height = share(rows[b]?.[a] ?? NaN);
        heights.push(height);
        return project((at[a] ?? 0) / reach, (at[b] ?? 0) / reach, height);
      });
      const mean = heights.reduce((a, b) => a + b, 0) / 4;
      // Where the loss is no number there is a hole.
      if (Number.isNaN(mean)) continue;
      const near = corners.reduce((sum, corner) => sum + corner.near, 0) / 4;
      tiles.push({ corners, near, color: viridis(mean) });
    }
  }
  tiles.sort((a, b) => a.near - b.near);
  context.lineWidth = 0.8;
  context.strokeStyle = 'rgb(0 0 0 / 45%)';
  for (const { corners, color } of tiles) {
    path(corners);
    context.fillStyle = color;
    context.fill();
    context.stroke();
  }

  const middle = (at.length - 1) / 2;
  const height = rows[middle]?.[middle] ?? NaN;
  if (Number.isNaN(height)) return;
  const dot = project(0, 0, share(height));
  context.beginPath();
  context.arc(dot.x, dot.y, 5.5, 0, 2 * Math.PI);
  context.fillStyle = '#ffffff';
  context.fill();
  context.lineWidth = 3;
  context.strokeStyle = '#d1242f';
  context.stroke();
}
