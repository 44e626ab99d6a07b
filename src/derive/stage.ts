// The staging folder `<out>.partial`: everything is made there, and renamed to `<out>` in one step at the end.
// Source: our own. Invariant: `<out>` is absent, or complete; a kill at any moment leaves a staging folder that
// the same derivation goes on with, and another one refuses.
import { mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { AppError, isNotFound } from "../core/errors.ts";
import { exists, readJson, writeJson } from "../core/files.ts";
import { cleanedFolder, type Layout, planLayout } from "../data/layout.ts";
import { type Manifest, readManifest } from "../data/manifest.ts";
import { MODALITIES, type Modality } from "../data/record.ts";

const JOURNAL = "journal.jsonl";
const STAGE = "stage.json";
const stageSchema = z.strictObject({ derivationHash: z.string() });

export interface Stage {
  readonly out: string;
  readonly root: string;
  readonly layout: Layout;
  readonly journal: string;
  /** Set if everything is written and only `publish` is left to do. */
  readonly finished?: Manifest;
}

/**
 * The dataset at `out`, if it is there and of this derivation.
 *
 * @throws AppError("input", "OUT_OTHER") if the folder holds anything else
 */
export async function findComplete(out: string, derivationHash: string): Promise<Manifest | undefined> {
  if ((await entries(out)).length === 0) return undefined;
  const manifest = await readManifest(out);
  const same = manifest?.derivationHash === derivationHash;
  if (same && manifest.repaired === undefined) return manifest;
  const other = same ? "this dataset, repaired since," : "a dataset of another recipe, selection or source";
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

/**
 * Opens the staging folder of `out`, or makes it.
 *
 * @throws AppError("input", "STAGE_OTHER") if it belongs to another derivation
 */
export async function openStage(out: string, derivationHash: string): Promise<Stage> {
  const root = join(dirname(resolve(out)), `${basename(resolve(out))}.partial`);
  const layout = planLayout(root);
  const stage = { out: resolve(out), root, layout, journal: join(root, JOURNAL) };
  const finished = await readManifest(root);
  if (finished?.derivationHash === derivationHash) return { ...stage, finished };
  const found = (await entries(root)).filter((name) => !isTemporary(name));
  const path = join(root, STAGE);
  const mine = (await exists(path))
    ? (await readJson(path, stageSchema, "the staging folder's mark")).derivationHash === derivationHash
    : found.length === 0;
  if (!mine) {
    const expected = "the staging folder of the same recipe, selection and source";
    throw new AppError("input", "STAGE_OTHER", `Expected ${expected}, got that of another at ${root}`, {
      hint: "run the command that began it again, or remove the folder",
    });
  }
  await writeJson(path, { derivationHash }); // first: a folder without it is another's
  await mkdir(layout.images.face, { recursive: true });
  await mkdir(layout.images.hand, { recursive: true });
  return stage;
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
    if (crops.count(modality, "removed") > 0) await mkdir(to, { recursive: true });
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
 * Last step: takes the staging files away and gives the folder its name. The manifest has to be written.
 *
 * @param keepJournal - a shard's journal is a part of it
 */
export async function publish({ out, root }: Stage, keepJournal = false): Promise<void> {
  for (const name of await entries(root)) {
    if ((name === JOURNAL && !keepJournal) || isTemporary(name)) await rm(join(root, name));
  }
  await rm(join(root, STAGE), { force: true });
  try {
    await rmdir(out); // only if it is empty
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  await rename(root, out);
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
