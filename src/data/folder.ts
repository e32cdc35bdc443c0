/**
 * Files of a private folder that are whole or nothing: their content, then a description, then a trailer that is
 * written last. A file whose trailer is not whole counts as none, so what was interrupted leaves no half of a file.
 */

/** A folder of files, as much of it as is needed: the browser's private one (opfs.ts), or a test's. */
export interface Folder {
  /** Names of the files. */
  list(): Promise<string[]>;
  read(name: string): Promise<Blob>;
  /** Writes pieces one after the other, and has them on the disk when it resolves. */
  write(name: string, pieces: Uint8Array[]): Promise<void>;
  remove(name: string): Promise<void>;
  /** Bytes that still fit, where that is known. */
  free(): Promise<number | null>;
  /**
   * Does work that nobody else does meanwhile under this name, no other tab either: when its turn comes, or at once and
   * else not at all where `busy` says what to throw then.
   */
  alone<T>(name: string, work: () => Promise<T>, busy?: () => Error): Promise<T>;
}

/** What the folders are for: sets that are kept, and downloads on their way. */
export type FolderName = 'datasets' | 'downloads';

export interface WholeFile {
  content: Blob;
  /** As it was written, if it was written here: hold it to a schema. */
  description: unknown;
}

const MAGIC = 'FATHOM-1';
/** Magic word, length of the description, length of the file: 8 bytes each. */
const TRAILER_BYTES = 24;
/** Descriptions hold the names of classes and of files; a longer one is no description. */
const MAX_DESCRIPTION_BYTES = 2 ** 26;

/** A file in pieces: its content is not copied to be written. */
export function wholeFile(content: Uint8Array[], description: object): Uint8Array[] {
  const text = new TextEncoder().encode(JSON.stringify(description));
  const trailer = new Uint8Array(TRAILER_BYTES);
  trailer.set(new TextEncoder().encode(MAGIC));
  const view = new DataView(trailer.buffer);
  view.setFloat64(8, text.length);
  view.setFloat64(16, bytesOf(content) + text.length + TRAILER_BYTES);
  return [...content, text, trailer];
}

/** What {@link wholeFile} wrote; null where it is not whole, or not ours. */
export async function readWhole(file: Blob): Promise<WholeFile | null> {
  const end = file.size - TRAILER_BYTES;
  if (end < 0) return null;
  const trailer = new DataView(await file.slice(end).arrayBuffer());
  const magic = new TextDecoder().decode(new Uint8Array(trailer.buffer, 0, 8));
  const length = trailer.getFloat64(8);
  if (magic !== MAGIC || trailer.getFloat64(16) !== file.size) return null;
  const fits = Number.isInteger(length) && length > 0 && length <= end;
  if (!fits || length > MAX_DESCRIPTION_BYTES) return null;
  const content = file.slice(0, end - length);
  try {
    return { content, description: JSON.parse(await file.slice(end - length, end).text()) };
  } catch {
    return null;
  }
}

export const bytesOf = (pieces: readonly Uint8Array[]): number =>
  pieces.reduce((sum, { length }) => sum + length, 0);

/** Removes files that no longer count. One that another tab has open stays until the next time. */
export async function discard(folder: Folder, names: readonly string[]): Promise<void> {
  for (const name of names) await folder.remove(name).catch(() => undefined);
}
