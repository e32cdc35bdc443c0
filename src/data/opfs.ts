/**
 * The browser's private file system (https://fs.spec.whatwg.org/), folder by folder. All tabs see the same files; who is
 * alone with them is settled by the browser's locks (https://w3c.github.io/web-locks/), which a closed tab gives back.
 */
import { FathomError } from '../errors.ts';
import { pause } from './chunks.ts';
import { reasonOf } from './files.ts';
import type { Folder, FolderName } from './folder.ts';

/**
 * Opens a folder in the `navigator`'s storage.
 *
 * Throws a FathomError `storage-refused` where the browser gives none, as in some private windows.
 */
export async function openFolder(browser: Browser, name: FolderName): Promise<Folder> {
  try {
    const root = await browser.storage.getDirectory();
    const directory = await root.getDirectoryHandle(name, { create: true });
    return new PrivateFolder(browser, directory);
  } catch (error) {
    throw new FathomError(
      'storage-refused',
      `the browser gives no storage here (${reasonOf(error)}): sets are used from memory, and not kept`,
      { reason: reasonOf(error) },
    );
  }
}

/** What is asked of `navigator`. */
export type Browser = Pick<Navigator, 'storage' | 'locks'>;

/** Writes this much at a time: the worker has other things to do, and some browsers refuse views of very many bytes. */
const PIECE_BYTES = 2 ** 23;

/** What a file has in workers only, which TypeScript does not know of beside the page's own types. */
interface WorkerFileHandle {
  createSyncAccessHandle?: () => Promise<{
    truncate(size: number): void;
    write(piece: Uint8Array, options: { at: number }): number;
    flush(): void;
    close(): void;
  }>;
}

class PrivateFolder implements Folder {
  private readonly browser: Browser;
  private readonly directory: FileSystemDirectoryHandle;

  constructor(browser: Browser, directory: FileSystemDirectoryHandle) {
    this.browser = browser;
    this.directory = directory;
  }

  async list(): Promise<string[]> {
    const names: string[] = [];
    for await (const [name, { kind }] of this.directory.entries()) {
      if (kind === 'file') names.push(name);
    }
    return names;
  }

  async read(name: string): Promise<Blob> {
    return (await this.directory.getFileHandle(name)).getFile();
  }

  /** In a worker in place, which is faster; elsewhere through a copy that replaces the file when it is closed. */
  async write(name: string, pieces: Uint8Array[]): Promise<void> {
    const file: FileSystemFileHandle & WorkerFileHandle = await this.directory.getFileHandle(name, {
      create: true,
    });
    const handle = await file.createSyncAccessHandle?.();
    if (handle) {
      try {
        handle.truncate(0);
        let at = 0;
        let paused = 0;
        for (const piece of cut(pieces)) {
          const written = handle.write(piece, { at });
          // A disk that is full takes less than it is given.
          if (written < piece.length) throw new DOMException('no room left', 'QuotaExceededError');
          at += written;
          if (at < paused + PIECE_BYTES) continue;
          paused = at;
          await pause();
        }
        handle.flush();
      } finally {
        handle.close();
      }
      return;
    }
    const stream = await file.createWritable();
    try {
      for (const piece of cut(pieces)) await stream.write(piece);
    } catch (error) {
      await stream.abort().catch(() => undefined);
      throw error;
    }
    await stream.close();
  }

  async remove(name: string): Promise<void> {
    await this.directory.removeEntry(name);
  }

  async free(): Promise<number | null> {
    const { quota, usage } = await this.browser.storage.estimate();
    return quota === undefined || usage === undefined ? null : Math.max(0, quota - usage);
  }

  async alone<T>(name: string, work: () => Promise<T>, busy?: () => Error): Promise<T> {
    const lock = `fathom/${this.directory.name}/${name}`;
    return this.browser.locks.request(lock, { ifAvailable: busy !== undefined }, (granted) => {
      if (!granted && busy) throw busy();
      return work();
    });
  }
}

function* cut(pieces: Uint8Array[]): Generator<Uint8Array<ArrayBuffer>> {
  for (const piece of pieces) {
    for (let from = 0; from < piece.length; from += PIECE_BYTES) {
      yield piece.subarray(from, from + PIECE_BYTES) as Uint8Array<ArrayBuffer>;
    }
  }
}
