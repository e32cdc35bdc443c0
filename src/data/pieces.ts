/**
 * What has come of downloads, kept in a private folder until the file is whole and read, so that a later visit goes on
 * with it.
 *
 * A piece is a file of its own that is never written over, and says which bytes it has of which version of which
 * address. Pieces are put together only where all of that agrees and each goes on where the last one ends; whatever
 * else there is of a file is removed.
 */
import { z } from 'zod';
import { bytesOf, discard, readWhole, wholeFile } from './folder.ts';
import type { Folder } from './folder.ts';

const versionSchema = z.object({
  /** The file's name, whichever server has it. */
  file: z.string(),
  address: z.string(),
  /** What the server tells this version of the file from another one by. */
  tag: z.string(),
  /** Bytes of the whole file. */
  total: z.number().int().positive(),
});
const pieceSchema = versionSchema.extend({ from: z.number().int().nonnegative() });

/** A version of a file. */
export type FileVersion = z.infer<typeof versionSchema>;

interface Piece extends z.infer<typeof pieceSchema> {
  name: string;
  content: Blob;
}

/** The beginning of a file. */
export interface Beginning {
  version: FileVersion;
  pieces: Blob[];
  bytes: number;
}

const SUFFIX = '.part';

/** The longest beginning there is of a file at an address. What does not belong to it is removed. */
export async function openBeginning(
  folder: Folder,
  file: string,
  address: string,
): Promise<Beginning | null> {
  const { pieces, broken } = await readPieces(folder);
  const ofFile = pieces.filter((piece) => piece.file === file);
  const here = ofFile.filter((piece) => piece.address === address);
  const rows = here.filter(({ from }) => from === 0).map((first) => rowFrom(first, here));
  const row = rows.reduce((best, other) => (endOf(other) > endOf(best) ? other : best), []);
  const names = ofFile.filter((piece) => !row.includes(piece)).map(({ name }) => name);
  await discard(folder, [...broken, ...names]);
  const [first] = row;
  if (!first) return null;
  const { tag, total } = first;
  return {
    version: { file, address, tag, total },
    pieces: row.map(({ content }) => content),
    bytes: endOf(row),
  };
}

/**
 * Keeps a further piece of a file, and gives it as it lies in the folder. Where that fails, nothing of it is left.
 *
 * Rejects with the folder's error.
 */
export async function addPiece(
  folder: Folder,
  version: FileVersion,
  from: number,
  bytes: Uint8Array[],
): Promise<Blob> {
  const name = `${crypto.randomUUID()}${SUFFIX}`;
  try {
    await folder.write(name, wholeFile(bytes, { ...version, from }));
    return (await folder.read(name)).slice(0, bytesOf(bytes));
  } catch (error) {
    await discard(folder, [name]);
    throw error;
  }
}

/** Removes all that is kept of a file. */
export async function removePieces(folder: Folder, file: string): Promise<void> {
  const { pieces } = await readPieces(folder);
  const names = pieces.filter((piece) => piece.file === file).map(({ name }) => name);
  await discard(folder, names);
}

/** How many bytes there are of every file. */
export async function bytesBegun(folder: Folder): Promise<Map<string, number>> {
  const begun = new Map<string, number>();
  for (const { file, content } of (await readPieces(folder)).pieces) {
    begun.set(file, (begun.get(file) ?? 0) + content.size);
  }
  return begun;
}

async function readPieces(folder: Folder): Promise<{ pieces: Piece[]; broken: string[] }> {
  const pieces: Piece[] = [];
  const broken: string[] = [];
  for (const name of await folder.list()) {
    if (!name.endsWith(SUFFIX)) continue;
    // Another tab may have removed it meanwhile.
    const whole = await folder.read(name).then(readWhole, () => null);
    const { success, data } = pieceSchema.safeParse(whole?.description);
    const fits = whole && success && whole.content.size > 0;
    if (fits) pieces.push({ ...data, name, content: whole.content });
    else broken.push(name);
  }
  return { pieces, broken };
}

/** A piece, and those of its version that go on from it. */
function rowFrom(first: Piece, pieces: readonly Piece[]): Piece[] {
  const row = [first];
  const follows = ({ tag, total, from }: Piece) =>
    tag === first.tag && total === first.total && from === endOf(row);
  for (let next = pieces.find(follows); next; next = pieces.find(follows)) row.push(next);
  return row;
}

function endOf(row: readonly Piece[]): number {
  const last = row.at(-1);
  return last ? last.from + last.content.size : 0;
}
