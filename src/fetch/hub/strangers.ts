// Files of a repository that no push has written, or that somebody has changed since: they are not overwritten unasked.
// Invariant: a file counts as a push's own only where the SHA256SUMS of the same commit names it with the hash that it has.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "../../core/errors.ts";
import { download } from "../http/download.ts";
import { readSums, SUMS, type Sums } from "../sums.ts";
import { authorization, endpointOf, type HubAccess, patienceFor } from "./access.ts";
import type { HubFile } from "./library.ts";
import { HUBS_OWN, type Plan } from "./plan.ts";
import { type HubRepository, hubName, hubPath } from "./repository.ts";

/** A list of hashes is not longer. */
const MOST_SUMS_BYTES = 16 << 20;
const SHOWN = 5;

/** Where a commit's files are. */
export interface Place {
  readonly repository: HubRepository;
  readonly commit: string;
  readonly files: ReadonlyMap<string, HubFile>;
}

/**
 * Refuses to replace or remove what is not a push's own.
 *
 * @param marker - a file that every push of this kind writes
 * @throws AppError("input", "HUB_FOREIGN")
 */
export async function refuseStrangers(
  place: Place,
  plan: Plan,
  marker: string,
  access: HubAccess,
): Promise<void> {
  const touched = [...plan.send.map(({ name }) => place.files.get(name)), ...plan.remove];
  const others = touched.filter((file) => file !== undefined && file.path !== HUBS_OWN) as HubFile[];
  if (others.length === 0) return;
  const dir = await mkdtemp(join(tmpdir(), "facehand-hub-"));
  try {
    const fetch = (name: string) => bring(place, name, join(dir, "file"), access);
    const sums = await sumsOf(place, marker, fetch);
    const found: string[] = [];
    for (const { path, sha256 } of others) {
      if (path === SUMS && sums !== undefined) continue;
      const wanted = sums?.get(path);
      if (wanted === undefined) found.push(`${path}, which no push has written`);
      else if ((sha256 ?? (await fetch(path)).sha256) !== wanted)
        found.push(`${path}, which was changed since it was pushed`);
    }
    if (found.length > 0) throw foreign(place.repository, found);
  } finally {
    await rm(dir, { recursive: true });
  }
}

/** The list of an earlier push; undefined where there is none, or it is somebody else's. */
async function sumsOf(
  { files }: Place,
  marker: string,
  fetch: (name: string) => Promise<{ readonly path: string }>,
): Promise<Sums | undefined> {
  const own = files.get(SUMS);
  if (own === undefined || own.sizeBytes > MOST_SUMS_BYTES) return undefined;
  try {
    const sums = await readSums((await fetch(SUMS)).path);
    return sums.has(marker) ? sums : undefined;
  } catch (error) {
    if (error instanceof AppError && error.code === "SUMS_LINE") return undefined;
    throw error;
  }
}

function bring({ repository, commit, files }: Place, name: string, path: string, access: HubAccess) {
  const address = `${endpointOf(access)}${hubPath(repository)}/resolve/${commit}/${name.split("/").map(encodeURIComponent).join("/")}`;
  const { sizeBytes } = files.get(name)!;
  return download(address, path, { ...patienceFor(access), headers: authorization(access), sizeBytes });
}

function foreign(repository: HubRepository, found: readonly string[]): AppError {
  const more = found.length > SHOWN ? [`and ${found.length - SHOWN} more`] : [];
  const message = `Expected ${hubName(repository)} to hold only what facehand has pushed, got ${found.length === 1 ? "another file" : `${found.length} other files`}:`;
  return new AppError("input", "HUB_FOREIGN", message, {
    lines: [...found.slice(0, SHOWN), ...more],
    hint: "--replace replaces and removes them; or push to a repository of its own",
  });
}
