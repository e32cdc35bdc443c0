/**
 * Parquet files of encoded pictures in the layout of the Hugging Face hub: a column of structs
 * {bytes, path} that hold PNG or JPEG files, and columns of integer labels. The names of the classes
 * stand in the footer, as the hub's `datasets` library writes them (key "huggingface").
 */
import type { AsyncBuffer, Compressors, FileMetaData } from 'hyparquet';
import { FathomError } from '../errors.ts';
import {
  checkClasses,
  checkLabels,
  checkPictureBytes,
  numberedClasses,
  trainingFilesMissing,
} from './assemble.ts';
import { MAX_CLASSES } from './dataset.ts';
import type { Dataset, LabelledImages, LoadProgress, Part } from './dataset.ts';
import { baseName, reasonOf } from './files.ts';
import type { NamedBlob } from './files.ts';
import { identify } from './known.ts';
import type { LoadOptions, SizedOptions } from './options.ts';
import { checkPages, checkStruct, rangeOf } from './parquet_guard.ts';
import type { ColumnChunk } from './parquet_guard.ts';
import { assembleDecoded, DECODED_CHANNELS, PictureStack, sizedBy } from './pictures.ts';
import type { EncodedPicture } from './pictures.ts';

/** Which part a file belongs to, told by its name: test-00000-of-00001.parquet. */
const TEST_FILE = /(^|[^a-z])(test|valid(ation)?)[^a-z]/i;

/** A footer takes this much at most: a few hundred bytes a row group, and the names of the classes. */
const MAX_FOOTER_BYTES = 2 ** 26;

/** What is read of a file at a time: asking a browser for a piece of one takes a millisecond or two. */
const READ_BYTES = 2 ** 22;

type Hyparquet = typeof import('hyparquet');

/** A file whose footer has been read. */
interface Opened {
  name: string;
  part: Part;
  buffer: AsyncBuffer;
  metadata: FileMetaData;
  rows: number;
  /** Names of the columns. */
  image: string;
  label: string;
  /** Names of the classes, where the footer has them. */
  classes: string[] | null;
}

/**
 * Reads the files of a set, in the order of their names.
 *
 * Throws FathomErrors: `parquet-damaged`, `parquet-columns`, `parquet-picture`, `label-range`,
 * `too-many-classes`, `training-files-missing`, `pictures-too-large`, `too-few-pictures`.
 */
export async function readParquet(
  files: NamedBlob[],
  options: LoadOptions,
  progress?: LoadProgress,
): Promise<Dataset> {
  const hyparquet = await import('hyparquet');
  const ordered = files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const opened: Opened[] = [];
  for (const file of ordered) opened.push(await openFile(hyparquet, file, options));

  const sized = await sizedBy(options, () => firstOf(hyparquet, opened));
  for (const { name, rows } of opened) {
    checkPictureBytes(name, rows, DECODED_CHANNELS, sized.size);
  }
  const total = opened.reduce((sum, { rows }) => sum + rows, 0);
  let before = 0;
  const unreadable = ({ name, record = 0 }: EncodedPicture, reason: string): never => {
    throw pictureError(name, record, reason);
  };
  const stacks: Partial<Record<Part, PictureStack>> = {};
  for (const file of opened) {
    const stack = (stacks[file.part] ??= new PictureStack(file.name, sized, unreadable));
    let record = 0;
    for await (const { bytes, label } of rowsOf(hyparquet, file)) {
      await stack.add({ name: file.name, record, label, bytes });
      progress?.('decode', before + ++record, total);
    }
    before += file.rows;
  }
  const first = opened.find(({ part }) => part === 'train');
  const train = await stacks.train?.finish(false);
  const test = await stacks.test?.finish(false);
  if (!first || !train) throw trainingFilesMissing(opened[0]?.name ?? '');
  return complete(first, train, test ?? null, sized);
}

/** The first picture of all. */
async function firstOf(
  hyparquet: Hyparquet,
  [file]: Opened[],
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (!file) return undefined;
  for await (const { bytes } of rowsOf(hyparquet, file)) return bytes;
  return undefined;
}

async function complete(
  { name, classes }: Opened,
  train: LabelledImages,
  test: LabelledImages | null,
  options: SizedOptions,
): Promise<Dataset> {
  const identity = identify(options.known, {
    format: 'parquet',
    file: name,
    classes: classes ?? numberedClasses(train.labels, test?.labels),
  });
  checkClasses(name, identity.classes.length);
  for (const part of [train, test]) {
    if (part) checkLabels(name, part.labels, identity.classes.length);
  }
  return assembleDecoded({ ...identity, train, test }, options);
}

