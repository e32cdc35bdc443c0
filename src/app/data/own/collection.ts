/**
 * One's own images before they are a set: classes of files that a reader picks or takes with the camera. It is no part of
 * the page's components, so that nothing is lost while another page is looked at.
 */
import { createStore } from 'zustand/vanilla';
import { isPartName, isPictureName, pictureEntriesOf, placeOf } from '../../../data/folders.ts';
import { baseName } from '../../../data/files.ts';
import type { NamedBlob } from '../../../data/files.ts';
import { openZip } from '../../../data/zip.ts';
import type { Part } from '../../../data/dataset.ts';
import { FathomError } from '../../../errors.ts';

export interface OwnImage {
  id: number;
  /** File name, with its ending. */
  name: string;
  blob: Blob;
  /** Shows `blob`. */
  url: string;
  /** Null where the split is drawn. */
  part: Part | null;
  /** Left out images stay where they are, and can be taken in again. */
  used: boolean;
}

export interface OwnClass {
  id: number;
  name: string;
  images: OwnImage[];
}

export interface Collection {
  classes: OwnClass[];
  /** What was removed last, and can come back. */
  removed: OwnClass | null;
  /** Why nothing came of the files that were given last: a FathomError. */
  failure: unknown;
  /** An empty class. */
  addClass(name: string): void;
  /** Takes the class away, with its images. */
  removeClass(id: number): void;
  /** Takes back the last {@link removeClass}. */
  restore(): void;
  /** Two classes of one name become one. A name that no folder of a class may have leaves the class as it is. */
  rename(id: number, name: string): void;
  /** Puts images into a class; a zip counts as the images in it. */
  addTo(id: number, files: readonly NamedBlob[]): Promise<void>;
  /** Sorts images into classes by their folders, those of zips too. */
  addFolders(files: readonly NamedBlob[]): Promise<void>;
  /** Leaves images out, or takes them in again. */
  use(images: ReadonlySet<number>, used: boolean): void;
}

let last = 0;

/** An image of a class. */
function imageOf({ name, blob }: NamedBlob, part: Part | null): OwnImage {
  const url = URL.createObjectURL(blob);
  return { id: ++last, name: baseName(name), blob, url, part, used: true };
}

export const collection = createStore<Collection>()((set, get) => {
  const change = (id: number, with_: (own: OwnClass) => OwnClass) =>
    set(({ classes }) => ({ classes: classes.map((own) => (own.id === id ? with_(own) : own)) }));
  /** All of the files are added, or none. */
  const adding = async (work: () => Promise<void>) => {
    set({ failure: null });
    await work().catch((failure: unknown) => set({ failure }));
  };
  return {
    classes: [],
    removed: null,
    failure: null,

    addClass: (name) =>
      set(({ classes }) => ({ classes: [...classes, { id: ++last, name, images: [] }] })),
    removeClass: (id) => {
      const { classes, removed } = get();
      for (const { url } of removed?.images ?? []) URL.revokeObjectURL(url);
      set({
        classes: classes.filter((own) => own.id !== id),
        removed: classes.find((own) => own.id === id) ?? null,
      });
    },
    restore: () =>
      set(({ classes, removed }) => ({
        classes: removed ? [...classes, removed] : classes,
        removed: null,
      })),
    rename: (id, wish) => {
      const name = folderName(wish);
      const { classes } = get();
      const own = classes.find((each) => each.id === id);
      if (!own || name === own.name || name === '' || isPartName(name)) return;
      const other = classes.find((each) => each.name === name);
      if (!other) return change(id, (before) => ({ ...before, name }));
      change(other.id, (before) => ({ ...before, images: [...before.images, ...own.images] }));
      set((state) => ({ classes: state.classes.filter((each) => each.id !== id) }));
    },
    addTo: (id, files) =>
      adding(async () => {
        const images = (await unpacked(files)).map((file) => imageOf(file, null));
        change(id, (own) => ({ ...own, images: [...own.images, ...images] }));
      }),
    addFolders: (files) =>
      adding(async () => {
        const places = (await unpacked(files)).map((file) => ({ file, ...placeOf(file.name) }));
        const classes = get().classes.map((own) => ({ ...own, images: [...own.images] }));
        for (const { file, className, part } of places) {
          let own = classes.find(({ name }) => name === className);
          if (!own) classes.push((own = { id: ++last, name: className, images: [] }));
          own.images.push(imageOf(file, part));
        }
        set({ classes });
      }),
    use: (images, used) =>
      set(({ classes }) => ({
        classes: classes.map((own) => ({
          ...own,
          images: own.images.map((image) => (images.has(image.id) ? { ...image, used } : image)),
        })),
      })),
  };
});

/** What a path can hold as the name of a folder: no separators, and no dot in front, which hides it. */
export const folderName = (name: string): string =>
  name
    .replaceAll(/[/\\]/g, '-')
    .replace(/^[.\s]+/, '')
    .trim();

/** Where images lie whose part is drawn. */
const UNSPLIT = 'images';

/** The images that are used, as the files of a folder `set` with a folder a class, and which image each file is. */
export function filesOf(
  classes: readonly OwnClass[],
  set: string,
): { files: NamedBlob[]; images: Map<string, number> } {
  const files: NamedBlob[] = [];
  const images = new Map<string, number>();
  for (const own of classes) {
    for (const { id, name, blob, part, used } of own.images) {
      if (!used) continue;
      // The set may be named like a part. Numbered: images of several folders may have one name.
      const path = [set, part ?? UNSPLIT, own.name, `${id}-${name}`].join('/');
      files.push({ name: path, blob });
      images.set(path, id);
    }
  }
  return { files, images };
}

/** Image files, those in zips among them. Throws FathomErrors `no-files`, and those of reading a zip. */
async function unpacked(files: readonly NamedBlob[]): Promise<NamedBlob[]> {
  const found: NamedBlob[] = [];
  for (const file of files) {
    if (!/\.zip$/i.test(file.name)) {
      if (isPictureName(file.name)) found.push(file);
      continue;
    }
    for (const entry of pictureEntriesOf(await openZip(file))) {
      found.push({ name: entry.path, blob: new Blob([await entry.read()]) });
    }
  }
  if (found.length > 0) return found;
  throw new FathomError('no-files', 'expected the files of a data set, found none');
}
