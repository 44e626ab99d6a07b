// ◇ Browser-safe. Pairs whose two predictions both contradict the recorded label: candidates for label noise, most confident first.
// Source: out-of-fold confidence as in confident learning (Northcutt et al. 2021), with two pictures of one person as
// independent witnesses. It lists what to review; a prediction is no evidence about a person.
import { unexpected } from "../../core/errors.ts";
import type { Prediction } from "../stored/prediction-row.ts";
import { recordedOtherwise } from "../stored/recorded.ts";

/** What of a prediction bears witness about a pair. */
export type Witness = Pick<
  Prediction,
  "id" | "source" | "subject" | "modality" | "target" | "probability" | "age" | "race" | "gesture"
>;

/** One pair to review. */
export interface Contradiction {
  /** Of the pair, without its modality. */
  readonly id: string;
  readonly subject: string;
  readonly gesture: string;
  /** Recorded label, 0 female or 1 male; the predictions are the other. */
  readonly recorded: 0 | 1;
  /** Probability of male, mean over the rows of that image. */
  readonly hand: number;
  readonly face: number;
  /** Probability against the record of the less sure of the two, 0.5 to 1. */
  readonly confidence: number;
  /** Pairs of the subject that have both predictions, and how many of them are in this list. */
  readonly subjectPairs: number;
  readonly subjectListed: number;
}

/** The pairs to review, and how many were searched. */
export interface Contradictions {
  readonly pairs: number;
  /** Rows that are not of a pair, have no recorded label, or lack their other half. */
  readonly passedOver: number;
  readonly listed: readonly Contradiction[];
}

/**
 * Refuses predictions of images that the model was trained on: it agrees with the labels it has learnt.
 *
 * @param where - of the file, for messages
 * @throws AppError("data", "PREDICTIONS_TRAINED") with the first such row
 * @example checkUntrained(await readSplits("run/predictions"), "run")
 */
export function checkUntrained(rows: readonly { readonly split: string }[], where: string): void {
  const index = rows.findIndex(({ split }) => split === "train");
  if (index === -1) return;
  throw unexpected("data", {
    code: "PREDICTIONS_TRAINED",
    expected: "predictions of images that the model was not trained on",
    name: "predictions",
    got: "split train",
    where: `${where}:${index + 1}`,
    hint: "give the predictions of runs that had these images in val or test",
  });
}

interface Seen {
  readonly row: Witness & { readonly target: 0 | 1 };
  readonly hand: number[];
  readonly face: number[];
}

/**
 * Lists pairs whose hand and face are both predicted against the record.
 *
 * @param rows - predictions of images that the model was not trained on; of several rows of one image (folds, seeds)
 *   the mean probability counts
 * @param least - confidence from which a pair is listed, 0.5 to 1
 * @returns most confident first, equal ones by id
 * @throws AppError("data", "RECORDED_OTHERWISE") if rows of one pair disagree in person, label or gesture
 * @example findContradictions(await readSplits("run/predictions"), 0.5).listed[0]?.id
 */
export function findContradictions(rows: readonly Witness[], least: number): Contradictions {
  const { seen, passedOver } = gather(rows);
  const whole = [...seen].filter(([, { hand, face }]) => hand.length > 0 && face.length > 0);
  const halves = [...seen.values()].filter(({ hand, face }) => hand.length === 0 || face.length === 0);
  const judged = whole.map(([id, { hand, face, row }]) => {
    const pair = { subject: row.subject, gesture: row.gesture, recorded: row.target };
    const [h, f] = [mean(hand), mean(face)];
    const against = (p: number) => (pair.recorded === 1 ? 1 - p : p);
    return { id, ...pair, hand: h, face: f, confidence: Math.min(against(h), against(f)) };
  });
  const found = judged.filter(({ confidence }) => confidence > 0.5 && confidence >= least);
  const [pairsOf, listedOf] = [tally(judged), tally(found)];
  const listed = found
    .map((one) => ({
      ...one,
      subjectPairs: pairsOf.get(one.subject)!,
      subjectListed: listedOf.get(one.subject)!,
    }))
    .sort((a, b) => b.confidence - a.confidence || (a.id < b.id ? -1 : 1));
  const alone = halves.reduce((sum, { hand, face }) => sum + hand.length + face.length, 0);
  return { pairs: whole.length, passedOver: passedOver + alone, listed };
}

function gather(rows: readonly Witness[]) {
  const seen = new Map<string, Seen>();
  let passedOver = 0;
  for (const row of rows) {
    const suffix = `/${row.modality}`;
    if (row.source !== "pairs" || !isLabelled(row) || !row.id.endsWith(suffix)) {
      passedOver++;
      continue;
    }
    const key = row.id.slice(0, -suffix.length);
    const pair = seen.get(key) ?? { row, hand: [], face: [] };
    checkRecord(pair.row, row);
    pair[row.modality].push(row.probability);
    seen.set(key, pair);
  }
  return { seen, passedOver };
}

const isLabelled = (row: Witness): row is Seen["row"] => row.target !== null;

/** Runs on other versions of a dataset may record another label: then nothing decides which one is contradicted. */
function checkRecord(first: Witness, row: Witness): void {
  const other = recordedOtherwise(row, first, ["subject", "target", "gesture"]);
  if (other === undefined) return;
  throw unexpected("data", {
    code: "RECORDED_OTHERWISE",
    expected: `what ${first.id} records`,
    name: row.id,
    got: other,
    hint: "take predictions of one version of the dataset: evaluate RUN --data SOURCE --out FILE predicts it anew",
  });
}

function tally(all: readonly { readonly subject: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { subject } of all) counts.set(subject, (counts.get(subject) ?? 0) + 1);
  return counts;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}
