/** What may be done to single layers of a network while it trains; a new spec each time, by the same names. */
import { FathomError } from '../errors.ts';
import { eachLayer, replace } from './edit.ts';
import type { LayerSpec, NetworkSpec } from './spec.ts';

type Layer<T extends LayerSpec['type']> = Extract<LayerSpec, { type: T }>;

/** Every layer of one type, with its path. */
export const layersOf = <T extends LayerSpec['type']>(
  spec: NetworkSpec,
  type: T,
): { path: string; layer: Layer<T> }[] =>
  [...eachLayer(spec.layers)].flatMap(({ layer, path }) =>
    layer.type === type ? [{ path, layer: layer as Layer<T> }] : [],
  );

/** Connects or cuts the shortcut of one residual block. Throws a FathomError `no-layer` where there is none. */
export const withShortcut = (spec: NetworkSpec, path: string, connected: boolean): NetworkSpec =>
  withLayer(spec, path, 'residual', (block) => ({ ...block, connected }));

/** Freezes one batch norm, or lets it learn again. Throws a FathomError `no-layer` where there is none. */
export const withFrozen = (spec: NetworkSpec, path: string, frozen: boolean): NetworkSpec =>
  withLayer(spec, path, 'batch_norm', (norm) => ({ ...norm, frozen }));

function withLayer<T extends LayerSpec['type']>(
  spec: NetworkSpec,
  path: string,
  type: T,
  change: (layer: Layer<T>) => Layer<T>,
): NetworkSpec {
  for (const { layer, address, path: at } of eachLayer(spec.layers)) {
    if (at === path && layer.type === type)
      return replace(spec, address, change(layer as Layer<T>));
  }
  throw new FathomError('no-layer', `the network ${spec.name} has no ${type} at "${path}"`, {
    path,
  });
}
