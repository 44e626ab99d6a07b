// Several runs of one configuration, as `train --seeds` leaves them: a folder of `seed_<n>`, one run folder each.
// Invariant: they are taken all together or not at all; a seed that is not finished is an error, never left out.
import { type AppError, unexpected } from "../core/errors.ts";
import { predictionFiles } from "../evaluate/stored/prediction-folder.ts";
import { isRun, runPaths, type SeedRun, seedFolders } from "../predict/run-folder.ts";
import type { TrainConfig } from "./config.ts";
import { readRunConfig } from "./run.ts";

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
