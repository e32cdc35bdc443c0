/** The network as a list of rows: each layer with what is to be said of it, blocks before what is in them. */
import type { FathomError } from '../../errors.ts';
import { isBlock } from '../../network/edit.ts';
import type { Address } from '../../network/edit.ts';
import type { LayerFacts, NetworkFacts } from '../../network/facts.ts';
import type { LayerSpec } from '../../network/spec.ts';

/** What is said of a layer, or of all in a block together. */
export type Summary = Pick<LayerFacts, 'shape' | 'parameters' | 'flops' | 'bytes' | 'field'>;

export interface Row {
  /** `sum` is the addition of a block; `empty` stands where a list has no layer. */
  kind: 'layer' | 'sum' | 'empty';
  /** Of the layer; of a sum, the block's; of an empty list, that of a layer put there. */
  address: Address;
  path: string;
  layer: LayerSpec | null;
  level: number;
  summary: Summary | null;
  fault: FathomError | null;
  /** Null where there is nothing to fold. */
  folded: boolean | null;
  /** Where a fold hides layers that do not fit: how many. */
  hiddenFaults: number;
}

/** Facts of every layer and block by path; those of a block are sums, its shape and field those of its end. */
export function summaries(layers: readonly LayerFacts[]): Map<string, Summary> {
  const all = new Map<string, Summary>();
  for (const { path, shape, parameters, flops, bytes, field } of layers) {
    for (let at = path; at; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
      const before = all.get(at) ?? { parameters: 0, flops: 0, bytes: 0 };
      all.set(at, {
        shape,
        field,
        parameters: before.parameters + parameters,
        flops: before.flops + flops,
        bytes: before.bytes + bytes,
      });
    }
  }
  return all;
}

/** Paths of what a connected block computes beside its layers. */
const OWN = ['shortcut', 'downsample.0', 'downsample.1', 'add'];

export function rowsOf(
  layers: readonly LayerSpec[],
  { layers: facts, faults }: Pick<NetworkFacts, 'layers' | 'faults'>,
  folded: ReadonlySet<string>,
): Row[] {
  const rows: Row[] = [];
  const known = summaries(facts);
  const faultsIn = (path: string) =>
    [...faults.keys()].filter((each) => each.startsWith(`${path}.`)).length;

  const list = (layers: readonly LayerSpec[], at: Address, prefix: string, level: number) => {
    if (layers.length === 0 && prefix) {
      rows.push(plain('empty', { address: [...at, 0], path: `${prefix}.`, level }));
    }
    for (const [index, layer] of layers.entries()) {
      const path = prefix ? `${prefix}.${layer.name}` : layer.name;
      const address = [...at, index];
      const holds = isBlock(layer);
      const isFolded = holds && folded.has(path);
      rows.push({
        kind: 'layer',
        address,
        path,
        layer,
        level,
        summary: known.get(path) ?? null,
        fault: faults.get(path) ?? null,
        folded: holds ? isFolded : null,
        hiddenFaults: isFolded ? faultsIn(path) : 0,
      });
      if (!holds || isFolded) continue;
      if (layer.type === 'stage') {
        list(layer.layers, address, path, level + 1);
        continue;
      }
      list(layer.body, [...address, 'body'], path, level + 1);
      const fault = OWN.map((own) => faults.get(`${path}.${own}`)).find((each) => each);
      rows.push({
        ...plain('sum', { address, path, level: level + 1 }),
        layer,
        summary: known.get(`${path}.add`) ?? null,
        fault: fault ?? null,
      });
      if (layer.after.length > 0) list(layer.after, [...address, 'after'], path, level + 1);
    }
  };
  list(layers, [], '', 0);
  return rows;
}

const plain = (kind: Row['kind'], place: Pick<Row, 'address' | 'path' | 'level'>): Row => ({
  kind,
  ...place,
  layer: null,
  summary: null,
  fault: null,
  folded: null,
  hiddenFaults: 0,
});

/** Where a layer dropped on a row goes: before it, behind it, or as the first or last layer of what it holds. */
export function landing(row: Row, half: 'upper' | 'lower'): Address {
  const { kind, address, layer, folded } = row;
  const end = address.at(-1);
  if (kind === 'empty' || typeof end !== 'number') return address;
  if (kind === 'sum') {
    const body = layer?.type === 'residual' ? layer.body.length : 0;
    return half === 'upper' ? [...address, 'body', body] : [...address, 'after', 0];
  }
  if (half === 'upper') return address;
  if (folded === false && layer?.type === 'stage') return [...address, 0];
  if (folded === false && layer?.type === 'residual') return [...address, 'body', 0];
  return [...address.slice(0, -1), end + 1];
}

/** Whether two addresses are the same place. */
export const isSame = (a: Address, b: Address): boolean =>
  a.length === b.length && a.every((step, i) => step === b[i]);
