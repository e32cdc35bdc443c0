import { useEffect, useRef } from 'react';
import type { ComponentProps } from 'react';

interface BytePictureProps extends Omit<ComponentProps<'canvas'>, 'ref' | 'width' | 'height'> {
  /** What holds N×C×H×W bytes, and their extents. */
  set: {
    samples: { images: Uint8Array };
    channels: number;
    height: number;
    width: number;
  };
  /** Which of the N. */
  index: number;
  label: string;
}

/** A picture of a data set as it is stored; one channel is shown as grey. */
export function BytePicture({ set, index, label, ...rest }: BytePictureProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { samples, channels, height, width } = set;
  const { images } = samples;

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const plane = height * width;
    const start = index * channels * plane;
    const picture = context.createImageData(width, height);
    for (let pixel = 0; pixel < plane; pixel++) {
      for (let color = 0; color < 3; color++) {
        const channel = Math.min(color, channels - 1);
        picture.data[4 * pixel + color] = images[start + channel * plane + pixel] ?? 0;
      }
      picture.data[4 * pixel + 3] = 255;
    }
    context.putImageData(picture, 0, 0);
  }, [images, index, channels, height, width]);

  return (
    <canvas {...rest} ref={canvas} width={width} height={height} role="img" aria-label={label} />
  );
}
