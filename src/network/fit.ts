/** A network by hand under another data set: its input, its classes, and the last layer that counts them. */
import { FathomError } from '../errors.ts';
import { eachLayer, replace } from './edit.ts';
import { buildGraph, countParameters } from './graph.ts';
import { withShortcuts } from './families.ts';
import type { LayerSpec, NetworkSpec } from './spec.ts';

/** What a data set asks of a network. */
export type Purpose = Pick<NetworkSpec, 'input' | 'classes'>;

/** Layers with weights, as depth is counted in the literature: convolutions and linear layers, projections left out. */
export function depthOf({ layers }: Pick<NetworkSpec, 'layers'>): number {
  let depth = 0;
  for (const { layer } of eachLayer(layers)) depth += Number(channelsOf(layer) !== undefined);
  return depth;
}

/** Whether any residual block adds its shortcut; null where there is no block. */
export function isConnected({ layers }: Pick<NetworkSpec, 'layers'>): boolean | null {
  const blocks = [...eachLayer(layers)].flatMap(({ layer }) =>
    layer.type === 'residual' ? [layer.connected] : [],
  );
  return blocks.length === 0 ? null : blocks.includes(true);
}

/**
 * The same network for other images and classes. Its last convolution or linear layer follows where it had an output for
 * each of the old classes.
 */
export function adapt(spec: NetworkSpec, { input, classes }: Purpose): NetworkSpec {
  const last = [...eachLayer(spec.layers)].findLast(({ layer }) => channelsOf(layer) !== undefined);
  const follows = last && classes !== spec.classes && channelsOf(last.layer) === spec.classes;
  const adapted = follows ? replace(spec, last.address, withChannels(last.layer, classes)) : spec;
  return { ...adapted, input, classes };
}

/**
 * Refuses a network that cannot train, as it is wired or with all its shortcuts connected.
 *
 * @throws FathomErrors of {@link buildGraph}, and `no-parameters`
 */
export function checkTrainable(spec: NetworkSpec): void {
  buildGraph(spec, 1);
  const graph = buildGraph(withShortcuts(spec, true), 1);
  if (countParameters(graph) === 0) {
    throw new FathomError('no-parameters', 'the network learns nothing: no layer has weights');
  }
}

function channelsOf(layer: LayerSpec): number | undefined {
  if (layer.type === 'conv2d') return layer.out_channels;
  return layer.type === 'linear' ? layer.out_features : undefined;
}

function withChannels(layer: LayerSpec, count: number): LayerSpec {
  if (layer.type === 'conv2d') return { ...layer, out_channels: count };
  return layer.type === 'linear' ? { ...layer, out_features: count } : layer;
}
