// `train --tensorboard`: a run's log as scalars for TensorBoard, in <run>/tensorboard, written anew after every epoch.
import { stat } from "node:fs/promises";
import { MODALITIES } from "../../core/words.ts";
import { encodeEvents, type ScalarEvent } from "../../formats/tensorboard.ts";
import { writeAtomic } from "../../machine/files.ts";
import { runPaths } from "../../predict/run-folder.ts";
import { readLog } from "../../train/run.ts";
import type { EpochLog, PartLog } from "../../train/runlog.ts";

/**
 * Writes a run's event file.
 *
 * @param dir - run folder
 * @param nowS - time of the last epoch's end, seconds since 1970; earlier ones follow from the epochs' durations
 */
export async function writeTensorboard(dir: string, nowS: number): Promise<void> {
  await writeAtomic(runPaths(dir).tensorboard, encodeEvents(events(await readLog(dir), nowS)));
}

/** The same unless all epochs are in the file: a kill may have left out the last, and no further one comes. */
export async function completeTensorboard(dir: string, nowS: number): Promise<void> {
  const bytes = encodeEvents(events(await readLog(dir), nowS));
  const path = runPaths(dir).tensorboard;
  const size = await stat(path).then(
    (found) => found.size,
    () => undefined, // absent, or to be reported when it is written
  );
  if (size !== bytes.byteLength) await writeAtomic(path, bytes);
}

/** One event an epoch. */
export function events(log: readonly EpochLog[], nowS: number): ScalarEvent[] {
  let wallTime = nowS - log.reduce((sum, { seconds }) => sum + seconds, 0);
  return log.map((epoch) => {
    wallTime += epoch.seconds;
    const parts = { all: epoch.val.all, ...modalities(epoch) };
    return {
      wallTime,
      step: epoch.step,
      scalars: {
        "loss/train": epoch.trainLoss,
        "accuracy/train": epoch.trainAccuracy,
        "learning rate": epoch.lr,
        "gradient norm": epoch.gradNorm,
        ...byPart(parts, "loss", ({ loss }) => loss),
        ...byPart(parts, "balanced accuracy", ({ balancedAccuracy }) => balancedAccuracy),
        ...byPart(parts, "ROC-AUC", ({ rocAuc }) => rocAuc),
      },
    };
  });
}

function modalities({ val }: EpochLog): Record<string, PartLog> {
  return Object.fromEntries(MODALITIES.flatMap((name) => (val[name] === null ? [] : [[name, val[name]]])));
}

/** Tags such as `loss/val hand`; figures that are not defined have no point. */
function byPart(
  parts: Readonly<Record<string, PartLog>>,
  figure: string,
  of: (part: PartLog) => number | null,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(parts).flatMap(([name, part]) => {
      const value = of(part);
      return value === null ? [] : [[`${figure}/val ${name}`, value]];
    }),
  );
}
