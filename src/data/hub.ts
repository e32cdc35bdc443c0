/**
 * The known sets where the public hub hosts them: Parquet files in its layout, which pages of other
 * origins may read.
 *
 * Repositories, file names and sizes as the hub lists them under /tree/main (each set was "converted to
 * Parquet" by the hub's staff in 2024), for instance
 * https://huggingface.co/datasets/uoft-cs/cifar10/tree/main/plain_text; addresses of the form
 * {base}/{repository}/resolve/{revision}/{path} as its client library builds them
 * (huggingface_hub, `hf_hub_url`). Sizes are shown before anything is fetched; what counts afterwards
 * is what the server says.
 */
import { FathomError } from '../errors.ts';
import type { Dataset, LoadProgress } from './dataset.ts';
import { Download, unkept } from './download.ts';
import type { Folder } from './folder.ts';
import { KNOWN_SETS } from './known.ts';
import type { KnownId } from './known.ts';
import { loadFiles } from './load.ts';
import type { LoadOptions, NamedBlob } from './load.ts';
import { bytesBegun, removePieces } from './pieces.ts';

/** Where the hub keeps data sets. A mirror answers to the same paths. */
export const HUB_ADDRESS = 'https://huggingface.co/datasets';

/** Milliseconds without a byte after which a download is given up. */
const PATIENCE = 30_000;

export interface HubSet {
  repository: string;
  /** In the repository. Which part a file holds stands in its name. */
  files: { path: string; bytes: number }[];
  /** Pictures to train on, and to test on. */
  pictures: { train: number; test: number };
  /** Height and width of a picture. */
  side: number;
}

const halves = (folder: string, train: number, test: number) => [
  { path: `${folder}/train-00000-of-00001.parquet`, bytes: train },
  { path: `${folder}/test-00000-of-00001.parquet`, bytes: test },
];

const CIFAR100: HubSet = {
  repository: 'uoft-cs/cifar100',
  files: halves('cifar100', 118_518_617, 23_772_751),
  pictures: { train: 50_000, test: 10_000 },
  side: 32,
};

/** By the name of the set. SVHN's 531,131 further, easier pictures (1 GB) are left out. */
export const HUB_SETS: Record<KnownId, HubSet> = {
  cifar10: {
    repository: 'uoft-cs/cifar10',
    files: halves('plain_text', 119_705_255, 23_940_850),
    pictures: { train: 50_000, test: 10_000 },
    side: 32,
  },
  cifar100: CIFAR100,
  'cifar100-coarse': CIFAR100,
  mnist: {
    repository: 'ylecun/mnist',
    files: halves('mnist', 15_561_616, 2_595_890),
    pictures: { train: 60_000, test: 10_000 },
    side: 28,
  },
  'fashion-mnist': {
    repository: 'zalando-datasets/fashion_mnist',
    files: halves('fashion_mnist', 30_931_277, 5_175_617),
    pictures: { train: 60_000, test: 10_000 },
    side: 28,
  },
  svhn: {
    repository: 'ufldl-stanford/svhn',
    files: halves('cropped_digits', 135_589_380, 47_003_111),
    pictures: { train: 73_257, test: 26_032 },
    side: 32,
  },
};

export interface HubOptions extends Omit<LoadOptions, 'known' | 'labels'> {
  /** In place of {@link HUB_ADDRESS}: a school's own mirror. */
  base?: string;
  signal?: AbortSignal;
  patience?: number;
  /** Told where what comes is in memory only, and so lost with the tab. */
  onUnkept?: (failure: FathomError) => void;
  /** Keeps the set, before the files that it was read from are forgotten: a tab closed in between loses neither. */
  keep?: (dataset: Dataset) => Promise<unknown>;
}

