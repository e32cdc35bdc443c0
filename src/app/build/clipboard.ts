/** Layers as text, to be pasted here, elsewhere or into a message. */
import { neighbours } from '../../network/edit.ts';
import { parseNetwork } from '../../network/file.ts';
import type { LayerSpec, NetworkSpec } from '../../network/spec.ts';
import type { Selection } from './store.ts';

/** The selected layers; none where the input is selected. */
export const selected = (spec: NetworkSpec, selection: Selection | null): LayerSpec[] =>
  selection ? neighbours(spec, selection.address, selection.count) : [];

export const toText = (layers: readonly LayerSpec[]): string => JSON.stringify({ layers }, null, 2);

/**
 * Layers from text: what {@link toText} wrote, a whole network, a list of layers or one layer.
 *
 * @throws FathomErrors that say where it is wrong
 */
export function fromText(text: string): LayerSpec[] {
  let value: unknown = null;
  try {
    value = JSON.parse(text);
  } catch {
    // `parseNetwork` says what is wrong.
    return parseNetwork(text).layers;
  }
  const given = typeof value === 'object' && value !== null ? value : {};
  const layers = Array.isArray(value)
    ? value
    : 'layers' in given && !('name' in given && 'type' in given)
      ? given.layers
      : [value];
  const around = { version: 1, name: '', input: { channels: 1, height: 1, width: 1 }, classes: 2 };
  return parseNetwork(JSON.stringify({ ...around, layers })).layers;
}
