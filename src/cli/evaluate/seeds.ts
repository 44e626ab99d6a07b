// `facehand evaluate` of a folder of seeds: every figure as mean and sample standard deviation over them.
import type { Command } from "commander";
import {
  ensembleRows,
  type SeedRows,
  type SeedsSummary,
  summarizeSeeds,
} from "../../evaluate/analysis/seed-summary.ts";
import { type ImageCounts, type Summary, summarize } from "../../evaluate/analysis/summary.ts";
import { type SeedRun, severalSeeds } from "../../predict/run-folder.ts";
import type { Compared } from "../../report/format-against.ts";
import { formatSeedsSummary } from "../../report/format-seeds.ts";
import type { Evaluation } from "../../train/exchange/evaluation.ts";
import { isGiven } from "../context.ts";
import { groupSets } from "./groups.ts";
import { writeEvaluationPage } from "./report.ts";

/** What is computed of one run's predictions alone. */
const OF_ONE_RUN = ["--out", "--group-intervals", "--calibrate", "--thresholds", "--selective"];

/** Flags that apply to several seeds as to one run. */
interface Flags {
  readonly groups?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
  readonly minSubjects: number;
  readonly report?: string | undefined;
  readonly bootstrap: number;
  readonly data?: readonly string[] | undefined;
}

/**
 * Text or JSON of several seeds.
 *
 * @param name - the folder of seeds
 * @param gather - the evaluated rows of one run, and which images they are of
 * @param against - what the page has of another model
 * @throws AppError("input", "SEVERAL_SEEDS") for flags that need one run; as summarizeSeeds
 */
export async function evaluateSeeds(
  command: Command,
  name: string,
  runs: readonly SeedRun[],
  gather: (dir: string) => Promise<Evaluation>,
  against?: Compared,
): Promise<string> {
  const needing = OF_ONE_RUN.find((flag) => isGiven(command, flag));
  if (needing !== undefined) throw severalSeeds(runs, needing);
  const { groups, json, minSubjects, report, bootstrap, data = [] } = command.opts<Flags>();
  if (report === undefined && isGiven(command, "--bootstrap")) throw severalSeeds(runs, "--bootstrap");
  const given: SeedRows[] = [];
  let images: ImageCounts | undefined;
  for (const { seed, dir } of runs) {
    const { rows, counts } = await gather(dir);
    given.push({ seed, rows });
    images ??= counts;
  }
  const options = { groups: groupSets(groups, given[0]!.rows), minSubjects };
  const summary = summarizeSeeds(given, options);
  if (report !== undefined) {
    const rows = ensembleRows(given);
    const ofAll = summarize(rows, { ...options, replicates: bootstrap });
    const page = { name, summary: ofAll, counts: images, rows, seeds: summary, against, data };
    await writeEvaluationPage(report, page);
  }
  if (json !== true) return formatSeedsSummary(summary, images);
  const split = images!.split ?? "all";
  return JSON.stringify({ ...summary, split, images: withUnlabelled(images!, summary) }, null, 2);
}

/** JSON has the images without a label among those that are in no figure. */
export function withUnlabelled(
  counts: ImageCounts,
  { nUnlabelled, overall }: Pick<SeedsSummary, "nUnlabelled" | "overall"> | Summary,
): ImageCounts {
  if (nUnlabelled === 0) return counts;
  return {
    ...counts,
    used: overall.nImages,
    leftOut: { ...counts.leftOut, "no recorded label": nUnlabelled },
  };
}
