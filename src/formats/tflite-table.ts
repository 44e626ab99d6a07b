// ◇ Browser-safe. Tables of a FlatBuffers file, field by field, over the flatbuffers library, which reads nothing or
// zeros past the end. Invariants: what is read lies in the file; strings, vectors and tables, of which many may share
// the same bytes, are paid from one budget, so that memory follows the file's size.
import { ByteBuffer } from "flatbuffers";
import { type AppError, unexpected } from "../core/errors.ts";

/** A fault in a model's structure. */
export function broken(where: string, got: string): AppError {
  const hint = "install or fetch the file again; it may be cut short.";
  return unexpected("data", {
    code: "TFLITE_BROKEN",
    expected: "a TensorFlow Lite model",
    name: where,
    got,
    hint,
  });
}

/**
 * The root table of a file.
 *
 * @throws AppError("data", "TFLITE_BROKEN") here and while it is read
 */
export function openTable(bytes: Uint8Array, where: string): Table {
  const buffer = new ByteBuffer(bytes);
  if (bytes.length < 8 || !buffer.__has_identifier("TFL3")) {
    throw broken(where, `${bytes.length} bytes without the mark TFL3`);
  }
  return new Table(new Source(buffer, where), buffer.readInt32(0));
}

/** Bytes that tables, strings and vectors may take: some hundreds for every operator of a model. */
const FREE_BYTES = 32 << 20;
const TABLE_BYTES = 160;

/** The file: what all of its tables share. */
class Source {
  readonly buffer: ByteBuffer;
  readonly where: string;
  #left: number;

  constructor(buffer: ByteBuffer, where: string) {
    this.buffer = buffer;
    this.where = where;
    this.#left = FREE_BYTES + 2 * buffer.capacity();
  }

  pay(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw broken(this.where, "one that makes much more of its bytes than they are");
  }

  check(at: number, length: number): void {
    if (at >= 4 && length >= 0 && at + length <= this.buffer.capacity()) return;
    throw broken(this.where, `a reference to byte ${at + length} of ${this.buffer.capacity()}`);
  }
}

/** One FlatBuffers table: fields by position, with the schema's defaults for those left out. */
export class Table {
  readonly #source: Source;
  readonly #buffer: ByteBuffer;
  readonly #at: number;

  constructor(source: Source, at: number) {
    this.#source = source;
    this.#buffer = source.buffer;
    this.#at = at;
    source.pay(TABLE_BYTES);
    source.check(at, 4);
    const fields = at - this.#buffer.readInt32(at);
    source.check(fields, 4);
    source.check(fields, this.#buffer.readUint16(fields));
  }

  /** Position of a field's value of so many bytes, 0 if absent. */
  #field(field: number, bytes: number): number {
    const offset = this.#buffer.__offset(this.#at, 4 + 2 * field);
    if (offset === 0) return 0;
    this.#source.check(this.#at + offset, bytes);
    return this.#at + offset;
  }

  has(field: number): boolean {
    return this.#field(field, 0) !== 0;
  }

  byte(field: number): number {
    const at = this.#field(field, 1);
    return at === 0 ? 0 : this.#buffer.readInt8(at);
  }

  int(field: number, absent = 0): number {
    const at = this.#field(field, 4);
    return at === 0 ? absent : this.#buffer.readInt32(at);
  }

  string(field: number): string {
    const bytes = this.bytes(field) ?? new Uint8Array(0);
    this.#source.pay(2 * bytes.length);
    return new TextDecoder().decode(bytes);
  }

  bytes(field: number): Uint8Array | undefined {
    const vector = this.#vector(field, 1);
    return vector && this.#buffer.bytes().subarray(vector.at, vector.at + vector.length);
  }

  ints(field: number): number[] {
    const { at, length } = this.#vector(field, 4) ?? { at: 0, length: 0 };
    this.#source.pay(8 * length);
    return Array.from({ length }, (_, i) => this.#buffer.readInt32(at + 4 * i));
  }

  table(field: number): Table | undefined {
    const at = this.#field(field, 4);
    return at === 0 ? undefined : new Table(this.#source, this.#buffer.__indirect(at));
  }

  tables(field: number): Table[] {
    const { at, length } = this.#vector(field, 4) ?? { at: 0, length: 0 };
    return Array.from({ length }, (_, i) => new Table(this.#source, this.#buffer.__indirect(at + 4 * i)));
  }

  #vector(field: number, elementBytes: number): { at: number; length: number } | undefined {
    const position = this.#field(field, 4);
    if (position === 0) return undefined;
    const start = this.#buffer.__indirect(position);
    this.#source.check(start, 4);
    const length = this.#buffer.readInt32(start);
    this.#source.check(start + 4, length * elementBytes);
    return { at: start + 4, length };
  }
}
