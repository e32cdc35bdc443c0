/**
 * All state of the page in one store: a reducer over what the worker says ({@link reduce}) and the
 * actions a person can take ({@link createAppStore}).
 *
 * `config` is what the worker trains, or is building; `draft` is what the form shows. They differ only in settings
 * that need a reset and were changed in mid-run.
 */
import { createStore } from 'zustand/vanilla';
import type { StoreApi } from 'zustand/vanilla';
import type { ExperimentConfig, LiveSettings } from '../lab/config.ts';
import { machineDefaults } from '../lab/defaults.ts';
import type { TuningName } from '../ops/tuning.ts';
import type {
  Command,
  DatasetDescription,
  DeviceDescription,
  Event,
  Mark,
  NamedBlob,
  NetworkDescription,
  Pace,
  RunState,
  TuningWishes,
} from '../worker/protocol.ts';
import { appendRow, emptyCurve } from './curves.ts';
import type { Curve } from './curves.ts';
import { parseLink } from './link.ts';
import type { LinkProblem } from './link.ts';
import { keepShare } from './share.ts';
import { keepWishes } from './tuning.ts';
import { DEFAULTS, differences, isLive } from './settings.ts';
import type { SettingName } from './settings.ts';

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;

/** Something to tell the reader, until they close it. */
export type Message =
  | { kind: 'failed'; event: EventOf<'failed'> }
  | { kind: 'diverged'; network: string; iteration: number }
  | { kind: 'link'; problems: LinkProblem[] }
  | { kind: 'software'; device: string; chosen: Partial<ExperimentConfig> }
  | { kind: 'copied' };

export interface LabState {
  device: DeviceDescription | null;
  /** The variants of the kernels that networks are built of. */
  tuning: EventOf<'tuning'> | null;
  /** What the reader pinned, and what was measured. */
  wishes: TuningWishes;
  unsupported: EventOf<'unsupported'> | null;
  /** Data sets seen so far, by id. */
  datasets: Record<string, DatasetDescription>;
  config: ExperimentConfig;
  draft: ExperimentConfig;
  /** The draft that was last sent to be built; as long as it stands, nothing waits for a reset. */
  asked: ExperimentConfig;
  /** Defaults chosen for this machine. */
  machine: Partial<ExperimentConfig>;
  run: RunState;
  networks: NetworkDescription[];
  curves: Record<string, Curve>;
  /** Counts changes of `curves`, which are appended to in place. */
  revision: number;
  marks: Mark[];
  imagesPerSecond: Record<string, number>;
  progress: EventOf<'progress'> | null;
  evaluating: EventOf<'evaluating'> | null;
  phase: EventOf<'phase'> | null;
  /** The layers of each network when they were last looked at; kept while {@link watching}. */
  watched: Record<string, EventOf<'watched'>>;
  watching: boolean;
  messages: (Message & { id: number })[];
  pace: Pace;
  /** The part of the GPU's time that training takes. */
  share: number;
  /** Networks whose curves are hidden on the chart. */
  hidden: string[];
  /** The network whose block is drawn large; null follows the first, or the one in slow motion. */
  selected: string | null;
  view: { logarithmic: boolean; smoothing: number };
}

const INITIAL_STATE: LabState = {
  device: null,
  tuning: null,
  wishes: { pinned: null, measured: {} },
  unsupported: null,
  datasets: {},
  config: DEFAULTS,
  draft: DEFAULTS,
  asked: DEFAULTS,
  machine: {},
  run: 'empty',
  networks: [],
  curves: {},
  revision: 0,
  marks: [],
  imagesPerSecond: {},
  progress: null,
  evaluating: null,
  phase: null,
  watched: {},
  watching: false,
  messages: [],
  pace: { kind: 'full' },
  share: 1,
  hidden: [],
  selected: null,
  view: { logarithmic: false, smoothing: 1 },
};

/** Whether the GPU trains, be it only to the end of the step that it has in hand. */
export const isTraining = (run: RunState): boolean => run === 'running' || run === 'pausing';

/** Whether training can be resumed; asked for while it pauses, it goes on when that is done. */
export const canResume = (run: RunState): boolean => run === 'pausing' || run === 'paused';

/** Iterations done by the network that is furthest. */
export function iterationsDone(state: Pick<LabState, 'curves'>): number {
  return Math.max(0, ...Object.values(state.curves).map((curve) => curve.iteration.at(-1) ?? 0));
}

/** Settings that wait for a reset. */
export function pendingSettings(state: Pick<LabState, 'config' | 'draft'>): SettingName[] {
  return differences(state.config, state.draft).filter((name) => !isLive(name));
}

let messageCount = 0;

function withMessage(state: LabState, message: Message): Pick<LabState, 'messages'> {
  messageCount += 1;
  return { messages: [...state.messages, { ...message, id: messageCount }] };
}

