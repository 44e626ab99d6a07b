// ◇ Browser-safe. Messages of protocol buffers by a table of their fields, over the wire format of @bufbuild/protobuf.
// Source: protobuf.dev/programming-guides/encoding, for proto2. Invariants: what is set is written, zero and empty too, in
// the order of the table; lists of numbers are written one by one and read packed too; fields that the table does not name
// are skipped; the bytes that are read are shared, not copied.
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** The fields of a message by name; `type` is a scalar or the name of a message. */
export type Fields = Readonly<Record<string, readonly [rule: "" | "repeated", type: string, id: number]>>;

/** How scalars lie in a file. */
const SCALARS = {
  int32: WireType.Varint,
  int64: WireType.Varint,
  float: WireType.Bit32,
  double: WireType.Bit64,
  string: WireType.LengthDelimited,
  bytes: WireType.LengthDelimited,
} as const;
type Scalar = keyof typeof SCALARS;

/** Bytes from this length on are copied once, when the parts of a message are joined. */
const LONG = 1024;

type Message = Record<string, unknown>;

/** One of them. */
export interface Field {
  readonly name: string;
  readonly isList: boolean;
  readonly id: number;
  readonly wire: WireType;
  /** Of a number, text or bytes. */
  readonly scalar: Scalar | undefined;
  /** Of a message. */
  readonly kind: Kind | undefined;
}

/** The fields of one kind of message. */
export interface Kind {
  readonly name: string;
  /** As the table has them. */
  readonly fields: Field[];
  readonly byNumber: Map<number, Field>;
  /** Those that may hold many bytes. */
  readonly deep: Field[];
}

/** What is written so far: parts that are finished, and the one after them. */
interface Out {
  readonly parts: Uint8Array[];
  readonly writer: BinaryWriter;
  /** Within a message that is known to be short. */
  isShort: boolean;
}

/** The kinds of messages of a table. */
export type Kinds<Name extends string> = Readonly<Record<Name, Kind>>;

/**
 * Makes a table ready for `encodeMessage` and `decodeMessage`.
 *
 * @param messages - fields by kind of message, in the order in which they are written
 * @example kindsOf({ Entry: { key: ["", "string", 1] } }).Entry
 */
export function kindsOf<Name extends string>(messages: Readonly<Record<Name, Fields>>): Kinds<Name> {
  const kinds: Record<string, Kind> = {};
  for (const name of Object.keys(messages)) kinds[name] = { name, fields: [], byNumber: new Map(), deep: [] };
  for (const [of, fields] of Object.entries<Fields>(messages)) {
    const { fields: all, byNumber, deep } = kinds[of]!;
    for (const [name, [rule, type, id]] of Object.entries(fields)) {
      const scalar = Object.hasOwn(SCALARS, type) ? (type as Scalar) : undefined;
      const wire = scalar === undefined ? WireType.LengthDelimited : SCALARS[scalar];
      const field = { name, isList: rule === "repeated", id, wire, scalar, kind: kinds[type] };
      all.push(field);
      byNumber.set(id, field);
      if (scalar === undefined || scalar === "bytes") deep.push(field);
    }
  }
  return kinds as Kinds<Name>;
}

/**
 * The bytes of a message; fields that are undefined or absent are left out.
 *
 * @example encodeMessage(kindsOf({ Entry: { key: ["", "string", 1] } }).Entry, { key: "a" })
 */
