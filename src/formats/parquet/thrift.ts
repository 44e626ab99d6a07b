// Checks Parquet's own structures, in Thrift's compact protocol, before hyparquet reads them: that allocates as many values
// as a list states, and follows a page's size wherever it leads.
// Source: Apache Thrift, doc/specs/thrift-compact-protocol.md; parquet-format's parquet.thrift for the numbers of fields.
// Invariant: what passes names no more than its bytes can hold, and lies inside of them.

/** A struct's fields by number, as far as they are numbers or structs. */
export interface Struct {
  readonly numbers: ReadonlyMap<number, number>;
  readonly structs: ReadonlyMap<number, Struct>;
}

const TYPE = {
  yes: 1,
  no: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  struct: 12,
} as const;
const MAX_DEPTH = 24;
const MAX_VARINT_BYTES = 10;
/** Structs of any file, and one more for so many bytes: an empty one takes a byte in the file and hundreds in memory. */
const FREE_STRUCTS = 10_000;
const BYTES_PER_STRUCT = 8;

/** One pass over a struct. */
class Scan {
  at: number;
  readonly #view: DataView;
  #structs: number;

  constructor(bytes: Uint8Array, start: number) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.#structs = FREE_STRUCTS + (bytes.byteLength - start) / BYTES_PER_STRUCT;
  }

  struct(depth = 0): Struct {
    if (depth > MAX_DEPTH || --this.#structs < 0) throw new Error("structs nested too deep, or too many");
    const numbers = new Map<number, number>();
    const structs = new Map<number, Struct>();
    for (let field = 0; ; ) {
      const byte = this.#byte();
      const type = byte & 15;
      if (type === 0) return { numbers, structs };
      field = byte >> 4 === 0 ? this.#zigzag() : field + (byte >> 4);
      const value = this.#value(type, depth);
      if (typeof value === "number") numbers.set(field, value);
      else if (value !== undefined) structs.set(field, value);
    }
  }

  #value(type: number, depth: number): number | Struct | undefined {
    if (type === TYPE.yes || type === TYPE.no) return undefined;
    if (type === TYPE.byte) return this.#byte();
    if (type === TYPE.i16 || type === TYPE.i32 || type === TYPE.i64) return this.#zigzag();
    if (type === TYPE.double) return this.#pass(8);
    if (type === TYPE.binary) return this.#pass(this.#varint());
    if (type === TYPE.list) return this.#list(depth);
    if (type === TYPE.struct) return this.struct(depth + 1);
    throw new Error(`a field of type ${type}`);
  }

  #list(depth: number): undefined {
    const head = this.#byte();
    const size = head >> 4 === 15 ? this.#varint() : head >> 4;
    const type = head & 15;
    if (size > this.#view.byteLength - this.at) throw new Error(`a list of ${size} values`);
    for (let i = 0; i < size; i++) {
      if (type === TYPE.yes || type === TYPE.no) this.#byte();
      else this.#value(type, depth + 1);
    }
  }

  #byte(): number {
    return this.#view.getUint8(this.at++);
  }

  #pass(bytes: number): undefined {
    this.at += bytes;
    if (this.at > this.#view.byteLength) throw new Error("a field beyond the end");
  }

  #varint(): number {
    let value = 0;
    for (let n = 0; n < MAX_VARINT_BYTES; n++) {
      const byte = this.#byte();
      value += (byte & 127) * 2 ** (7 * n);
      if (byte < 128) return value;
    }
    throw new Error("a number of more than 64 bits");
  }

  #zigzag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

/** @throws Error if a file's footer is no struct that its bytes can hold */
export function checkFooter(footer: Uint8Array): void {
  new Scan(footer, 0).struct();
}

/** A column's pages in a group, and how many values they may have. */
export interface Pages {
  readonly start: number;
  readonly end: number;
  readonly values: number;
}

const PAGE = { unpacked: 2, packed: 3, data: 5, dictionary: 7, dataV2: 8 } as const;

/**
 * Walks the pages of a column as hyparquet does, by their headers.
 *
 * @throws Error if one leads out of the column, or they have more values than the column states
 */
export function checkPages(bytes: Uint8Array, { start, end, values }: Pages): void {
  let left = values;
  for (let at = start; at < end - 1 && left > 0; ) {
    const scan = new Scan(bytes.subarray(0, end), at);
    const { numbers, structs } = scan.struct();
    const [packed = -1, unpacked = -1] = [numbers.get(PAGE.packed), numbers.get(PAGE.unpacked)];
    if (!(packed >= 0 && unpacked >= 0 && scan.at + packed <= end))
      throw new Error(`a page of ${packed} bytes`);
    at = scan.at + packed;
    const page = structs.get(PAGE.data) ?? structs.get(PAGE.dataV2);
    const dictionary = structs.get(PAGE.dictionary)?.numbers.get(1) ?? 0;
    if (!(dictionary >= 0 && dictionary <= 8 * unpacked))
      throw new Error(`a dictionary of ${dictionary} values`);
    const count = page?.numbers.get(1) ?? 0;
    if (!(count >= 0 && count <= left)) throw new Error(`a page of ${count} values for ${left}`);
    left -= count;
  }
}
