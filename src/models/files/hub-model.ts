// Models of the Hugging Face hub that `model push` wrote: fetched once, pinned to a commit, and checked each time.
// Invariants: what is returned has the hash that the SHA256SUMS of its commit names; a name without a commit means the commit
// that it meant when it was first asked for, until it is asked for anew.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type AppError, isNotFound, missingFile, unexpected } from "../../core/errors.ts";
import { type DownloadOptions, download } from "../../fetch/http/download.ts";
import { authorization, endpointOf, type HubAccess, patienceFor } from "../../fetch/hub/access.ts";
import { openHub } from "../../fetch/hub/library.ts";
import { type HubRepository, hubName, hubPath, isCommit, parseHubName } from "../../fetch/hub/repository.ts";
import { readSums, SUMS } from "../../fetch/sums.ts";
import { cacheFolder } from "../../machine/cache.ts";
import { exists, readJson, sha256File, writeJson } from "../../machine/files.ts";
import { withLock } from "../../machine/lock.ts";
import { sweepTemporaries } from "../../machine/temporary.ts";

/** What states how to load the model. */
export const MODEL_CONFIG = "config.json";
/** Its first key. */
export const MODEL_FORMAT = "facehand-model/1";

/** Name of a checkpoint in a repository; null where there is one alone. */
export const modelFile = (seed: number | null): string =>
  seed === null ? "model.safetensors" : `seed_${seed}/model.safetensors`;

/** How to fetch a model. */
export interface HubModelOptions extends HubAccess, Pick<DownloadOptions, "onProgress"> {
  /** Folder of this model's files; default: in the user's cache folder. */
  readonly dir?: string | undefined;
  /** Only what has been fetched before. */
  readonly offline?: boolean | undefined;
  /** Asks which commit the name means now. */
  readonly refresh?: boolean | undefined;
}

/** A model on this machine. */
export interface HubModel {
  /** `hf:USER/NAME`. */
  readonly repository: string;
  readonly commit: string;
  /** Of several seeds, each; one without a seed otherwise. */
  readonly checkpoints: readonly { readonly seed: number | null; readonly path: string }[];
}

// Not strict: a repository of a later version may state more.
const configSchema = z.object({
  format: z.literal(MODEL_FORMAT),
  seeds: z.array(z.int().nonnegative()).min(1).max(1000).nullable(),
});
const pinsSchema = z.strictObject({
  format: z.literal(1),
  repository: z.string(),
  /** Commits by the revisions that were asked for. */
  revisions: z.record(z.string(), z.string().regex(/^[0-9a-f]{40}$/)),
  /** SHA-256 of the list of hashes of each commit that is there. */
  lists: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)),
});
type Pins = z.infer<typeof pinsSchema>;

/**
 * A model of the hub, from the cache if it is there.
 *
 * @param name - `hf:USER/NAME`, with `@REVISION` behind it if one is meant
 * @throws AppError("input", "HUB_NAME"), AppError("data", "HUB_MODEL") for a repository that `model push` did not write,
 *   AppError("data", "FILE_MISSING") offline; AppError("remote", ...) as openHub and download; Interrupted after the signal
 * @example await loadModel((await hubModel("hf:me/umcc")).checkpoints[0]!.path)
 */
export async function hubModel(name: string, options: HubModelOptions = {}): Promise<HubModel> {
  const repository = parseHubName(name, "model");
  const folder = repository.name.replace("/", "--");
  const dir = options.dir ?? join(cacheFolder(), "hub", folder);
  // The cache is everybody's: who comes second waits, and finds it filled.
  const wait = options.dir === undefined ? (options.signal ?? new AbortController().signal) : undefined;
  return await withLock(dir, `the folder ${dir}`, () => find(repository, dir, options), { wait });
}

