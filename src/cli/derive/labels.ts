// `facehand derive labels`: pairs whose stored predictions, hand and face both, contradict the recorded label.
// People review what it lists; what they decide goes into a file for `derive --decisions`.

import type { Command } from "commander";
import { decimal } from "../../core/decimal.ts";
import { unexpected } from "../../core/errors.ts";
import { SEXES } from "../../core/vocabulary.ts";
import {
  type Contradiction,
  type Contradictions,
  checkUntrained,
  findContradictions,
} from "../../evaluate/analysis/contradictions.ts";
import { writeCsv } from "../../formats/csv.ts";
import { alignColumns, LABEL_NOTE } from "../../report/figure-text.ts";
import { plainRow } from "../../report/format-csv.ts";
import { storedPredictions } from "../../train/exchange/evaluation.ts";
import { type Context, jsonOption, repeated, verb } from "../context.ts";

interface Flags {
  readonly predictions: readonly string[];
  readonly min: number;
  readonly out?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Rows that are printed; the file and --json have all. */
const SHOWN = 20;
const COLUMNS = [
  "image_id",
  "user_id",
  "gesture",
  "recorded",
  "confidence",
  "hand_probability_male",
  "face_probability_male",
  "subject_pairs",
  "subject_listed",
] as const;
type Row = Readonly<Record<(typeof COLUMNS)[number], string | number>>;

/** `facehand derive labels`. */
export function deriveLabelsCommand({ print }: Context): Command {
  return verb("labels", "list pairs whose predictions, hand and face both, contradict the recorded label")
    .requiredOption(
      "--predictions <run>",
      "run folder, or .parquet file of predictions for images that were not trained on; repeat it for folds and seeds",
      repeated,
    )
    .option(
      "--min <probability>",
      "least probability against the recorded label, in the less certain of hand and face",
      confidence,
      0.5,
    )
    .option("--out <csv>", "file for the whole list; its ids can be used in a decisions file")
    .addOption(jsonOption())
    .action(async ({ predictions, min, out, json }: Flags) => {
      const rows = (await Promise.all(predictions.map(readUntrained))).flat();
      const found = findContradictions(rows, min);
      const listed = found.listed.map(toRow);
      if (out !== undefined) await writeCsv(out, COLUMNS, listed.map(plainRow));
      const { pairs, passedOver } = found;
      print(
        json === true
          ? JSON.stringify({ note: LABEL_NOTE, pairs, passedOver, listed }, null, 2)
          : toText(found, listed, out),
      );
    });
}

function confidence(text: string): number {
  const value = decimal(text);
  if (value !== undefined && value >= 0.5 && value <= 1) return value;
  const e = { code: "FLAG", expected: "a probability from 0.5 to 1", name: "--min", got: text };
  throw unexpected("input", e);
}

async function readUntrained(path: string) {
  const rows = await storedPredictions(path);
  checkUntrained(rows, path);
  return rows;
}

function toRow(one: Contradiction): Row {
  return {
    image_id: one.id,
    user_id: one.subject.replace(/^pairs:/, ""),
    gesture: one.gesture,
    recorded: SEXES[one.recorded],
    confidence: Number(one.confidence.toFixed(4)),
    hand_probability_male: Number(one.hand.toFixed(4)),
    face_probability_male: Number(one.face.toFixed(4)),
    subject_pairs: one.subjectPairs,
    subject_listed: one.subjectListed,
  };
}

function toText(
  { pairs, passedOver }: Contradictions,
  listed: readonly Row[],
  out: string | undefined,
): string {
  const shown = listed.slice(0, SHOWN).map((row) => COLUMNS.map((column) => String(row[column])));
  const more = listed.length - shown.length;
  return [
    `${listed.length} of ${pairs} pairs have both predictions against the record (${passedOver} rows were skipped).`,
    ...(shown.length === 0 ? [] : [alignColumns([[...COLUMNS], ...shown])]),
    ...(more > 0 ? [`and ${more} more${out === undefined ? "; --out FILE or --json has all" : ""}`] : []),
    ...(out === undefined ? [] : [`written to ${out}`]),
    "Review the images: a prediction is no evidence about a person.",
    LABEL_NOTE,
  ].join("\n");
}
