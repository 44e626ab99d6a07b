// What a finished run has to have: its log, its checkpoints and its stored predictions, each whole.
// Invariant: nothing is repaired here; what is not whole is an error, with what to do about it.
import { AppError, unexpected } from "../core/errors.ts";
import { readCheckpoint } from "../engine/checkpoint-file.ts";
import { readSplits } from "../evaluate/stored/prediction-folder.ts";
import { runPaths } from "../predict/run-folder.ts";
import type { TrainConfig } from "./config.ts";
import type { RunData } from "./data.ts";
import { lastPhase } from "./phases.ts";
import { readLog } from "./run.ts";
import { outOfPatience } from "./runlog.ts";

const AGAIN = "bring the file back from a copy, or train into another folder";

/**
 * Refuses a finished run that is not whole.
 *
 * @param data - the images that it was trained and predicted on
 * @throws AppError("data", "RUN_DAMAGED"); as readLog, readCheckpoint and readSplits for files that cannot be read
 */
export async function checkFinished(dir: string, config: TrainConfig, { samples }: RunData): Promise<void> {
  const paths = runPaths(dir);
  const log = await readLog(dir);
  const ended = log.length === config.epochs || outOfPatience(log, config.patience, lastPhase(config).from);
  if (!ended || log.some(({ epoch }, i) => epoch !== i + 1)) {
    throw damaged(`the epochs of a finished run of ${config.epochs}`, paths.log, `${log.length}`, AGAIN);
  }
  await whole(paths.best, AGAIN, readCheckpoint);
  const { training } = await whole(paths.last, AGAIN, readCheckpoint);
  if (training?.position.epoch !== log.length) {
    const got = training === undefined ? "none" : `epoch ${training.position.epoch}`;
    throw damaged(`the state after epoch ${log.length}, the last of the log,`, paths.last, got, AGAIN);
  }
  const hint = `remove ${paths.predictions}, then resume: they are made again from the best checkpoint`;
  const rows = await whole(paths.predictions, hint, readSplits);
  for (const split of ["val", "test"] as const) {
    const stored = new Set(rows.filter((row) => row.split === split).map(keyOf));
    const missing = samples[split].filter((sample) => !stored.has(keyOf(sample))).length;
    if (missing === 0 && stored.size === samples[split].length) continue;
    const expected = `predictions of all ${samples[split].length} images of ${split}`;
    throw damaged(expected, paths.predictions, `${stored.size}, with ${missing} images missing`, hint);
  }
}

const keyOf = ({ source, id }: { readonly source: string; readonly id: string }) =>
  JSON.stringify([source, id]);

/** A reader's own error, with what to do in a run folder. */
async function whole<T>(path: string, hint: string, read: (path: string) => Promise<T>): Promise<T> {
  try {
    return await read(path);
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.kind !== "data") throw cause;
    throw new AppError("data", "RUN_DAMAGED", cause.message, { hint, cause });
  }
}

function damaged(expected: string, name: string, got: string, hint: string): AppError {
  return unexpected("data", { code: "RUN_DAMAGED", expected, name, got, hint });
}
