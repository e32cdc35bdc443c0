/**
 * A file fetched over HTTP that can break off anywhere and be taken up again where it stood, by range
 * requests (RFC 9110, section 14).
 *
 * Every request asks for a range, also the first: browsers then ask for bytes as they lie on the server
 * ("Accept-Encoding: identity", https://fetch.spec.whatwg.org/#http-network-or-cache-fetch), so that
 * lengths add up. "bytes=N-" needs no permission of the other server beforehand (no preflight). The
 * browser's cache is left out: with it Chromium (156) answers what is missing of a download that broke off
 * from the beginning, and it would keep the file twice.
 *
 * What comes is kept in a folder piece by piece (pieces.ts), so that it is still there when the tab is closed; in
 * memory where there is no folder, or it takes no more, or the server does not tell versions of the file apart.
 */
import { FathomError } from '../errors.ts';
import { reasonOf, tooLarge, valuesOf } from './files.ts';
import { bytesOf } from './folder.ts';
import type { Folder } from './folder.ts';
import { addPiece, openBeginning, removePieces } from './pieces.ts';

/** A larger file is refused: it may lie in memory until it is read. */
const MAX_FILE_BYTES = 2 ** 30;

/** A closed tab loses this much at most. */
const PIECE_BYTES = 2 ** 21;

export interface DownloadOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds without a byte after which the server is given up. */
  patience: number;
  /** Told how many bytes are here, whenever some have come. */
  onBytes?: (done: number) => void;
  /** Told where what comes is in memory only, and so lost with the tab. */
  onUnkept?: (failure: FathomError) => void;
}

/** Which file: what messages and the folder call it, and where it is. */
export interface DownloadedFile {
  name: string;
  address: string;
}

export class Download {
  /** Bytes that are here. */
  done = 0;
  /** Bytes of the whole file, once the server has said. */
  total: number | null = null;
  readonly address: string;
  private readonly name: string;
  private readonly folder: Folder | null;
  /** Whether the folder has taken everything so far: a piece behind a gap would be of no use. */
  private gapless = true;
  private pieces: Blob[] = [];
  /** What tells this version of the file from another one; servers may hide it from other pages. */
  private tag: string | null = null;

  private constructor({ name, address }: DownloadedFile, folder: Folder | null) {
    this.name = name;
    this.address = address;
    this.folder = folder;
  }

  /** With what an earlier visit left of the file in the folder. */
  static async open(file: DownloadedFile, folder: Folder | null): Promise<Download> {
    const download = new Download(file, folder);
    const begun =
      folder && (await openBeginning(folder, file.name, file.address).catch(() => null));
    if (begun) {
      download.pieces = begun.pieces;
      download.done = begun.bytes;
      download.total = begun.version.total;
      download.tag = begun.version.tag;
    }
    return download;
  }

  /**
   * Fetches what is missing. After an error, what has come is kept, and the next call goes on from there.
   *
   * Throws FathomErrors: `download-unreachable`, `download-status`, `download-page`, `download-broken`,
   * `download-stalled`, `file-too-large`; and the signal's reason where that was aborted.
   */
  async run(options: DownloadOptions): Promise<Blob> {
    const { signal, patience } = options;
    signal?.throwIfAborted();
    const watch = new Watch(patience);
    const either = signal ? AbortSignal.any([signal, watch.signal]) : watch.signal;
    try {
      if (this.total === null || this.done < this.total) await this.fetch(options, watch, either);
    } catch (error) {
      signal?.throwIfAborted();
      if (watch.signal.aborted) throw this.stalled(patience);
      if (error instanceof FathomError && error.code === 'file-too-large') await this.forget();
      throw error;
    } finally {
      watch.stop();
    }
    return new Blob(this.pieces);
  }

  /** Whether what has come can still be read: another tab may have finished with it, or the reader removed it. */
  isHere(): Promise<boolean> {
    const reads = this.pieces.map((piece) => piece.slice(0, 1).arrayBuffer());
    return Promise.all(reads).then(
      () => true,
      () => false,
    );
  }

  /** Forgets what has come, in the folder too. */
  async forget(): Promise<void> {
    this.pieces = [];
    this.done = 0;
    this.total = null;
    this.tag = null;
    this.gapless = true;
    if (this.folder) await removePieces(this.folder, this.name).catch(() => undefined);
  }

  private async fetch(options: DownloadOptions, watch: Watch, signal: AbortSignal): Promise<void> {
    const response = await this.request(signal);
    await this.accept(response);
    if (!response.body) return;
    /** What has come since the last piece was put away. */
    const fresh: Uint8Array<ArrayBuffer>[] = [];
    const putAway = () => this.add(fresh.splice(0), options);
    try {
      for await (const bytes of valuesOf(response.body)) {
        watch.reset();
        fresh.push(bytes);
        this.done += bytes.length;
        if (this.done > MAX_FILE_BYTES) throw tooLarge(this.name, MAX_FILE_BYTES);
        if (bytesOf(fresh) >= PIECE_BYTES) await putAway();
        options.onBytes?.(this.done);
      }
    } catch (error) {
      if (error instanceof FathomError || signal.aborted) throw error;
      throw this.broken();
    } finally {
      await putAway();
    }
    if (this.total !== null && this.done < this.total) throw this.broken();
    this.total = this.done;
  }

