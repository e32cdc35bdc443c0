/** Decodes PNG and JPEG in Node, which has no decoder of its own. */
import { decode as decodeJpeg } from 'jpeg-js';
import { PNG } from 'pngjs';
import { checkPixels, MAX_PIXELS } from '../data/decode.ts';
import type { ImageDecoder } from '../data/decode.ts';

const PNG_MAGIC = 0x89504e47;

/** Where a PNG's width and height stand. */
const WIDTH_AT = 16;
const HEIGHT_AT = 20;

export const decodeImage: ImageDecoder = async (bytes) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length > HEIGHT_AT + 4 && view.getUint32(0) === PNG_MAGIC) {
    // Before anything is allocated for them.
    checkPixels(view.getUint32(HEIGHT_AT), view.getUint32(WIDTH_AT));
    return PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  }
  if (bytes[0] === 0xff && bytes[1] === 0xd8) {
    return decodeJpeg(bytes, { useTArray: true, maxResolutionInMP: MAX_PIXELS / 1e6 });
  }
  throw new Error('neither PNG nor JPEG');
};