/** Bytes to fetch for a set, before any of them has come. */
export function bytesOf(id: KnownId): number {
  return HUB_SETS[id].files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Fetches known sets, one at a time, and keeps what has come of one until it is read. */
export class Hub {
  private readonly openFolder: () => Promise<Folder>;
  /** Files on their way, by their names. */
  private readonly downloads = new Map<string, Download>();

  /** Takes the folder where downloads are kept, so that a later visit goes on with them; rejects where there is none. */
  constructor(openFolder: () => Promise<Folder>) {
    this.openFolder = openFolder;
  }

  /**
   * Fetches and reads a set. Called again after an error, or by a later visit, it goes on with what has come.
   *
   * Progress counts bytes (`download`), then pictures (`decode`).
   *
   * Throws FathomErrors: `hub-address`, `download-busy`, those of {@link Download.run} and of {@link loadFiles}; and
   * the signal's reason where that was aborted.
   */
  async load(id: KnownId, options: HubOptions, progress?: LoadProgress): Promise<Dataset> {
    const folder = await this.openFolder().catch((error: unknown) => {
      options.onUnkept?.(error instanceof FathomError ? error : unkept(error));
      return null;
    });
    return alone(folder, id, () => this.loadInto(folder, id, options, progress));
  }

  private async loadInto(
    folder: Folder | null,
    id: KnownId,
    options: HubOptions,
    progress?: LoadProgress,
  ): Promise<Dataset> {
    const { base = HUB_ADDRESS, signal, patience = PATIENCE, onUnkept, keep, ...load } = options;
    const { repository } = HUB_SETS[id];
    const wanted = HUB_SETS[id].files.map(({ path, bytes }) => {
      const address = addressOf(base, `${repository}/resolve/main/${path}`);
      return { name: `${id}/${path}`, address, bytes };
    });
    const downloads: { name: string; bytes: number; download: Download }[] = [];
    for (const file of wanted) {
      downloads.push({ ...file, download: await this.downloadOf(file, folder) });
    }
    const report = () => {
      const done = downloads.reduce((sum, { download }) => sum + download.done, 0);
      const total = downloads.reduce(
        (sum, { download, bytes }) => sum + (download.total ?? bytes),
        0,
      );
      progress?.('download', done, total);
    };
    const files: NamedBlob[] = [];
    for (const { name, download } of downloads) {
      const blob = await download.run({ signal, patience, onBytes: report, onUnkept });
      files.push({ name, blob });
    }
    const labels = id === 'cifar100-coarse' ? 'coarse' : 'fine';
    try {
      const set = await loadFiles(files, { ...load, known: id, labels }, (...step) => {
        signal?.throwIfAborted();
        progress?.(...step);
      });
      await keep?.(set);
      return set;
    } finally {
      // Read or damaged, the files are not wanted again; what was only cancelled may be.
      if (!signal?.aborted) await this.forgetIn(folder, id);
    }
  }

  /** Bytes that have come of the sets that were begun. */
  async begun(): Promise<Map<KnownId, number>> {
    const kept = await this.openFolder()
      .then(bytesBegun)
      .catch(() => new Map<string, number>());
    const begun = new Map<KnownId, number>();
    for (const id of Object.keys(HUB_SETS) as KnownId[]) {
      const bytes = namesOf(id).map(
        (name) => this.downloads.get(name)?.done ?? kept.get(name) ?? 0,
      );
      const sum = bytes.reduce((total, each) => total + each, 0);
      if (sum > 0) begun.set(id, sum);
    }
    return begun;
  }

  /** Forgets what has come of a set. Throws a FathomError `download-busy`. */
  async forget(id: KnownId): Promise<void> {
    const folder = await this.openFolder().catch(() => null);
    await alone(folder, id, () => this.forgetIn(folder, id));
  }

  private async forgetIn(folder: Folder | null, id: KnownId): Promise<void> {
    for (const name of namesOf(id)) {
      this.downloads.delete(name);
      if (folder) await removePieces(folder, name).catch(() => undefined);
    }
  }

  /** The one that goes on, unless the file is to come from elsewhere now, or what had come is gone. */
  private async downloadOf(
    file: { name: string; address: string },
    folder: Folder | null,
  ): Promise<Download> {
    const begun = this.downloads.get(file.name);
    if (begun?.address === file.address && (await begun.isHere())) return begun;
    const download = await Download.open(file, folder);
    this.downloads.set(file.name, download);
    return download;
  }
}

/** Two tabs that fetch a set would remove each other's pieces. */
function alone<T>(folder: Folder | null, id: KnownId, work: () => Promise<T>): Promise<T> {
  if (!folder) return work();
  const { title } = KNOWN_SETS[id];
  return folder.alone(id, work, () => {
    return new FathomError(
      'download-busy',
      `${title} is being fetched already, perhaps in another tab of this browser: wait until it is here, or stop it there`,
      { title },
    );
  });
}

/** What messages and the folder call the files of a set. */
const namesOf = (id: KnownId) => HUB_SETS[id].files.map(({ path }) => `${id}/${path}`);

/** Throws a FathomError `hub-address` where the base is no web address. */
function addressOf(base: string, path: string): string {
  const address = URL.canParse(base) ? new URL(base) : null;
  if (address && /^https?:$/.test(address.protocol)) {
    return `${base.replace(/\/+$/, '')}/${path}`;
  }
  throw new FathomError(
    'hub-address',
    `"${base}" is no address of a hub: expected one that begins with https://`,
    { address: base },
  );
}
