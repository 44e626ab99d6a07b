// Mirrors: a folder or an address where published files lie under the same names.
// Invariant: a file from a folder meets the same checks as a download: it is whole, and no page of HTML.
import { open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type AppError, isNotFound, missingFile, unexpected } from "../core/errors.ts";
import { checkRoom, writeChunk } from "../machine/disk.ts";
import { readChunks } from "../machine/files.ts";
import { makeFolders } from "../machine/make-folders.ts";
import { addressOf, isWebAddress, showUrl } from "./http/address.ts";
import { discard, type Partial, partialOf } from "./http/partial.ts";
import type { Downloaded, DownloadOptions } from "./http/receive.ts";
import { stopped } from "./http/retry.ts";
import { checkWhole } from "./http/whole.ts";

/** Where else files are: one of the two. */
export interface Mirror {
  readonly folder?: string | undefined;
  /** Ends in `/`. */
  readonly url?: URL | undefined;
}

/**
 * What `--mirror` means: an http(s) address, or an existing folder.
 *
 * @throws AppError("input", "MIRROR" | "ADDRESS" | "ADDRESS_USER")
 */
export async function parseMirror(text: string): Promise<Mirror> {
  if (isWebAddress(text)) {
    const url = addressOf(text, "--mirror");
    if (url.search !== "" || url.hash !== "") throw withQuery(url);
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    return { url };
  }
  if (await isFolder(text)) return { folder: text };
  const expected = "an existing folder or an address that begins with https:// or http://";
  throw unexpected("input", { code: "MIRROR", expected, name: "--mirror", got: text });
}

/** A query would have to be put behind every file's address, and would sign none of them. */
function withQuery(url: URL): AppError {
  const expected = "an address without a query and fragment, which files below it would not have,";
  const hint = "fetch a signed address by itself; or download the files, then --mirror FOLDER";
  return unexpected("input", { code: "MIRROR", expected, name: "--mirror", got: showUrl(url), hint });
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
  await makeFolders(dirname(path));
  const part = partialOf(path, source);
  await discard(part);
  await checkRoom(dirname(path), sizeBytes, options.freeBytes);
  const file = await open(part.path, "wx");
  try {
    let position = 0;
    for await (const chunk of readChunks(source, "a file of the mirror")) {
      if (options.signal?.aborted) throw stopped(options.signal);
      const after = position + chunk.byteLength;
      if (after > sizeBytes) throw await changing(source, sizeBytes, after, part);
      await writeChunk(part, file, chunk, position);
      position = after;
      options.onProgress?.(position, sizeBytes);
    }
    if (position < sizeBytes) throw await changing(source, sizeBytes, position, part);
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

/** A file that somebody writes while it is copied. */
async function changing(source: string, bytes: number, got: number, part: Partial): Promise<AppError> {
  await discard(part);
  const e = { code: "MIRROR_CHANGED", expected: `${bytes} bytes, as at the beginning,`, name: source, got };
  return unexpected("data", { ...e, hint: "wait until it is written, then run the same command again" });
}

async function sizeOf(source: string): Promise<number> {
  try {
    const found = await stat(source);
    if (found.isFile()) return found.size;
    const e = { code: "MIRROR_FILE", expected: "a plain file", name: source, got: "a folder or device" };
    throw unexpected("data", e);
  } catch (error) {
    throw isNotFound(error) ? missingFile(source, "a file of the mirror") : error;
  }
}
