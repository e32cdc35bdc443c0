/**
 * Decoding pictures. The browser has every decoder that is needed, and keeps its own bounds; small plain
 * PNGs are decoded faster here. Where there is no browser (Node), a decoder is handed in.
 */
import { FathomError } from '../errors.ts';
import type { Pixels } from './resize.ts';

/** Decodes PNG, JPEG or what else it knows; rejects with any error where it cannot. */
export type ImageDecoder = (bytes: Uint8Array<ArrayBuffer>) => Promise<Pixels>;

/** A picture of more pixels is refused: four bytes each must fit into memory, several at a time. */
export const MAX_PIXELS = 2 ** 26;

/** Loaded with the first picture, and kept: asking for a module takes as long as decoding a picture. */
let png: Promise<typeof import('./png.ts')> | null = null;

/** The decoder of the page and its workers. Colours are taken as they are stored, without profiles. */
const browserDecoder: ImageDecoder = async (bytes) => {
  const { decodePlainPng } = await (png ??= import('./png.ts'));
  const plain = decodePlainPng(bytes);
  if (plain) return plain;
  const bitmap = await createImageBitmap(new Blob([bytes]), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  });
  try {
    const { height, width } = bitmap;
    checkPixels(height, width);
    const context = new OffscreenCanvas(width, height).getContext('2d', {
      willReadFrequently: true,
    });
    if (!context) throw new Error('the browser gives no canvas');
    context.drawImage(bitmap, 0, 0);
    return { height, width, data: context.getImageData(0, 0, width, height).data };
  } finally {
    bitmap.close();
  }
};

/** Throws an error where a picture has more pixels than are decoded. */
export function checkPixels(height: number, width: number): void {
  if (height * width <= MAX_PIXELS) return;
  throw new Error(`${width}×${height} pixels, more than ${MAX_PIXELS}`);
}

/** The decoder handed in, or else the browser's. Throws a FathomError `no-decoder` where there is none. */
export function decoderOf(given: ImageDecoder | undefined): ImageDecoder {
  if (given) return given;
  if (typeof createImageBitmap === 'function' && typeof OffscreenCanvas === 'function') {
    return browserDecoder;
  }
  throw new FathomError(
    'no-decoder',
    'this browser cannot decode images outside the page (OffscreenCanvas is missing): use a newer one',
  );
}