/** Reads a file's footer. Throws FathomErrors `parquet-damaged`, `parquet-columns`. */
async function openFile(
  hyparquet: Hyparquet,
  { name, blob }: NamedBlob,
  options: LoadOptions,
): Promise<Opened> {
  const metadata = await guarded(name, async () => {
    const footer = await footerOf(blob);
    checkStruct(footer.subarray(0, -8));
    return hyparquet.parquetMetadata(footer.slice().buffer);
  });
  const rows = metadata.row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
  if (!metadata.row_groups.every(({ num_rows }) => num_rows >= 0)) {
    throw damaged(name, 'a row group of less than no rows');
  }
  const part = TEST_FILE.test(`/${baseName(name)}`) ? 'test' : 'train';
  return {
    name,
    part,
    buffer: bufferOf(blob),
    metadata,
    rows,
    ...columnsOf(name, metadata, options),
  };
}

/** A blob as the library reads it, with more at a time than it asks for: row groups lie one after the other. */
function bufferOf(blob: Blob): AsyncBuffer {
  let held = Promise.resolve({ start: 0, bytes: new ArrayBuffer(0) });
  return {
    byteLength: blob.size,
    slice: async (from, to = blob.size) => {
      held = held.then(async (last) => {
        const { start, bytes } = last;
        if (from >= start && to <= start + bytes.byteLength) return last;
        const ahead = blob.slice(from, Math.max(to, from + READ_BYTES));
        return { start: from, bytes: await ahead.arrayBuffer() };
      });
      const { start, bytes } = await held;
      return bytes.slice(from - start, to - start);
    },
  };
}

/** The end of the file: the footer, its length and the magic word. */
async function footerOf(blob: Blob): Promise<Uint8Array> {
  const end = new DataView(await blob.slice(Math.max(0, blob.size - 8)).arrayBuffer());
  if (end.byteLength < 8 || end.getUint32(4, true) !== 0x31524150) {
    throw new Error('no "PAR1" at its end');
  }
  const length = end.getUint32(0, true);
  if (length > Math.min(blob.size - 12, MAX_FOOTER_BYTES))
    throw new Error(`a footer of ${length} bytes in ${blob.size}`);
  return new Uint8Array(await blob.slice(blob.size - 8 - length).arrayBuffer());
}

/** Which columns hold pictures and labels. Throws a FathomError `parquet-columns`. */
function columnsOf(
  name: string,
  metadata: FileMetaData,
  { labels = 'fine' }: LoadOptions,
): Pick<Opened, 'image' | 'label' | 'classes'> {
  const paths = metadata.row_groups[0]?.columns.map(({ meta_data }) => meta_data) ?? [];
  const image = paths.find((column) => {
    return column?.type === 'BYTE_ARRAY' && column.path_in_schema.join('.').endsWith('.bytes');
  })?.path_in_schema[0];
  const integers = paths.flatMap((column) => {
    const isLabel =
      (column?.type === 'INT64' || column?.type === 'INT32') && column.path_in_schema.length === 1;
    return isLabel ? column.path_in_schema : [];
  });
  const label =
    integers.find((column) => column === `${labels}_label`) ??
    integers.find((column) => column === 'label') ??
    integers[0];
  if (image && label) return { image, label, classes: classNamesIn(metadata, label) };
  const found = [...new Set(paths.map((column) => column?.path_in_schema.join('.') ?? ''))];
  throw new FathomError(
    'parquet-columns',
    `${name}: expected a column of images (a struct with "bytes") and one of integer labels, found: ${found.join(', ') || 'no rows'}`,
    { file: name, found: found.join(', ') || '–' },
  );
}

/** The names that the hub's library keeps of a column of labels; null where there are none. */
function classNamesIn({ key_value_metadata }: FileMetaData, column: string): string[] | null {
  const text = key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
  try {
    const { info } = JSON.parse(text ?? '{}') as {
      info?: { features?: Record<string, { names?: unknown } | undefined> };
    };
    const names = info?.features?.[column]?.names;
    if (!Array.isArray(names) || names.length === 0) return null;
    return names.every((name) => typeof name === 'string') ? names : null;
  } catch {
    // What others wrote under that key is not ours to understand.
    return null;
  }
}

interface Row {
  bytes: Uint8Array<ArrayBuffer>;
  label: number;
}

