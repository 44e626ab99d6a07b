// Finds the entries of a JSON object in bytes that come in parts: where each key and value ends, no more.
// Source: RFC 8259; whether a value is JSON inside, JSON.parse decides. Invariant: an entry is taken only when all of it
// and the byte after it are there, so that the parts may be cut anywhere.
export interface JsonEntry {
  readonly key: string;
  readonly value: unknown;
}

/** What has to come next: the object, its first entry or its end, an entry, a comma or the end, nothing. */
type ScanState = "object" | "first" | "entry" | "comma" | "nothing";

/** What a scan found. */
export interface Scanned {
  readonly entries: readonly JsonEntry[];
  /** Bytes that need not be given again. */
  readonly used: number;
  readonly next: ScanState;
  /** What is wrong after these entries. */
  readonly fault?: string | undefined;
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** The state before the first byte. */
export const scanStart = (): ScanState => "object";

/**
 * Takes all entries that the bytes hold whole.
 *
 * @param bytes - what is not used yet of the file, UTF-8
 * @param state - `next` of the scan before
 * @param ended - nothing comes after these bytes
 */
export function scanEntries(bytes: Buffer, state: ScanState, ended: boolean): Scanned {
  const entries: JsonEntry[] = [];
  let next = state;
  let used = skipBlanks(bytes, 0);
  while (used < bytes.length) {
    const byte = bytes[used]!;
    if (next === "object" && byte === OPEN_OBJECT) next = "first";
    else if ((next === "first" || next === "comma") && byte === CLOSE_OBJECT) next = "nothing";
    else if (next === "comma" && byte === COMMA) next = "entry";
    else if ((next === "first" || next === "entry") && byte === QUOTE) {
      const taken = takeEntry(bytes, used);
      if (taken === undefined) break;
      if (typeof taken === "string") return { entries, used, next, fault: taken };
      entries.push(taken.entry);
      next = "comma";
      used = skipBlanks(bytes, taken.end);
      continue;
    } else {
      return { entries, used, next, fault: `unexpected ${JSON.stringify(String.fromCharCode(byte))}` };
    }
    used = skipBlanks(bytes, used + 1);
  }
  const cut = ended && (next !== "nothing" || used < bytes.length);
  return { entries, used, next, ...(cut ? { fault: "the end of the file" } : {}) };
}

/** The entry whose key begins at `start`; undefined if it extends beyond the bytes, a text if it is wrong. */
function takeEntry(bytes: Buffer, start: number): { entry: JsonEntry; end: number } | string | undefined {
  const keyEnd = stringEnd(bytes, start);
  const colon = skipBlanks(bytes, keyEnd);
  if (colon >= bytes.length) return undefined;
  if (bytes[colon] !== COLON) return "a key without a colon";
  const from = skipBlanks(bytes, colon + 1);
  const end = valueEnd(bytes, from);
  if (end >= bytes.length) return undefined;
  try {
    const key = JSON.parse(bytes.toString("utf8", start, keyEnd)) as string;
    return { entry: { key, value: JSON.parse(bytes.toString("utf8", from, end)) as unknown }, end };
  } catch (error) {
    return (error as Error).message;
  }
}

function skipBlanks(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  return at;
}

/** The byte after a string that begins at `start`; the end of the bytes or more if it extends beyond them. */
function stringEnd(bytes: Buffer, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === BACKSLASH) at++;
    else if (bytes[at] === QUOTE) return at + 1;
  }
  return bytes.length;
}

/** The byte after a value; brackets are counted, not matched: JSON.parse finds `[}`. */
function valueEnd(bytes: Buffer, start: number): number {
  const { length } = bytes;
  let depth = 0;
  for (let at = start; at < length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      at = stringEnd(bytes, at) - 1;
      if (depth === 0) return at + 1;
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth++;
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      if (depth === 0) return at; // of a number or word, by the end of the object around it
      if (--depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || byte <= 0x20)) return at;
  }
  return length;
}
