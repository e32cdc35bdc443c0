/**
 * One's own pictures: a folder, or a zip of one, with a sub-folder a class. Folders called train and
 * test (or val) above the classes make the split; without them it is drawn.
 */
import { FathomError } from '../errors.ts';
import { checkClasses } from './assemble.ts';
import type { Dataset, LoadProgress, Part } from './dataset.ts';
import { baseName, readContent } from './files.ts';
import type { NamedBlob } from './files.ts';
import { identify } from './known.ts';
import type { LoadOptions } from './options.ts';
import { assembleDecoded, PictureStack, sizedBy } from './pictures.ts';
import type { ZipEntry } from './zip.ts';

/** A picture's file, wherever it lies. */
export interface PictureFile {
  /** Path with the folders that say class and part. */
  path: string;
  read(): Promise<Uint8Array<ArrayBuffer>>;
}

const PICTURE_NAME = /\.(png|jpe?g|gif|webp|bmp|avif)$/i;
/** What systems leave beside pictures: the resource forks of macOS, and hidden files. */
const LITTER = /(^|\/)(__MACOSX\/|\.[^./])/;
const TRAIN_FOLDER = /^train(ing)?$/i;
const TEST_FOLDER = /^(test(ing)?|val(id(ation)?)?)$/i;

/** A picture's file takes this much at most. */
const MAX_FILE_BYTES = 2 ** 26;

export function isPictureName(name: string): boolean {
  return PICTURE_NAME.test(name) && !LITTER.test(name);
}

export function pictureFilesOf(files: NamedBlob[]): PictureFile[] {
  return files.map((file) => ({ path: file.name, read: () => readContent(file) }));
}

export function pictureEntriesOf(entries: ZipEntry[]): PictureFile[] {
  return entries
    .filter(({ name }) => isPictureName(name))
    .map((entry) => ({ path: entry.name, read: () => entry.read(MAX_FILE_BYTES) }));
}

/** Where a picture belongs. */
interface Place {
  file: PictureFile;
  className: string;
  part: Part | null;
}

/**
 * Reads a folder of pictures; `source` is what messages call it. Pictures that cannot be decoded are
 * left out and listed in `Dataset.unreadable`.
 *
 * Throws FathomErrors: `pictures-missing`, `picture-class`, `picture-classes`, `too-many-classes`,
 * `pictures-unreadable`, `pictures-too-large`, `too-few-pictures`.
 */
export async function readFolders(
  source: string,
  files: PictureFile[],
  options: LoadOptions,
  progress?: LoadProgress,
): Promise<Dataset> {
  const places = files.map(placeOf).sort((a, b) => order(a.file.path, b.file.path));
  const classes = [...new Set(places.map(({ className }) => className))].sort(order);
  if (classes.length < 2) {
    throw new FathomError(
      'picture-classes',
      `${source}: expected a sub-folder for each of at least two classes, found ${classes.length === 0 ? 'no images' : `only "${classes.join()}"`}`,
      { source, found: classes.length },
    );
  }
  checkClasses(source, classes.length);

  const sized = await sizedBy(options, async () => places[0]?.file.read());
  const unreadable: string[] = [];
  let lastReason = '';
  const newStack = () =>
    new PictureStack(source, sized, ({ name }, reason) => {
      unreadable.push(name);
      lastReason = reason;
    });
  const stacks = { train: newStack(), test: newStack() };
  for (const [i, { file, className, part }] of places.entries()) {
    const picture = {
      name: file.path,
      label: classes.indexOf(className),
      bytes: await file.read(),
    };
    await stacks[part ?? 'train'].add(picture);
    progress?.('decode', i + 1, places.length);
  }
  const train = await stacks.train.finish(true);
  const test = await stacks.test.finish(true);
  if (train.count + test.count === 0) {
    throw new FathomError(
      'pictures-unreadable',
      `${source}: none of its ${places.length} images could be decoded (${lastReason})`,
      { source, count: places.length, reason: lastReason },
    );
  }
  const identity = identify(undefined, { format: 'images', file: source, classes });
  return assembleDecoded(
    { ...identity, train, test: test.count > 0 ? test : null, unreadable },
    sized,
  );
}

/** Class and part, told by a picture's folders. Throws a FathomError `picture-class`. */
function placeOf(file: PictureFile): Place {
  const folders = foldersOf(file.path);
  const className = folders.at(-1);
  if (!className || TRAIN_FOLDER.test(className) || TEST_FOLDER.test(className)) {
    throw new FathomError(
      'picture-class',
      `${file.path}: expected it in a folder named after its class, such as cat/${baseName(file.path)}`,
      { file: file.path, name: baseName(file.path) },
    );
  }
  const above = folders.at(-2) ?? '';
  const part = TEST_FOLDER.test(above) ? 'test' : TRAIN_FOLDER.test(above) ? 'train' : null;
  return { file, className, part };
}

/** The folders a path names, from the outside in; `.` and `..` are followed, but never out of the archive. */
function foldersOf(path: string): string[] {
  const folders: string[] = [];
  for (const folder of path.split(/[/\\]/).slice(0, -1)) {
    if (folder === '..') folders.pop();
    else if (folder !== '.' && folder !== '') folders.push(folder);
  }
  return folders;
}

/** Names as people order them: 2 before 10. */
const { compare: order } = new Intl.Collator('en', { numeric: true });