/** Of the defaults for this machine those that a link did not set. */
const chosenFor = (
  machine: Partial<ExperimentConfig>,
  linked: Partial<ExperimentConfig>,
): Partial<ExperimentConfig> =>
  Object.fromEntries(Object.entries(machine).filter(([name]) => !Object.hasOwn(linked, name)));

/** Of the messages only what holds for every experiment on this machine, made true for the new link. */
function messagesAfterLink(
  { messages, machine }: LabState,
  linked: Partial<ExperimentConfig>,
): LabState['messages'] {
  const chosen = chosenFor(machine, linked);
  return messages.flatMap((message) =>
    message.kind === 'software' && Object.keys(chosen).length > 0 ? [{ ...message, chosen }] : [],
  );
}

/** What changes in the state when the worker says `event`. */
function reduce(state: LabState, event: Event): Partial<LabState> {
  switch (event.type) {
    case 'device':
      return { device: event.device, machine: machineDefaults(event.device) };
    case 'tuning':
      return { tuning: event };
    case 'unsupported':
      return { unsupported: event, progress: null };
    case 'progress':
      return { progress: event.done < event.total ? event : null };
    case 'dataset':
      return { datasets: { ...state.datasets, [event.dataset.id]: event.dataset }, progress: null };
    case 'networks': {
      const { config, networks } = event;
      const { draft, asked } = state;
      // An answer to what was asked before would take back what was asked since.
      const answered = differences(config, asked).every((name) => name === 'data' || isLive(name));
      if (draft === asked && answered) return { config, draft: config, asked: config, networks };
      // Changes wait; only what has just become true elsewhere is taken over.
      const data = config.data === state.config.data ? draft.data : config.data;
      return { config, draft: { ...draft, data }, networks };
    }
    case 'state': {
      return {
        run: event.state,
        ...(event.state === 'preparing' ? {} : { progress: null }),
        ...(event.state === 'running' ? {} : { evaluating: null, phase: null }),
        // The curves of before stay until the new experiment stands: it may fail to be built.
        ...(event.state === 'ready'
          ? { curves: {}, marks: [], imagesPerSecond: {}, revision: state.revision + 1 }
          : {}),
      };
    }
    case 'metrics': {
      let curves = state.curves;
      for (const row of event.rows) {
        const curve = curves[row.network] ?? emptyCurve();
        appendRow(curve, row);
        if (!curves[row.network]) curves = { ...curves, [row.network]: curve };
      }
      return {
        curves,
        revision: state.revision + 1,
        imagesPerSecond: { ...state.imagesPerSecond, ...event.imagesPerSecond },
      };
    }
    case 'evaluating':
      // An evaluation that a pause cuts short never reports its end.
      return { evaluating: state.run === 'running' && event.done < event.total ? event : null };
    case 'mark': {
      const { mark } = event;
      return {
        marks: [...state.marks, mark],
        revision: state.revision + 1,
        ...(mark.kind === 'diverged' && mark.network !== null
          ? withMessage(state, {
              kind: 'diverged',
              network: mark.network,
              iteration: mark.iteration,
            })
          : {}),
      };
    }
    case 'watched':
      return state.watching
        ? { watched: { ...state.watched, [event.network]: event }, revision: state.revision + 1 }
        : {};
    case 'phase':
      return { phase: event.phase === null ? null : event };
    case 'failed':
      return {
        progress: null,
        // What could not be built is no longer asked for, but stays in the form, to be put right there.
        ...(event.command === 'configure' ? { asked: { ...state.asked } } : {}),
        ...withMessage(state, { kind: 'failed', event }),
      };
  }
}

/** What a person can do. */
export interface LabActions {
  /** Opens a link's configuration; before the device is known it waits for that. */
  open(hash: string): void;
  receive(event: Event): void;
  start(): void;
  pause(): void;
  step(): void;
  /** Same seed, same weights, iteration 0; takes along the settings that waited for it. */
  reset(): void;
  /** Resets with another seed. */
  newSeed(): void;
  change<N extends SettingName>(name: N, value: ExperimentConfig[N]): void;
  /** Forgets the settings that wait for a reset. */
  discard(): void;
  toggle(network: string, connected: boolean): void;
  setPace(pace: Pace): void;
  /** Whether the worker tells what goes on in the layers. */
  watch(on: boolean): void;
  setShare(share: number): void;
  /** Takes what was kept of an earlier visit. */
  setWishes(wishes: TuningWishes): void;
  /** Pins the variants of the kernels for networks that are built from now on; null leaves the choice to the machine. */
  pinTuning(tuning: TuningName | null): void;
  /** What was found fastest on an adapter. */
  keepTuning(adapter: string, tuning: TuningName): void;
  openFiles(files: NamedBlob[]): void;
  tell(message: Message): void;
  dismiss(id: number): void;
  setHidden(network: string, hidden: boolean): void;
  select(network: string | null): void;
  setView(view: Partial<LabState['view']>): void;
}

export type LabStore = StoreApi<LabState & LabActions>;

/** Changes made in quick succession travel together, once they rest for so many milliseconds. */
const REST_MS = 200;

