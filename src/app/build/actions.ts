/** What can be done with the selected layers, from buttons, keys and menus alike. */
import { useMemo } from 'react';
import {
  after,
  insert,
  isBlock,
  layerAt,
  move,
  remove,
  replace,
  unwrap,
  wrap,
} from '../../network/edit.ts';
import type { Address } from '../../network/edit.ts';
import { factsOf } from '../../network/facts.ts';
import type { LayerSpec, NetworkSpec } from '../../network/spec.ts';
import { selected } from './clipboard.ts';
import { freshLayer } from './layers.ts';
import type { LayerType } from './layers.ts';
import { isSame, summaries } from './rows.ts';
import { theStore } from './store.ts';
import type { Board, Selection } from './store.ts';

/** The list that an address leads into, and its place there. */
const placeOf = (address: Address): number => {
  const last = address.at(-1);
  return typeof last === 'number' ? last : 0;
};

/** The block or stage that holds the layer at an address; empty for the network's own list. */
const parentOf = (address: Address): Address =>
  address.slice(0, typeof address.at(-2) === 'string' ? -2 : -1);

/** Names of the layers on the way to an address, and its own. */
const namesTo = (spec: NetworkSpec, address: Address): string[] =>
  address.flatMap((step, i) =>
    typeof step === 'number' ? [layerAt(spec, address.slice(0, i + 1))?.name ?? ''] : [],
  );

const pathOf = (spec: NetworkSpec, address: Address): string => namesTo(spec, address).join('.');

/** Where new layers go: behind the selection, or into a block that is empty; behind the input where that is selected. */
function behind({ spec, selection }: Pick<Board, 'spec' | 'selection'>): Address {
  if (!selection) return [0];
  const { address, count } = selection;
  const layer = layerAt(spec, address);
  if (count === 1 && layer?.type === 'stage' && layer.layers.length === 0) return [...address, 0];
  if (count === 1 && layer?.type === 'residual' && layer.body.length === 0) {
    return [...address, 'body', 0];
  }
  return after(address, count);
}

/** The shape that comes out of the layer before `address`, as far as it is known. */
function shapeBefore(spec: NetworkSpec, address: Address): readonly number[] {
  const { channels, height, width } = spec.input;
  const known = summaries(factsOf(spec).layers);
  const paths = pathsTo(spec, address);
  for (const path of paths) {
    const found = known.get(path);
    if (found) return found.shape;
  }
  return [channels, height, width];
}

/** Paths of the layers before an address in its list, the nearest first. */
function pathsTo(spec: NetworkSpec, address: Address): string[] {
  const names = namesTo(spec, parentOf(address));
  const before = Array.from({ length: placeOf(address) }, (_, i) =>
    layerAt(spec, [...address.slice(0, -1), placeOf(address) - 1 - i]),
  );
  return before.flatMap((layer) => (layer ? [[...names, layer.name].join('.')] : []));
}

export interface Actions {
  add(type: LayerType): void;
  paste(layers: readonly LayerSpec[]): void;
  set(address: Address, layer: LayerSpec): void;
  remove(): void;
  duplicate(): void;
  repeat(times: number): void;
  wrap(): void;
  unwrap(): void;
  /** Moves the selection by one place, past a neighbour; at an end of a block's body past its addition. */
  shift(direction: 1 | -1): void;
  /** Moves the selection into the block before it, else into the one behind it. */
  enter(): void;
  /** Moves the selection out of its block: in front of it where it stands first of several, else behind it. */
  leave(): void;
  /** Takes one more neighbour into the selection, or leaves one out. */
  extend(direction: 1 | -1): void;
  extendTo(address: Address): void;
  selectParent(): void;
}

