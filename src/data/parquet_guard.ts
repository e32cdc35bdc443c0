/**
 * Bounds on a Parquet file before the library reads it. hyparquet 1.31 allocates and loops as page
 * headers, lists and run lengths say, so a damaged or hostile file of a few bytes could fill the memory;
 * what passes here cannot.
 *
 * Format: https://parquet.apache.org/docs/file-format/, whose headers are structs of Thrift's compact
 * protocol (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
 */
import type { RowGroup } from 'hyparquet';

/** A column chunk, or a page once unpacked, takes this much at most. */
const MAX_CHUNK_BYTES = 2 ** 29;
/** Structs and lists within one another; the format's own go to about eight. */
const MAX_DEPTH = 16;

/** Pages of encoded pictures and integer labels have no other encodings in practice. */
const PLAIN = 0;
const DICTIONARY = [2, 8];

export type ColumnChunk = NonNullable<RowGroup['columns'][number]['meta_data']>;

/** Unpacks a page of `codec` to `length` bytes. */
export type Unpack = (codec: string, packed: Uint8Array, length: number) => Uint8Array;

/** Throws an error unless the bytes are one Thrift struct whose lists are no longer than their bytes. */
export function checkStruct(bytes: Uint8Array): void {
  new ThriftReader(bytes).struct(0);
}

/** Where a column chunk lies in a file of `size` bytes. Throws an error where that is nowhere. */
export function rangeOf(chunk: ColumnChunk, size: number): { from: number; to: number } {
  const from = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
  const to = from + Number(chunk.total_compressed_size);
  if (!(from >= 4 && to > from && to <= size && to - from <= MAX_CHUNK_BYTES)) {
    throw new Error(`a column from byte ${from} to ${to} in a file of ${size}`);
  }
  return { from, to };
}

/**
 * Throws an error unless the pages of a column chunk fit in it, unpack to what they say, and hold no
 * more than `rows` values each and `rows` together.
 *
 * @param levels how deep definition levels go: the optional fields on the column's path
 */
export function checkPages(
  bytes: Uint8Array,
  codec: string,
  rows: number,
  levels: number,
  unpack: Unpack,
): void {
  let at = 0;
  let values = 0;
  while (at < bytes.length && values < rows) {
    const reader = new ThriftReader(bytes.subarray(at));
    const header = reader.struct(0);
    const [type, length, packedLength] = [1, 2, 3].map((id) => numberIn(header, id));
    const start = at + reader.at;
    const end = start + (packedLength ?? 0);
    if (!inRange(packedLength, bytes.length - start) || !inRange(length, MAX_CHUNK_BYTES)) {
      throw new Error(`a page of ${packedLength} bytes, ${length} unpacked`);
    }
    const packed = bytes.subarray(start, end);
    at = end;
    const page = header.get(type === 2 ? 7 : type === 3 ? 8 : 5);
    if (type === undefined || ![0, 2, 3].includes(type) || !(page instanceof Map)) {
      throw new Error(`a page of type ${type}`);
    }
    const count = numberIn(page, 1);
    if (type === 2) {
      // Each entry of a dictionary takes at least one byte.
      if (!inRange(count, length)) throw new Error(`a dictionary of ${count} values`);
      continue;
    }
    if (!inRange(count, rows - values)) throw new Error(`a page of ${count} values, ${rows} rows`);
    values += count;
    checkValues(type === 3 ? 2 : 1, page, packed, length, codec, levels, unpack);
  }
  if (values !== rows) throw new Error(`${values} values for ${rows} rows`);
}

