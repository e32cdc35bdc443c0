/**
 * Reads pickles as data, never as programs: numbers, strings, lists, tuples, dictionaries and NumPy
 * arrays of bytes. Any other object is refused, so nothing in a pickle is ever called.
 *
 * Opcodes of protocols 2 to 5 that Python and NumPy write for such values (CPython, Lib/pickletools.py).
 * Every opcode takes at least one byte and leaves at most one value, whose bytes are the file's or, once, copied from
 * it, so memory stays in proportion to the file.
 */
import { FathomError } from '../errors.ts';

/** An array of unsigned bytes, in row-major order. */
export class ByteArray {
  shape: number[] = [];
  data: Uint8Array = new Uint8Array();
}

/** The type of an array's elements, by NumPy's name for it: `u1`, `i8` … */
class ElementType {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** What a pickle may name. */
class Global {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** Where a tuple or a run of items begins on the stack. */
const MARK = new Global('mark');

/** Python's `bytes`, and `str` of Python 2, are bytes here; keys of dictionaries are made strings. */
export type Pickled =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | Pickled[]
  | Map<string, Pickled>
  | ByteArray
  | ElementType
  | Global;

const GLOBALS: Record<string, string> = {
  'numpy.core.multiarray _reconstruct': 'reconstruct',
  'numpy._core.multiarray _reconstruct': 'reconstruct',
  'numpy.core.numeric _frombuffer': 'frombuffer',
  'numpy._core.numeric _frombuffer': 'frombuffer',
  'numpy ndarray': 'ndarray',
  'numpy dtype': 'dtype',
  '_codecs encode': 'encode',
};

/** What a pickle holds. Throws a FathomError `pickle-damaged` that names the place. */
export function readPickle(file: string, bytes: Uint8Array): Pickled {
  const reader = new PickleReader(bytes);
  try {
    return reader.read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FathomError(
      'pickle-damaged',
      `${file}: expected a pickle of arrays and lists as CIFAR's Python version has them; at byte ${reader.at}: ${reason}`,
      { file, at: reader.at, reason },
    );
  }
}

class PickleReader {
  at = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly stack: Pickled[] = [];
  /** Bytes that were made of texts. */
  private encoded = 0;
  private readonly memo = new Map<number, Pickled>();

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  read(): Pickled {
    for (;;) {
      const opcode = this.u8();
      if (opcode === 0x2e) return this.pop(); // STOP
      this.execute(opcode);
    }
  }

  private execute(opcode: number): void {
    const { stack } = this;
    switch (opcode) {
      case 0x80: // PROTO
        if (this.u8() > 5) throw new Error('a later protocol than 5');
        return;
      case 0x95: // FRAME
        this.u64();
        return;
      case 0x28: // MARK
        stack.push(MARK);
        return;
      case 0x4e: // NONE
        stack.push(null);
        return;
      case 0x88: // NEWTRUE
      case 0x89: // NEWFALSE
        stack.push(opcode === 0x88);
        return;
      case 0x4b: // BININT1
        stack.push(this.u8());
        return;
      case 0x4d: // BININT2
        stack.push(this.u8() + 256 * this.u8());
        return;
      case 0x4a: // BININT
        stack.push(this.view.getInt32(this.skip(4), true));
        return;
      case 0x8a: // LONG1
        stack.push(this.long(this.u8()));
        return;
      case 0x47: // BINFLOAT
        stack.push(this.view.getFloat64(this.skip(8)));
        return;
      case 0x55: // SHORT_BINSTRING
      case 0x43: // SHORT_BINBYTES
        stack.push(this.take(this.u8()));
        return;
      case 0x54: // BINSTRING
      case 0x42: // BINBYTES
        stack.push(this.take(this.u32()));
        return;
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        stack.push(this.take(this.u64()));
        return;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(utf8(this.take(this.u8())));
        return;
      case 0x58: // BINUNICODE
        stack.push(utf8(this.take(this.u32())));
        return;
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        stack.push([]);
        return;
      case 0x7d: // EMPTY_DICT
        stack.push(new Map());
        return;
      case 0x61: // APPEND
        this.append([this.pop()]);
        return;
      case 0x65: // APPENDS
        this.append(this.popToMark());
        return;
      case 0x73: // SETITEM
        this.setItems([this.pop(), this.pop()].reverse());
        return;
      case 0x75: // SETITEMS
        this.setItems(this.popToMark());
        return;
      case 0x74: // TUPLE
        stack.push(this.popToMark());
        return;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        stack.push(Array.from({ length: opcode - 0x84 }, () => this.pop()).reverse());
        return;
      case 0x71: // BINPUT
        this.memo.set(this.u8(), this.top());
        return;
      case 0x72: // LONG_BINPUT
        this.memo.set(this.u32(), this.top());
        return;
      case 0x94: // MEMOIZE
        this.memo.set(this.memo.size, this.top());
        return;
      case 0x68: // BINGET
        stack.push(this.recall(this.u8()));
        return;
      case 0x6a: // LONG_BINGET
        stack.push(this.recall(this.u32()));
        return;
      case 0x63: // GLOBAL
        stack.push(globalOf(`${this.line()} ${this.line()}`));
        return;
      case 0x93: // STACK_GLOBAL
        stack.push(
          globalOf(
            [this.pop(), this.pop()]
              .reverse()
              .map((name) => text(name))
              .join(' '),
          ),
        );
        return;
      case 0x52: // REDUCE
        this.reduce(this.pop());
        return;
      case 0x62: // BUILD
        build(this.pop(), this.top());
        return;
      default:
        throw new Error(`the opcode 0x${opcode.toString(16)}, which no such file has`);
    }
  }

