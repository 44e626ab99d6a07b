// A bundle as it is pushed to a hub: what `release bundle` wrote, byte for byte, and nothing beside it.
// Invariant: a file that SHA256SUMS does not name, or that has another hash, is never published.
import { readdir, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { z } from "zod";
import { AppError, unexpected } from "../core/errors.ts";
import { stopped } from "../fetch/http/retry.ts";
import { hashesOf, type PushFile } from "../fetch/hub/plan.ts";
import { readSums, SUMS, type Sums } from "../fetch/sums.ts";
import { exists, readJson } from "../machine/files.ts";

/** What states that a folder is a bundle. */
export const BUNDLE_NOTE = "release.json";
/** What every bundle has. */
const PARTS = [BUNDLE_NOTE, "aligned_dataset.zip", "train.csv", "val.csv", "test.csv", "README.md"];
const SHOWN = 5;

// Not strict: a bundle of a later version may state more.
const noteSchema = z.object({
  format: z.literal("facehand-bundle/1"),
  info: z.object({ name: z.string(), version: z.string() }),
});

/** A bundle that may be pushed. */
export interface ReadBundle {
  /** Name and version of the dataset, as its publisher states them. */
  readonly info: { readonly name: string; readonly version: string };
  readonly files: readonly PushFile[];
}

/** How to read it. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/**
 * Reads a bundle's files and their hashes.
 *
 * @throws AppError("data", "BUNDLE_NONE") for a folder that is none, AppError("data", "BUNDLE_FILES") for one with files that its
 *   SHA256SUMS does not name, that are missing or not as it says; as readSums; Interrupted after the signal
 */
export async function readBundle(dir: string, options: ReadOptions = {}): Promise<ReadBundle> {
  if (!(await exists(join(dir, SUMS))) || !(await exists(join(dir, BUNDLE_NOTE)))) throw none(dir);
  const sums = await readSums(join(dir, SUMS));
  const absent = PARTS.find((name) => !sums.has(name));
  if (absent !== undefined) throw none(dir, `no ${absent} in its ${SUMS}`);
  const { info } = await readJson(join(dir, BUNDLE_NOTE), noteSchema, "the note of a bundle");
  const files = await readFolder(dir, sums, options);
  return { info, files };
}

/**
 * All files of a folder that has a list of hashes, each with its hashes.
 *
 * @throws AppError("data", "BUNDLE_FILES") as readBundle; Interrupted after the signal
 */
export async function readFolder(
  dir: string,
  sums: Sums,
  { signal, onProgress }: ReadOptions,
): Promise<PushFile[]> {
  const there = await namesIn(dir);
  const total = [...there.values()].reduce((sum, bytes) => sum + bytes, 0);
  const faults = [...sums.keys()].filter((name) => !there.has(name)).map((name) => `${name} is missing`);
  faults.push(
    ...[...there.keys()]
      .filter((name) => !sums.has(name) && name !== SUMS)
      .map((name) => `${name} is not named by ${SUMS}`),
  );
  if (faults.length > 0) throw wrong(dir, faults); // before gigabytes are read
  const files: PushFile[] = [];
  let done = 0;
  for (const [name, sizeBytes] of [...there].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (signal?.aborted) throw stopped(signal);
    const path = join(dir, name);
    const file = { name, path, ...(await hashesOf(path, sizeBytes)) };
    const changed = file.sizeBytes !== sizeBytes || (name !== SUMS && file.sha256 !== sums.get(name));
    if (changed) faults.push(`${name} is not as ${SUMS} says`);
    files.push(file);
    done += sizeBytes;
    onProgress?.(done, total);
  }
  if (faults.length > 0) throw wrong(dir, faults);
  return files;
}

/** Sizes of all files below a folder; what is no plain file is refused. */
async function namesIn(dir: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = relative(dir, path).split(sep).join("/");
    if (!entry.isFile()) throw wrong(dir, [`${name} is no plain file`]);
    found.set(name, (await stat(path)).size);
  }
  return found;
}

function none(dir: string, got = `one without ${SUMS} or ${BUNDLE_NOTE}`): AppError {
  const e = { code: "BUNDLE_NONE", expected: "a folder that release bundle wrote", name: dir, got };
  return unexpected("data", {
    ...e,
    hint: "facehand release bundle DATASET --out FOLDER ..., then push FOLDER",
  });
}

function wrong(dir: string, faults: readonly string[]): AppError {
  const more = faults.length > SHOWN ? [`and ${faults.length - SHOWN} more`] : [];
  const message = `Expected ${dir} to be as release bundle wrote it, got ${faults.length === 1 ? "a file that is not" : `${faults.length} files that are not`}:`;
  return new AppError("data", "BUNDLE_FILES", message, {
    lines: [...faults.slice(0, SHOWN), ...more],
    hint: "write the bundle again, and push it as it is: only what its list of hashes names is published",
  });
}
