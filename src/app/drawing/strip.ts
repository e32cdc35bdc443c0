/**
 * A network as a row of bars, one for each layer with weights, and arcs for its shortcuts.
 */
import { factsOf } from '../../network/facts.ts';
import type { LayerSpec, NetworkSpec } from '../../network/spec.ts';

export interface Bar {
  path: string;
  /** Side of the layer's output relative to the network's input: 1, ½, ¼; 0 after pooling. */
  side: number;
}

export interface Arc {
  path: string;
  /** The shortcut leaves after bar `from` (-1 is the input) and comes in after bar `to`. */
  from: number;
  to: number;
}

export interface Strip {
  bars: Bar[];
  /** Shortcuts of all residual blocks, connected or not. */
  arcs: Arc[];
  /** The bar under which a layer's work is shown, for every layer and block by its path. */
  barOf: ReadonlyMap<string, number>;
}

/** Walks a network in the order of its forward pass. */
export function stripOf(spec: NetworkSpec): Strip {
  const bars: Bar[] = [];
  const arcs: Arc[] = [];
  const barOf = new Map<string, number>();
  const heights = new Map(factsOf(spec).layers.map(({ path, shape }) => [path, shape[1] ?? 0]));

  const walk = (layers: readonly LayerSpec[], prefix: string) => {
    for (const layer of layers) {
      const path = prefix + layer.name;
      switch (layer.type) {
        case 'stage':
          walk(layer.layers, `${path}.`);
          break;
        case 'residual': {
          const from = bars.length - 1;
          walk(layer.body, `${path}.`);
          arcs.push({ path, from, to: bars.length - 1 });
          barOf.set(path, bars.length - 1);
          walk(layer.after, `${path}.`);
          break;
        }
        case 'conv2d':
        case 'linear':
          bars.push({ path, side: (heights.get(path) ?? 0) / spec.input.height });
          barOf.set(path, bars.length - 1);
          break;
        default:
          barOf.set(path, bars.length - 1);
      }
    }
  };
  walk(spec.layers, '');
  return { bars, arcs, barOf };
}

/**
 * The bar of whatever the worker names: a layer, a block, or one of a layer's parameters or steps
 * (`layer1.0.conv1.weight`). Null where the path is none of this network's.
 */
export function barAt(strip: Strip, path: string): number | null {
  for (let known = path; known; known = known.slice(0, Math.max(0, known.lastIndexOf('.')))) {
    const bar = strip.barOf.get(known);
    if (bar !== undefined) return bar;
  }
  return null;
}