/** The actions on a board. */
export function actionsOn(store: ReturnType<typeof theStore>): Actions {
  const now = () => store.getState();
  const put = (layers: readonly LayerSpec[]) => {
    const { spec, edit } = now();
    const at = behind(now());
    edit(insert(spec, at, layers), { address: at, count: layers.length });
  };
  const withSelection = (act: (selection: Selection, board: Board) => void) => {
    const { selection } = now();
    if (selection) act(selection, now());
  };

  return {
    add: (type) => {
      const { spec } = now();
      const shape = shapeBefore(spec, behind(now()));
      put([freshLayer(type, { shape, classes: spec.classes })]);
    },
    paste: (layers) => {
      if (layers.length > 0) put(layers);
    },
    set: (address, layer) => now().edit(replace(now().spec, address, layer)),
    remove: () =>
      withSelection(({ address, count }, { spec, edit }) => {
        const left = remove(spec, address, count);
        const place = placeOf(address);
        const next = layerAt(left, address) ? address : place > 0 ? after(address, -1) : null;
        edit(left, next && { address: next, count: 1 });
      }),
    duplicate: () => withSelection((selection, { spec }) => put(selected(spec, selection))),
    repeat: (times) =>
      withSelection((selection, { spec, edit }) => {
        const layers = selected(spec, selection);
        const more = Array.from({ length: times - 1 }, () => layers).flat();
        edit(insert(spec, after(selection.address, selection.count), more));
      }),
    wrap: () =>
      withSelection(({ address, count }, { spec, edit }) =>
        edit(wrap(spec, address, count), { address, count: 1 }),
      ),
    unwrap: () =>
      withSelection(({ address }, { spec, edit }) =>
        edit(unwrap(spec, address), { address, count: 1 }),
      ),
    shift: (direction) =>
      withSelection(({ address, count }, { spec, edit }) => {
        const neighbour = after(address, direction === 1 ? count : -1);
        if (placeOf(neighbour) >= 0 && layerAt(spec, neighbour)) {
          // The neighbour goes to the other side.
          const to = direction === 1 ? address : after(address, count);
          edit(move(spec, neighbour, to), { address: after(address, direction), count });
          return;
        }
        const block = parentOf(address);
        const list = address.at(-2);
        const layer = layerAt(spec, block);
        if (layer?.type !== 'residual' || list !== (direction === 1 ? 'body' : 'after')) return;
        const to: Address =
          direction === 1 ? [...block, 'after', 0] : [...block, 'body', layer.body.length];
        edit(move(spec, address, to, count), { address: to, count });
      }),
    enter: () =>
      withSelection(({ address, count }, { spec, edit, fold }) => {
        const before = after(address, -1);
        const behind = after(address, count);
        const block = [before, behind].find((each) => isBlock(layerAt(spec, each)));
        const layer = block && layerAt(spec, block);
        if (!block || !isBlock(layer)) return;
        const list: Address = layer.type === 'residual' ? ['body'] : [];
        const { length } = layer.type === 'residual' ? layer.body : layer.layers;
        const place = block === before ? length : 0;
        fold(pathOf(spec, block), false);
        edit(move(spec, address, [...block, ...list, place], count), {
          // The block behind moves up to where the layers were.
          address: [...(block === before ? before : address), ...list, place],
          count,
        });
      }),
    leave: () =>
      withSelection(({ address, count }, { spec, edit }) => {
        const block = parentOf(address);
        if (block.length === 0) return;
        const isFirst = placeOf(address) === 0 && address.at(-2) !== 'after';
        const inFront = isFirst && layerAt(spec, after(address, count)) !== undefined;
        const to = inFront ? block : after(block);
        edit(move(spec, address, to, count), { address: to, count });
      }),
    extend: (direction) =>
      withSelection(({ address, count }, { spec, select }) => {
        if (direction === 1 && layerAt(spec, after(address, count))) {
          select({ address, count: count + 1 });
        } else if (direction === -1 && count > 1) select({ address, count: count - 1 });
        else if (direction === -1 && placeOf(address) > 0) {
          select({ address: after(address, -1), count: count + 1 });
        }
      }),
    extendTo: (address) => {
      const { selection, select } = now();
      const isNear = selection && isSame(selection.address.slice(0, -1), address.slice(0, -1));
      if (!isNear) return select({ address, count: 1 });
      const [from, to] = [placeOf(selection.address), placeOf(address)];
      const first = Math.min(from, to);
      const last = Math.max(from + selection.count - 1, to);
      select({ address: [...address.slice(0, -1), first], count: last - first + 1 });
    },
    selectParent: () =>
      withSelection(({ address }, { select }) => {
        const parent = parentOf(address);
        if (parent.length > 0) select({ address: parent, count: 1 });
      }),
  };
}

export function useActions(): Actions {
  return useMemo(() => actionsOn(theStore()), []);
}
