/** What a person should know of a set before training on it. */
import { inByteChunks } from './chunks.ts';
import type { Dataset, LabelledImages, Part } from './dataset.ts';
import { classCounts } from './statistics.ts';

/** A class of fewer training pictures hardly teaches anything. */
export const FEW_PICTURES = 10;

export interface PictureReference {
  part: Part;
  index: number;
  /** The file it was read from, where it has one. */
  name?: string;
}

export type DataWarning =
  /** Classes of fewer training pictures than `expected`. */
  | { kind: 'few-pictures'; classes: { name: string; count: number }[]; expected: number }
  /** Pictures that are the same, pixel by pixel, within one part of the set. */
  | { kind: 'same-pictures'; groups: PictureReference[][] }
  /** Pictures of the test set that stand in the training set as well: its error says less than it seems. */
  | { kind: 'shared-pictures'; groups: PictureReference[][] }
  /** Files that could not be decoded and were left out. */
  | { kind: 'unreadable-pictures'; names: string[] };

export async function warningsOf(dataset: Dataset): Promise<DataWarning[]> {
  const warnings: DataWarning[] = [];
  const counts = classCounts(dataset.train.labels, dataset.classes.length);
  const classes = dataset.classes
    .map((name, label) => ({ name, count: counts[label] ?? 0 }))
    .filter(({ count }) => count < FEW_PICTURES);
  if (classes.length > 0) warnings.push({ kind: 'few-pictures', classes, expected: FEW_PICTURES });

  const groups = await samePictures(dataset);
  const isShared = (group: PictureReference[]) => new Set(group.map(({ part }) => part)).size > 1;
  const shared = groups.filter(isShared);
  const same = groups.filter((group) => !isShared(group));
  if (same.length > 0) warnings.push({ kind: 'same-pictures', groups: same });
  if (shared.length > 0) warnings.push({ kind: 'shared-pictures', groups: shared });

  const names = dataset.unreadable ?? [];
  if (names.length > 0) warnings.push({ kind: 'unreadable-pictures', names });
  return warnings;
}

/** Groups of two or more pictures whose pixels are all the same. */
async function samePictures({ train, test }: Dataset): Promise<PictureReference[][]> {
  const parts: [Part, LabelledImages][] = [
    ['train', train],
    ['test', test],
  ];
  /** By hash; pictures of one hash may still differ. */
  const buckets = new Map<number, PictureReference[][]>();
  const pixelsOf = ({ part, index }: PictureReference) => picture({ train, test }[part], index);
  const sortIn = (part: Part, images: LabelledImages, index: number) => {
    const name = images.names?.[index];
    const reference = { part, index, ...(name === undefined ? {} : { name }) };
    const pixels = picture(images, index);
    const hash = hashOf(pixels);
    const bucket = buckets.get(hash);
    if (!bucket) {
      buckets.set(hash, [[reference]]);
      return;
    }
    const group = bucket.find(([first]) => first && equal(pixelsOf(first), pixels));
    if (group) group.push(reference);
    else bucket.push([reference]);
  };
  for (const [part, images] of parts) {
    await inByteChunks(images.count, images.images.length / images.count, (from, to) => {
      for (let index = from; index < to; index++) sortIn(part, images, index);
    });
  }
  return [...buckets.values()].flat().filter((group) => group.length > 1);
}

function picture({ images, count }: LabelledImages, index: number): Uint8Array {
  const bytes = images.length / count;
  return images.subarray(index * bytes, (index + 1) * bytes);
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((value, i) => value === b[i]);
}
