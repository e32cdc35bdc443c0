/** One's own images on their way to a set: sorted, renamed, left out. */
import { readFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { collection, filesOf } from '../../src/app/data/own/collection.ts';
import { decodeImage } from '../../src/cli/decode.ts';
import { loadFiles } from '../../src/data/load.ts';
import { warningsOf } from '../../src/data/warnings.ts';

const zip = {
  name: 'own-images.zip',
  blob: new Blob([readFileSync('tests/fixtures/own-images.zip')]),
};
const file = (name: string, text = name) => ({ name, blob: new Blob([text]) });
const own = () => collection.getState();
const shape = () =>
  Object.fromEntries(own().classes.map(({ name, images }) => [name, images.length]));
const idOf = (name: string) => own().classes.find((each) => each.name === name)?.id ?? NaN;

beforeEach(() => collection.setState({ classes: [], removed: null }));

test('folders say the classes, in zips as well; what is no image is passed over', async () => {
  await own().addFolders([zip, file('pets/cat/1.jpg'), file('pets/notes.txt')]);
  expect(shape()).toEqual({ red: 8, blue: 8, cat: 1 });
  await own().addFolders([file('more/cat/1.jpg'), file('more/dog/1.png')]);
  expect(shape()).toEqual({ red: 8, blue: 8, cat: 2, dog: 1 });
});

test('an image in no folder is refused by name, and nothing is added', async () => {
  await own().addFolders([file('cat/1.jpg'), file('2.jpg')]);
  expect(own().failure).toMatchObject({ code: 'picture-class', details: { file: '2.jpg' } });
  await own().addFolders([file('notes.txt')]);
  expect(own().failure).toMatchObject({ code: 'no-files' });
  expect(shape()).toEqual({});
  await own().addFolders([file('cat/1.jpg')]);
  expect(own().failure).toBeNull();
});

test('names: two of the same become one class, impossible ones change nothing', async () => {
  await own().addFolders([file('a/1.jpg'), file('b/1.jpg'), file('b/2.jpg'), file('c/1.jpg')]);
  own().rename(idOf('a'), ' ../up/down ');
  expect(shape()).toEqual({ '-up-down': 1, b: 2, c: 1 });
  for (const name of ['', ' . ', 'train', 'Test']) own().rename(idOf('c'), name);
  expect(shape()).toEqual({ '-up-down': 1, b: 2, c: 1 });
  own().rename(idOf('c'), 'b');
  expect(shape()).toEqual({ '-up-down': 1, b: 3 });
});

test('a class that was removed comes back with its images', async () => {
  await own().addFolders([file('a/1.jpg'), file('b/1.jpg')]);
  own().removeClass(idOf('a'));
  expect(shape()).toEqual({ b: 1 });
  own().restore();
  expect(shape()).toEqual({ b: 1, a: 1 });
  expect(own().removed).toBeNull();
});

test('files of a set: those that are used, with class and part in their paths', async () => {
  await own().addFolders([
    file('s/train/a/1.jpg'),
    file('s/test/a/1.jpg'),
    file('s/train/b/1.jpg'),
  ]);
  const [a] = own().classes;
  own().use(new Set([a!.images[0]!.id]), false);
  const { files, images } = filesOf(own().classes, 'mine');
  const paths = files.map(({ name }) => name.replace(/\d+-/, ''));
  expect(paths).toEqual(['mine/test/a/1.jpg', 'mine/train/b/1.jpg']);
  expect([...images.values()]).toEqual([a!.images[1]!.id, own().classes[1]!.images[0]!.id]);
});

test('a set may be named like a part of one', async () => {
  await own().addFolders([zip]);
  for (const name of ['test', 'train']) {
    const { files } = filesOf(own().classes, name);
    const set = await loadFiles(files, { size: 16, testShare: 0.2, decode: decodeImage });
    expect(set.id).toBe(`images:${name}`);
    expect([set.train.count, set.test.count]).toEqual([12, 3]);
  }
});

test('become a set of that name: split by seed, of every class the same share, without what was left out', async () => {
  await own().addFolders([zip]);
  own().rename(idOf('red'), 'rot');
  const twins = own().classes[0]!.images.slice(0, 2);
  await own().addTo(idOf('blue'), [{ name: 'twin.png', blob: twins[1]!.blob }]);
  own().use(new Set([twins[0]!.id]), false);
  const { files, images } = filesOf(own().classes, 'mine');
  const read = (seed: number) =>
    loadFiles(files, { size: 16, fit: 'fit', seed, testShare: 0.3, decode: decodeImage });
  const set = await read(1);
  expect(set).toMatchObject({ id: 'images:mine', classes: ['blue', 'rot'], height: 16 });
  // Of 8 blue ones (one file is broken) and 7 red ones.
  expect(set.train.count + set.test.count).toBe(8 + 7);
  expect([...set.test.labels].sort()).toEqual([0, 0, 1, 1]);
  expect((await read(1)).test.names).toEqual(set.test.names);
  expect((await read(2)).test.names).not.toEqual(set.test.names);

  const warnings = await warningsOf(set);
  const twin = warnings.find(({ kind }) => kind === 'same-pictures' || kind === 'shared-pictures');
  const groups = twin && 'groups' in twin ? twin.groups : [];
  const names = groups.flat().map(({ name = '' }) => images.get(name));
  expect(names).toContain(twins[1]!.id);
  expect(warnings.map(({ kind }) => kind)).toContain('unreadable-pictures');
});
