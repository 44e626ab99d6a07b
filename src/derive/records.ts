// Streams the entries of one big JSON object: HaGRID's annotation files hold up to 1.1 million records.
// Source: stream-json parses; its verifier is run over a broken file to name the line and byte of the fault.
// Invariant: at most one record is held; the order is that of the file; repeated keys are not merged.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream";
import { verifyFile } from "stream-json/file/verifier.js";
import { streamObject } from "stream-json/streamers/stream-object.js";
import { AppError, isNotFound, missingFile, show } from "../core/errors.ts";

export interface JsonEntry {
  readonly key: string;
  readonly value: unknown;
}

/**
 * The entries of the object that a JSON file holds, one at a time.
 *
 * @param path - JSON file whose top level is an object
 * @param what - its name in messages, e.g. `HaGRID annotations`
 * @returns entries in the order of the file
 * @throws AppError("data", "FILE_MISSING") or AppError("data", "JSON_SYNTAX") with line, byte and last record
 * @example for await (const { key, value } of streamEntries("palm.json", "HaGRID annotations")) {}
 */
export async function* streamEntries(path: string, what: string): AsyncGenerator<JsonEntry> {
  await mustBeFile(path, what);
  let last: string | undefined;
  const entries = streamObject.withParserAsStream();
  pipeline(createReadStream(path), entries, () => undefined); // errors arrive at the loop below
  try {
    for await (const entry of entries as AsyncIterable<JsonEntry>) {
      last = entry.key;
      yield entry;
    }
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw await syntaxError(path, what, last, cause);
  } finally {
    entries.destroy();
  }
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
  const found = `${show(cause)}, ${await locateFault(path)}${after}`;
  return new AppError(
    "data",
    "JSON_SYNTAX",
    `Expected a complete JSON object of ${what} in ${path}, got ${found}`,
    {
      hint: "fetch or write the file again; it may have been cut off",
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
