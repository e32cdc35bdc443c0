/**
 * The data sets of the page: where they come from (the hub, files), where they are kept, and what the experiment and the
 * page of data take from it by name.
 */
import { generateBuiltin } from '../data/builtin.ts';
import type { Dataset, LabelledImages, LoadProgress } from '../data/dataset.ts';
import type { ImageDecoder } from '../data/decode.ts';
import type { NamedBlob } from '../data/files.ts';
import type { Folder, FolderName } from '../data/folder.ts';
import { bytesOf, Hub, HUB_ADDRESS, HUB_SETS } from '../data/hub.ts';
import { KNOWN_SETS, isKnown } from '../data/known.ts';
import type { KnownId } from '../data/known.ts';
import { loadFiles } from '../data/load.ts';
import { derive, parseSetName } from '../data/recipe.ts';
import type { Recipe } from '../data/recipe.ts';
import { channelHistograms, classCounts } from '../data/statistics.ts';
import { DatasetStore } from '../data/store.ts';
import type { StoredSet } from '../data/store.ts';
import { warningsOf } from '../data/warnings.ts';
import type { DataWarning } from '../data/warnings.ts';
import { FathomError } from '../errors.ts';
import { describeError } from './failure.ts';
import type {
  Catalogue,
  Failure,
  KeptSets,
  ListedSet,
  OpenedSet,
  OpenOptions,
  SetDetails,
} from './protocol.ts';

/** The built-in pictures are looked at in this size; an experiment draws them in its own. */
const BUILTIN_SIZE = 32;

/** Pictures of a class that are shown, and of all classes together. */
const SAMPLES = { perClass: 10, all: 800 };

const HISTOGRAM_BINS = 64;

/** Progress is told at most every so many milliseconds: a message a picture would keep the page busy. */
const TELL_MS = 100;

export interface DeskOptions {
  /** Opens a folder of the browser's storage; rejects with a FathomError where there is none. */
  openFolder: (name: FolderName) => Promise<Folder>;
  /** Reads encoded pictures; the browser's decoder by default. */
  decode?: ImageDecoder;
}

export class DataDesk {
  private readonly openFolder: DeskOptions['openFolder'];
  private readonly decode: ImageDecoder | undefined;
  private readonly hub: Hub;
  private store: Promise<DatasetStore> | null = null;
  /** Sets that the storage did not take. */
  private readonly held = new Map<string, Dataset>();
  /** The set that was read last: the page asks for it again and again. */
  private last: Dataset | null = null;
  /** Ends the loading that goes on. */
  private loading: AbortController | null = null;

  constructor({ openFolder, decode }: DeskOptions) {
    this.openFolder = openFolder;
    this.decode = decode;
    this.hub = new Hub(() => openFolder('downloads'));
  }

  /** The sets of the hub, and what fetching each takes. */
  catalogue(): Catalogue {
    const sets = (Object.keys(HUB_SETS) as KnownId[]).map((id) => {
      const { pictures, side } = HUB_SETS[id];
      const { title, classes } = KNOWN_SETS[id];
      return { id, title, classes: classes.length, bytes: bytesOf(id), pictures, side };
    });
    return { sets, address: HUB_ADDRESS };
  }

  /** What is at hand without a network. Where storage fails, only what lies in memory. */
  async kept(): Promise<KeptSets> {
    const held = [...this.held.values()].map((set): ListedSet => ({ ...listed(set), kept: false }));
    const begun = Object.fromEntries(await this.hub.begun());
    try {
      const store = await this.opened();
      const stored = (await store.list())
        .filter(({ id }) => !this.held.has(id))
        .map((set): ListedSet => ({ ...set, kept: true }));
      return { sets: [...stored, ...held], begun, free: await store.free(), failure: null };
    } catch (error) {
      return { sets: held, begun, free: null, failure: describeError(error) };
    }
  }

  /**
   * Fetches a known set from the hub at `address` and keeps it. Called again after an error or {@link stop}, or by a
   * later visit, it goes on with what has come; `onUnkept` is told where that is lost with the tab.
   *
   * Throws FathomErrors `loading-stopped`, `loading-already`, and those of {@link Hub.load}.
   */
  download(
    id: KnownId,
    address: string,
    progress: LoadProgress,
    onUnkept: (failure: Failure) => void = () => undefined,
  ): Promise<OpenedSet> {
    const { side } = HUB_SETS[id];
    return this.load(progress, async (signal, heard) => {
      const told = (error: unknown) => onUnkept(describeError(error));
      const options = { base: address, size: side, signal, onUnkept: told, ...this.decoding() };
      const keep = (set: Dataset) => this.keep(set);
      const set = await this.hub.load(id, { ...options, keep }, heard);
      // Its files may have taken the room for it; they are gone by now.
      return { id, notKept: this.held.has(id) ? await this.keep(set) : null };
    });
  }

