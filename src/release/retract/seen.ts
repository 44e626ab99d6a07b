// Which runs, models and files have seen a person: searched for below folders, by the hashes of the data that runs and checkpoints
// state they were trained on, and by ids in tables and texts. Invariant: what cannot be known is listed as possible, never left out.
import { opendir } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { z } from "zod";
import { AppError, Interrupted } from "../../core/errors.ts";
import { parseJson } from "../../core/schema.ts";
import type { Split } from "../../core/words.ts";
import { sourceFolder } from "../../dataset/sources/sources.ts";
import type { Erasure } from "../../derive/judge/erase.ts";
import { readParquetTexts } from "../../formats/parquet/parquet.ts";
import { readSafetensorsMetadata } from "../../formats/safetensors-file.ts";
import { exists, readBytes, readText, sha256File } from "../../machine/files.ts";
import { isInside, truePath } from "../../machine/true-path.ts";
import { parseFacts, type SourceFacts } from "../../models/facts.ts";
import { exportedFacts } from "../../models/files/exported.ts";
import { runPaths } from "../../predict/run-folder.ts";

/** Something that has seen the person, or may have. */
export interface Sighting {
  /** As the folder was given, and the way below it. */
  readonly place: string;
  readonly what: "run" | "checkpoint" | "exported model" | "features" | "file";
  readonly why: string;
  readonly todo: string;
  /** Of a file. */
  readonly sha256?: string | undefined;
}

/** What was found. */
export interface Seen {
  readonly certain: readonly Sighting[];
  /** What cannot be known: no record of the data, other data of the same kind, or a file that cannot be read. */
  readonly possible: readonly Sighting[];
  readonly files: number;
}