  private reduce(args: Pickled): void {
    const value = call(this.pop(), args);
    // A text that was remembered could be made bytes again and again.
    if (value instanceof Uint8Array && (this.encoded += value.length) > this.bytes.length) {
      throw new Error('texts that are encoded more than once');
    }
    this.stack.push(value);
  }

  private pop(): Pickled {
    const value = this.stack.pop();
    if (value === undefined) throw new Error('the stack is empty');
    return value;
  }

  private top(): Pickled {
    const value = this.stack.at(-1);
    if (value === undefined) throw new Error('the stack is empty');
    return value;
  }

  private popToMark(): Pickled[] {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark < 0) throw new Error('the stack holds no mark');
    const values = this.stack.splice(mark + 1);
    this.stack.pop();
    return values;
  }

  private append(values: Pickled[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw new Error('items for something that is no list');
    for (const value of values) list.push(value);
  }

  private setItems(values: Pickled[]): void {
    const map = this.top();
    if (!(map instanceof Map)) throw new Error('items for something that is no dictionary');
    for (let i = 0; i + 1 < values.length; i += 2) {
      map.set(text(values[i] ?? null), values[i + 1] ?? null);
    }
  }

  private recall(index: number): Pickled {
    const value = this.memo.get(index);
    if (value === undefined) throw new Error(`nothing was remembered as ${index}`);
    return value;
  }

  /** Moves on by `length` bytes; the place before. */
  private skip(length: number): number {
    const from = this.at;
    if (length > this.bytes.length - from) {
      throw new Error(`${length} bytes expected, ${this.bytes.length - from} left`);
    }
    this.at += length;
    return from;
  }

  private take(length: number): Uint8Array {
    const from = this.skip(length);
    return this.bytes.subarray(from, from + length);
  }

  private u8(): number {
    return this.view.getUint8(this.skip(1));
  }

  private u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  private u64(): number {
    return Number(this.view.getBigUint64(this.skip(8), true));
  }

  /** A little-endian two's complement number of any length that a double holds. */
  private long(length: number): number {
    if (length > 8) throw new Error(`a whole number of ${length} bytes`);
    let value = 0n;
    this.take(length).forEach((byte, i) => (value |= BigInt(byte) << BigInt(8 * i)));
    return Number(BigInt.asIntN(8 * length, value));
  }

  /** Text up to the end of the line. */
  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw new Error('a line without an end');
    const line = utf8(this.take(end - this.at));
    this.at++;
    return line;
  }
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** A name is a copy, and could be made of the same bytes again and again. */
export const MAX_NAME_BYTES = 256;

/** Names in strings of either Python. */
function text(value: Pickled): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array && value.length <= MAX_NAME_BYTES) {
    return new TextDecoder('latin1').decode(value);
  }
  throw new Error('a name that is no string');
}

function globalOf(path: string): Global {
  const name = GLOBALS[path];
  if (!name) throw new Error(`the object ${path.replace(' ', '.')}, which is not read`);
  return new Global(name);
}

/** What a call of one of the few known functions gives. */
function call(callee: Pickled, args: Pickled): Pickled {
  if (!(callee instanceof Global) || !Array.isArray(args)) throw new Error('a call of no function');
  switch (callee.name) {
    case 'reconstruct':
      return new ByteArray();
    case 'dtype':
      return new ElementType(text(args[0] ?? null));
    case 'encode': {
      // What Python 3 writes for bytes in protocol 2: their text in Latin-1.
      const latin1 = text(args[0] ?? null);
      return Uint8Array.from(latin1, (character) => character.charCodeAt(0));
    }
    case 'frombuffer': {
      const array = new ByteArray();
      fill(array, args[2], args[1], args[0], args[3] === 'F');
      return array;
    }
    default:
      throw new Error(`a call of ${callee.name}`);
  }
}

/** Gives an object its state: an array (version, shape, type, column-major, data); a type's is not needed. */
function build(state: Pickled, target: Pickled): void {
  if (target instanceof ElementType) return;
  if (!(target instanceof ByteArray) || !Array.isArray(state)) throw new Error('state of no array');
  fill(target, state[1], state[2], state[4], state[3] !== false && state[3] !== 0);
}

function fill(
  array: ByteArray,
  shape: Pickled | undefined,
  type: Pickled | undefined,
  data: Pickled | undefined,
  columnMajor: boolean,
): void {
  if (!(type instanceof ElementType) || type.name !== 'u1') {
    throw new Error('an array of something else than unsigned bytes');
  }
  if (columnMajor) throw new Error('an array in column-major order');
  if (!Array.isArray(shape) || !shape.every((size) => typeof size === 'number')) {
    throw new Error('an array without a shape');
  }
  const length = shape.reduce((product, size) => product * size, 1);
  if (!(data instanceof Uint8Array) || data.length !== length) {
    throw new Error(`an array of ${shape.join(' × ')} without so many bytes`);
  }
  array.shape = shape;
  array.data = data;
}