  /**
   * Reads a set from files and keeps it, its pictures at their own size unless one is asked for.
   *
   * Throws FathomErrors `loading-stopped`, `loading-already`, and those of {@link loadFiles}.
   */
  open(files: NamedBlob[], options: OpenOptions, progress: LoadProgress): Promise<OpenedSet> {
    const { replace = false, ...read } = options;
    return this.load(progress, async (_, heard) => {
      const set = await loadFiles(files, { ...read, ...this.decoding() }, heard);
      return { id: set.id, notKept: await this.keep(set, replace) };
    });
  }

  /** Ends the loading that goes on; what has come of a download is kept. */
  stop(): void {
    this.loading?.abort();
  }

  /** Keeps a set in place of the kept one of its name. Says why it could not be stored. */
  async replaceKept(id: string): Promise<Failure | null> {
    const set = this.held.get(id);
    return set ? this.keep(set, true) : null;
  }

  /**
   * Keeps a set for the next time, or else in memory: also where another one of its name is kept, unless that is to be
   * replaced. Says why it was not stored.
   */
  private async keep(dataset: Dataset, replace = false): Promise<Failure | null> {
    this.last = dataset;
    try {
      const store = await this.opened();
      const other = replace ? null : await store.other(dataset);
      if (other) throw keptAlready(dataset, other);
      await store.save(dataset);
      this.held.delete(dataset.id);
      return null;
    } catch (error) {
      this.held.set(dataset.id, dataset);
      return describeError(error);
    }
  }

  /** Forgets what has come of a download. Throws a FathomError `download-busy`. */
  discard(id: KnownId): Promise<void> {
    return this.hub.forget(id);
  }

  /** Forgets a set; an experiment that uses it goes on. Throws a FathomError `storage-failed`. */
  async forget(id: string): Promise<void> {
    if (this.last?.id === id) this.last = null;
    if (!this.held.delete(id)) await (await this.opened()).delete(id);
  }

  /**
   * The set of this name, whole or made by a recipe, at size×size or at its own size; null where it is not at hand.
   *
   * Throws FathomErrors `data-recipe`, `too-few-pictures`, `storage-failed`.
   */
  async find(name: string, size?: number, progress?: LoadProgress): Promise<Dataset | null> {
    const { base, recipe } = parseSetName(name);
    const whole = await this.whole(base, size, progress);
    return whole && derive(whole, recipe, size);
  }

  /** As {@link find}; throws a FathomError {@link missingSet} where the set is not at hand. */
  async get(name: string): Promise<Dataset> {
    const set = await this.find(name);
    if (!set) throw missingSet(name);
    return set;
  }

  /** What there is to see of a set. Throws as {@link get}. */
  async details(name: string): Promise<SetDetails> {
    const { base, recipe } = parseSetName(name);
    const set = await this.get(name);
    const { train, test, classes, channels, height, width, provenance } = set;
    const truths = await this.trueLabels(set, base, recipe);
    const wrong = train.labels.reduce((sum, label, i) => sum + (label === truths[i] ? 0 : 1), 0);
    return {
      id: set.id,
      title: set.title,
      classes,
      channels,
      height,
      width,
      counts: {
        train: classCounts(train.labels, classes.length),
        test: classCounts(test.labels, classes.length),
      },
      statistics: set.statistics,
      histograms: await channelHistograms(train.images, channels, height * width, HISTOGRAM_BINS),
      provenance: provenance ?? null,
      wrongLabels: wrong,
      samples: samplesOf(train, truths, classes.length),
    };
  }

  /** What to know of a set before training on it; looks at every picture. Throws as {@link get}. */
  async warnings(name: string): Promise<DataWarning[]> {
    return warningsOf(await this.get(name));
  }

  /** The training labels before some of them were made random. */
  private async trueLabels(set: Dataset, base: string, recipe: Recipe): Promise<Uint8Array> {
    if (recipe.randomLabels === 0) return set.train.labels;
    const { train } = await derive(await this.get(base), { ...recipe, randomLabels: 0, noise: 0 });
    return train.labels;
  }

