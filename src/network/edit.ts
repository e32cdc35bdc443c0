/**
 * Changes to a network by hand. A spec is never altered: each change gives a new one, so that a history is a list of
 * specs.
 */
import type { LayerSpec, NetworkSpec, ResidualSpec, StageSpec } from './spec.ts';

/** Where a layer stands: the index in each list on the way to it, and in a residual block which of its two lists. */
export type Address = readonly (number | 'body' | 'after')[];

/** The lists that hold layers: of the network, of a stage, a block's body and what comes after its addition. */
const listsOf = (layer: LayerSpec): Partial<Record<'layers' | 'body' | 'after', LayerSpec[]>> => {
  switch (layer.type) {
    case 'stage':
      return { layers: layer.layers };
    case 'residual':
      return { body: layer.body, after: layer.after };
    default:
      return {};
  }
};

/** Whether a layer holds others. */
export const isBlock = (layer: LayerSpec | undefined): layer is StageSpec | ResidualSpec =>
  layer?.type === 'stage' || layer?.type === 'residual';

/** The layer at an address; undefined where there is none. */
export function layerAt(spec: NetworkSpec, address: Address): LayerSpec | undefined {
  let [list, layer]: [LayerSpec[] | undefined, LayerSpec | undefined] = [spec.layers, undefined];
  for (const step of address) {
    if (typeof step === 'number') {
      layer = list?.[step];
      list = layer && listsOf(layer).layers;
    } else {
      list = layer && listsOf(layer)[step];
    }
  }
  return layer;
}

/** Every layer with its address and its path, a block before what is in it. */
export function* eachLayer(
  layers: readonly LayerSpec[],
  at: Address = [],
  prefix = '',
): Generator<{ layer: LayerSpec; address: Address; path: string }> {
  for (const [index, layer] of layers.entries()) {
    const address = [...at, index];
    const path = prefix ? `${prefix}.${layer.name}` : layer.name;
    yield { layer, address, path };
    if (layer.type === 'stage') yield* eachLayer(layer.layers, address, path);
    if (layer.type === 'residual') {
      yield* eachLayer(layer.body, [...address, 'body'], path);
      yield* eachLayer(layer.after, [...address, 'after'], path);
    }
  }
}

/** Puts layers before the one at `address`, or at the end of its list; names that are taken there get a number. */
export function insert(
  spec: NetworkSpec,
  address: Address,
  layers: readonly LayerSpec[],
): NetworkSpec {
  const taken = namesAround(spec, address);
  const named = layers.map((layer) => {
    const name = freshName(layer.name, taken);
    taken.add(name);
    return { ...layer, name };
  });
  return splice(spec, address, 0, named);
}

/** Takes `count` neighbouring layers out, the one at `address` first. */
export const remove = (spec: NetworkSpec, address: Address, count = 1): NetworkSpec =>
  splice(spec, address, count, []);

/** Puts a layer in the place of the one at `address`. */
export const replace = (spec: NetworkSpec, address: Address, layer: LayerSpec): NetworkSpec =>
  splice(spec, address, 1, [layer]);

/** Copies a layer, with all that is in it, so that there are `times` of them one after the other. */
export function repeat(spec: NetworkSpec, address: Address, times: number): NetworkSpec {
  const layer = layerAt(spec, address);
  if (!layer) return spec;
  return insert(
    spec,
    after(address),
    Array.from({ length: times - 1 }, () => layer),
  );
}

/**
 * Moves `count` neighbouring layers, the one at `from` first, to `to`, an address in the spec as it is: before the layer there,
 * or at the end of that list. Into themselves they cannot be moved: nothing changes.
 */
export function move(spec: NetworkSpec, from: Address, to: Address, count = 1): NetworkSpec {
  const layers = neighbours(spec, from, count);
  const isInside = (_: LayerSpec, i: number) => after(from, i).every((step, j) => to[j] === step);
  if (layers.length < count || layers.some(isInside)) return spec;
  // Marks stand in the old places meanwhile, so that `to` still means what it meant; they take no name away.
  const marks = layers.map((): LayerSpec => ({ type: 'identity', name: '' }));
  const placed = insert(splice(spec, from, count, marks), to, layers);
  for (const { layer, address } of eachLayer(placed.layers)) {
    if (layer === marks[0]) return remove(placed, address, count);
  }
  return placed;
}

/** Makes neighbouring layers the body of a residual block. */
export function wrap(spec: NetworkSpec, address: Address, count = 1): NetworkSpec {
  const body = neighbours(spec, address, count);
  if (body.length < count) return spec;
  const block: ResidualSpec = {
    type: 'residual',
    name: 'block',
    connected: true,
    shortcut: 'A',
    zero_channels: 'end',
    projection_norm: { type: 'batch_norm' },
    body,
    after: [],
  };
  return insert(remove(spec, address, count), address, [block]);
}

/** The layers of a list from an address on, `count` of them where there are as many. */
export const neighbours = (spec: NetworkSpec, address: Address, count: number): LayerSpec[] =>
  Array.from({ length: count }, (_, i) => layerAt(spec, after(address, i))).filter(
    (layer) => layer !== undefined,
  );

/** Puts what is in a block or a stage in its place. */
export function unwrap(spec: NetworkSpec, address: Address): NetworkSpec {
  const layer = layerAt(spec, address);
  const inside = layer && Object.values(listsOf(layer)).flat();
  if (!inside || inside.length === 0) return spec;
  return insert(remove(spec, address), address, inside);
}

/** The address `steps` places on in the same list. */
export const after = (address: Address, steps = 1): Address =>
  address.map((step, i) =>
    i === address.length - 1 && typeof step === 'number' ? step + steps : step,
  );

/** `conv1`, `conv2`, … : the first of these that is not taken. */
export function freshName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  const [, base = name, digits = ''] = /^(.*?)(\d*)$/.exec(name) ?? [];
  for (let number = digits ? Number(digits) + 1 : 2; ; number++) {
    if (!taken.has(`${base}${String(number)}`)) return `${base}${String(number)}`;
  }
}

/** Names that a layer at `address` must not bear: of its list, and in a block of both its lists. */
function namesAround(spec: NetworkSpec, address: Address): Set<string> {
  const list = address.at(-2);
  const parent = layerAt(spec, address.slice(0, typeof list === 'number' ? -1 : -2));
  const siblings = parent ? Object.values(listsOf(parent)).flat() : spec.layers;
  return new Set(siblings.map(({ name }) => name));
}

/** As `Array.prototype.splice` on the list that `address` leads to; a copy. */
function splice(
  spec: NetworkSpec,
  address: Address,
  count: number,
  layers: readonly LayerSpec[],
): NetworkSpec {
  const inList = (list: LayerSpec[], [index, ...rest]: Address): LayerSpec[] => {
    if (typeof index !== 'number') return list;
    if (rest.length === 0) return list.toSpliced(index, count, ...layers);
    return list.map((layer, i) => (i === index ? inLayer(layer, rest) : layer));
  };
  const inLayer = (layer: LayerSpec, rest: Address): LayerSpec => {
    const [list, ...further] = rest;
    if (layer.type === 'stage') return { ...layer, layers: inList(layer.layers, rest) };
    if (layer.type === 'residual' && list === 'body') {
      return { ...layer, body: inList(layer.body, further) };
    }
    if (layer.type === 'residual' && list === 'after') {
      return { ...layer, after: inList(layer.after, further) };
    }
    return layer;
  };
  return { ...spec, layers: inList(spec.layers, address) };
}
