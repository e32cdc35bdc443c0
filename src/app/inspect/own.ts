/** Pictures of the reader's own as the network takes them. */

export interface PictureFormat {
  channels: number;
  height: number;
  width: number;
}

/** Weights of red, green and blue in the brightness of a grey picture (ITU-R BT.601). */
const LUMA = [0.299, 0.587, 0.114] as const;

/** RGBA pixels, row by row, as bytes C×H×W; one channel takes the brightness. */
export function bytesOf(
  rgba: Uint8ClampedArray,
  { channels, height, width }: PictureFormat,
): Uint8Array {
  const plane = height * width;
  const bytes = new Uint8Array(channels * plane);
  for (let pixel = 0; pixel < plane; pixel++) {
    const lane = (c: number) => rgba[4 * pixel + c] ?? 0;
    for (let c = 0; c < channels; c++) {
      bytes[c * plane + pixel] =
        channels === 3
          ? lane(c)
          : Math.round(LUMA.reduce((sum, weight, i) => sum + weight * lane(i), 0));
    }
  }
  return bytes;
}

/** The middle of an image, in the proportions of the network's pictures, scaled to their size. */
export function shrink(
  image: CanvasImageSource,
  [fromWidth, fromHeight]: readonly [number, number],
  format: PictureFormat,
): Uint8Array {
  const { height, width } = format;
  const scale = Math.min(fromWidth / width, fromHeight / height);
  const [w, h] = [width * scale, height * scale];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('a canvas has a 2D context');
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, (fromWidth - w) / 2, (fromHeight - h) / 2, w, h, 0, 0, width, height);
  return bytesOf(context.getImageData(0, 0, width, height).data, format);
}
