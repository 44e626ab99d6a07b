// Streams the entries of one big JSON object: HaGRID's annotation files hold up to 1.1 million records.
// Source: our own scan for the ends of records (json-scan.ts); the engine's JSON.parse then reads each. That is several
// times as fast as a streaming parser. stream-json's verifier is run over a broken file to name the line and byte.
// Invariant: about CHUNK_BYTES are in memory, or one record; the order is that of the file; repeated keys are not merged.
import { type FileHandle, open, stat } from "node:fs/promises";
import { verifyFile } from "stream-json/file/verifier.js";
import { AppError, isNotFound, missingFile, show } from "../../core/errors.ts";
import { causeIn } from "../../machine/sniff-file.ts";
import { type JsonEntry, scanEntries, scanStart } from "./json-scan.ts";

export type { JsonEntry } from "./json-scan.ts";

const CHUNK_BYTES = 1 << 20;
/** No record comes near this; an object that is never closed does not fill the memory. */
const MAX_RECORD_BYTES = 256 << 20;

/**
 * The entries of the object that a JSON file holds, one at a time.
 *
 * @param path - JSON file whose top level is an object
 * @param what - its name in messages, e.g. `HaGRID annotations`
 * @param chunkBytes - bytes read at once, for tests
 * @returns entries in the order of the file
 * @throws AppError("data", "FILE_MISSING") or AppError("data", "JSON_SYNTAX") with line, byte and last record
 * @example for await (const { key, value } of streamEntries("palm.json", "HaGRID annotations")) {}
 */
export async function* streamEntries(
  path: string,
  what: string,
  chunkBytes: number = CHUNK_BYTES,
): AsyncGenerator<JsonEntry> {
  await mustBeFile(path, what);
  const file = await open(path);
  let last: string | undefined;
  try {
    let state = scanStart();
    for (let rest = withoutMark(await readMore(file, Buffer.alloc(0), chunkBytes)); ; ) {
      const { entries, used, next, fault } = scanEntries(rest.bytes, state, rest.ended);
      for (const entry of entries) {
        last = entry.key;
        yield entry;
      }
      if (fault !== undefined) throw await syntaxError(path, what, last, fault);
      if (rest.ended) return;
      state = next;
      const left = rest.bytes.subarray(used);
      if (left.length > MAX_RECORD_BYTES)
        throw await syntaxError(path, what, last, `a record of more than ${MAX_RECORD_BYTES} bytes`);
      rest = await readMore(file, left, Math.max(chunkBytes, left.length)); // a long record is not scanned often
    }
  } finally {
    await file.close();
  }
}

async function readMore(file: FileHandle, left: Buffer, wanted: number) {
  const bytes = Buffer.allocUnsafe(left.length + wanted);
  left.copy(bytes);
  const { bytesRead } = await file.read(bytes, left.length, wanted, null);
  return { bytes: bytes.subarray(0, left.length + bytesRead), ended: bytesRead === 0 };
}

/** Editors of Windows begin a file with a byte order mark. */
function withoutMark<T extends { readonly bytes: Buffer }>(first: T): T {
  const { bytes } = first;
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return marked ? { ...first, bytes: bytes.subarray(3) } : first;
}

async function mustBeFile(path: string, what: string): Promise<void> {
  try {
    if ((await stat(path)).isFile()) return;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  throw missingFile(
    path,
    what,
    "check the path; HaGRID keeps annotations in annotations/<split>/<gesture>.json",
  );
}

async function syntaxError(
  path: string,
  what: string,
  last: string | undefined,
  cause: unknown,
): Promise<AppError> {
  const after = last === undefined ? "before the first record" : `after record ${last}`;
  const shown = causeIn(path, ["json"]);
  const found = `${shown?.got ?? show(cause)}, ${await locateFault(path)}${after}`;
  return new AppError(
    "data",
    "JSON_SYNTAX",
    `Expected a complete JSON object of ${what} in ${path}, got ${found}`,
    {
      hint:
        shown?.hint ??
        "fetch or write the file again; its beginning and its end are there, bytes between are not",
      cause,
    },
  );
}

async function locateFault(path: string): Promise<string> {
  try {
    await verifyFile(path);
    return "";
  } catch (error) {
    if (!(error instanceof Error && "line" in error && "offset" in error)) return "";
    return `line ${error.line}, byte ${error.offset}, `;
  }
}
