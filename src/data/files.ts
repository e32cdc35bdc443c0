/** Reading files as bytes: gzip, progress and what can go wrong on the way. */
import { FathomError } from '../errors.ts';

/** A file as browser and Node both have it: a `File`, or what `fs.openAsBlob` gives. */
export interface NamedBlob {
  /** File name or path; formats are told by it, and messages show it. */
  name: string;
  blob: Blob;
}

/** No file of the formats read here is larger; beyond this a file is refused, not stored. */
export const MAX_FILE_BYTES = 2 ** 29;

/** Told how many bytes were read off the disk since the last call. */
export type OnBytes = (bytes: number) => void;

/** The name without its folders. */
export function baseName(name: string): string {
  return name.replace(/^.*[/\\]/, '');
}

/** All values of a stream. Leaving the loop early cancels the stream. */
export async function* valuesOf<T>(stream: ReadableStream<T>): AsyncGenerator<T, void> {
  const reader = stream.getReader();
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
    finished = true;
  } finally {
    // A stream that failed refuses to be cancelled; its error is already on the way.
    if (!finished) await reader.cancel().catch(() => undefined);
  }
}

/** The stream of what a generator yields. */
export function streamFrom<T>(values: AsyncGenerator<T, void>): ReadableStream<T> {
  return new ReadableStream<T>({
    async pull(controller) {
      const { done, value } = await values.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await values.return();
    },
  });
}

async function isGzip(file: NamedBlob): Promise<boolean> {
  for await (const start of rawContentOf({ ...file, blob: file.blob.slice(0, 2) })) {
    return start[0] === 0x1f && start[1] === 0x8b;
  }
  return false;
}

/** The bytes as they lie on the disk. Throws a FathomError `file-unreadable`. */
async function* rawContentOf(
  file: NamedBlob,
  onBytes?: OnBytes,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  try {
    for await (const piece of valuesOf(file.blob.stream())) {
      onBytes?.(piece.length);
      yield piece;
    }
  } catch (error) {
    throw new FathomError(
      'file-unreadable',
      `${file.name}: the file could not be read (${reasonOf(error)}); was it moved or changed?`,
      { file: file.name, reason: reasonOf(error) },
    );
  }
}

/**
 * The content of a file, piece by piece, decompressed if it is gzip.
 *
 * Throws FathomErrors `file-unreadable`, `not-gzip` (the name says .gz, the content does not) and
 * `gzip-damaged`.
 */
export async function* contentOf(
  file: NamedBlob,
  onBytes?: OnBytes,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const raw = rawContentOf(file, onBytes);
  if (!(await isGzip(file))) {
    if (/\.(gz|tgz)$/i.test(file.name)) {
      throw new FathomError(
        'not-gzip',
        `${file.name}: expected a gzip file (first bytes 1f 8b), found something else`,
        { file: file.name },
      );
    }
    yield* raw;
    return;
  }
  try {
    yield* valuesOf(streamFrom(raw).pipeThrough(new DecompressionStream('gzip')));
  } catch (error) {
    if (error instanceof FathomError) throw error;
    throw new FathomError(
      'gzip-damaged',
      `${file.name}: expected a whole gzip file, found one that is cut short or damaged (${reasonOf(error)})`,
      { file: file.name, reason: reasonOf(error) },
    );
  }
}

/** The whole content of a file; also throws `file-too-large`. */
export async function readContent(
  file: NamedBlob,
  onBytes?: OnBytes,
): Promise<Uint8Array<ArrayBuffer>> {
  return collect(file.name, contentOf(file, onBytes));
}

/** Joins pieces to one array; nothing is allocated on the word of a header. */
export async function collect(
  name: string,
  pieces: AsyncIterable<Uint8Array>,
  limit = MAX_FILE_BYTES,
): Promise<Uint8Array<ArrayBuffer>> {
  const kept: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    kept.push(piece);
    length += piece.length;
    if (length > limit) throw tooLarge(name, limit);
  }
  return concatenate(kept);
}

export function tooLarge(file: string, limit: number): FathomError {
  return new FathomError('file-too-large', `${file}: expected at most ${limit} bytes, found more`, {
    file,
    limit,
  });
}

export function concatenate(pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** The first `wanted` bytes of the content, fewer if it is shorter. */
export async function headOf(file: NamedBlob, wanted: number): Promise<Uint8Array> {
  const head = new Uint8Array(wanted);
  let length = 0;
  for await (const piece of contentOf(file)) {
    const part = piece.subarray(0, wanted - length);
    head.set(part, length);
    length += part.length;
    if (length === wanted) break;
  }
  return head.subarray(0, length);
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
