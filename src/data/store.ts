/**
 * Sets kept for the next lesson, as files of a private folder.
 *
 * A set is one file that is whole or nothing (folder.ts): its pictures and labels, and a description. Saving
 * writes a new file beside the old one, and removes the old one when the new one is complete. Of two
 * complete files of one set, which an interruption between the two leaves, the later counts; what else an
 * interruption leaves is removed before the next set is saved. One tab at a time changes the folder.
 */
import { z } from 'zod';
import { FathomError } from '../errors.ts';
import { checkParts } from './assemble.ts';
import type { Dataset, LabelledImages } from './dataset.ts';
import { reasonOf } from './files.ts';
import { bytesOf, discard, readWhole, wholeFile } from './folder.ts';
import type { Folder } from './folder.ts';

/** A set in the store. */
export interface StoredSet {
  id: string;
  title: string;
  /** Height and width of its pictures. */
  size: number;
  trainCount: number;
  testCount: number;
  /** What it takes on the disk. */
  bytes: number;
}

/** What one tab at a time does. */
const CHANGING = 'change';

const count = z.number().int().positive();
const part = z.object({ count, names: z.array(z.string()).optional() });
const descriptionSchema = z.object({
  id: z.string(),
  title: z.string(),
  classes: z.array(z.string()),
  channels: count,
  height: count,
  width: count,
  statistics: z.object({ mean: z.array(z.number()), std: z.array(z.number()) }),
  provenance: z
    .object({
      source: z.string(),
      licence: z.string().optional(),
      citation: z.string().optional(),
      problems: z.array(z.string()).optional(),
    })
    .optional(),
  unreadable: z.array(z.string()).optional(),
  train: part,
  test: part,
});
type Description = z.infer<typeof descriptionSchema>;

/** A complete file of the store. */
interface Entry {
  name: string;
  generation: number;
  blob: Blob;
  description: Description;
}

export class DatasetStore {
  private readonly folder: Folder;

  constructor(folder: Folder) {
    this.folder = folder;
  }

  /** What is kept, by title. Throws a FathomError `storage-failed`. */
  async list(): Promise<StoredSet[]> {
    const entries = await guarded(() => this.entries());
    return entries.map(listed).sort((a, b) => (a.title < b.title ? -1 : 1));
  }

  /** The kept set of this name, where it is another one. Throws a FathomError `storage-failed`. */
  async other(set: Dataset): Promise<StoredSet | null> {
    const entries = await guarded(() => this.entries());
    const entry = entries.find(({ description }) => description.id === set.id);
    return entry && fingerprint(entry.description) !== fingerprint(set) ? listed(entry) : null;
  }

  /** Bytes that still fit, where that is known. */
  free(): Promise<number | null> {
    return this.folder.free().catch(() => null);
  }

  /** A set as it was saved; null where there is none. Throws a FathomError `storage-failed`. */
  async open(id: string): Promise<Dataset | null> {
    return guarded(async () => {
      const entry = (await this.entries()).find(({ description }) => description.id === id);
      if (!entry) return null;
      const { blob, description } = entry;
      let at = 0;
      const bytes = async (length: number) => {
        const slice = blob.slice(at, (at += length));
        return new Uint8Array(await slice.arrayBuffer());
      };
      const pixels = description.channels * description.height * description.width;
      const partOf = async ({ count, names }: Description['train']): Promise<LabelledImages> => ({
        count,
        images: await bytes(count * pixels),
        labels: await bytes(count),
        ...(names ? { names } : {}),
      });
      const train = await partOf(description.train);
      const test = await partOf(description.test);
      // Undefined fields were never written; the schema only does not know it.
      return { ...(description as Omit<Dataset, 'train' | 'test'>), train, test };
    });
  }

  /**
   * Keeps a set in place of what had its name. Where that fails, what had its name is still kept.
   *
   * Throws FathomErrors `storage-full`, `storage-failed`.
   */
  async save(dataset: Dataset): Promise<void> {
    checkParts(dataset.title, dataset);
    await guarded(() => this.folder.alone(CHANGING, () => this.write(dataset)));
  }

