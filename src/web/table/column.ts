// ◇ Browser-safe. A table as columns in typed memory, so that half a million rows are a few dozen arrays and no objects.
// Source: our own. Invariants: all columns are equally long; code 0 of words is the empty word (nothing recorded), the
// others follow in the order in which people read them, and last, where rows are set apart to which the column does not apply, the
// empty word again; a missing number is NaN; a text that is missing is empty.
import { compareGroupValues } from "../../core/group-order.ts";

/** Few different words, coded. */
export interface Words {
  readonly kind: "words";
  readonly codes: Uint8Array | Uint16Array | Uint32Array;
  readonly words: readonly string[];
}

/** Numbers as the file has them: thresholds are compared with them. */
export interface Numbers {
  readonly kind: "numbers";
  readonly values: Float64Array;
}

/** Texts that rarely repeat, one after the other in UTF-8. */
export interface Texts {
  readonly kind: "texts";
  readonly bytes: Uint8Array;
  /** Where each text ends. */
  readonly ends: Uint32Array;
}

/** Perceptual hashes, eight words of 32 bits a row; the first bit of one that is there is 0, of a missing one 1. */
export interface Hashes {
  readonly kind: "hashes";
  readonly bits: Uint32Array;
}

export type Column = Words | Numbers | Texts | Hashes;
export type ColumnKind = Column["kind"];

/** Columns by name. */
export interface Table {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, Column>;
}

/** A column that is being filled, rows in order. */
export interface Filling {
  /** Sets a row; `undefined` and `null` are missing; a text may come as its bytes. */
  put(row: number, value: unknown): void;
  done(): Column;
}

/** Begins a column. */
export function fill(kind: ColumnKind, rows: number): Filling {
  return { words: fillWords, numbers: fillNumbers, texts: fillTexts, hashes: fillHashes }[kind](rows);
}

/** Words of 32 bits of a hash. */
export const HASH_PARTS = 8;

function fillHashes(rows: number): Filling {
  const bits = new Uint32Array(HASH_PARTS * rows);
  for (let row = 0; row < rows; row++) bits[HASH_PARTS * row] = 0x80000000;
  return {
    put(row, value) {
      if (typeof value !== "string" || !/^[0-7][0-9a-f]{63}$/.test(value)) return;
      for (let i = 0; i < HASH_PARTS; i++)
        bits[HASH_PARTS * row + i] = Number.parseInt(value.slice(8 * i, 8 * i + 8), 16);
    },
    done: () => ({ kind: "hashes", bits }),
  };
}

function fillWords(rows: number): Filling {
  const codes = new Uint32Array(rows);
  const known = new Map<unknown, number>([
    ["", 0],
    [null, 0],
    [undefined, 0],
  ]);
  const words = [""];
  return {
    put(row, value) {
      let code = known.get(value);
      if (code === undefined) {
        code = words.push(String(value)) - 1;
        known.set(value, code);
      }
      codes[row] = code;
    },
    done: () => inOrder(codes, words),
  };
}

/** Words in the order of reading, in as few bytes as they need. */
function inOrder(codes: Uint32Array, words: readonly string[]): Words {
  const order = Array.from(words.keys()).slice(1);
  order.sort((a, b) => compareGroupValues(words[a]!, words[b]!));
  const place = new Uint32Array(words.length);
  for (const [i, old] of order.entries()) place[old] = i + 1;
  const narrow =
    words.length <= 0x100
      ? new Uint8Array(codes.length)
      : words.length <= 0x10000
        ? new Uint16Array(codes.length)
        : new Uint32Array(codes.length);
  for (let i = 0; i < codes.length; i++) narrow[i] = place[codes[i]!]!;
  return { kind: "words", codes: narrow, words: ["", ...order.map((old) => words[old]!)] };
}

function fillNumbers(rows: number): Filling {
  const values = new Float64Array(rows).fill(Number.NaN);
  return {
    put(row, value) {
      if (typeof value === "number") values[row] = value;
      else if (typeof value === "string" && value !== "") values[row] = Number(value);
      else if (typeof value === "bigint") values[row] = Number(value);
    },
    done: () => ({ kind: "numbers", values }),
  };
}

/** Bytes that a text is thought to have, before it is known. */
const USUAL_BYTES = 40;

