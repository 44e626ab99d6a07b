// `facehand data check`: findings about a dataset, exit code 3 if some of them are serious.

import type { Command } from "commander";
import { AppError } from "../../core/errors.ts";
import { startProgress } from "../../core/progress.ts";
import { SPLITS } from "../../core/words.ts";
import {
  type CheckedDataset,
  type CheckReport,
  checkDataset,
  sortFindings,
} from "../../dataset/check/check.ts";
import { FINDINGS } from "../../dataset/check/findings.ts";
import { CHECK_THREADS } from "../../dataset/check/images.ts";
import { formatCheck } from "../../dataset/check/report.ts";
import { LABEL_NOTE } from "../../dataset/show.ts";
import { type AgainstReport, checkAgainst } from "../../derive/tables/against.ts";
import { type Context, jsonOption, verb, wholeNumber } from "../context.ts";

interface Flags {
  readonly against?: string | undefined;
  readonly threads: number;
  readonly json?: boolean | undefined;
}

/** `facehand data check`. */
export function checkCommand(context: Context): Command {
  return verb("check", "find what is wrong with a dataset: rows, files, images, duplicates, subjects")
    .argument("<dir>", "dataset folder (with train.csv, val.csv, test.csv), or its parent")
    .option("--against <dir>", "HaGRID's annotations: also find test subjects that are in its training lists")
    .option("--threads <n>", "images opened at once", wholeNumber("--threads", 1, 256), CHECK_THREADS)
    .addOption(jsonOption())
    .action(async (dir: string, { against, threads, json }: Flags) => {
      const checked = await checkWithProgress(context, dir, threads);
      const hagrid = against === undefined ? undefined : await againstWithProgress(checked, against);
      const report = { ...checked, ...sortFindings([...checked.findings, ...(hagrid?.findings ?? [])]) };
      context.print(json === true ? toJson(report, hagrid) : toText(report, hagrid));
      if (report.totals.serious > 0) throw failed(report);
    });
}

/**
 * Checks a dataset with a progress line.
 *
 * @throws AppError as `checkDataset` does, Interrupted after the context's signal
 */
export async function checkWithProgress(
  { signal }: Pick<Context, "signal">,
  dir: string,
  threads: number = CHECK_THREADS,
): Promise<CheckedDataset> {
  let progress: ReturnType<typeof startProgress> | undefined;
  try {
    return await checkDataset(dir, {
      threads,
      signal,
      onTotal: (images) => {
        progress = startProgress("check", images, { unit: "images" });
      },
      onImage: () => progress?.tick(),
    });
  } finally {
    progress?.done();
  }
}

async function againstWithProgress({ rows }: CheckedDataset, dir: string): Promise<AgainstReport> {
  const progress = startProgress("annotations", 0, { unit: "records" });
  try {
    return await checkAgainst(rows, dir, { onRecord: () => progress.tick() });
  } finally {
    progress.done();
  }
}

function toJson({ root, counts, images, totals, findings }: CheckReport, hagrid: AgainstReport | undefined) {
  const against = hagrid === undefined ? {} : { against: { read: hagrid.read, matches: hagrid.matches } };
  return JSON.stringify({ root, note: LABEL_NOTE, images, totals, ...against, findings, counts }, null, 2);
}

function toText(report: CheckReport, hagrid: AgainstReport | undefined): string {
  return [...(hagrid === undefined ? [] : againstLines(hagrid)), formatCheck(report).trimEnd()].join("\n");
}

function againstLines({ read, matches }: AgainstReport): string[] {
  const files = SPLITS.map(
    (split) => `${split} ${read[split].records} records in ${read[split].files} files`,
  );
  const lines = SPLITS.map((ours) => {
    const cells = SPLITS.map((split) => `${matches[ours][split].images} (${matches[ours][split].subjects})`);
    return `${ours.padEnd(6)} in HaGRID's train, val, test: ${cells.join(", ")} pairs (subjects)`;
  });
  const empty =
    read.train.files === 0 ? ["No training list is among them, so none of its subjects can be found"] : [];
  return [`HaGRID's annotations: ${files.join(", ")}`, ...empty, ...lines, ""];
}

function failed({ root, totals, findings }: CheckReport): AppError {
  const mended = findings.some(({ code, severity }) => severity === "serious" && FINDINGS[code].mended);
  const hint = mended
    ? `facehand data repair ${root}, which first shows what it would change`
    : "correct the rows and files named above, or derive the dataset again";
  const message = `Expected no serious findings in ${root}, got ${totals.serious}`;
  return new AppError("data", "CHECK_FAILED", message, { hint });
}
