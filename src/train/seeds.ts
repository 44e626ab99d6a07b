// Several runs of one configuration, as `train --seeds` leaves them: a folder of `seed_<n>`, one run folder each.
// Invariant: they are taken all together or not at all; a seed that is not finished is told, never left out.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type AppError, unexpected } from "../core/errors.ts";
import { isFolder } from "../core/files.ts";
import { predictionFiles } from "../evaluate/prediction-folder.ts";
import type { TrainConfig } from "./config.ts";
import { isRun, readRunConfig, runPaths } from "./run.ts";

/** One of several runs. */
export interface SeedRun {
  readonly seed: number;
  readonly dir: string;
}

/**
 * The finished runs of a folder of seeds, by seed.
 *
 * @param dir - anything that may stand in the place of a run
 * @returns undefined if it is a run itself, a file, or holds no seeds
 * @throws AppError("data", "SEED_UNFINISHED") for a run without predictions, ("data", "SEEDS_DIFFER") for runs that
 *   differ in more than their seed
 * @example await seedRuns("runs/umcc") // [{ seed: 42, dir: "runs/umcc/seed_42" }, ...]
 */
export async function seedRuns(dir: string): Promise<readonly SeedRun[] | undefined> {
  const runs = await seedFolders(dir);
  if (runs === undefined) return undefined;
  const configs: TrainConfig[] = [];
  for (const run of runs) {
    const finished =
      (await isRun(run.dir)) && (await predictionFiles(runPaths(run.dir).predictions)).length > 0;
    if (!finished) throw unfinished(dir, run);
    configs.push(await readRunConfig(run.dir));
  }
  runs.forEach((run, i) => {
    checkSame(run, configs[i]!, { run: runs[0]!, config: configs[0]! });
  });
  return runs;
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

/** What is said where one run is needed and several were given. */
export function severalSeeds(runs: readonly SeedRun[], what: string): AppError {
  return unexpected("input", {
    code: "SEVERAL_SEEDS",
    expected: "one run",
    name: what,
    got: `runs of seeds ${runs.map(({ seed }) => seed).join(", ")}`,
    hint: `give one of them, e.g. ${runs[0]!.dir}`,
  });
}

async function seedFolders(dir: string): Promise<SeedRun[] | undefined> {
  if (!(await isFolder(dir)) || (await isRun(dir))) return undefined;
  const seeds = (await readdir(dir)).flatMap((name) => /^seed_(0|[1-9]\d*)$/.exec(name)?.[1] ?? []);
  if (seeds.length === 0) return undefined;
  return seeds
    .map(Number)
    .sort((a, b) => a - b)
    .map((seed) => ({ seed, dir: join(dir, `seed_${seed}`) }));
}

function unfinished(dir: string, run: SeedRun): AppError {
  return unexpected("data", {
    code: "SEED_UNFINISHED",
    expected: "finished runs",
    name: `the seeds of ${dir}`,
    got: `${run.dir} without predictions`,
    hint: "finish it by the same train command with --resume, or give one of the other runs alone",
  });
}

function checkSame(
  run: SeedRun,
  config: TrainConfig,
  first: { readonly run: SeedRun; readonly config: TrainConfig },
) {
  const wanted: TrainConfig = { ...first.config, seed: run.seed };
  for (const key of Object.keys({ ...wanted, ...config }) as (keyof TrainConfig)[]) {
    const [a, b] = [JSON.stringify(wanted[key]), JSON.stringify(config[key])];
    if (a === b) continue;
    throw unexpected("data", {
      code: "SEEDS_DIFFER",
      expected: `${key} ${a} as in ${key === "seed" ? "its folder's name" : first.run.dir}`,
      name: run.dir,
      got: b,
      hint: "runs of several seeds are of one configuration: give one run, or move the others away",
    });
  }
}
