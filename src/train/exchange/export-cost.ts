// What a smaller exported file costs: the same images through the checkpoint and through the file itself.
// Invariant: the figures of the file are those of its bytes in ONNX Runtime, not of a simulation of its rounding.
import { createSession } from "../../engine/runtime/open-session.ts";
import type { ImageCounts } from "../../evaluate/analysis/summary.ts";
import { decideClass } from "../../evaluate/metrics/classes.ts";
import { evaluateRows } from "../../evaluate/metrics/groups.ts";
import type { BinaryMetrics } from "../../evaluate/metrics/metrics.ts";
import { CLASS_TARGETS, classKey, type Prediction } from "../../evaluate/stored/prediction-row.ts";
import { openWeights } from "../../predict/infer.ts";
import type { LoadedModel } from "../../predict/model-file.ts";
import { openPredictor, type Predictor } from "../../predict/predictor.ts";
import { predictSamples } from "../../predict/row.ts";
import { plainBatches } from "../data.ts";
import { chooseImages, type ImageChoice } from "../images.ts";

/** Figures of the checkpoint and of an exported file on the same images. */
export interface ExportCost {
  /** `all` for other data than the model's, where no split was asked for. */
  readonly split: string;
  readonly images: ImageCounts;
  readonly nImages: number;
  /** The checkpoint, in float32. */
  readonly checkpoint: BinaryMetrics;
  readonly exported: BinaryMetrics;
  /** Images whose decision differs. */
  readonly nChanged: number;
  /** Largest difference of the probability of male. */
  readonly maxDifference: number;
  readonly meanDifference: number;
  /** Images whose likeliest class of a further target differs; without such targets empty. */
  readonly nChangedClasses: Readonly<Record<string, number>>;
}

export interface CostOptions extends ImageChoice {
  readonly workers: number;
}

/**
 * Compares an exported file with the checkpoint that it was made of.
 *
 * @param target - run folder or checkpoint; a run folder's split is the run's
 * @param file - the exported ONNX file
 * @throws AppError as chooseImages
 * @example (await exportCost("runs/a", model, bytes, { data: ["pairs:x"], split: "val", workers: 2 })).maxDifference
 */
export async function exportCost(
  target: string,
  model: LoadedModel,
  file: Uint8Array,
  options: CostOptions,
): Promise<ExportCost> {
  const chosen = await chooseImages(target, model.facts, { ...options, ownSplit: "val" });
  const { samples, batch, counts } = chosen;
  const { facts, weights } = model;
  const predict = async (opened: Promise<Predictor>) => {
    const batches = plainBatches(samples, facts.pixels.sizePx, { workers: options.workers, batch });
    const predictor = await opened;
    try {
      return await predictSamples(predictor, batches, counts.split ?? "test");
    } finally {
      await Promise.all([batches.close(), predictor.close()]);
    }
  };
  const before = await predict(openWeights(facts, weights, { batch }));
  // The file takes and gives what the predictor's own graph does: it stands in for that graph.
  const load = () => createSession(file);
  const after = await predict(openPredictor({ facts, weights, batchSize: batch, createSession: load }));
  return { split: counts.split ?? "all", images: counts, ...compare(before, after, facts.threshold) };
}

function compare(
  before: readonly Prediction[],
  after: readonly Prediction[],
  threshold: number,
): Omit<ExportCost, "split" | "images"> {
  const differences = before.map(({ probability }, i) => Math.abs(probability - after[i]!.probability));
  const decided = ({ probability }: Prediction) => probability >= threshold;
  const changed = (differ: (a: Prediction, b: Prediction) => boolean) =>
    before.filter((row, i) => differ(row, after[i]!)).length;
  const classes = CLASS_TARGETS.filter((target) => before[0]![classKey(target)] !== undefined).map(
    (target) => [target, changed((a, b) => likeliest(a, target) !== likeliest(b, target))] as const,
  );
  const metrics = (rows: readonly Prediction[]) =>
    evaluateRows(
      rows.map(({ subject, target, probability }) => ({ subject, target: target!, probability })),
      { threshold },
    );
  return {
    nImages: before.length,
    checkpoint: metrics(before),
    exported: metrics(after),
    nChanged: changed((a, b) => decided(a) !== decided(b)),
    maxDifference: differences.reduce((most, d) => Math.max(most, d), 0),
    meanDifference: differences.reduce((sum, d) => sum + d, 0) / differences.length,
    nChangedClasses: Object.fromEntries(classes),
  };
}

const likeliest = (row: Prediction, target: (typeof CLASS_TARGETS)[number]) =>
  decideClass(row[classKey(target)]!);
