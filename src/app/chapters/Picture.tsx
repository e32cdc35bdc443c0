import { useEffect, useRef } from 'react';
import type { Tensor } from '../../reference/tensor.ts';

interface PictureProps {
  /** [N, C, H, W], normalized. */
  of: Tensor;
  /** Which of the N. */
  index?: number;
  /** Mean and deviation a channel: what undoes the normalization. */
  statistics: { mean: readonly number[]; std: readonly number[] };
  label: string;
}

/** A picture of a batch as colours; what lies outside of 0…1 is cut off. */
export function Picture({ of, index = 0, statistics, label }: PictureProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [, channels = 1, height = 1, width = 1] = of.shape;
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const plane = height * width;
    const image = new ImageData(width, height);
    for (let pixel = 0; pixel < plane; pixel++) {
      for (let lane = 0; lane < 3; lane++) {
        const c = channels === 3 ? lane : 0;
        const value = of.data[(index * channels + c) * plane + pixel] ?? 0;
        // ImageData rounds and clamps.
        image.data[4 * pixel + lane] =
          255 * (value * (statistics.std[c] ?? 1) + (statistics.mean[c] ?? 0));
      }
      image.data[4 * pixel + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }, [of, index, statistics, channels, height, width]);
  return (
    <canvas
      ref={canvas}
      className="chapter-picture"
      width={width}
      height={height}
      role="img"
      aria-label={label}
    />
  );
}
