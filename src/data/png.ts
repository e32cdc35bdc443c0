/**
 * Small plain PNGs (https://www.w3.org/TR/png-3/). Data sets are made of tens of thousands of them, and a
 * browser's own decoder, on another thread, takes ten times as long to be asked as this takes to answer.
 * All other pictures are left to it.
 */
import { unzlibSync } from 'fflate';
import { concatenate } from './files.ts';
import type { Pixels } from './resize.ts';

/** A larger picture is better off with the browser's decoder. */
const MAX_PIXELS = 2 ** 14;

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Where the header chunk's fields stand (section 11.2.1), and the first chunk after it. */
const HEADER = { width: 16, height: 20, depth: 24, colour: 25, interlace: 28, end: 33 } as const;
/** Channels of the plain colour types: grey, red-green-blue, and that with alpha. */
const CHANNELS: Partial<Record<number, number>> = { 0: 1, 2: 3, 6: 4 };

/** Eight bits a channel. */
interface Header {
  width: number;
  height: number;
  channels: number;
}

/**
 * Decodes a small PNG of eight bits a channel, without palette, interlacing and a colour that is meant to
 * be transparent; null where the bytes are anything else. Throws an error where they are damaged.
 */
export function decodePlainPng(bytes: Uint8Array): Pixels | null {
  const header = headerOf(bytes);
  if (!header) return null;
  const { width, height, channels } = header;
  const stream = imageDataOf(bytes);
  if (!stream) return null;
  const row = 1 + width * channels;
  // What goes beyond the picture's own size has nowhere to go.
  const filtered = unzlibSync(stream, { out: new Uint8Array(row * height) });
  if (filtered.length !== row * height) throw new Error('the picture ends too early');
  for (let y = 0; y < height; y++) unfilter(filtered, y, row, channels);

  const data = new Uint8Array(4 * width * height).fill(255);
  const step = channels === 1 ? 0 : 1;
  for (let y = 0, write = 0; y < height; y++) {
    let read = y * row + 1;
    for (let x = 0; x < width; x++, read += channels, write += 4) {
      data[write] = filtered[read] ?? 0;
      data[write + 1] = filtered[read + step] ?? 0;
      data[write + 2] = filtered[read + 2 * step] ?? 0;
      if (channels === 4) data[write + 3] = filtered[read + 3] ?? 0;
    }
  }
  return { width, height, data };
}

function headerOf(bytes: Uint8Array): Header | null {
  if (bytes.length < HEADER.end || SIGNATURE.some((byte, i) => bytes[i] !== byte)) return null;
  const view = viewOf(bytes);
  const width = view.getUint32(HEADER.width);
  const height = view.getUint32(HEADER.height);
  const channels = CHANNELS[view.getUint8(HEADER.colour)];
  const isPlain = view.getUint8(HEADER.depth) === 8 && view.getUint8(HEADER.interlace) === 0;
  if (!isPlain || !channels || width * height === 0 || width * height > MAX_PIXELS) return null;
  return { width, height, channels };
}

/** The compressed picture, from all its chunks; null where a chunk says that a colour is transparent. */
function imageDataOf(bytes: Uint8Array): Uint8Array | null {
  const view = viewOf(bytes);
  const pieces: Uint8Array[] = [];
  for (let at = SIGNATURE.length; at < bytes.length;) {
    const end = at + 8 + view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    // Throws where the chunk goes beyond the file.
    if (view.getUint32(end) !== crc32(bytes.subarray(at + 4, end))) {
      throw new Error(`the chunk ${type} is damaged`);
    }
    if (type === 'tRNS') return null;
    if (type === 'IDAT') pieces.push(bytes.subarray(at + 8, end));
    if (type === 'IEND') return pieces.length === 1 ? (pieces[0] ?? null) : concatenate(pieces);
    at = end + 4;
  }
  throw new Error('the picture has no end');
}

/** Undoes a row's filter (section 9): what stands in it are differences to the pixels left, above and between. */
function unfilter(data: Uint8Array, y: number, row: number, channels: number): void {
  const start = y * row + 1;
  const filter = data[start - 1] ?? 0;
  if (filter > 4) throw new Error(`a row is filtered in the way ${filter}`);
  for (let i = start; filter > 0 && i < start + row - 1; i++) {
    const hasLeft = i - start >= channels;
    const left = hasLeft ? (data[i - channels] ?? 0) : 0;
    const above = y > 0 ? (data[i - row] ?? 0) : 0;
    const corner = hasLeft && y > 0 ? (data[i - row - channels] ?? 0) : 0;
    data[i] = (data[i] ?? 0) + predicted(filter, left, above, corner);
  }
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  // Paeth: whichever is nearest to left + above − corner.
  const [toLeft, toAbove] = [Math.abs(above - corner), Math.abs(left - corner)];
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/** Of a byte, by that byte (annex D). */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
}

const viewOf = ({ buffer, byteOffset, length }: Uint8Array) =>
  new DataView(buffer, byteOffset, length);
