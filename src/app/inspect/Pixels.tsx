import { useEffect, useRef } from 'react';
import type { ComponentProps } from 'react';
import type { Colour } from './paint.ts';

interface PixelsProps extends Omit<ComponentProps<'canvas'>, 'width' | 'height' | 'ref'> {
  width: number;
  height: number;
  label: string;
  /** The colour of a pixel, and how much of it covers the ground (0…1); null leaves it clear. */
  paint: (x: number, y: number) => { colour: Colour; opacity?: number } | null;
}

/** A canvas painted pixel by pixel, whenever `paint` is another function. */
export function Pixels({ width, height, label, paint, ...rest }: PixelsProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || width === 0 || height === 0) return;
    const image = new ImageData(width, height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const painted = paint(x, y);
        if (!painted) continue;
        image.data.set([...painted.colour, 255 * (painted.opacity ?? 1)], 4 * (y * width + x));
      }
    }
    context.putImageData(image, 0, 0);
  }, [width, height, paint]);
  return (
    <canvas
      role="img"
      aria-label={label}
      className="pixels"
      {...rest}
      ref={canvas}
      width={width}
      height={height}
    />
  );
}
