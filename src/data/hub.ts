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
import { Download } from './download.ts';
import type { KnownId } from './known.ts';
import { loadFiles } from './load.ts';
import type { LoadOptions, NamedBlob } from './load.ts';

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
}

/** Bytes to fetch for a set, before any of them has come. */
export function bytesOf(id: KnownId): number {
  return HUB_SETS[id].files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Fetches known sets, one at a time, and keeps what has come of one until it is read. */
export class Hub {
  /** Files on their way, by their addresses. */
  private readonly downloads = new Map<string, Download>();

  /**
   * Fetches and reads a set. Called again after an error, it goes on with what has come.
   *
   * Progress counts bytes (`download`), then pictures (`decode`).
   *
   * Throws FathomErrors: `hub-address`, those of {@link Download.run} and of {@link loadFiles}; and the
   * signal's reason where that was aborted.
   */
  async load(id: KnownId, options: HubOptions, progress?: LoadProgress): Promise<Dataset> {
    const { base = HUB_ADDRESS, signal, patience = PATIENCE, ...load } = options;
    const downloads = HUB_SETS[id].files.map(({ path, bytes }) => {
      const address = addressOf(base, `${HUB_SETS[id].repository}/resolve/main/${path}`);
      const download = this.downloads.get(address) ?? new Download(`${id}/${path}`, address);
      this.downloads.set(address, download);
      return { address, path, bytes, download };
    });
    const report = () => {
      const done = downloads.reduce((sum, { download }) => sum + download.done, 0);
      const total = downloads.reduce(
        (sum, { download, bytes }) => sum + (download.total ?? bytes),
        0,
      );
      progress?.('download', done, total);
    };
    const files: NamedBlob[] = [];
    for (const { path, download } of downloads) {
      const blob = await download.run({ signal, patience, onBytes: report });
      files.push({ name: `${id}/${path}`, blob });
    }
    const labels = id === 'cifar100-coarse' ? 'coarse' : 'fine';
    try {
      return await loadFiles(files, { ...load, known: id, labels }, (...step) => {
        signal?.throwIfAborted();
        progress?.(...step);
      });
    } finally {
      // Read or damaged, the files are not wanted again; what was only cancelled may be.
      if (!signal?.aborted) {
        for (const { address } of downloads) this.downloads.delete(address);
      }
    }
  }
}

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
