// The stored predictions of a run, or of one evaluation of it: a folder with one Parquet file a split.
// Invariants: the folder appears whole or not at all; a file holds images of the split that it is named by, only.
// Runs of version 0.1 before this layout have one file with all splits, `<folder>.parquet`: it is read where it is.

import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { missingFile, unexpected } from "../../core/errors.ts";
import { SPLITS } from "../../core/words.ts";
import { countRows } from "../../formats/parquet/rows.ts";
import { exists } from "../../machine/files.ts";
import { clearStaging, makeFolder } from "../../machine/folder.ts";
import { withLock } from "../../machine/lock.ts";
import { isSystemFile } from "../../machine/sniff-file.ts";
import type { Prediction } from "./prediction-row.ts";
import { readPredictions, writePredictions } from "./predictions.ts";

type PredictedSplit = Prediction["split"];

const splitFile = (split: PredictedSplit) => `${split}.parquet`;
const single = (dir: string) => `${dir}.parquet`;

/**
 * Writes predictions, one file a split; older ones of the same place are replaced.
 *
 * @param dir - e.g. `run/predictions`
 * @param predictions - at least one
 * @throws AppError("data", ...) as `writePredictions`
 * @example await writeSplits("run/predictions", rows) // run/predictions/val.parquet, run/predictions/test.parquet
 */
export async function writeSplits(dir: string, predictions: readonly Prediction[]): Promise<void> {
  const splits = SPLITS.filter((split) => predictions.some((row) => row.split === split));
  if (splits.length === 0) return writePredictions(dir, []); // refuses
  await withLock(dir, `the predictions in ${dir}`, async () => {
    await rm(dir, { recursive: true, force: true });
    const of = (split: PredictedSplit) => predictions.filter((row) => row.split === split);
    const write = async (staging: string) => {
      for (const split of splits) await writePredictions(join(staging, splitFile(split)), of(split));
    };
    await makeFolder(dir, write, {
      count: (staging) =>
        Promise.all(
          splits.map(async (split) => {
            const found = await countRows(join(staging, splitFile(split)));
            return { what: `predictions of ${split}`, made: of(split).length, found };
          }),
        ),
    });
    await rm(single(dir), { force: true });
  });
}

/** Takes away what a kill left beside predictions that are whole, and so are not written again. */
export async function sweepSplits(dir: string): Promise<void> {
  await withLock(dir, `the predictions in ${dir}`, () => clearStaging(dir));
}

/** A file of stored predictions. */
export interface PredictionFile {
  readonly path: string;
  /** Null for a file of all splits. */
  readonly split: PredictedSplit | null;
}

/**
 * The files of stored predictions, in the order of splits; none if there are no predictions.
 *
 * @throws AppError("data", "PREDICTION_FILES") for a folder without any, or with other files
 * @example (await predictionFiles("run/predictions")).map(({ path }) => path)
 */
export async function predictionFiles(dir: string): Promise<PredictionFile[]> {
  if (!(await exists(dir))) return (await exists(single(dir))) ? [{ path: single(dir), split: null }] : [];
  const names = (await readdir(dir)).filter((name) => !isSystemFile(name));
  const known = SPLITS.map(splitFile);
  const other = names.find((name) => !known.includes(name));
  if (names.length > 0 && other === undefined) {
    return SPLITS.filter((split) => names.includes(splitFile(split))).map((split) => ({
      path: join(dir, splitFile(split)),
      split,
    }));
  }
  throw unexpected("data", {
    code: "PREDICTION_FILES",
    expected: `one or more of ${known.join(", ")} and nothing else`,
    name: dir,
    got: other ?? "none",
  });
}

/**
 * Reads the predictions of all splits and checks every row.
 *
 * @throws AppError("data", "FILE_MISSING") if there are none; as `predictionFiles` and `readPredictionFile`
 * @example (await readSplits("run/predictions")).filter(({ split }) => split === "test")
 */
export async function readSplits(dir: string): Promise<Prediction[]> {
  const files = await predictionFiles(dir);
  if (files.length === 0) {
    const isRun = await exists(join(dirname(dir), "config.json"));
    const other = "give a run folder, a folder of seeds, or a table of predictions, .csv or .parquet";
    throw missingFile(dir, "stored predictions", isRun ? "finish the run first: train ... --resume" : other);
  }
  return (await Promise.all(files.map(readPredictionFile))).flat();
}

/**
 * Reads one of `predictionFiles`.
 *
 * @throws AppError("data", "PREDICTION_SPLIT") for a row of another split than the file's; as `readPredictions`
 * @example await readPredictionFile({ path: "run/predictions/val.parquet", split: "val" })
 */
export async function readPredictionFile({ path, split }: PredictionFile): Promise<Prediction[]> {
  const rows = await readPredictions(path);
  const index = split === null ? -1 : rows.findIndex((row) => row.split !== split);
  if (index === -1) return rows;
  throw unexpected("data", {
    code: "PREDICTION_SPLIT",
    expected: `${split}, as the file is named`,
    name: "column split",
    got: rows[index]!.split,
    where: `${path}:${index + 1}`,
  });
}
