/** What the page has measured of the device, and the questions that are being answered. */
import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';
import type { StoreApi } from 'zustand/vanilla';
import type { ExperimentConfig } from '../lab/config.ts';
import { TIMED } from '../lab/timing.ts';
import { proxy } from 'comlink';
import type { TuningName } from '../ops/tuning.ts';
import type {
  Expectation,
  Failure,
  NetworkProfile,
  ProfilerApi,
  Trial,
} from '../worker/protocol.ts';
import type { PresetName } from './presets.ts';

/** What to expect of a configuration, or why that is not known. */
export interface Expected {
  config: ExperimentConfig;
  result: { milliseconds: Expectation } | { failure: Failure };
}

/** What a step of each of {@link TIMED} takes at the settings of a configuration. */
export interface TimedDevice {
  config: ExperimentConfig;
  milliseconds: Expectation;
}

export interface ProfilerState {
  /** The newest profile of each network. */
  profiles: Record<string, NetworkProfile>;
  /** The network that is being profiled. */
  profiling: string | null;
  /** Why the last profile was not made. */
  failure: Failure | null;
  expected: Partial<Record<PresetName, Expected>>;
  /** The preset that is being measured. */
  expecting: PresetName | null;
  /** No preset after this one is to be measured. */
  stopping: boolean;
  /** What steps of known networks take here. */
  timed: TimedDevice | null;
  timing: boolean;
  /** Why the device was not timed. */
  timingFailure: Failure | null;
  /** Variants of the kernels that were tried, as far as that has come. */
  trials: readonly Trial[];
  trying: boolean;
  /** Why trying ended early. */
  tuningFailure: Failure | null;
  profile(network: string): Promise<void>;
  /** Measures these, one after the other. */
  expect(configs: readonly (readonly [PresetName, ExperimentConfig])[]): Promise<void>;
  /** Measures no further preset. */
  stop(): void;
  /** Times the networks from which {@link TIMED} follows others, at the settings of a configuration. */
  timeDevice(config: ExperimentConfig): Promise<void>;
  /** Tries the variants worth it on steps of this configuration; gives the fastest of those that are right. */
  tryTunings(config: ExperimentConfig): Promise<TuningName | null>;
}

export type ProfilerStore = StoreApi<ProfilerState>;

export function createProfilerStore(profiler: ProfilerApi): ProfilerStore {
  return createStore<ProfilerState>()((set, get) => ({
    profiles: {},
    profiling: null,
    failure: null,
    expected: {},
    expecting: null,
    stopping: false,
    timed: null,
    timing: false,
    timingFailure: null,
    trials: [],
    trying: false,
    tuningFailure: null,

    profile: async (network) => {
      set({ profiling: network, failure: null });
      try {
        const profile = await profiler.profile(network);
        set(({ profiles }) => ({ profiles: { ...profiles, [network]: profile } }));
      } catch (failure) {
        set({ failure: failure as Failure });
      } finally {
        set({ profiling: null });
      }
    },

    expect: async (configs) => {
      for (const [name, config] of configs) {
        if (get().stopping) break;
        set({ expecting: name });
        const result = await profiler.expect(config).then(
          (milliseconds) => ({ milliseconds }),
          (failure: Failure) => ({ failure }),
        );
        set(({ expected }) => ({ expected: { ...expected, [name]: { config, result } } }));
      }
      set({ expecting: null, stopping: false });
    },

    stop: () => set({ stopping: true }),

    timeDevice: async (config) => {
      set({ timing: true, timingFailure: null });
      try {
        const milliseconds = await profiler.expect({ ...config, networks: [...TIMED] });
        set({ timed: { config, milliseconds } });
      } catch (failure) {
        set({ timingFailure: failure as Failure });
      } finally {
        set({ timing: false });
      }
    },

    tryTunings: async (config) => {
      set({ trials: [], trying: true, tuningFailure: null });
      const heard = (trial: Trial) => set(({ trials }) => ({ trials: [...trials, trial] }));
      try {
        return await profiler.tryTunings(config, proxy(heard));
      } catch (failure) {
        set({ tuningFailure: failure as Failure });
        return null;
      } finally {
        set({ trying: false });
      }
    },
  }));
}

export const ProfilerContext = createContext<ProfilerStore | null>(null);

export function useProfiler<T>(selector: (state: ProfilerState) => T): T {
  const store = useContext(ProfilerContext);
  if (!store) throw new Error('components stand inside ProfilerContext');
  return useStore(store, selector);
}
