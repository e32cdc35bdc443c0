/**
 * A file fetched over HTTP that can break off anywhere and be taken up again where it stood, by range
 * requests (RFC 9110, section 14).
 *
 * Every request asks for a range, also the first: browsers then ask for bytes as they lie on the server
 * ("Accept-Encoding: identity", https://fetch.spec.whatwg.org/#http-network-or-cache-fetch), so that
 * lengths add up. "bytes=N-" needs no permission of the other server beforehand (no preflight). The
 * browser's cache is left out: with it Chromium (156) answers what is missing of a download that broke off
 * from the beginning, and it would keep the file twice.
 */
import { FathomError } from '../errors.ts';
import { reasonOf, tooLarge, valuesOf } from './files.ts';

/** A larger file is refused: it is kept in memory until it is read. */
const MAX_FILE_BYTES = 2 ** 30;

export interface DownloadOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds without a byte after which the server is given up. */
  patience: number;
  /** Told how many bytes are here, whenever some have come. */
  onBytes?: (done: number) => void;
}

export class Download {
  /** Bytes that are here. */
  done = 0;
  /** Bytes of the whole file, once the server has said. */
  total: number | null = null;
  private readonly name: string;
  private readonly address: string;
  private pieces: BlobPart[] = [];
  /** What tells this version of the file from another one; servers may hide it from other pages. */
  private version: string | null = null;

  /** `name` is what messages call the file. */
  constructor(name: string, address: string) {
    this.name = name;
    this.address = address;
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
      throw error;
    } finally {
      watch.stop();
    }
    const whole = new Blob(this.pieces);
    this.pieces = [whole];
    return whole;
  }

  private async fetch(
    { onBytes }: DownloadOptions,
    watch: Watch,
    signal: AbortSignal,
  ): Promise<void> {
    const response = await this.request(signal);
    await this.accept(response);
    if (!response.body) return;
    try {
      for await (const piece of valuesOf(response.body)) {
        watch.reset();
        this.pieces.push(piece);
        this.done += piece.length;
        if (this.done > MAX_FILE_BYTES) throw tooLarge(this.name, MAX_FILE_BYTES);
        onBytes?.(this.done);
      }
    } catch (error) {
      if (error instanceof FathomError || signal.aborted) throw error;
      throw this.broken();
    }
    if (this.total !== null && this.done < this.total) throw this.broken();
    this.total = this.done;
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
    this.forget();
    return ask();
  }

  /** Whether a reply does not go on with what is here. */
  private isAnother({ status, headers }: Response): boolean {
    if (status === 416) return true;
    if (status !== 206) return false;
    const version = versionOf(headers);
    if (version !== null && this.version !== null && version !== this.version) return true;
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
    if (status !== 206) this.forget();
    const length = lengthOf(headers);
    this.total = length === null ? null : this.done + length;
    this.version = versionOf(headers);
    if ((this.total ?? 0) > MAX_FILE_BYTES) {
      await body?.cancel();
      throw tooLarge(this.name, MAX_FILE_BYTES);
    }
  }

  private forget(): void {
    this.pieces = [];
    this.done = 0;
    this.total = null;
    this.version = null;
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

function versionOf(headers: Headers): string | null {
  return headers.get('etag') ?? headers.get('last-modified');
}

/** Bytes of the reply's body; null where the server does not say, or counts them packed. */
function lengthOf(headers: Headers): number | null {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? null : Number(length);
}