/** Looks into a page: the runs of its levels and of its dictionary indices. */
function checkValues(
  version: 1 | 2,
  page: Struct,
  packed: Uint8Array,
  length: number,
  codec: string,
  levels: number,
  unpack: Unpack,
): void {
  const count = numberIn(page, 1) ?? 0;
  const encoding = numberIn(page, version === 1 ? 2 : 4) ?? -1;
  if (encoding !== PLAIN && !DICTIONARY.includes(encoding)) {
    throw new Error(`an encoding of values (number ${encoding}) that is not read`);
  }
  const levelWidth = 32 - Math.clz32(levels);
  let content = packed;
  let at = 0;
  if (version === 1) {
    content = codec === 'UNCOMPRESSED' ? packed : unpack(codec, packed, length);
    if (levels > 0) {
      const levelBytes = new DataView(content.buffer, content.byteOffset).getUint32(0, true);
      checkLevels(content.subarray(4, 4 + levelBytes), levelWidth, count);
      at = 4 + levelBytes;
    }
  } else {
    const nulls = numberIn(page, 2) ?? 0;
    const [levelBytes, repetitionBytes] = [numberIn(page, 5) ?? 0, numberIn(page, 6) ?? 0];
    if (!inRange(nulls, count) || repetitionBytes !== 0 || !inRange(levelBytes, packed.length)) {
      throw new Error('a page whose levels do not fit in it');
    }
    if (levels > 0) checkLevels(packed.subarray(0, levelBytes), levelWidth, count);
    const isPacked = page.get(7) !== false && codec !== 'UNCOMPRESSED';
    const rest = packed.subarray(levelBytes);
    content = isPacked ? unpack(codec, rest, length - levelBytes) : rest;
  }
  if (encoding === PLAIN) return;
  const width = content[at] ?? 0;
  if (width > 32) throw new Error(`dictionary indices of ${width} bits`);
  if (width > 0) checkRuns(content.subarray(at + 1), width, count);
}

/** Every value has a level, so their runs make up the count. */
function checkLevels(bytes: Uint8Array, width: number, count: number): void {
  const seen = checkRuns(bytes, width, count);
  if (seen < count) throw new Error(`levels of ${seen} in ${count} values`);
}

/**
 * Runs of equal values and packed groups of eight: none may go far beyond the `count` values wanted.
 * Gives how many values there are.
 */
function checkRuns(bytes: Uint8Array, width: number, count: number): number {
  const reader = new ThriftReader(bytes);
  let seen = 0;
  while (seen < count && reader.at < bytes.length) {
    const header = reader.varint();
    const length = header & 1 ? (header >>> 1) * 8 : header >>> 1;
    if (length > count - seen + 7) throw new Error(`a run of ${length} in ${count} values`);
    // The last group may be cut short where its values are not wanted.
    const packed = Math.min((header >>> 1) * width, bytes.length - reader.at);
    reader.skip(header & 1 ? packed : (width + 7) >> 3);
    seen += length;
  }
  return seen;
}

type Struct = Map<number, Value>;
type Value = number | boolean | Struct | null;

function numberIn(struct: Struct, id: number): number | undefined {
  const value = struct.get(id);
  return typeof value === 'number' ? value : undefined;
}

const inRange = (value: number | undefined, limit: number | undefined): value is number =>
  value !== undefined && limit !== undefined && value >= 0 && value <= limit;

/** Reads Thrift's compact protocol for its small numbers and structs, stepping over all else. */
class ThriftReader {
  at = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  struct(depth: number): Struct {
    if (depth > MAX_DEPTH) throw new Error('structs too deep within one another');
    const fields: Struct = new Map();
    for (let id = 0; ;) {
      const byte = this.byte();
      if ((byte & 0x0f) === 0) return fields;
      id = byte >> 4 ? id + (byte >> 4) : this.zigzag();
      fields.set(id, this.value(byte & 0x0f, depth));
    }
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error('a number without an end');
  }

  skip(length: number): void {
    if (!(length >= 0 && length <= this.bytes.length - this.at)) {
      throw new Error(`${length} bytes expected, ${this.bytes.length - this.at} left`);
    }
    this.at += length;
  }

  private value(type: number, depth: number): Value {
    switch (type) {
      case 1:
      case 2:
        return type === 1;
      case 3:
        this.skip(1);
        return null;
      case 4:
      case 5:
      case 6:
        return this.zigzag();
      case 7:
        this.skip(8);
        return null;
      case 8:
        this.skip(this.varint());
        return null;
      case 9:
        this.list(depth + 1);
        return null;
      case 12:
        return this.struct(depth + 1);
      default:
        throw new Error(`a field of type ${type}`);
    }
  }

  private list(depth: number): void {
    const byte = this.byte();
    const count = byte >> 4 === 15 ? this.varint() : byte >> 4;
    if (depth > MAX_DEPTH || count > this.bytes.length - this.at) {
      throw new Error(`a list of ${count} in ${this.bytes.length - this.at} bytes`);
    }
    // Truth values take a byte each in lists.
    const type = [1, 2].includes(byte & 0x0f) ? 3 : byte & 0x0f;
    for (let i = 0; i < count; i++) this.value(type, depth);
  }

  private zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  private byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Error('the bytes end too early');
    return byte;
  }
}
