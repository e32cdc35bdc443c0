/** The data sets at hand, and the one that is being loaded: that goes on while the reader looks at another page. */
import { proxy } from 'comlink';
import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';
import type { StoreApi } from 'zustand/vanilla';
import type {
  Catalogue,
  DataApi,
  Failure,
  KeptSets,
  KnownId,
  LoadProgress,
  NamedBlob,
  OpenedSet,
  OpenOptions,
} from '../../worker/protocol.ts';
import { readJson, writePreference } from '../preferences.ts';

/** What is loaded: a set of the hub, or one from files. */
export type Source = KnownId | 'files';

export interface Loading {
  source: Source;
  /** Null before anything was heard. */
  step: { stage: Parameters<LoadProgress>[0]; done: number; total: number } | null;
}

export interface DataState {
  /** Null until the worker has answered. */
  catalogue: Catalogue | null;
  kept: KeptSets | null;
  /** Counts changes of the sets at hand: a name may mean another set then. */
  revision: number;
  /** A mirror in place of the hub; null for the hub itself. */
  mirror: string | null;
  loading: Loading | null;
  /** What failed last: a loading, or (null) the storage. */
  failed: { source: Source | null; failure: Failure } | null;
  /** Why the set loaded last, or what comes of one, lies in memory only. */
  notKept: Failure | null;
  /** Asks for the sets at hand. */
  refresh(): Promise<void>;
  /** Fetches a set from the hub; gives its name, or null where that failed or was stopped. */
  download(id: KnownId): Promise<string | null>;
  /** Reads a set from files; gives its name, or null where that failed or was stopped. */
  open(files: NamedBlob[], options?: OpenOptions): Promise<string | null>;
  stop(): void;
  /** Keeps the set that lies in memory in place of the kept one of its name; says why it could not be stored. */
  replaceKept(id: string): Promise<Failure | null>;
  /** Forgets what has come of a download. */
  discard(id: KnownId): Promise<void>;
  forget(id: string): Promise<void>;
  /** Takes another address for the hub; an empty one is the hub itself again. */
  setMirror(address: string): void;
  details: DataApi['details'];
  warnings: DataApi['warnings'];
}

export type DataStore = StoreApi<DataState>;

/** The mirror that was chosen on an earlier visit. */
function keptMirror(): string | null {
  const kept = readJson('mirror');
  return typeof kept === 'string' ? kept : null;
}

/** `api` is the worker's; it must stay the same. */
export function createDataStore(api: DataApi): DataStore {
  return createStore<DataState>()((set, get) => {
    const changed = async () => {
      await get().refresh();
      set(({ revision }) => ({ revision: revision + 1 }));
    };
    const load = async (
      source: Source,
      work: (heard: LoadProgress) => Promise<OpenedSet>,
    ): Promise<string | null> => {
      set({ loading: { source, step: null }, failed: null, notKept: null });
      const heard: LoadProgress = (stage, done, total) => {
        // The last words may come after the end.
        if (get().loading) set({ loading: { source, step: { stage, done, total } } });
      };
      try {
        const { id, notKept } = await work(proxy(heard));
        await changed();
        set({ notKept });
        // Else a browser short of room may clear it. What it answers changes nothing: kept it is.
        if (!notKept) void navigator.storage.persist();
        return id;
      } catch (error) {
        const failure = error as Failure;
        await get().refresh();
        if (failure.code !== 'loading-stopped') set({ failed: { source, failure } });
        return null;
      } finally {
        set({ loading: null });
      }
    };
    const remove = async (source: Source | null, work: () => Promise<void>) => {
      set({ failed: null });
      try {
        await work();
      } catch (error) {
        set({ failed: { source, failure: error as Failure } });
      }
      await changed();
    };
    return {
      catalogue: null,
      kept: null,
      revision: 0,
      mirror: keptMirror(),
      loading: null,
      failed: null,
      notKept: null,

      refresh: async () => {
        const catalogue = get().catalogue ?? (await api.catalogue());
        set({ catalogue, kept: await api.kept() });
      },
      download: (id) => {
        const address = get().mirror ?? get().catalogue?.address ?? '';
        const unkept = proxy((notKept: Failure) => set({ notKept }));
        return load(id, (heard) => api.download(id, address, heard, unkept));
      },
      open: (files, options = {}) => load('files', (heard) => api.open(files, options, heard)),
      stop: () => void api.stop(),
      replaceKept: async (id) => {
        const notKept = await api.replaceKept(id);
        set({ notKept });
        await changed();
        return notKept;
      },
      discard: (id) => remove(id, () => api.discard(id)),
      forget: (id) => remove(null, () => api.forget(id)),
      details: (name) => api.details(name),
      warnings: (name) => api.warnings(name),
      setMirror: (address) => {
        const mirror = address.trim() || null;
        set({ mirror });
        writePreference('mirror', JSON.stringify(mirror));
      },
    };
  });
}

export const DataContext = createContext<DataStore | null>(null);

export function useData<T>(selector: (state: DataState) => T): T {
  const store = useContext(DataContext);
  if (!store) throw new Error('components stand inside DataContext');
  return useStore(store, selector);
}