async function find(repository: HubRepository, dir: string, options: HubModelOptions): Promise<HubModel> {
  const pinsPath = join(dir, "pins.json");
  await sweepTemporaries(dir, (file) => file === "pins.json");
  const pins: Pins = (await exists(pinsPath))
    ? await readJson(pinsPath, pinsSchema, "the commits of a model")
    : { format: 1, repository: hubName(repository), revisions: {}, lists: {} };
  if (pins.repository !== hubName(repository)) throw otherFolder(repository, pins, pinsPath);
  const { revision = "main" } = repository;
  const pinned = isCommit(revision) ? revision : pins.revisions[revision];
  const anew = options.refresh === true && options.offline !== true && !isCommit(revision);
  const commit = pinned === undefined || anew ? await ask(repository, revision, options) : pinned;
  const known = pins.lists[commit];
  const { checkpoints, list } = await bring(repository, commit, join(dir, commit), { ...options, known });
  if (pinned !== commit || known !== list) {
    const revisions = isCommit(revision) ? pins.revisions : { ...pins.revisions, [revision]: commit };
    await writeJson(pinsPath, { ...pins, revisions, lists: { ...pins.lists, [commit]: list } });
  }
  return { repository: hubName(repository), commit, checkpoints };
}

async function ask(repository: HubRepository, revision: string, options: HubModelOptions): Promise<string> {
  if (options.offline === true) throw absent(repository, revision);
  const hub = await openHub(repository, { ...options, writes: false });
  const head = await hub.head(revision);
  if (head !== undefined) return head.commit;
  const e = { code: "REMOTE_NOT_FOUND", expected: `revision ${revision} of it on the hub`, got: "none" };
  const hint = "check the name; of a private one, HF_TOKEN of somebody who may see it";
  throw unexpected("remote", { ...e, name: hubName(repository), hint });
}

async function bring(
  repository: HubRepository,
  commit: string,
  dir: string,
  options: HubModelOptions & { readonly known: string | undefined },
): Promise<Pick<HubModel, "checkpoints"> & { readonly list: string }> {
  await sweepTemporaries(dir, (file) => file.endsWith(".part.json"));
  const base = `${endpointOf(options)}${hubPath(repository)}/resolve/${commit}`;
  const missing = `give a repository that facehand model push has written: it has a ${SUMS}`;
  const shared: DownloadOptions = {
    ...patienceFor(options),
    headers: authorization(options),
    hints: { denied: "set HF_TOKEN to a token of somebody who may read it", missing },
  };
  const fetch = async (name: string, sha256?: string) => {
    const path = join(dir, name);
    if (await isThere(path, sha256)) return path;
    if (options.offline === true) throw absent(repository, commit);
    const { onProgress } = options;
    await download(`${base}/${name}`, path, {
      ...shared,
      sha256,
      onProgress: name.endsWith(".safetensors") ? onProgress : undefined,
    });
    return path;
  };
  const listPath = await fetch(SUMS, options.known);
  const sums = await readSums(listPath);
  const hashOf = (name: string) => sums.get(name) ?? notOurs(repository, name);
  const { seeds } = await readJson(
    await fetch(MODEL_CONFIG, hashOf(MODEL_CONFIG)),
    configSchema,
    "the config of a model that facehand model push wrote",
  );
  const found: { seed: number | null; path: string }[] = [];
  for (const seed of seeds ?? [null])
    found.push({ seed, path: await fetch(modelFile(seed), hashOf(modelFile(seed))) });
  return { checkpoints: found, list: await sha256File(listPath) };
}

/** A damaged file is fetched again. */
async function isThere(path: string, sha256: string | undefined): Promise<boolean> {
  try {
    return (await stat(path)).isFile() && (sha256 === undefined || (await sha256File(path)) === sha256);
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

function absent(repository: HubRepository, revision: string) {
  const hint = `fetch it first: facehand model fetch ${hubName(repository)}`;
  return missingFile(`${hubName(repository)}@${revision}`, "a model in the cache", hint);
}

function otherFolder(repository: HubRepository, { repository: got }: Pins, where: string): AppError {
  const e = {
    code: "HUB_MODEL",
    expected: `a folder for ${hubName(repository)}`,
    name: "the folder",
    got,
    where,
  };
  return unexpected("input", { ...e, hint: "give each model a folder of its own" });
}

function notOurs(repository: HubRepository, name: string): never {
  const e = { code: "HUB_MODEL", expected: `${name} among the files that its ${SUMS} names`, got: "none" };
  const hint = "give a repository that facehand model push has written";
  throw unexpected("data", { ...e, name: hubName(repository), hint });
}
