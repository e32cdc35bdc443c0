/** The layers with weights of a network that is observed, each in the three numbers that tell whether it can learn. */
import type { Observation } from '../engine/observe.ts';

export interface WatchedLayer {
  /** Of the layer with weights. */
  path: string;
  /** Standard deviation of what the layer hands on: the last output before the next layer with weights. */
  deviation: number;
  /** Share of zeros in it. */
  zeros: number;
  /** ‖dL/dW‖. */
  gradient: number;
  /** ‖ΔW‖ / ‖W‖ of the next step. */
  update: number;
}

/** In the order of the forward pass. Projections of shortcuts stand beside the way through and are left out. */
export function watchedLayers({ layers, parameters }: Observation): WatchedLayer[] {
  const weights = new Map(
    parameters.flatMap((parameter) => {
      const [, path] = /^(.*)\.weight$/.exec(parameter.name) ?? [];
      return path === undefined ? [] : [[path, parameter] as const];
    }),
  );
  const watched: WatchedLayer[] = [];
  for (const { path, op, output } of layers) {
    if (path.includes('downsample')) continue;
    const own = op === 'conv2d' || op === 'linear' ? weights.get(path) : undefined;
    if (own) {
      watched.push({
        path,
        deviation: 0,
        zeros: 0,
        gradient: own.gradient.norm,
        update: own.update.norm / own.value.norm,
      });
    }
    const last = watched.at(-1);
    if (last) {
      last.deviation = output.deviation;
      last.zeros = output.zeros / output.count;
    }
  }
  return watched;
}
