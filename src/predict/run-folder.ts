// Where the files of a run lie, and which folders are runs: one run, or several seeds of one configuration.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type AppError, unexpected } from "../core/errors.ts";
import { exists, isFolder } from "../machine/files.ts";

/** Where everything of a run lies. */
export function runPaths(dir: string) {
  return {
    config: join(dir, "config.json"),
    environment: join(dir, "environment.json"),
    log: join(dir, "log.jsonl"),
    /** A folder, one file a split: evaluate/stored/prediction-folder. */
    predictions: join(dir, "predictions"),
    features: join(dir, "features.bin"),
    featuresKey: join(dir, "features.json"),
    /** The same of the validation images. */
    heldOut: { features: join(dir, "features-val.bin"), featuresKey: join(dir, "features-val.json") },
    last: join(dir, "checkpoints", "last.safetensors"),
    best: join(dir, "checkpoints", "best.safetensors"),
    /** Only with `train --tensorboard`. */
    tensorboard: join(dir, "tensorboard", "events.out.tfevents.facehand"),
  };
}

/** True if a run was begun in this folder. */
export function isRun(dir: string): Promise<boolean> {
  return exists(runPaths(dir).config);
}

/** One of several runs. */
export interface SeedRun {
  readonly seed: number;
  readonly dir: string;
}

/**
 * Refuses a folder of seeds where one model is needed.
 *
 * @throws AppError("input", "SEVERAL_SEEDS")
 */
export async function checkOneRun(dir: string, what: string): Promise<void> {
  const runs = await seedFolders(dir);
  if (runs !== undefined) throw severalSeeds(runs, what);
}

/** The hint where one run is needed and several were given. */
export function severalSeeds(runs: readonly SeedRun[], what: string): AppError {
  return unexpected("input", {
    code: "SEVERAL_SEEDS",
    expected: "one run",
    name: what,
    got: `runs of seeds ${runs.map(({ seed }) => seed).join(", ")}`,
    hint: `give one of them, e.g. ${runs[0]!.dir}`,
  });
}

/** The runs of a folder of seeds, finished or not, by seed; undefined if it is a run itself, or holds none. */
export async function seedFolders(dir: string): Promise<SeedRun[] | undefined> {
  if (!(await isFolder(dir)) || (await isRun(dir))) return undefined;
  const seeds = (await readdir(dir)).flatMap((name) => /^seed_(0|[1-9]\d*)$/.exec(name)?.[1] ?? []);
  if (seeds.length === 0) return undefined;
  return seeds
    .map(Number)
    .sort((a, b) => a - b)
    .map((seed) => ({ seed, dir: join(dir, `seed_${seed}`) }));
}