  /** Adds a piece that ends at `done`: to the folder, or else in memory. */
  private async add(
    bytes: Uint8Array<ArrayBuffer>[],
    { onUnkept }: DownloadOptions,
  ): Promise<void> {
    if (bytes.length === 0) return;
    const { folder, gapless, name, address, tag, total } = this;
    if (folder && gapless && tag !== null && total !== null) {
      const version = { file: name, address, tag, total };
      try {
        this.pieces.push(await addPiece(folder, version, this.done - bytesOf(bytes), bytes));
        return;
      } catch (error) {
        onUnkept?.(unkept(error));
      }
    }
    this.gapless = false;
    this.pieces.push(new Blob(bytes));
  }

  /** Asks for the rest; from the beginning where the server has another file now. */
  private async request(signal: AbortSignal): Promise<Response> {
    const ask = () =>
      fetch(this.address, {
        headers: { Range: `bytes=${this.done}-` },
        cache: 'no-store',
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        signal,
      }).catch((error: unknown) => {
        throw signal.aborted ? error : this.unreachable(reasonOf(error));
      });
    const response = await ask();
    if (this.done === 0 || !this.isAnother(response)) return response;
    await response.body?.cancel();
    await this.forget();
    return ask();
  }

  /** Whether a reply does not go on with what is here. */
  private isAnother({ status, headers }: Response): boolean {
    if (status === 416) return true;
    if (status !== 206) return false;
    if (tagOf(headers) !== this.tag) return true;
    const length = lengthOf(headers);
    return length !== null && this.total !== null && this.done + length !== this.total;
  }

  /** Takes a reply's word for what comes. Throws FathomErrors `download-status`, `download-page`. */
  private async accept(response: Response): Promise<void> {
    const { status, ok, headers, body } = response;
    if (!ok || /^text\/html\b/i.test(headers.get('content-type') ?? '')) {
      await body?.cancel();
      throw ok ? this.page() : this.refused(status);
    }
    // A server that knows no ranges sends the whole file again.
    if (status !== 206) await this.forget();
    const length = lengthOf(headers);
    this.total = length === null ? null : this.done + length;
    this.tag = tagOf(headers);
    if ((this.total ?? 0) > MAX_FILE_BYTES) {
      await body?.cancel();
      throw tooLarge(this.name, MAX_FILE_BYTES);
    }
  }

  private unreachable(reason: string): FathomError {
    return new FathomError(
      'download-unreachable',
      `${this.name}: ${this.address} could not be reached (${reason}): no network, or its server does not let other pages read it (CORS)`,
      { file: this.name, address: this.address, reason },
    );
  }

  private refused(status: number): FathomError {
    return new FathomError(
      'download-status',
      `${this.name}: ${this.address} answered ${status}: expected the file there`,
      { file: this.name, address: this.address, status },
    );
  }

  private page(): FathomError {
    return new FathomError(
      'download-page',
      `${this.name}: ${this.address} sent a web page: expected the file itself; is a sign-in or a filter in between?`,
      { file: this.name, address: this.address },
    );
  }

  private broken(): FathomError {
    const total = this.total ?? '?';
    return new FathomError(
      'download-broken',
      `${this.name}: the download broke off after ${this.done} of ${total} bytes; trying again goes on from there`,
      { file: this.name, done: this.done, total },
    );
  }

  private stalled(patience: number): FathomError {
    const seconds = Math.round(patience / 1000);
    return new FathomError(
      'download-stalled',
      `${this.name}: nothing came for ${seconds} seconds, ${this.done} bytes are here; trying again goes on from there`,
      { file: this.name, seconds, done: this.done },
    );
  }
}

/** Says that a download does not outlive its tab. */
export function unkept(error: unknown): FathomError {
  const reason = reasonOf(error);
  return new FathomError(
    'download-unkept',
    `the browser's storage does not take what comes (${reason}): it lies in memory, and is lost when this tab is closed`,
    { reason },
  );
}

/** Aborts its signal when it was not reset for a while. */
class Watch {
  private readonly controller = new AbortController();
  private readonly patience: number;
  private timer: ReturnType<typeof setTimeout>;

  constructor(patience: number) {
    this.patience = patience;
    this.timer = this.start();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  reset(): void {
    this.stop();
    this.timer = this.start();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private start() {
    return setTimeout(() => this.controller.abort(), this.patience);
  }
}

function tagOf(headers: Headers): string | null {
  return headers.get('etag') ?? headers.get('last-modified');
}

/** Bytes of the reply's body; null where the server does not say, or counts them packed. */
function lengthOf(headers: Headers): number | null {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? null : Number(length);
}
