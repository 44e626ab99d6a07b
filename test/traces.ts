// Searches for traces of somebody in every byte of a folder: names of files, their bytes, and what archives, compressed files,
// tables and pages contain once it is taken out of them.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { openZip } from "../src/formats/zip/zip.ts";

/** What to search for, by its name in the answer; texts in either case. */
export type Traces = Readonly<Record<string, string | Uint8Array>>;

/**
 * Where any of the traces is found.
 *
 * @returns `<file>: <name of the trace>`, sorted
 */
export async function findTraces(dir: string, traces: Traces): Promise<string[]> {
  const found = new Set<string>();
  const sought = Object.entries(traces).map(([name, trace]) => {
    const isText = typeof trace === "string";
    return { name, isText, bytes: isText ? lowered(Buffer.from(trace)) : Buffer.from(trace) };
  });
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const parts = entry.isFile() ? [await readFile(path), ...(await partsOf(path))] : [];
    for (const part of [Buffer.from(path.slice(dir.length)), ...parts]) {
      const inLower = lowered(part);
      for (const { name, isText, bytes } of sought) {
        if ((isText ? inLower : part).includes(bytes)) found.add(`${path.slice(dir.length + 1)}: ${name}`);
      }
    }
  }
  return [...found].sort();
}

/** All files of a folder, and what they hold in another form. */
export async function partsBelow(dir: string): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) parts.push(await readFile(path), ...(await partsOf(path)));
  }
  return parts;
}

/** Bytes with capitals of ASCII as small letters: what is sought has no others. */
function lowered(bytes: Buffer): Buffer {
  const made = Buffer.from(bytes);
  for (let i = 0; i < made.length; i++) if (made[i]! >= 65 && made[i]! <= 90) made[i]! += 32;
  return made;
}

/** What a file holds in another form than its own bytes. */
async function partsOf(path: string): Promise<Buffer[]> {
  if (path.endsWith(".gz")) return [gunzipSync(await readFile(path))];
  if (path.endsWith(".zip")) return zipParts(path);
  if (path.endsWith(".parquet")) return parquetParts(path);
  const text = await readFile(path, "latin1");
  return [...text.matchAll(/base64,([A-Za-z0-9+/=]+)/g)].map(([, data]) => Buffer.from(data!, "base64"));
}

async function zipParts(path: string): Promise<Buffer[]> {
  const zip = await openZip(path);
  const parts: Buffer[] = [];
  for (const name of zip.entries.keys())
    parts.push(Buffer.from(name), Buffer.from(await zip.read(name, 1e9)));
  await zip.close();
  return parts;
}

async function parquetParts(path: string): Promise<Buffer[]> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  const rows = await parquetReadObjects({ file, metadata, utf8: false });
  const parts = [Buffer.from(JSON.stringify(metadata.key_value_metadata ?? []))];
  const visit = (value: unknown): void => {
    if (value instanceof Uint8Array) parts.push(Buffer.from(value));
    else if (typeof value === "object" && value !== null) Object.values(value).forEach(visit);
    else parts.push(Buffer.from(String(value)));
  };
  rows.forEach(visit);
  return parts;
}