/** What is searched for. */
export interface Search {
  readonly root: string;
  /** Of the dataset before, as training records it; undefined if it cannot be trained on as it is. */
  readonly manifestHash: string | undefined;
  /** Splits that the person's pairs, and those that show the same photographs, are in. */
  readonly splits: ReadonlySet<Split>;
  readonly erasure: Erasure;
  /** Places that are passed over: the dataset before and after. */
  readonly skip: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

const TRAIN_ANEW = "train anew on the new version, then delete";
const LOOK = "find out what it was trained on; if it saw them, train anew and delete";
const BY_SPLIT: Readonly<Record<Split, string>> = {
  train: "learned from their images",
  val: "its epoch was chosen by their images",
  test: "predicted their images",
};

/**
 * Searches folders.
 *
 * @param dirs - searched with all folders below; links are not followed
 * @throws Interrupted after the signal
 */
export async function findSeen(dirs: readonly string[], search: Search): Promise<Seen> {
  const found: { certain: Sighting[]; possible: Sighting[] } = { certain: [], possible: [] };
  const begun: BegunRun[] = [];
  let files = 0;
  for (const dir of dirs) {
    for await (const path of filesBelow(dir, search)) {
      files++;
      if (search.signal?.aborted === true) throw new Interrupted("Stopped; the same command begins again");
      const { isCertain, ...sighting } = (await inspect(path, search, begun)) ?? { isCertain: undefined };
      if (isCertain !== undefined) found[isCertain ? "certain" : "possible"].push(sighting as Sighting);
    }
  }
  const later = descendants(begun, found.certain);
  const certain = [...found.certain, ...later];
  const known = new Set(certain.map(({ place }) => place));
  return {
    certain: sorted(certain),
    possible: sorted(found.possible.filter(({ place }) => !known.has(place))),
    files,
  };
}

const sorted = (all: readonly Sighting[]) => [...all].sort((a, b) => (a.place < b.place ? -1 : 1));

async function* filesBelow(dir: string, { skip }: Search): AsyncGenerator<string> {
  const here = truePath(dir);
  if (skip.some((place) => isInside(here, truePath(place)))) return;
  const names: string[] = [];
  const folders: string[] = [];
  for await (const entry of await opendir(dir)) {
    if (entry.isDirectory()) folders.push(entry.name);
    else if (entry.isFile()) names.push(entry.name);
  }
  yield* names.sort().map((name) => join(dir, name));
  for (const name of folders.sort()) yield* filesBelow(join(dir, name), { skip } as Search);
}

type Inspected = (Sighting & { readonly isCertain: boolean }) | undefined;

/** A run, and the weights that it began with. */
interface BegunRun {
  readonly dir: string;
  readonly weights: string;
}

const TEXTS = [".csv", ".tsv", ".json", ".jsonl", ".html", ".md", ".txt", ".log", ".svg"];

async function inspect(path: string, search: Search, begun: BegunRun[]): Promise<Inspected> {
  const ending = extname(path).toLowerCase();
  try {
    if (basename(path) === basename(runPaths("").environment)) {
      const run = await inspectRun(path, search, begun);
      if (run !== undefined) return run;
    }
    if (ending === ".safetensors") return await inspectModel(path, "checkpoint", search);
    if (ending === ".onnx") return await inspectModel(path, "exported model", search);
    if ([".pt", ".pth", ".ckpt", ".tflite"].includes(ending)) return noRecord(path, "checkpoint");
    if (ending === ".bin") return await inspectFeatures(path, search);
    if (ending === ".parquet") return await inspectTable(path, search);
    if (TEXTS.includes(ending)) return await inspectText(path, search);
    return undefined;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const why = `cannot be read: ${search.erasure.clean(error.message.split("\n")[0]!)}`;
    return { isCertain: false, place: path, what: "file", why, todo: LOOK };
  }
}

const environment = z.looseObject({
  sources: z.array(z.looseObject({ kind: z.string(), manifestHash: z.string() })),
});
const config = z.looseObject({ data: z.array(z.string()).optional(), weights: z.string().optional() });

async function sourcesOf(path: string): Promise<readonly Trained[]> {
  return parseJson(await readText(path, "a run's environment.json"), environment, path).sources;
}

async function inspectRun(path: string, search: Search, begun: BegunRun[]): Promise<Inspected> {
  const dir = dirname(path);
  const paths = runPaths(dir);
  if (!(await exists(paths.config))) return undefined;
  const { data = [], weights } = parseJson(
    await readText(paths.config, "a run's config.json"),
    config,
    paths.config,
  );
  if (weights !== undefined) begun.push({ dir, weights });
  const isSame = data.some((spec) => truePath(sourceFolder(spec)) === truePath(search.root));
  return judge(await sourcesOf(path), { place: dir, what: "run" }, search, isSame);
}

type Trained = Pick<SourceFacts, "kind" | "manifestHash">;

/** What the record of a model's data says about the person. */
function judge(
  trained: readonly Trained[],
  about: Pick<Sighting, "place" | "what" | "sha256">,
  { manifestHash, splits }: Search,
  isSame = false,
): Inspected {
  if (trained.some((source) => source.manifestHash === manifestHash)) {
    if (splits.size === 0) return undefined; // no pair of theirs was in it
    const why = (["train", "val", "test"] as const)
      .filter((split) => splits.has(split))
      .map((split) => BY_SPLIT[split]);
    const learned = splits.has("train") || splits.has("val");
    const todo = learned
      ? TRAIN_ANEW
      : "evaluate again on the new version; the model learned nothing from them";
    return { ...about, isCertain: true, why: `trained on the version before: ${why.join(", ")}`, todo };
  }
  if (isSame)
    return { ...about, isCertain: false, why: "trained on the same folder in another state", todo: LOOK };
  const other = trained.find(({ kind }) => kind === "pairs");
  if (other === undefined) return undefined;
  const why = `trained on pairs of another hash (${other.manifestHash.slice(0, 12)}): an earlier version, perhaps`;
  return { ...about, isCertain: false, why, todo: LOOK };
}

async function inspectModel(
  path: string,
  what: "checkpoint" | "exported model",
  search: Search,
): Promise<Inspected> {
  const trained = what === "checkpoint" ? await factsOf(path) : await exported(path);
  if (trained === undefined || trained.length === 0) return noRecord(path, what);
  const found = judge(trained, { place: path, what }, search);
  return found && { ...found, sha256: await sha256File(path) };
}

async function factsOf(path: string): Promise<readonly Trained[] | undefined> {
  const { facehand } = await readSafetensorsMetadata(path);
  if (facehand === undefined) return undefined;
  return parseFacts(parseJson(facehand, z.unknown(), path), path).trainedOn;
}

async function exported(path: string): Promise<readonly Trained[] | undefined> {
  try {
    return exportedFacts(await readBytes(path, "an exported model"), path).trainedOn;
  } catch (error) {
    if (error instanceof AppError && error.code === "ONNX_FOREIGN") return undefined;
    throw error;
  }
}

const noRecord = (place: string, what: Sighting["what"]): Inspected => ({
  ...{ isCertain: false, place, what },
  why: "has no record of the data that it was trained on",
  todo: LOOK,
});

/** Features of a frozen backbone, one row an image. */
async function inspectFeatures(path: string, search: Search): Promise<Inspected> {
  const paths = runPaths(dirname(path));
  const isOwn = path === paths.features || path === paths.heldOut.features;
  if (!isOwn || !(await exists(paths.environment))) return undefined;
  const about = { place: path, what: "features" } as const;
  const found = judge(await sourcesOf(paths.environment), about, search);
  return found && { ...found, todo: "delete: it has a row for each image", sha256: await sha256File(path) };
}

async function inspectTable(path: string, { erasure }: Search): Promise<Inspected> {
  for (const cells of (await readParquetTexts(path)).values()) {
    if (cells.some((cell) => erasure.clean(cell, true) !== cell)) return names(path);
  }
  return undefined;
}

async function inspectText(path: string, { erasure }: Search): Promise<Inspected> {
  const text = await readText(path, "a text");
  return erasure.clean(text, true) === text ? undefined : names(path);
}

async function names(place: string): Promise<Inspected> {
  const why = "names them or their images";
  const todo = "make it anew without them, or delete it";
  return { isCertain: true, place, what: "file", why, todo, sha256: await sha256File(place) };
}

/** Runs that began with the weights of a model that has seen them, and theirs. */
function descendants(runs: readonly BegunRun[], certain: readonly Sighting[]): Sighting[] {
  const seen = new Set(certain.map(({ place }) => truePath(place)));
  const out: Sighting[] = [];
  for (let more = true; more; ) {
    more = false;
    for (const { dir, weights } of runs) {
      const from = truePath(weights);
      const isLater = [...seen].some((place) => from === place || isInside(from, place));
      if (!isLater || seen.has(truePath(dir))) continue;
      seen.add(truePath(dir));
      out.push({ place: dir, what: "run", why: "began with weights that saw them", todo: TRAIN_ANEW });
      more = true;
    }
  }
  return out;
}
