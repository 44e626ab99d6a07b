// Reads what a report is computed from: stored predictions of a study's finished tasks, and their logs.
// Invariant: read only.
import { relative } from "node:path";
import { predictionFiles, readPredictionFile } from "../../evaluate/stored/prediction-folder.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { sha256File } from "../../machine/files.ts";
import { runPaths } from "../../predict/run-folder.ts";
import { readLog } from "../../train/run.ts";
import { evaluationsOf, type Study, type Task, taskPaths, tasksOf } from "../study.ts";
import {
  type Labelled,
  labelledOf,
  type ResultSource,
  type RunResult,
  reportedSplit,
  type StudyResults,
  sourceId,
} from "./results.ts";

/**
 * Reads all stored predictions of a study.
 *
 * @throws AppError("data", ...) for damaged predictions or logs
 * @example (await readResults(dir, await readStudy(dir))).runs.length
 */
export async function readResults(dir: string, study: Study): Promise<StudyResults> {
  const runs: RunResult[] = [];
  const missing: Task[] = [];
  const sources: ResultSource[] = [];
  for (const task of tasksOf(study)) {
    const paths = taskPaths(dir, task);
    const read = async (folder: string, evaluation?: string) => {
      const rows: Prediction[] = [];
      const files: { path: string; sha256: string; images: number }[] = [];
      for (const file of await predictionFiles(folder)) {
        const own = await readPredictionFile(file);
        const path = within(dir, file.path);
        files.push({ path, sha256: await sha256File(file.path), images: own.length });
        rows.push(...own);
      }
      if (files.length === 0) return undefined;
      sources.push({ id: sourceId(task, evaluation), run: within(dir, paths.run), files });
      return labelledOf(rows);
    };
    const rows = await read(runPaths(paths.run).predictions);
    if (rows === undefined) {
      missing.push(task);
      continue;
    }
    const evaluations = new Map<string, readonly Labelled[]>();
    for (const { name } of evaluationsOf(study, task.cell)) {
      const own = await read(paths.predictions(name), name);
      if (own !== undefined) evaluations.set(name, own);
    }
    runs.push({ ...task, log: await readLog(paths.run), rows, evaluations });
  }
  return { study, runs, missing, sources, split: reportedSplit(runs) };
}

/** With slashes, for links. */
const within = (dir: string, path: string) => relative(dir, path).replaceAll("\\", "/");
