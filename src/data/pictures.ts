/** Encoded pictures (PNG, JPEG …), decoded and made square, several at a time. */
import { assemble, checkPictureBytes } from './assemble.ts';
import type { ReadSet } from './assemble.ts';
import { concatenate, reasonOf } from './files.ts';
import type { Dataset, LabelledImages } from './dataset.ts';
import { decoderOf } from './decode.ts';
import type { ImageDecoder } from './decode.ts';
import { OWN_SIZE } from './options.ts';
import type { LoadOptions, SizedOptions } from './options.ts';
import { squarePicture } from './resize.ts';

/** Channels of decoded pictures, before a grey set gives up two of them. */
export const DECODED_CHANNELS = 3;

export interface EncodedPicture {
  /** The file it lies in. */
  name: string;
  /** Which of that file's pictures it is, where there are several. */
  record?: number;
  label: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Pictures decoded at the same time: browsers do so on other threads. */
const AT_ONCE = 32;

/** Options with a size: where none is asked for, that of the first picture, up to {@link OWN_SIZE}. */
export async function sizedBy(
  options: LoadOptions,
  first: () => Promise<Uint8Array<ArrayBuffer> | undefined>,
): Promise<SizedOptions> {
  const { size } = options;
  if (size !== undefined) return { ...options, size };
  const decode = decoderOf(options.decode);
  const picture = await first();
  // One that cannot be decoded is reported when its turn comes.
  const extent = picture && (await decode(picture).catch(() => null));
  const side = extent ? Math.min(extent.height, extent.width) : OWN_SIZE;
  return { ...options, size: Math.min(side, OWN_SIZE) };
}

/** Collects decoded pictures of one part of a set. */
export class PictureStack {
  /** What the pictures come from, as messages show it. */
  private readonly file: string;
  private readonly decode: ImageDecoder;
  private readonly options: SizedOptions;
  private readonly pieces: Uint8Array[] = [];
  private readonly labels: number[] = [];
  private readonly names: string[] = [];
  private waiting: EncodedPicture[] = [];
  /** Called with what cannot be decoded; what it throws ends the reading. */
  private readonly onUnreadable: (picture: EncodedPicture, reason: string) => void;

  constructor(
    file: string,
    options: SizedOptions,
    onUnreadable: (picture: EncodedPicture, reason: string) => void,
  ) {
    this.file = file;
    this.options = options;
    this.decode = decoderOf(options.decode);
    this.onUnreadable = onUnreadable;
  }

  /** How many pictures were decoded. */
  get count(): number {
    return this.labels.length;
  }

  /** Takes a picture, decoding when there are enough. Throws a FathomError `pictures-too-large`. */
  async add(picture: EncodedPicture): Promise<void> {
    this.waiting.push(picture);
    if (this.waiting.length >= AT_ONCE) await this.flush();
  }

  /** The pictures, N×3×size×size, with their files where `named`. */
  async finish(named: boolean): Promise<LabelledImages> {
    await this.flush();
    return {
      count: this.count,
      images: concatenate(this.pieces),
      labels: Uint8Array.from(this.labels),
      ...(named ? { names: this.names } : {}),
    };
  }

  private async flush(): Promise<void> {
    const { size, fit = 'crop' } = this.options;
    const pictures = this.waiting.splice(0);
    checkPictureBytes(this.file, this.count + pictures.length, DECODED_CHANNELS, size);
    const decoded = await Promise.all(
      pictures.map(async ({ bytes }) => {
        try {
          return squarePicture(await this.decode(bytes), size, fit);
        } catch (error) {
          return reasonOf(error);
        }
      }),
    );
    const planes: Uint8Array[] = [];
    for (const [i, picture] of pictures.entries()) {
      const result = decoded[i] ?? '';
      if (typeof result === 'string') {
        this.onUnreadable(picture, result);
        continue;
      }
      planes.push(result);
      this.labels.push(picture.label);
      this.names.push(picture.name);
    }
    this.pieces.push(concatenate(planes));
  }
}

/** Completes a set of decoded pictures: one channel where every picture is grey. */
export async function assembleDecoded(
  read: Omit<ReadSet, 'channels'>,
  options: SizedOptions,
): Promise<Dataset> {
  const parts = [read.train, ...(read.test ? [read.test] : [])];
  const plane = options.size * options.size;
  if (!parts.every(({ images }) => isGrey(images, plane))) {
    return assemble({ ...read, channels: DECODED_CHANNELS }, options);
  }
  const grey = (part: LabelledImages) => ({ ...part, images: firstPlanes(part.images, plane) });
  return assemble(
    { ...read, channels: 1, train: grey(read.train), test: read.test && grey(read.test) },
    options,
  );
}

/** Whether the three planes of every picture are the same. */
function isGrey(images: Uint8Array, plane: number): boolean {
  for (let start = 0; start < images.length; start += DECODED_CHANNELS * plane) {
    for (let i = start; i < start + plane; i++) {
      const value = images[i];
      if (images[i + plane] !== value || images[i + 2 * plane] !== value) return false;
    }
  }
  return true;
}

function firstPlanes(images: Uint8Array, plane: number): Uint8Array {
  const planes = new Uint8Array(images.length / DECODED_CHANNELS);
  for (let to = 0; to < planes.length; to += plane) {
    const from = to * DECODED_CHANNELS;
    planes.set(images.subarray(from, from + plane), to);
  }
  return planes;
}