/** All rows, a row group at a time. Throws FathomErrors `parquet-damaged`, `parquet-picture`, `label-range`. */
async function* rowsOf(hyparquet: Hyparquet, file: Opened): AsyncGenerator<Row> {
  const { buffer, metadata, image, label, name } = file;
  const compressors = await compressorsFor(hyparquet, metadata);
  let start = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    await guarded(name, async () => {
      for (const { meta_data: chunk } of group.columns) {
        if (!chunk || ![image, label].includes(chunk.path_in_schema[0] ?? '')) continue;
        const { from, to } = rangeOf(chunk, buffer.byteLength);
        const bytes = new Uint8Array(await buffer.slice(from, to));
        checkPages(
          bytes,
          chunk.codec,
          rows,
          optionalFields(metadata, chunk),
          unpackWith(compressors),
        );
      }
    });
    const read = await guarded(name, () =>
      hyparquet.parquetReadObjects({
        file: buffer,
        metadata,
        columns: [image, label],
        rowStart: start,
        rowEnd: start + rows,
        compressors,
        utf8: false,
      }),
    );
    if (read.length !== rows) throw damaged(name, `${read.length} rows in a group of ${rows}`);
    for (const [i, row] of read.entries()) yield rowAt(name, start + i, row[image], row[label]);
    start += rows;
  }
}

/** A row as values of the right types. Throws FathomErrors `parquet-picture`, `label-range`. */
function rowAt(file: string, index: number, image: unknown, label: unknown): Row {
  const bytes = (image as { bytes?: unknown } | null)?.bytes;
  if (!(bytes instanceof Uint8Array)) {
    throw pictureError(file, index, 'the file holds a path in its place');
  }
  const number = typeof label === 'bigint' || typeof label === 'number' ? Number(label) : NaN;
  if (!(number >= 0 && number < MAX_CLASSES)) {
    throw new FathomError(
      'label-range',
      `${file}: expected labels 0…${MAX_CLASSES - 1}, found ${number} at record ${index} (counted from 0)`,
      { file, highest: MAX_CLASSES - 1, label: String(number), record: index },
    );
  }
  return { bytes: bytes as Uint8Array<ArrayBuffer>, label: number };
}

/** Snappy is the hub's and comes with the library; others are loaded where a file has them. */
async function compressorsFor(
  { snappyUncompress }: Hyparquet,
  metadata: FileMetaData,
): Promise<Compressors> {
  const codecs = new Set(
    metadata.row_groups.flatMap(({ columns }) => columns.map(({ meta_data }) => meta_data?.codec)),
  );
  codecs.delete('UNCOMPRESSED');
  codecs.delete('SNAPPY');
  const SNAPPY = (packed: Uint8Array, length: number) => {
    const page = new Uint8Array(length);
    snappyUncompress(packed, page);
    return page;
  };
  if (codecs.size === 0) return { SNAPPY };
  const { compressors } = await import('hyparquet-compressors');
  return { ...compressors, SNAPPY };
}

const unpackWith =
  (compressors: Compressors) => (codec: string, packed: Uint8Array, length: number) => {
    const unpack = compressors[codec as keyof Compressors];
    if (!unpack) throw new Error(`the compression ${codec}, which is not read`);
    const page = unpack(packed, length);
    if (page.length !== length) throw new Error(`a page of ${page.length} bytes, not ${length}`);
    return page;
  };

/** Optional fields on a column's path. Throws an error where a field is repeated: no column here is a list. */
function optionalFields({ schema }: FileMetaData, { path_in_schema }: ColumnChunk): number {
  let at = 1;
  let optional = 0;
  for (const name of path_in_schema) {
    while (schema[at] && schema[at]?.name !== name) at = endOf(schema, at);
    const element = schema[at++];
    if (!element || element.repetition_type === 'REPEATED') {
      throw new Error(
        `the column ${path_in_schema.join('.')}, which is a list or not in the schema`,
      );
    }
    if (element.repetition_type === 'OPTIONAL') optional++;
  }
  return optional;
}

/** The element after this one and all within it: the schema is a tree, written depth first. */
function endOf(schema: FileMetaData['schema'], at: number): number {
  let end = at;
  for (let open = 1; open > 0 && end < schema.length; open--)
    open += schema[end++]?.num_children ?? 0;
  return end;
}

async function guarded<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof FathomError ? error : damaged(name, reasonOf(error));
  }
}

function damaged(file: string, reason: string): FathomError {
  return new FathomError(
    'parquet-damaged',
    `${file}: expected a whole Parquet file, found one that is cut short or damaged (${reason})`,
    { file, reason },
  );
}

function pictureError(file: string, record: number, reason: string): FathomError {
  return new FathomError(
    'parquet-picture',
    `${file}: expected an encoded image at record ${record} (counted from 0), found none that can be decoded (${reason})`,
    { file, record, reason },
  );
}
