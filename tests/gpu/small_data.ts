/** Data for runs that take seconds on a software adapter. */
import { generateBuiltin } from '../../src/data/builtin.ts';
import type { Dataset } from '../../src/data/dataset.ts';

const made = new Map<number, Promise<Dataset>>();

/** A part of the built-in set: all of its training pictures, twenty of its test pictures. */
export function smallBuiltin(size: number): Promise<Dataset> {
  const present = made.get(size);
  if (present) return present;
  const cut = generateBuiltin({ size }).then((dataset) => {
    const { images, labels } = dataset.test;
    const test = {
      count: 20,
      images: images.slice(0, 20 * 3 * size * size),
      labels: labels.slice(0, 20),
    };
    return { ...dataset, test };
  });
  made.set(size, cut);
  return cut;
}
