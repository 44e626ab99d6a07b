// ◇ Browser-safe. A run folder: config.json, environment.json, log.jsonl, checkpoints/, predictions/.
// Invariant: it only grows; what a resumed run repeats is first cut back to the checkpoint it starts from.
// Browser-safe are the types and `parseRunLog`.
import { z } from "zod";
import { AppError, unexpected } from "../core/errors.ts";
import { SMALL_SUBJECTS } from "../evaluate/metrics/small.ts";

const rate = z.number().min(0).max(1).nullable();

/** Figures of one part (all, hand or face) of the validation images. */
export const partLogSchema = z.strictObject({
  n: z.int().nonnegative(),
  /** Behind both rates of the balanced accuracy; absent in logs of before. */
  subjects: z.strictObject({ female: z.int().nonnegative(), male: z.int().nonnegative() }).optional(),
  loss: z.number(),
  accuracy: z.number().min(0).max(1),
  balancedAccuracy: rate,
  rocAuc: rate,
});
export type PartLog = z.infer<typeof partLogSchema>;

/** Agreement of one further target's decisions with the record, on all validation images that have one. */
export const targetLogSchema = z.strictObject({
  name: z.string(),
  n: z.int().nonnegative(),
  accuracy: rate,
  balancedAccuracy: rate,
});
export type TargetLog = z.infer<typeof targetLogSchema>;

/** One line of log.jsonl: one epoch. */
export const epochLogSchema = z.strictObject({
  epoch: z.int().positive(),
  /** Steps taken by the end of the epoch. */
  step: z.int().positive(),
  /** Learning rate of its last step. */
  lr: z.number(),
  trainLoss: z.number(),
  trainAccuracy: z.number(),
  /** Largest gradient norm of a step, before clipping. */
  gradNorm: z.number(),
  val: z.strictObject({
    all: partLogSchema,
    hand: partLogSchema.nullable(),
    face: partLogSchema.nullable(),
    /** Absent in runs that learn the sex alone. */
    targets: z.array(targetLogSchema).optional(),
  }),
  /** True if no earlier epoch had a higher validation balanced accuracy. */
  best: z.boolean(),
  seconds: z.number(),
  /** How much of it training waited for images; absent in logs of before. */
  waitSeconds: z.number().optional(),
});
/** What is logged of an epoch. */
export type EpochLog = z.infer<typeof epochLogSchema>;

/**
 * The epochs of a log, checked line by line.
 *
 * @param where - file name for messages
 * @throws AppError("data", "RUNLOG") with file and line
 */
export function parseRunLog(text: string, where: string): EpochLog[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line, i) => {
    const result = epochLogSchema.safeParse(tryJson(line));
    if (result.success) return result.data;
    throw noEpoch(line, `${where}:${i + 1}`);
  });
}

/** The error for a line of a log that is no epoch. */
export function noEpoch(line: string, where: string): AppError {
  const expected = "one epoch as JSON";
  return unexpected("data", { code: "RUNLOG", expected, name: "a line", got: line, where });
}

function tryJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** The epoch that `best.safetensors` is from: the first with the highest validation balanced accuracy. */
export function bestEpoch(epochs: readonly EpochLog[]): EpochLog {
  const best = epochs.filter((epoch) => epoch.best).at(-1);
  if (best === undefined)
    throw new AppError("data", "RUN_UNFINISHED", "Expected at least one finished epoch, got none");
  return best;
}

/**
 * True when `patience` epochs have passed since the best one; never without a patience.
 *
 * @param from - epochs before are not judged: phases that lead to the last one
 */
export function outOfPatience(epochs: readonly EpochLog[], patience: number | undefined, from = 0): boolean {
  if (patience === undefined || epochs.length === 0) return false;
  return epochs.length - Math.max(bestEpoch(epochs).epoch, from) >= patience;
}

/** Balanced accuracy, or accuracy where only one class occurs: what selects the best epoch. */
export function selectionFigure({ balancedAccuracy, accuracy }: PartLog): number {
  return balancedAccuracy ?? accuracy;
}

/** True if the balanced accuracy of a modality rests on too few subjects to be shown, or on nobody knows how many. */
export function isPartSmall({ subjects, balancedAccuracy }: PartLog): boolean {
  if (subjects === undefined) return true;
  const { female, male } = subjects;
  return (balancedAccuracy === null ? female + male : Math.min(female, male)) < SMALL_SUBJECTS;
}

/** What selects, of a modality as people may see it: `0.9147`, `too small`, or `-` without images. */
export function formatPart(part: PartLog | null): string {
  if (part === null) return "-";
  return isPartSmall(part) ? "too small" : selectionFigure(part).toFixed(4);
}

/** One line for people. */
export function formatEpoch(epoch: EpochLog, total: number): string {
  const { all, hand, face } = epoch.val;
  const targets = (epoch.val.targets ?? []).map(
    ({ name, balancedAccuracy }) => `${name} ${balancedAccuracy?.toFixed(4) ?? "-"}`,
  );
  const parts = [
    `epoch ${epoch.epoch}/${total}`,
    `loss ${epoch.trainLoss.toFixed(4)}`,
    `val loss ${all.loss.toFixed(4)}`,
    `val balanced accuracy ${selectionFigure(all).toFixed(4)}`,
    `(hand ${formatPart(hand)}, face ${formatPart(face)})`,
    ...targets,
    `${epoch.seconds.toFixed(1)} s${epoch.best ? "  best" : ""}`,
  ];
  return parts.join("  ");
}
