/** The networks of an experiment: those of the family by their names, those by hand as the configuration holds them. */
import { FathomError } from '../errors.ts';
import type { Dataset } from '../data/dataset.ts';
import { changesOf, cifarNetwork, parseNetworkId } from '../network/families.ts';
import { adapt, checkTrainable } from '../network/fit.ts';
import type { NetworkSpec } from '../network/spec.ts';
import type { ExperimentConfig } from './config.ts';

/** What a network must know of a data set. */
export type DataShape = Pick<Dataset, 'channels' | 'height' | 'width' | 'classes'>;

/**
 * The spec of network `id` under a configuration and a data set. A network by hand is fitted to the images and classes.
 *
 * @throws FathomError `network-fit` where a network by hand cannot be
 */
export function specOf(id: string, config: ExperimentConfig, dataset: DataShape): NetworkSpec {
  const { channels, height, width } = dataset;
  const purpose = { input: { channels, height, width }, classes: dataset.classes.length };
  const byHand = config.custom[id];
  if (byHand) return fitted(id, adapt(byHand, purpose));
  return { ...drawn(id, config, purpose), name: id };
}

/** The spec to draw: as {@link specOf} for images and classes of the usual kind, a network by hand as it was made. */
export function drawingOf(id: string, config: ExperimentConfig): NetworkSpec {
  const purpose = { input: { channels: 3, height: 32, width: 32 }, classes: 10 };
  return config.custom[id] ?? drawn(id, config, purpose);
}

function drawn(
  id: string,
  { width, shortcut }: ExperimentConfig,
  purpose: Pick<NetworkSpec, 'input' | 'classes'>,
): NetworkSpec {
  const { depth, residual, ...rest } = parseNetworkId(id);
  return cifarNetwork({ depth, residual, width, shortcut, ...purpose, ...changesOf(rest) });
}

function fitted(id: string, spec: NetworkSpec): NetworkSpec {
  try {
    checkTrainable(spec);
  } catch (error) {
    if (!(error instanceof FathomError)) throw error;
    const { channels, height, width } = spec.input;
    const images = `${channels}×${height}×${width}`;
    const { classes } = spec;
    const reason = error.message;
    throw new FathomError(
      'network-fit',
      `network "${id}" does not fit images of ${images} in ${classes} classes: ${reason}`,
      { id, images, classes, reason },
      error,
    );
  }
  return { ...spec, name: id };
}
