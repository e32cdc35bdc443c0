/**
 * What lies in a zip archive, read entry by entry. Names are only ever names here: nothing is written
 * anywhere, so an entry cannot reach outside its archive.
 */
import { FathomError } from '../errors.ts';
import { concatenate, MAX_FILE_BYTES, reasonOf, tooLarge } from './files.ts';
import type { NamedBlob } from './files.ts';

export interface ZipEntry {
  /** Path within the archive. */
  name: string;
  /** Bytes it takes in the archive. */
  packedBytes: number;
  /** Its content. Throws FathomErrors `zip-damaged`, `file-too-large`. */
  read(limit?: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** All entries of an archive together may unpack to this much: a bomb unpacks to a thousand times more. */
const MAX_UNPACKED_BYTES = 2 ** 32;

/** The files of an archive, in its order. Throws a FathomError `zip-damaged`. */
export async function openZip(archive: NamedBlob): Promise<ZipEntry[]> {
  const { BlobReader, ZipReader } = await import('@zip.js/zip.js/lib/zip-core-native.js');
  const guarded = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof FathomError) throw error;
      throw new FathomError(
        'zip-damaged',
        `${name}: expected a whole zip archive, found one that is cut short, damaged or encrypted (${reasonOf(error)})`,
        { file: name, reason: reasonOf(error) },
      );
    }
  };
  const reader = new ZipReader(new BlobReader(archive.blob), {
    useWebWorkers: false,
    useCompressionStream: true,
    checkSignature: true,
    checkOverlappingEntry: true,
  });
  const entries = await guarded(archive.name, () => reader.getEntries());

  let unpacked = 0;
  return entries.flatMap((entry) => {
    if (entry.directory) return [];
    const name = `${archive.name}/${entry.filename}`;
    const read = (limit = MAX_FILE_BYTES) =>
      guarded(name, async () => {
        const pieces: Uint8Array[] = [];
        let length = 0;
        const sink = new WritableStream<Uint8Array>({
          // Pieces come as they are unpacked; beyond the limits nothing more is.
          write(piece) {
            length += piece.length;
            unpacked += piece.length;
            if (length > limit) throw tooLarge(name, limit);
            if (unpacked > MAX_UNPACKED_BYTES) throw tooLarge(archive.name, MAX_UNPACKED_BYTES);
            pieces.push(piece);
          },
        });
        await entry.getData(sink);
        return concatenate(pieces);
      });
    return [{ name: entry.filename, packedBytes: entry.compressedSize, read }];
  });
}
