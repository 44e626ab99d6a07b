// The staging folder `<out>.partial`: everything is made there, and renamed to `<out>` in one step at the end.
// Source: our own. Invariant: `<out>` is absent, or complete; a kill at any moment leaves a staging folder that
// the same derivation continues, and another one refuses. One process works on it: the owner of the lock of `<out>`.
import { readdir, rename, rm, rmdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { AppError, isNotFound } from "../../core/errors.ts";
import { MODALITIES, type Modality } from "../../core/words.ts";
import { cleanedFolder, type Layout, planLayout } from "../../dataset/layout.ts";
import { type Derivation, hashDerivation, type Manifest, readManifest } from "../../dataset/manifest.ts";
import { exists, isFolder, readJson, writeJson } from "../../machine/files.ts";
import { type Count, checkCounts, publishFolder, stagingOf } from "../../machine/folder.ts";
import type { Lock } from "../../machine/lock.ts";
import { makeFolders } from "../../machine/make-folders.ts";
import { truePath } from "../../machine/true-path.ts";
import { erasesFrom, hashBasis } from "../judge/erase.ts";

/** Name of the journal in a staging folder. */
export const JOURNAL = "journal.jsonl";
/** Name of its mark. */
export const STAGE = "stage.json";
const stageSchema = z.strictObject({
  derivationHash: z.string(),
  /** What its journal and crops follow from; stages of before have none. */
  basis: z.string().optional(),
});

/** What a staging folder is of. */
export interface StageMark {
  readonly derivationHash: string;
  /** Whatever people decided: frames are the same. */
  readonly basis: string;
  /** True if it erases: a stage of the same basis is continued, without what is erased. */
  readonly erases: boolean;
}

/** The mark of a derivation, or of one shard of it. */
export function markOf(
  derivation: Derivation,
  part?: { readonly shard: number; readonly of: number },
): StageMark {
  const shard = part === undefined ? "" : ` shard ${part.shard}/${part.of}`;
  return {
    derivationHash: hashDerivation(derivation) + shard,
    basis: hashBasis(derivation) + shard,
    erases: derivation.source.erased !== undefined,
  };
}

export interface Stage {
  readonly out: string;
  /** Of `out`. */
  readonly lock: Lock;
  readonly root: string;
  readonly layout: Layout;
  readonly journal: string;
  /** Set if everything is written and only `publish` is left to do. */
  readonly finished?: Manifest | undefined;
}

/** What is at `out` already. */
export interface There {
  readonly manifest: Manifest;
  /** False: the same but for what is to be erased; it is to be replaced. */
  readonly isAsked: boolean;
}

/**
 * The dataset at `out`, if it is there and of this derivation, or differs from it only by what this one erases.
 *
 * @throws AppError("input", "OUT_OTHER") if the folder holds anything else
 */
export async function findComplete(out: string, derivation: Derivation): Promise<There | undefined> {
  if ((await entries(out)).length === 0) return undefined;
  const manifest = await readManifest(out);
  const same = manifest?.derivationHash === hashDerivation(derivation);
  const since =
    manifest?.retracted !== undefined ? "retracted from" : manifest?.repaired !== undefined ? "repaired" : "";
  if (manifest !== undefined && since === "") {
    if (same) {
      await rm(stageOf(out).before, { recursive: true, force: true }); // a kill left it
      return { manifest, isAsked: true };
    }
    if (erasesFrom(derivation, manifest)) return { manifest, isAsked: false };
  }
  const other = same ? `this dataset, ${since} since,` : "a dataset of another recipe, selection or source";
  const got = manifest === undefined ? "other files" : other;
  throw new AppError(
    "input",
    "OUT_OTHER",
    `Expected an empty or new folder for --out, got ${got} in ${out}`,
    {
      hint: "give another folder, or remove this one",
    },
  );
}

/** Journal of a shard's folder. */
export const shardJournal = (dir: string) => join(resolve(dir), JOURNAL);

/** Where the dataset at `out` is made, and where what it takes the place of waits to be deleted. */
function stageOf(out: string) {
  const root = stagingOf(out);
  return { root, before: `${root}.before` };
}

/**
 * Opens the staging folder of `out`, or makes it.
 *
 * @param lock - of `out`, owned by the caller
 * @param clear - takes out of a folder of the same basis what is to be erased; if left out, all of it goes
 * @throws AppError("input", "STAGE_OTHER") if it belongs to another derivation
 */
export async function openStage(
  out: string,
  lock: Lock,
  mark: StageMark,
  clear = (root: string) => rm(root, { recursive: true }),
): Promise<Stage> {
  const { root } = stageOf(out);
  const layout = planLayout(root);
  const stage = { out: resolve(out), lock, root, layout, journal: join(root, JOURNAL) };
  const finished = await readManifest(root);
  if (finished?.derivationHash === mark.derivationHash) return { ...stage, finished };
  const { derivationHash, basis } = mark;
  if (!(await isOf(root, mark, finished))) {
    const expected = "the staging folder of the same recipe, selection and source";
    throw new AppError("input", "STAGE_OTHER", `Expected ${expected}, got that of another at ${root}`, {
      hint: "run the command that began it again, or remove the folder",
    });
  }
  if ((await markAt(root))?.derivationHash !== derivationHash && (await exists(root))) await clear(root);
  await writeJson(join(root, STAGE), { derivationHash, basis }); // first: a folder without it is another's
  await makeFolders(layout.images.face);
  await makeFolders(layout.images.hand);
  return stage;
}

async function markAt(root: string) {
  const path = join(root, STAGE);
  return (await exists(path)) ? await readJson(path, stageSchema, "the staging folder's mark") : undefined;
}

/** True for a staging folder that can be continued: empty, of this derivation, or of one that erases less. */
async function isOf(root: string, mark: StageMark, finished: Manifest | undefined): Promise<boolean> {
  if ((await exists(root)) && !(await isFolder(root))) return false; // somebody's file
  const there = await markAt(root);
  if (there?.derivationHash === mark.derivationHash) return true;
  const basis = there?.basis ?? (finished === undefined ? undefined : hashBasis(finished));
  if (basis !== undefined) return mark.erases && basis === mark.basis;
  return there === undefined && (await entries(root)).every(isTemporary);
}

/** Makes a finished shard a staging folder again. */
export async function stageAgain(out: string, { derivationHash, basis }: StageMark): Promise<void> {
  const { root } = stageOf(out);
  if ((await entries(root)).length > 0) return; // begun by a call that was killed
  await writeJson(join(out, STAGE), { derivationHash, basis });
  await rmdirIfThere(root);
  await rename(truePath(out), root);
}

/** What becomes of a crop. */
export type Fate = "kept" | "removed";

/** The crops of a derivation: of pairs, and of frames that were removed. One entry a frame. */
export interface CropList {
  /** Undefined for a file that is no crop of it. */
  fateOf(modality: Modality, name: string): Fate | undefined;
  names(modality: Modality, fate: Fate): Iterable<string>;
  count(modality: Modality, fate: Fate): number;
}

/**
 * Puts the crops of removed frames into folders of their own, takes away what a kill in the middle of a write left,
 * and makes sure that every crop is there. It can be done again after a kill.
 */
export async function sweep({ layout }: Stage, crops: CropList): Promise<void> {
  for (const modality of MODALITIES) {
    const from = layout.images[modality];
    const to = cleanedFolder(layout, modality);
    if (crops.count(modality, "removed") > 0) await makeFolders(to);
    for (const name of await entries(from)) {
      const fate = crops.fateOf(modality, name);
      if (fate === "removed") {
        await rename(join(from, name), join(to, name));
        await rm(join(from, name), { force: true }); // links to one file (merge) are not renamed over each other
      } else if (fate === undefined) await rm(join(from, name));
    }
    await checkCrops(from, crops, modality, "kept");
    await checkCrops(to, crops, modality, "removed");
  }
}

async function checkCrops(folder: string, crops: CropList, modality: Modality, fate: Fate): Promise<void> {
  const found = (await entries(folder)).filter((name) => crops.fateOf(modality, name) === fate);
  if (found.length === crops.count(modality, fate)) return;
  const there = new Set(found);
  for (const name of crops.names(modality, fate)) {
    if (there.has(name)) continue;
    const message = `Expected the crop ${name} in ${folder}, got no such file`;
    throw new AppError("data", "STAGE_DAMAGED", message, {
      hint: "remove the .partial folder and derive again",
    });
  }
}

/**
 * Last step: counts, takes the staging files away and gives the folder its name. The manifest has to be written.
 *
 * @param counts - of what was made, beside what is there; refused if they differ
 * @param keepJournal - a shard's journal is a part of it
 * @throws as checkCounts and publishFolder
 */
export async function publish(
  { out, root, lock }: Stage,
  counts: readonly Count[],
  keepJournal = false,
): Promise<void> {
  await lock.check();
  checkCounts(out, counts);
  for (const name of await entries(root)) {
    if ((name === JOURNAL && !keepJournal) || isTemporary(name)) await rm(join(root, name));
  }
  await rm(join(root, STAGE), { force: true });
  await publishFolder(lock, root, out);
}

/**
 * Publishes in the place of a dataset from which something is erased, and deletes that one.
 *
 * @param before - of the dataset at `out`, if there is one
 * @param counts - as for publish
 * @throws AppError("data", "FRAMES_GONE") if frames of it are no longer there to be derived again; it stays as it is
 */
export async function replace(
  stage: Stage,
  before: Manifest | undefined,
  now: Manifest,
  counts: readonly Count[],
): Promise<void> {
  const old = stageOf(stage.out).before;
  if (before !== undefined) {
    const gone = (now.counts.removed["image_missing"] ?? 0) - (before.counts.removed["image_missing"] ?? 0);
    if (gone > 0) {
      await discard(stage);
      const message = `Expected the frames that ${stage.out} was derived from, to erase from it, got ${gone} that are missing`;
      throw new AppError("data", "FRAMES_GONE", message, {
        hint: "bring the frames back, or remove the dataset and derive from what is left",
      });
    }
    await stage.lock.check();
    checkCounts(stage.out, counts);
    await rm(old, { recursive: true, force: true });
    await rename(truePath(stage.out), old);
  }
  await publish(stage, counts);
  await rm(old, { recursive: true, force: true });
}

async function rmdirIfThere(dir: string): Promise<void> {
  try {
    await rmdir(dir);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Takes a staging folder away whose derivation cannot succeed. */
export async function discard({ root }: Stage): Promise<void> {
  await rm(root, { recursive: true, force: true });
}

/** True for the name of what a kill in the middle of a write left. */
export function isTemporary(name: string): boolean {
  return name.startsWith(".") && name.endsWith(".tmp");
}

async function entries(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
