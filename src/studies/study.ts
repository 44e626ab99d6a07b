// A study on disk: `study.json`, what was planned; run folders; predictions of every evaluation; a journal a task.
// Invariant: there is no other state. What is done is seen from the files that it leaves (studies/run/status.ts).
// A cell's folder carries the hash of what determines it, so a changed plan never meets the runs of another.
import { join } from "node:path";
import { z } from "zod";
import { schemaOf } from "../core/schema.ts";
import { MODALITIES } from "../core/words.ts";
import { COMPARED_METRICS } from "../evaluate/metrics/weighted.ts";
import { readJson } from "../machine/files.ts";
import { ARCHS, sourceFactsShape } from "../models/facts.ts";
import { perturbationSchema } from "../pixels/perturbation.ts";
import { trainConfigSchema } from "../train/config.ts";

/** Also a file's or folder's name. */
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+=-]*$/, "expected letters, digits and ._+=-");

/** A named set of sources; facts state which images it had when the study was planned. */
export const dataSetSchema = z.strictObject({
  sources: z.array(z.string()).min(1),
  facts: z.array(schemaOf(sourceFactsShape)),
  /** False for sets that are only tested on. */
  train: z.boolean(),
});
export type DataSet = z.infer<typeof dataSetSchema>;

/** One configuration; with a seed it is a run. */
export const cellSchema = z.strictObject({
  /** Folder name: label and the first digits of the hash. */
  id: name,
  /** SHA-256 of all that determines its runs, but for seed and code. */
  hash: z.string(),
  /** Tag, then `key=value` of every other axis that varies in the study. */
  label: z.string(),
  arch: z.enum(ARCHS),
  tag: z.string(),
  /** Every axis with its value as text, e.g. `{ F: "1", gating: "-", modality: "both" }`. */
  axes: z.record(z.string(), z.string()),
  /** Name of the set that it learns from. */
  data: name,
  config: trainConfigSchema.omit({ seed: true }),
});
export type Cell = z.infer<typeof cellSchema>;

/** What a model is given in place of the recorded modality: nothing else, or the other one. */
export const TOLD = ["recorded", "other"] as const;
/** Splits that an evaluation predicts; images of a set that the cell did not learn from count as test. */
export const EVALUATED_SPLITS = ["val", "test"] as const;

/** One way of predicting images by the runs of some cells, beside what a run itself stores. */
export const evaluationSchema = z.strictObject({
  name,
  /** SHA-256 of all that determines its predictions, but for the run. */
  hash: z.string(),
  /** A set's name, or null for the one that the cell learnt from. */
  data: name.nullable(),
  splits: z.array(z.enum(EVALUATED_SPLITS)).min(1),
  /** Only these images; null for all, whatever the cell learnt from. */
  modality: z.enum(MODALITIES).nullable(),
  told: z.enum(TOLD),
  perturb: perturbationSchema.nullable(),
  /** Ids of the cells that are evaluated so. */
  cells: z.array(name),
});
export type Evaluation = z.infer<typeof evaluationSchema>;

/** A named question: pairs of cells that differ in what is asked about, and in nothing else. */
export const comparisonSchema = z.strictObject({
  name: z.string().min(1),
  /** The evaluation whose predictions are compared; null for the runs' own. */
  evaluation: name.nullable(),
  /** Only these images; null for all. */
  modality: z.enum(MODALITIES).nullable(),
  /** What is compared; plans of before name none. */
  metric: z.enum(COMPARED_METRICS).default("balancedAccuracy"),
  pairs: z.array(z.strictObject({ a: name, b: name })),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** What tasks of some cells may use on a cluster; later entries win over earlier ones. */
export const resourcesSchema = z.strictObject({
  cpus: z.int().positive().optional(),
  memoryMb: z.int().positive().optional(),
  minutes: z.int().positive().optional(),
  gpus: z.int().nonnegative().optional(),
});

export const studySchema = z.strictObject({
  format: z.literal(1),
  name,
  about: z.string(),
  /** The code that planned it; runs have in their environment.json the code that made them. */
  code: z.strictObject({ facehand: z.string(), commit: z.string().nullable() }),
  data: z.record(name, dataSetSchema),
  seeds: z.array(z.int().nonnegative()).min(1),
  cells: z.array(cellSchema).min(1),
  evaluations: z.array(evaluationSchema),
  comparisons: z.array(comparisonSchema),
  resources: z.array(resourcesSchema.extend({ cells: z.array(name) })),
});
/** A resolved study: what study.json holds. */
export type Study = z.infer<typeof studySchema>;

/** One cell with one seed: the unit that is run, skipped, retried and evaluated. */
export interface Task {
  readonly cell: Cell;
  readonly seed: number;
}

/** All tasks of a study, cell by cell. */
export function tasksOf({ cells, seeds }: Study): Task[] {
  return cells.flatMap((cell) => seeds.map((seed) => ({ cell, seed })));
}

/** The evaluations of one cell, in the study's order. */
export function evaluationsOf({ evaluations }: Study, { id }: Pick<Cell, "id">): Evaluation[] {
  return evaluations.filter(({ cells }) => cells.includes(id));
}

/** Where everything of a study lies. */
export function studyPaths(dir: string) {
  return { study: join(dir, "study.json"), runs: join(dir, "runs"), evaluations: join(dir, "evaluations") };
}

/** Where everything of one task lies. */
export function taskPaths(dir: string, { cell, seed }: { cell: Pick<Cell, "id">; seed: number }) {
  const own = join(cell.id, `seed_${seed}`);
  return {
    /** A run folder as `train` makes it; its predictions are the run's own. Its lock is that of the whole task. */
    run: join(dir, "runs", own),
    /** Predictions of one evaluation (a folder: evaluate/stored/prediction-folder), and what they were made of. */
    predictions: (evaluation: string) => join(dir, "evaluations", own, evaluation),
    facts: (evaluation: string) => join(dir, "evaluations", own, `${evaluation}.json`),
    /** What happened to the task, one JSON line an event. */
    journal: join(dir, "journal", `${own}.jsonl`),
    /** What its process printed. */
    log: join(dir, "logs", `${own}.log`),
  };
}

/** What stands beside the predictions of an evaluation, `<evaluation>.json`: how they came about. */
export const evaluationFactsSchema = z.strictObject({
  evaluation: evaluationSchema.omit({ cells: true }),
  cell: name,
  seed: z.int(),
  /** Of the checkpoint that predicted. */
  checkpointSha256: z.string(),
  /** Sources of the images. */
  sources: z.array(schemaOf(sourceFactsShape)),
  /** Predicted images. */
  images: z.int(),
  /** Images that were left out, by reason. */
  dropped: z.record(z.string(), z.int()),
});
export type EvaluationFacts = z.infer<typeof evaluationFactsSchema>;

/**
 * Reads a study's plan.
 *
 * @throws AppError("data", "FILE_MISSING" | "JSON_SYNTAX" | "JSON_SCHEMA")
 * @example (await readStudy("studies/ablation")).cells.map(({ label }) => label)
 */
export function readStudy(dir: string): Promise<Study> {
  return readJson(studyPaths(dir).study, studySchema, "a study's plan");
}