export function encodeMessage(kind: Kind, message: object): Uint8Array {
  const parts = partsOf(kind, message as Message);
  const out = new Uint8Array(lengthOf(parts));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * What bytes say; absent texts are empty, absent int32 zero, absent lists empty, all else undefined; int64 are bigints.
 *
 * @throws Error, of any class, where the bytes are not such a message
 */
export function decodeMessage(kind: Kind, bytes: Uint8Array): Record<string, unknown> {
  return read(new BinaryReader(bytes), bytes.length, kind);
}

function partsOf(kind: Kind, message: Message): Uint8Array[] {
  const out: Out = { parts: [], writer: new BinaryWriter(), isShort: false };
  write(out, kind, message);
  return [...out.parts, out.writer.finish()];
}

function write(out: Out, { fields }: Kind, message: Message): void {
  for (const field of fields) {
    const value = message[field.name];
    if (value === undefined) continue;
    if (!field.isList) writeField(out, field, value);
    else for (const one of value as Iterable<unknown>) writeField(out, field, one);
  }
}

function writeField(out: Out, field: Field, value: unknown): void {
  const { writer } = out;
  const { kind, scalar } = field;
  writer.tag(field.id, field.wire);
  if (!out.isShort && isLong(field, value)) writeApart(out, field, value);
  else if (scalar !== undefined) writeScalar(writer, scalar, value);
  else {
    const { isShort } = out;
    out.isShort = true;
    writer.fork();
    write(out, kind!, value as Message);
    writer.join();
    out.isShort = isShort;
  }
}

/** Whether bytes in it are too many to be copied once for each message around them. */
function isLong({ scalar, kind }: Field, value: unknown): boolean {
  if (kind === undefined) return scalar === "bytes" && (value as Uint8Array).length >= LONG;
  for (const field of kind.deep) {
    const entry = (value as Message)[field.name];
    if (entry === undefined) continue;
    if (field.isList ? (entry as readonly unknown[]).some((one) => isLong(field, one)) : isLong(field, entry))
      return true;
  }
  return false;
}

/** What is long lies in no fork of the writer: whatever is around it is long too. */
function writeApart({ parts, writer }: Out, { kind }: Field, value: unknown): void {
  const inner = kind === undefined ? [value as Uint8Array] : partsOf(kind, value as Message);
  writer.uint32(lengthOf(inner));
  parts.push(writer.finish());
  for (const part of inner) parts.push(part);
}

function writeScalar(writer: BinaryWriter, type: Scalar, value: unknown): void {
  if (type === "string") writer.string(value as string);
  else if (type === "bytes") writer.bytes(value as Uint8Array);
  else if (type === "int64") writer.int64(value as bigint | number);
  else if (type === "float")
    writer.float(Math.fround(value as number)); // beyond float32: infinite
  else writer[type](value as number);
}

const lengthOf = (parts: readonly Uint8Array[]) => parts.reduce((sum, part) => sum + part.length, 0);

function read(reader: BinaryReader, end: number, kind: Kind, old?: Message): Message {
  const message = old ?? empty(kind);
  while (reader.pos < end) {
    const [id, wire] = reader.tag();
    const field = kind.byNumber.get(id);
    if (field?.wire === wire) readField(reader, field, message);
    else if (field?.isList && wire === WireType.LengthDelimited) readPacked(reader, field, message);
    else reader.skip(wire, id);
    if (reader.pos > end) throw new RangeError(`a field of ${kind.name} ends behind it`);
  }
  return message;
}

function empty({ fields }: Kind): Message {
  const message: Message = {};
  for (const { name, isList, scalar } of fields)
    message[name] = isList ? [] : scalar === "string" ? "" : scalar === "int32" ? 0 : undefined;
  return message;
}

/** A message that is there twice is read into one, as its fields may be written apart. */
function readField(reader: BinaryReader, field: Field, message: Message): void {
  const { name, isList, scalar, kind } = field;
  if (scalar === undefined) {
    const old = isList ? undefined : (message[name] as Message | undefined);
    const value = read(reader, reader.uint32() + reader.pos, kind!, old);
    if (isList) (message[name] as Message[]).push(value);
    else message[name] = value;
  } else if (isList) (message[name] as unknown[]).push(reader[scalar]());
  else message[name] = reader[scalar]();
}

function readPacked(reader: BinaryReader, { name, scalar }: Field, message: Message): void {
  const list = message[name] as unknown[];
  const end = reader.uint32() + reader.pos;
  while (reader.pos < end) list.push(reader[scalar!]());
  if (reader.pos > end) throw new RangeError(`the list ${name} ends within a number`);
}
