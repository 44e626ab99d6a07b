// The evaluations of a task: predictions of its best checkpoint on other images than the run itself predicts,
// or of the same in another way. Each is a folder of predictions with a JSON file beside it that records how it came about.
// Invariant: the JSON file is written last; predictions without theirs, or of another checkpoint, are made again.
import { dirname, join } from "node:path";
import { Interrupted, unexpected } from "../../core/errors.ts";
import { MODALITIES, type Sample, type Split } from "../../core/words.ts";
import { openSource, type Source } from "../../dataset/sources/sources.ts";
import { splitSamples } from "../../dataset/sources/split.ts";
import { predictionFiles, sweepSplits, writeSplits } from "../../evaluate/stored/prediction-folder.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { exists, readJson, sha256File, writeJson } from "../../machine/files.ts";
import { sweepTemporaries } from "../../machine/temporary.ts";
import { openWeights } from "../../predict/infer.ts";
import { loadModel } from "../../predict/model-file.ts";
import type { AskedModality, Predictor } from "../../predict/predictor.ts";
import { predictSamples } from "../../predict/row.ts";
import { runPaths } from "../../predict/run-folder.ts";
import { plainBatches, sourceFacts } from "../../train/data.ts";
import type { TrainOptions } from "../../train/loop.ts";
import {
  type Evaluation,
  type EvaluationFacts,
  evaluationFactsSchema,
  evaluationsOf,
  type Study,
  type Task,
  taskPaths,
} from "../study.ts";

/** How to predict, without influence on the result. */
export interface EvaluateOptions extends Pick<TrainOptions, "threads" | "device" | "workers"> {
  /** Stops before the next evaluation. */
  readonly signal: AbortSignal;
  readonly onEvaluation: (name: string) => void;
}

/**
 * Makes every evaluation of a trained task that is not there yet.
 *
 * @throws AppError("input", "STUDY_IMAGES") if all people of a set were learnt from; as the sources do; Interrupted
 */
export async function evaluateTask(
  dir: string,
  study: Study,
  task: Task,
  options: EvaluateOptions,
): Promise<void> {
  const paths = taskPaths(dir, task);
  const checkpoint = await sha256File(runPaths(paths.run).best);
  const facts = evaluationsOf(study, task.cell).map(({ name }) => paths.facts(name));
  for (const folder of new Set(facts.map(dirname)))
    await sweepTemporaries(folder, (name) => facts.includes(join(folder, name)));
  const missing: Evaluation[] = [];
  for (const evaluation of evaluationsOf(study, task.cell))
    if (await isEvaluated(dir, task, evaluation, checkpoint))
      await sweepSplits(paths.predictions(evaluation.name));
    else missing.push(evaluation);
  if (missing.length === 0) return;
  const open = opener(study);
  const { facts: model, weights } = await loadModel(paths.run);
  const { threads, device = "cpu" } = options;
  const { batch } = task.cell.config;
  const predictor = await openWeights(model, weights, {
    batch,
    device,
    threads,
  });
  try {
    for (const evaluation of missing) {
      if (options.signal.aborted) throw new Interrupted(`Stopped before evaluation ${evaluation.name}`);
      options.onEvaluation(evaluation.name);
      await evaluate(dir, task, evaluation, { ...options, open, checkpoint, predictor });
    }
  } finally {
    await predictor.close();
  }
}

/** Sources of a set, read once. */
function opener(study: Study): (set: string) => Promise<readonly Source[]> {
  const opened = new Map<string, Promise<readonly Source[]>>();
  return (set) => {
    const sources = opened.get(set) ?? Promise.all(study.data[set]!.sources.map(openSource));
    opened.set(set, sources);
    return sources;
  };
}

