// What `facehand train` prints at its start and its end: validation figures of each seed, and over all of them.
import { visible } from "../../core/visible.ts";
import { seedSummary } from "../../evaluate/intervals/seeds.ts";
import { SMALL_SUBJECTS } from "../../evaluate/metrics/small.ts";
import { isRun } from "../../predict/run-folder.ts";
import { formatSeeds, LABEL_NOTE } from "../../report/figure-text.ts";
import type { TrainConfig } from "../../train/config.ts";
import type { RunResult } from "../../train/loop.ts";
import { readLog } from "../../train/run.ts";
import { formatPart, isPartSmall, type PartLog, selectionFigure } from "../../train/runlog.ts";

/** Epochs that runs have done, by their logs; 0 where there is none. */
export function epochsDone(dirs: readonly string[]): Promise<number[]> {
  return Promise.all(dirs.map(async (dir) => ((await isRun(dir)) ? (await readLog(dir)).length : 0)));
}

/**
 * What `train` is about to do.
 *
 * @param each - epochs that each of the runs has done
 */
export function startText(
  { arch, tag, data, epochs, patience }: TrainConfig,
  dirs: readonly string[],
  each: readonly number[],
  device: string,
): string {
  const done = each.reduce((sum, one) => sum + one, 0);
  const runs = dirs.length === 1 ? "" : `${dirs.length} runs of `;
  return visible(
    [
      `train: ${arch} ${tag} on ${data.join(", ")}`,
      `${runs}${patience === undefined ? "" : "at most "}${epochs} epochs on ${device}, into ${dirs.join(", ")}`,
      ...(done === 0 ? [] : [`${done} done, ${dirs.length * epochs - done} left`]),
    ].join("; "),
  );
}

/** One a seed. */
export type Results = readonly { readonly seed: number; readonly result: RunResult }[];

/** Validation figures of each seed, and over them. */
export function summaryJson(results: Results) {
  const figures = results.map(({ result }) => selectionFigure(result.best.val.all));
  const judged = (part: PartLog | null) =>
    part === null || !isPartSmall(part) ? part : { n: part.n, subjects: part.subjects, tooSmall: true };
  const runs = results.map(({ seed, result: { dir, best } }) => {
    const val = { ...best.val, hand: judged(best.val.hand), face: judged(best.val.face) };
    return { seed, dir, best: { ...best, val } };
  });
  return { note: LABEL_NOTE, runs, balancedAccuracy: seedSummary(figures) };
}

/** Validation balanced accuracy of each seed's best epoch; mean and sample std over seeds. */
export function summaryText(results: Results): string {
  const rows = results.map(({ seed, result }) => {
    const { epoch, val } = result.best;
    const all = selectionFigure(val.all).toFixed(4);
    return `seed ${seed}  best epoch ${epoch}  all ${all}  hand ${formatPart(val.hand)}  face ${formatPart(val.face)}`;
  });
  const parts = (["all", "hand", "face"] as const).flatMap((name) => {
    const found = results.flatMap(({ result }) => result.best.val[name] ?? []);
    if (found.length < results.length) return [];
    if (name !== "all" && found.some(isPartSmall)) return [`${name.padEnd(4)}  too small`];
    return [`${name.padEnd(4)}  ${formatSeeds(seedSummary(found.map(selectionFigure)))}`];
  });
  const small = results.some(({ result: { best } }) =>
    [best.val.hand, best.val.face].some((part) => part !== null && isPartSmall(part)),
  );
  const note = small ? [`too small: the figure rests on under ${SMALL_SUBJECTS} subjects`] : [];
  return ["Validation balanced accuracy", ...rows, ...parts, ...note, LABEL_NOTE].join("\n");
}