  private async whole(
    id: string,
    size = BUILTIN_SIZE,
    progress?: LoadProgress,
  ): Promise<Dataset | null> {
    const isBuiltin = id === 'builtin';
    if (this.last?.id === id && (!isBuiltin || this.last.height === size)) return this.last;
    const found = isBuiltin
      ? await generateBuiltin({ size }, progress)
      : (this.held.get(id) ?? (await this.fromStore(id)));
    if (found) this.last = found;
    return found;
  }

  /** Where there is no storage nothing is kept in it. */
  private async fromStore(id: string): Promise<Dataset | null> {
    const store = await this.opened().catch(() => null);
    return store && store.open(id);
  }

  private opened(): Promise<DatasetStore> {
    this.store ??= this.openFolder('datasets').then((folder) => new DatasetStore(folder));
    return this.store;
  }

  private decoding(): { decode?: ImageDecoder } {
    return this.decode ? { decode: this.decode } : {};
  }

  private async load(
    progress: LoadProgress,
    work: (signal: AbortSignal, heard: LoadProgress) => Promise<OpenedSet>,
  ): Promise<OpenedSet> {
    if (this.loading) throw alreadyLoading();
    const { signal } = (this.loading = new AbortController());
    const tell = sparingly(progress);
    try {
      return await work(signal, (...step) => {
        signal.throwIfAborted();
        tell(...step);
      });
    } catch (error) {
      throw signal.aborted ? stopped() : error;
    } finally {
      this.loading = null;
    }
  }
}

/** Passes progress on at the beginning and the end of each stage, and else only now and then. */
export function sparingly(progress: LoadProgress): LoadProgress {
  let told = -Infinity;
  let last: string | null = null;
  return (stage, done, total) => {
    const now = performance.now();
    if (stage === last && done < total && now < told + TELL_MS) return;
    told = now;
    last = stage;
    progress(stage, done, total);
  };
}

/** Why a set is not at hand, and what to do: `data-download` where the hub has it, else `data-missing`. */
export function missingSet(name: string): FathomError {
  const { base } = parseSetName(name);
  if (isKnown(base)) {
    const { title } = KNOWN_SETS[base];
    const megabytes = Math.round(bytesOf(base) / 1e6);
    return new FathomError(
      'data-download',
      `${title} is not on this computer yet: fetch it on the page of data (${megabytes} MB); the built-in pictures are used meanwhile`,
      { data: base, title, megabytes },
    );
  }
  return new FathomError(
    'data-missing',
    `the data set "${base}" is not open: drop its files here; the built-in pictures are used meanwhile`,
    { data: base },
  );
}

function listed({ id, title, height, train, test }: Dataset) {
  const bytes = train.images.length + test.images.length;
  return { id, title, size: height, trainCount: train.count, testCount: test.count, bytes };
}

/** The first training pictures of every class, class by class. */
function samplesOf(
  { images, labels, count }: LabelledImages,
  truths: Uint8Array,
  classes: number,
): SetDetails['samples'] {
  const each = Math.max(1, Math.min(SAMPLES.perClass, Math.floor(SAMPLES.all / classes)));
  const byClass = Array.from({ length: classes }, (): number[] => []);
  labels.forEach((label, index) => {
    const indices = byClass[label];
    if (indices && indices.length < each) indices.push(index);
  });
  const chosen = byClass.flat();
  const bytes = images.length / count;
  const shown = new Uint8Array(chosen.length * bytes);
  chosen.forEach((index, i) =>
    shown.set(images.subarray(index * bytes, (index + 1) * bytes), i * bytes),
  );
  const of = (from: Uint8Array) => Uint8Array.from(chosen, (index) => from[index] ?? 0);
  return { images: shown, labels: of(labels), truths: of(truths) };
}

const keptAlready = ({ id, train, test }: Dataset, kept: StoredSet) =>
  new FathomError(
    'storage-other',
    `another ${kept.title} is kept, with ${kept.trainCount} + ${kept.testCount} pictures of ${kept.size}×${kept.size}: this one, with ${train.count} + ${test.count}, is used from memory, and the kept one stays`,
    {
      ...{ data: id, title: kept.title, side: kept.size },
      ...{ keptTrain: kept.trainCount, keptTest: kept.testCount },
      ...{ train: train.count, test: test.count },
    },
  );

const alreadyLoading = () =>
  new FathomError(
    'loading-already',
    'a data set is being loaded: wait until it is here, or stop it',
  );

const stopped = () => new FathomError('loading-stopped', 'loading was stopped');