/** True if the predictions are there and came from this evaluation (of this checkpoint). */
export async function isEvaluated(
  dir: string,
  task: Task,
  evaluation: Evaluation,
  checkpoint?: string,
): Promise<boolean> {
  const paths = taskPaths(dir, task);
  if ((await predictionFiles(paths.predictions(evaluation.name))).length === 0) return false;
  if (!(await exists(paths.facts(evaluation.name)))) return false;
  const facts = await readJson(paths.facts(evaluation.name), evaluationFactsSchema, "an evaluation's facts");
  return (
    facts.evaluation.hash === evaluation.hash &&
    facts.checkpointSha256 === (checkpoint ?? facts.checkpointSha256)
  );
}

interface Evaluating extends EvaluateOptions {
  readonly open: (set: string) => Promise<readonly Source[]>;
  readonly checkpoint: string;
  readonly predictor: Predictor;
}

async function evaluate(dir: string, task: Task, evaluation: Evaluation, options: Evaluating): Promise<void> {
  const { open, checkpoint, predictor, workers = 2 } = options;
  const { batch, imageSize } = task.cell.config;
  const { samples, dropped } = await chooseSamples(task, evaluation, open);
  const asked = evaluation.told === "other" ? givenOther(predictor) : predictor;
  const perturb = evaluation.perturb === null ? {} : { perturb: evaluation.perturb };
  const rows: Prediction[] = [];
  for (const [split, own] of samples) {
    const batches = plainBatches(own, imageSize, { workers, batch, ...perturb });
    try {
      rows.push(...(await predictSamples(asked, batches, split)));
    } finally {
      await batches.close();
    }
  }
  const { cells: _, ...rest } = evaluation;
  const sources = await Promise.all((await open(evaluation.data ?? task.cell.data)).map(sourceFacts));
  const made: EvaluationFacts = {
    evaluation: rest,
    cell: task.cell.id,
    seed: task.seed,
    checkpointSha256: checkpoint,
    sources,
    images: rows.length,
    dropped,
  };
  const paths = taskPaths(dir, task);
  await writeSplits(paths.predictions(evaluation.name), rows);
  await writeJson(paths.facts(evaluation.name), made);
}

interface Chosen {
  readonly samples: readonly (readonly [Split, readonly Sample[]])[];
  readonly dropped: Readonly<Record<string, number>>;
}

/** Splits of the own set; of another set all images but those of people that the cell learnt from or chose by. */
async function chooseSamples(
  { cell }: Task,
  { data, splits, modality }: Evaluation,
  open: Evaluating["open"],
): Promise<Chosen> {
  const { splitSeed, val, test } = cell.config;
  const own = splitSamples(await open(cell.data), { seed: splitSeed, fractions: { val, test } });
  const wanted = (sample: Sample) => modality === null || sample.modality === modality;
  if (data === null || data === cell.data) {
    const samples = splits.map((split) => [split, own[split].filter(wanted)] as const);
    return { samples: samples.filter(([, { length }]) => length > 0), dropped: {} };
  }
  const seen = new Set([...own.train, ...own.val].map(({ subject }) => subject));
  const sources = await open(data);
  const all = sources.flatMap(({ samples }) => samples).filter(wanted);
  const strangers = all.filter(({ subject }) => !seen.has(subject));
  const known = all.length - strangers.length;
  if (strangers.length === 0) {
    const e = { code: "STUDY_IMAGES", expected: "images of people that the cell did not learn from" };
    throw unexpected("input", { ...e, name: `set ${data}`, got: `${known} of people that it did` });
  }
  const dropped: Record<string, number> = known === 0 ? {} : { "subject was learnt from": known };
  for (const source of sources)
    for (const [reason, count] of Object.entries(source.dropped))
      dropped[reason] = (dropped[reason] ?? 0) + count;
  return { samples: [["test", strangers]], dropped };
}

/** A predictor that is given hand for faces and face for hands, if it takes a modality at all. */
function givenOther(predictor: Predictor): Predictor {
  const other = (asked: AskedModality) =>
    asked === "auto" ? asked : MODALITIES.find((modality) => modality !== asked)!;
  return {
    ...predictor,
    predictPixels: (pixels, asked) => predictor.predictPixels(pixels, asked.map(other)),
  };
}
