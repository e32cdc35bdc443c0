/**
 * The network on the drawing board: its history without end, what is selected and what is folded. A spec is never
 * altered, so the history is a list of specs.
 */
import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';
import { after, eachLayer, isBlock, layerAt } from '../../network/edit.ts';
import type { Address } from '../../network/edit.ts';
import type { NetworkSpec } from '../../network/spec.ts';

/** Neighbouring layers of one list: the first, and how many. */
export interface Selection {
  address: Address;
  count: number;
}

export interface Board {
  spec: NetworkSpec;
  past: readonly NetworkSpec[];
  future: readonly NetworkSpec[];
  /** Null where the input is selected. */
  selection: Selection | null;
  /** Paths of stages and blocks whose insides are not shown. */
  folded: ReadonlySet<string>;
  /** What the page has to say, until it is closed: why a file or a link was not opened. */
  notice: string | null;
  tell(notice: string | null): void;
  /** Makes a change that can be undone. */
  edit(spec: NetworkSpec, selection?: Selection | null): void;
  undo(): void;
  redo(): void;
  /** Another network in its place; it can be undone as well. */
  open(spec: NetworkSpec): void;
  select(selection: Selection | null): void;
  fold(path: string, folded: boolean): void;
  foldAll(folded: boolean): void;
}

/** More rows than this are folded when a network is opened. */
const READABLE = 30;

/** All stages and blocks. */
const blocksOf = ({ layers }: NetworkSpec): { path: string; address: Address }[] =>
  [...eachLayer(layers)].filter(({ layer }) => isBlock(layer));

/** Folds as little as makes a network readable: blocks first, then what holds them. */
export function foldedAtFirst(spec: NetworkSpec): Set<string> {
  const all = [...eachLayer(spec.layers)];
  const folded = new Set<string>();
  const shown = () =>
    all.filter(({ path }) => ![...folded].some((each) => path.startsWith(`${each}.`))).length;
  const blocks = blocksOf(spec);
  const levels = [...new Set(blocks.map(({ address }) => address.length))].sort((a, b) => b - a);
  for (const level of levels) {
    if (shown() <= READABLE) break;
    for (const { path, address } of blocks) if (address.length === level) folded.add(path);
  }
  return folded;
}

/** What of a selection is still there. */
function still(spec: NetworkSpec, selection: Selection | null): Selection | null {
  if (!selection) return null;
  let count = 0;
  while (count < selection.count && layerAt(spec, after(selection.address, count))) count++;
  return count > 0 ? { ...selection, count } : null;
}

export function createBoard(spec: NetworkSpec) {
  return createStore<Board>()((set) => ({
    spec,
    past: [],
    future: [],
    selection: null,
    folded: foldedAtFirst(spec),
    notice: null,
    tell: (notice) => set({ notice }),

    edit: (next, selection) =>
      set((board) =>
        next === board.spec
          ? {}
          : {
              spec: next,
              past: [...board.past, board.spec],
              future: [],
              selection: still(next, selection === undefined ? board.selection : selection),
            },
      ),
    undo: () =>
      set(({ spec, past, future, selection }) => {
        const before = past.at(-1);
        if (!before) return {};
        return {
          spec: before,
          past: past.slice(0, -1),
          future: [spec, ...future],
          selection: still(before, selection),
        };
      }),
    redo: () =>
      set(({ spec, past, future, selection }) => {
        const [next, ...rest] = future;
        if (!next) return {};
        return {
          spec: next,
          past: [...past, spec],
          future: rest,
          selection: still(next, selection),
        };
      }),
    open: (next) =>
      set((board) => ({
        spec: next,
        past: [...board.past, board.spec],
        future: [],
        selection: null,
        folded: foldedAtFirst(next),
      })),
    select: (selection) => set({ selection }),
    fold: (path, fold) =>
      set(({ folded }) => {
        const next = new Set(folded);
        if (fold) next.add(path);
        else next.delete(path);
        return { folded: next };
      }),
    foldAll: (fold) =>
      set(({ spec }) => ({ folded: new Set(fold ? blocksOf(spec).map(({ path }) => path) : []) })),
  }));
}

export type BoardStore = ReturnType<typeof createBoard>;

/** One for the page, so that leaving it loses nothing, not even the history. */
let board: BoardStore | null = null;

/** The board of this visit; `first` says what lies on it when it is first opened. */
export const openBoard = (first: () => NetworkSpec): BoardStore => (board ??= createBoard(first()));

/** The board that is open: the page opens it before its parts use it. */
export function theStore(): BoardStore {
  if (!board) throw new Error('no board is open');
  return board;
}

export const useBoard = <T>(selector: (state: Board) => T): T => useStore(theStore(), selector);