/** `send` is the worker's client; it is told everything, and answers through `receive`. */
export function createAppStore(send: (command: Command) => void): LabStore {
  /** What the link that was opened says; null before there was one: nothing is built for a reader of the chapters. */
  let linked: Partial<ExperimentConfig> | null = null;
  /** Whether the reader has been told what was chosen for this machine. */
  let told = false;
  let live: Partial<LiveSettings> = {};
  let resting: ReturnType<typeof setTimeout> | undefined;

  return createStore<LabState & LabActions>()((set, get) => {
    const configure = () => {
      clearTimeout(resting);
      live = {};
      // What is being built is shown from now on; its numbers come with the answer.
      set(({ draft }) => ({ asked: draft, config: draft, networks: [], watched: {} }));
      send({ type: 'configure', config: get().draft });
    };
    /** Builds what the link asks for, and says what was chosen for this machine. */
    const begin = (device: DeviceDescription, linked: Partial<ExperimentConfig>) => {
      const { machine } = get();
      const chosen = chosenFor(machine, linked);
      if (!told && Object.keys(chosen).length > 0) {
        told = true;
        const { description, architecture, vendor } = device;
        const name = description || architecture || vendor;
        set((state) => withMessage(state, { kind: 'software', device: name, chosen }));
      }
      set({ draft: { ...DEFAULTS, ...machine, ...linked } });
      configure();
    };
    const isFresh = () => {
      const { run } = get();
      return run === 'preparing' || (!isTraining(run) && iterationsDone(get()) === 0);
    };
    /** Sends what has been changed: all of it at iteration 0, the live settings in mid-run. */
    const flush = () => {
      clearTimeout(resting);
      if (isFresh() && pendingSettings(get()).length > 0) configure();
      else if (Object.keys(live).length > 0) send({ type: 'set', settings: live });
      live = {};
    };

    return {
      ...INITIAL_STATE,

      open: (hash) => {
        const { given, problems } = parseLink(hash);
        linked = given;
        // What was said of the link before is past.
        set((state) => ({ messages: messagesAfterLink(state, given) }));
        if (problems.length > 0) set((state) => withMessage(state, { kind: 'link', problems }));
        const { device } = get();
        if (device) begin(device, given);
      },

      receive: (event) => {
        set((state) => reduce(state, event));
        if (event.type !== 'device') return;
        if (linked) begin(event.device, linked);
        // Nothing is built, but links to the experiment say what this machine would do.
        else set(({ machine }) => ({ draft: { ...DEFAULTS, ...machine } }));
      },

      start: () => {
        flush();
        send({ type: 'start' });
      },
      pause: () => send({ type: 'pause' }),
      step: () => {
        flush();
        send({ type: 'step' });
      },
      reset: () => {
        if (pendingSettings(get()).length > 0) configure();
        else send({ type: 'reset' });
      },
      newSeed: () => {
        const [random = 0] = crypto.getRandomValues(new Uint16Array(1));
        // Short enough to be read out in class, and never the one before.
        set(({ draft }) => ({
          draft: { ...draft, seed: random === draft.seed ? random + 1 : random },
        }));
        configure();
      },

      change: (name, value) => {
        set((state) => ({ draft: { ...state.draft, [name]: value } }));
        if (isLive(name)) {
          set((state) => ({ config: { ...state.config, [name]: value } }));
          live = { ...live, [name]: value };
        }
        clearTimeout(resting);
        resting = setTimeout(flush, REST_MS);
      },
      discard: () => set((state) => ({ draft: state.config, asked: state.config })),

      toggle: (network, connected) => {
        flush();
        send({ type: 'toggle', network, connected });
      },
      setPace: (pace) => {
        set({ pace });
        send({ type: 'pace', pace });
      },
      watch: (on) => {
        set(on ? { watching: true } : { watching: false, watched: {} });
        send({ type: 'watch', on });
      },
      setShare: (share) => {
        set({ share });
        keepShare(share);
        send({ type: 'share', share });
      },
      setWishes: (wishes) => {
        set({ wishes });
        send({ type: 'tuning', wishes });
      },
      pinTuning: (pinned) => {
        get().setWishes({ ...get().wishes, pinned });
        keepWishes(get().wishes);
      },
      keepTuning: (adapter, tuning) => {
        const { pinned, measured } = get().wishes;
        get().setWishes({ pinned, measured: { ...measured, [adapter]: tuning } });
        keepWishes(get().wishes);
      },
      openFiles: (files) => send({ type: 'open-files', files }),

      tell: (message) => set((state) => withMessage(state, message)),
      dismiss: (id) =>
        set((state) => ({ messages: state.messages.filter((message) => message.id !== id) })),
      setHidden: (network, hidden) =>
        set((state) => ({
          hidden: hidden
            ? [...state.hidden, network]
            : state.hidden.filter((other) => other !== network),
          revision: state.revision + 1,
        })),
      select: (network) => set({ selected: network }),
      setView: (view) => set((state) => ({ view: { ...state.view, ...view } })),
    };
  });
}