function fillTexts(rows: number): Filling {
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(Math.max(1024, USUAL_BYTES * rows));
  const ends = new Uint32Array(rows);
  let [at, next] = [0, 0];
  const grow = (more: number) => {
    if (at + more <= bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * bytes.length, at + more));
    larger.set(bytes);
    bytes = larger;
  };
  return {
    put(row, value) {
      for (; next < row; next++) ends[next] = at; // rows that were left out
      if (value instanceof Uint8Array) {
        grow(value.length);
        bytes.set(value, at);
        at += value.length;
      } else if (value !== undefined && value !== null) {
        const text = String(value);
        grow(3 * text.length);
        at += encoder.encodeInto(text, bytes.subarray(at)).written;
      }
      ends[row] = at;
      next = row + 1;
    },
    done() {
      ends.fill(at, next);
      return { kind: "texts", bytes: bytes.slice(0, at), ends };
    },
  };
}

const decoder = new TextDecoder();

/** A row's text, whatever its column is; empty where nothing is recorded. */
export function textAt(column: Column | undefined, row: number): string {
  if (column === undefined) return "";
  if (column.kind === "words") return column.words[column.codes[row]!]!;
  if (column.kind === "texts")
    return decoder.decode(column.bytes.subarray(row === 0 ? 0 : column.ends[row - 1]!, column.ends[row]!));
  if (column.kind === "hashes") return "";
  const value = column.values[row]!;
  return Number.isNaN(value) ? "" : String(value);
}

/** A row's number; NaN where there is none. */
export const numberAt = (column: Column | undefined, row: number): number =>
  column?.kind === "numbers" ? column.values[row]! : Number.NaN;

/** Columns of one kind, by name. */
export function columnOf<K extends ColumnKind>(
  { columns }: Table,
  name: string,
  kind: K,
): Extract<Column, { readonly kind: K }> | undefined {
  const found = columns.get(name);
  return found?.kind === kind ? (found as Extract<Column, { readonly kind: K }>) : undefined;
}

/** What may be handed to another thread without a copy. */
export function memoryOf(columns: Iterable<Column>): ArrayBuffer[] {
  return Array.from(columns).flatMap((column): ArrayBuffer[] => {
    const arrays = {
      words: (one: Words) => [one.codes],
      numbers: (one: Numbers) => [one.values],
      texts: (one: Texts) => [one.bytes, one.ends],
      hashes: (one: Hashes) => [one.bits],
    }[column.kind] as (one: Column) => ArrayBufferView[];
    return arrays(column).map(({ buffer }) => buffer as ArrayBuffer);
  });
}

/** Row of each text of a column that is looked for, in one pass; those that are not there are left out. */
export function rowsOfTexts(column: Texts, wanted: Iterable<string>): Map<string, number> {
  const byHash = new Map<number, { readonly text: string; readonly bytes: Uint8Array }[]>();
  const encoder = new TextEncoder();
  for (const text of wanted) {
    const bytes = encoder.encode(text);
    const hash = hashOf(bytes, 0, bytes.length);
    byHash.set(hash, [...(byHash.get(hash) ?? []), { text, bytes }]);
  }
  const found = new Map<string, number>();
  if (byHash.size === 0) return found;
  const { bytes, ends } = column;
  for (let row = 0, start = 0; row < ends.length; start = ends[row++]!) {
    for (const { text, bytes: own } of byHash.get(hashOf(bytes, start, ends[row]!)) ?? [])
      if (isSame(bytes, start, ends[row]!, own) && !found.has(text)) found.set(text, row);
  }
  return found;
}

/** FNV-1a over the last bytes at most: ids differ everywhere. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 ^ (end - start);
  for (let i = Math.max(start, end - 12); i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

function isSame(bytes: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  if (end - start !== other.length) return false;
  for (let i = 0; i < other.length; i++) if (bytes[start + i] !== other[i]) return false;
  return true;
}

/**
 * Rows whose text has a part, as 1 in the place of the row; ASCII letters in either case.
 *
 * @param part - in lower case
 */
export function rowsWithPart({ bytes, ends }: Texts, part: string): Uint8Array {
  const has = new Uint8Array(ends.length);
  const sought = new TextEncoder().encode(part);
  const [first = 0] = sought;
  for (let row = 0, at = 0; row < ends.length; row++) {
    const last = ends[row]! - sought.length;
    for (; at <= last && has[row] === 0; at++) {
      if (lower(bytes[at]!) !== first) continue;
      let i = 1;
      while (i < sought.length && lower(bytes[at + i]!) === sought[i]) i++;
      if (i === sought.length) has[row] = 1;
    }
    at = ends[row]!;
  }
  return has;
}

const lower = (byte: number) => (byte >= 65 && byte <= 90 ? byte + 32 : byte);
