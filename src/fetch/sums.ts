// SHA256SUMS, the list of hashes that is published beside files: read strictly, and found where a mirror has one.
// Source: GNU coreutils' sha256sum. Invariant: a name of the list is a path below its folder, and stands there once.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError, unexpected } from "../core/errors.ts";
import { FileNames } from "../core/file-names.ts";
import { exists, readText } from "../machine/files.ts";
import { type DownloadOptions, download } from "./http/download.ts";
import type { Patience } from "./http/patience.ts";
import type { RetryOptions } from "./http/retry.ts";
import { type Mirror, mirrorUrl } from "./mirror.ts";
import { fetchedPathTrouble } from "./names.ts";

/** Name of the list. */
export const SUMS = "SHA256SUMS";

/** Hex SHA-256 of published files, by their path below the list's folder. */
export type Sums = ReadonlyMap<string, string>;

/**
 * Reads the text of a list as `sha256sum` writes it.
 *
 * @param where - the list, for messages
 * @throws AppError("data", "SUMS_LINE") for a line that is none, a name out of the folder or not the same file
 *   everywhere, or one that some system takes for an earlier one
 * @example parseSums(`${"0".repeat(64)}  train.csv\n`, "SHA256SUMS").get("train.csv")
 */
export function parseSums(text: string, where: string): Sums {
  const sums = new Map<string, string>();
  const names = new FileNames();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === "") continue;
    const [, hash, name] = /^([0-9a-f]{64}) [ *](?:\.\/)?(.+)$/i.exec(line) ?? [];
    if (hash !== undefined && fetchedPathTrouble(name!) === undefined && names.clash(name!) === undefined) {
      sums.set(name!, hash.toLowerCase());
      continue;
    }
    const expected = "a SHA-256, two blanks, and the name of a file below this folder, once";
    const e = { code: "SUMS_LINE", expected, name: "a line", got: line, where: `${where}:${index + 1}` };
    const trouble = name === undefined ? undefined : fetchedPathTrouble(name);
    const named = trouble === undefined ? "" : `, with ${trouble}`;
    const hint = `have the publisher make it by sha256sum, in the folder itself${named}`;
    throw unexpected("data", { ...e, hint });
  }
  return sums;
}

/** A server's answer for a file that it does not have; some answer everything with a page. */
const ABSENT = ["REMOTE_NOT_FOUND", "REMOTE_DENIED", "REMOTE_HTML"];

/**
 * The list beside the files of a mirror.
 *
 * @returns undefined if the mirror has none
 * @throws AppError("data", "SUMS_LINE"), as download if the server fails
 */
export async function mirrorSums(
  mirror: Mirror,
  options: RetryOptions & Patience & Pick<DownloadOptions, "headers">,
): Promise<Sums | undefined> {
  if (mirror.url === undefined) {
    const path = join(mirror.folder!, SUMS);
    return (await exists(path)) ? readSums(path) : undefined;
  }
  const dir = await mkdtemp(join(tmpdir(), "facehand-sums-"));
  try {
    const { path } = await download(mirrorUrl(mirror.url, SUMS), join(dir, SUMS), options);
    return await readSums(path);
  } catch (error) {
    if (error instanceof AppError && ABSENT.includes(error.code)) return undefined;
    throw error;
  } finally {
    await rm(dir, { recursive: true });
  }
}

/** Reads a list from the disk; throws as parseSums. */
export async function readSums(path: string): Promise<Sums> {
  return parseSums(await readText(path, "a list of hashes"), path);
}