  private async write(dataset: Dataset): Promise<void> {
    const whole = new Set((await this.entries()).map(({ name }) => name));
    const names = (await this.folder.list()).filter(parseName);
    await discard(
      this.folder,
      names.filter((name) => !whole.has(name)),
    );
    const before = await this.generationsOf(dataset.id);
    const last = before.reduce((most, { generation }) => Math.max(most, generation), 0);
    const name = fileName(dataset.id, last + 1);
    const pieces = piecesOf(dataset);
    try {
      await this.folder.write(name, pieces);
    } catch (error) {
      await discard(this.folder, [name]);
      throw isFull(error) ? await this.full(dataset.title, bytesOf(pieces)) : error;
    }
    await discard(
      this.folder,
      before.map((file) => file.name),
    );
  }

  /** Forgets a set. Throws a FathomError `storage-failed`. */
  async delete(id: string): Promise<void> {
    const remove = async () => {
      for (const { name } of await this.generationsOf(id)) await this.folder.remove(name);
    };
    await guarded(() => this.folder.alone(CHANGING, remove));
  }

  /** The last complete file of every set. */
  private async entries(): Promise<Entry[]> {
    const last = new Map<string, Entry>();
    for (const name of await this.folder.list()) {
      const file = parseName(name);
      const entry = file && (await this.entry(name, file.generation));
      if (!entry || entry.description.id !== file.id) continue;
      const other = last.get(file.id);
      if (!other || other.generation < entry.generation) last.set(file.id, entry);
    }
    return [...last.values()];
  }

  /** A file as a set; null where it is none, or not complete. */
  private async entry(name: string, generation: number): Promise<Entry | null> {
    const blob = await this.folder.read(name);
    const description = await descriptionIn(blob);
    return description && { name, generation, blob, description };
  }

  private async generationsOf(id: string): Promise<{ name: string; generation: number }[]> {
    return (await this.folder.list()).flatMap((name) => {
      const file = parseName(name);
      return file?.id === id ? [{ name, generation: file.generation }] : [];
    });
  }

  private async full(title: string, needed: number): Promise<FathomError> {
    const free = await this.free();
    return new FathomError(
      'storage-full',
      `${title} takes ${needed} bytes, and the browser's storage has ${free ?? 'no'} left: it is used from memory, and not kept`,
      { title, needed, free: free ?? 0 },
    );
  }
}

const listed = ({ blob, description: { id, title, height, train, test } }: Entry): StoredSet => ({
  id,
  title,
  size: height,
  trainCount: train.count,
  testCount: test.count,
  bytes: blob.size,
});

/** Sets of other pictures differ in it: the statistics come from exact sums over all of them. */
const fingerprint = ({ classes, channels, height, width, statistics, train, test }: Description) =>
  JSON.stringify([
    ...[classes, channels, height, width, train.count, test.count],
    ...[statistics.mean, statistics.std],
  ]);

/** `{id}.{generation}.set`, where the id is spelled so that any file system takes it. */
const fileName = (id: string, generation: number) =>
  `${encodeURIComponent(id).replaceAll('.', '%2E')}.${generation}.set`;

function parseName(name: string): { id: string; generation: number } | null {
  const [, id, generation] = /^([^.]+)\.(\d{1,15})\.set$/.exec(name) ?? [];
  if (!id || !generation) return null;
  try {
    return { id: decodeURIComponent(id), generation: Number(generation) };
  } catch {
    return null;
  }
}

/** The file of a set, in pieces. */
function piecesOf({ train, test, ...rest }: Dataset): Uint8Array[] {
  const { count: trainCount, names: trainNames } = train;
  const { count: testCount, names: testNames } = test;
  const description: Description = {
    ...rest,
    train: { count: trainCount, names: trainNames },
    test: { count: testCount, names: testNames },
  };
  return wholeFile([train.images, train.labels, test.images, test.labels], description);
}

/** What a file says of its set; null where it is not whole, or no set. */
async function descriptionIn(blob: Blob): Promise<Description | null> {
  const whole = await readWhole(blob);
  const { success, data } = descriptionSchema.safeParse(whole?.description);
  if (!whole || !success) return null;
  const { channels, height, width, train, test } = data;
  const pictures = (train.count + test.count) * (channels * height * width + 1);
  return pictures === whole.content.size ? data : null;
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof FathomError ? error : failed(error);
  }
}

function failed(error: unknown): FathomError {
  return new FathomError(
    'storage-failed',
    `the browser's storage failed (${reasonOf(error)}): sets are used from memory, and not kept`,
    { reason: reasonOf(error) },
  );
}

function isFull(error: unknown): boolean {
  return error instanceof Error && error.name === 'QuotaExceededError';
}
