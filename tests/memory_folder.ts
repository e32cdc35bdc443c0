/** A folder of the store in memory, with a disk that can fill up or fail. */
import type { Folder } from '../src/data/folder.ts';

export class MemoryFolder implements Folder {
  readonly files: Map<string, Uint8Array<ArrayBuffer>>;
  /** Told again and again while a file is written: what lies on the disk by then. */
  onBytes: (() => void) | null = null;
  /** Bytes that fit; what is written beyond them fails. */
  room = Infinity;
  fault: Error | null = null;
  /** When those are done who are alone. */
  private readonly turns = new Map<string, Promise<void>>();

  constructor(files: Iterable<[string, Uint8Array<ArrayBuffer>]> = []) {
    this.files = new Map(files);
  }

  async list() {
    if (this.fault) throw this.fault;
    return [...this.files.keys()];
  }
  async read(name: string) {
    return new Blob([this.files.get(name) ?? '']);
  }
  async write(name: string, pieces: Uint8Array[]) {
    const whole = new Uint8Array(Buffer.concat(pieces));
    const step = Math.max(3001, Math.ceil(whole.length / 16));
    for (let length = 0; ; length += step) {
      this.files.set(name, whole.slice(0, Math.min(length, this.room)));
      this.onBytes?.();
      if (length > this.room) throw new DOMException('full', 'QuotaExceededError');
      if (length >= whole.length) return;
    }
  }
  async remove(name: string) {
    this.files.delete(name);
  }
  async free() {
    return this.room;
  }
  async alone<T>(name: string, work: () => Promise<T>, busy?: () => Error): Promise<T> {
    const before = this.turns.get(name);
    if (before && busy) throw busy();
    const turn = Promise.resolve(before).then(work);
    const over = turn
      .catch(() => undefined)
      .then(() => void (this.turns.get(name) === over && this.turns.delete(name)));
    this.turns.set(name, over);
    return turn;
  }
}
