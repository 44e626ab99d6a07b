// Mirrors: a folder or an address where published files lie under the same names.
// Invariant: a file from a folder appears as a download does: whole, checked, and no page of HTML.
import { createReadStream } from "node:fs";
import { open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { isNotFound, missingFile, unexpected } from "../core/errors.ts";
import { checkWhole, type Downloaded, type DownloadOptions } from "./download.ts";
import { stopped } from "./http.ts";
import { checkRoom, discard, partialOf, writeChunk } from "./partial.ts";

/** Where else files are: one of the two. */
export interface Mirror {
  readonly folder?: string;
  /** Ends in `/`. */
  readonly url?: URL;
}

/**
 * What `--mirror` means: an http(s) address, or an existing folder.
 *
 * @throws AppError("input", "MIRROR")
 */
export async function parseMirror(text: string): Promise<Mirror> {
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) {
    const url = new URL(text);
    url.search = "";
    url.hash = "";
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    return { url };
  }
  if (await isFolder(text)) return { folder: text };
  const expected = "an existing folder or an address that begins with https:// or http://";
  throw unexpected("input", { code: "MIRROR", expected, name: "--mirror", got: text });
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Address of a file below a mirror. */
export function mirrorUrl(base: URL, name: string): URL {
  return new URL(name.split("/").map(encodeURIComponent).join("/"), base);
}

/**
 * Copies a file as if it were downloaded.
 *
 * @throws AppError("data", "FILE_MISSING"), and as download for what is not as it must be; Interrupted
 */
export async function copyFromFolder(
  source: string,
  path: string,
  options: DownloadOptions,
): Promise<Downloaded> {
  const sizeBytes = await sizeOf(source);
  const part = partialOf(path, source);
  await discard(part);
  await checkRoom(dirname(path), sizeBytes);
  const file = await open(part.path, "wx");
  try {
    let position = 0;
    for await (const chunk of createReadStream(source)) {
      if (options.signal?.aborted) throw stopped(options.signal);
      await writeChunk(part, file, chunk as Uint8Array, position);
      position += (chunk as Uint8Array).byteLength;
      options.onProgress?.(position, sizeBytes);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const sha256 = await checkWhole(part, source, options);
  const found = { path, sizeBytes: (await stat(part.path)).size, sha256 };
  await options.onChecked?.(found);
  await rename(part.path, path);
  return found;
}

async function sizeOf(source: string): Promise<number> {
  try {
    return (await stat(source)).size;
  } catch (error) {
    throw isNotFound(error) ? missingFile(source, "a file of the mirror") : error;
  }
}
