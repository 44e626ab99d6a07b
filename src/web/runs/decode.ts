// ◇ Browser-safe. Files of predictions and tables of pairs as rows, in the page's thread.
// Source: hyparquet, csv-parse's build for browsers. Invariant: every row is checked as the command line checks it.
import { parse } from "csv-parse/browser/esm/sync";
import { parquetReadObjects } from "hyparquet";
import { AppError } from "../../core/errors.ts";
import {
  CLASS_TARGETS,
  checkPredictions,
  classKey,
  type Prediction,
} from "../../evaluate/stored/prediction-row.ts";

/**
 * Rows of a file of predictions.
 *
 * @param name - for messages
 * @throws AppError("data", "PARQUET_DAMAGED" | "PREDICTION_ROW" | ...)
 */
export async function decodePredictions(bytes: ArrayBuffer, name: string): Promise<Prediction[]> {
  const raw = await parquetReadObjects({ file: bytes }).catch((cause: unknown) => {
    const message = `Expected a whole Parquet file for ${name}, got ${String(cause)}`;
    const hint = "predict the images again: facehand evaluate RUN";
    throw new AppError("data", "PARQUET_DAMAGED", message, { hint, cause });
  });
  return checkPredictions(raw.map(rowOf), name);
}

/** Columns named `age:<class>` become one field. */
function rowOf(raw: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  const classes: Record<string, Record<string, unknown>> = {};
  for (const [column, value] of Object.entries(raw)) {
    const target = CLASS_TARGETS.find((name) => column.startsWith(`${name}:`));
    if (target === undefined) {
      if (column !== "recipe" || value !== null) row[column] = value;
    } else if (value !== null) {
      classes[classKey(target)] ??= {};
      classes[classKey(target)]![column.slice(target.length + 1)] = value;
    }
  }
  return { ...row, ...classes };
}

/** Crops of a pair, by the names that its dataset gives them. */
export interface PairNames {
  readonly hand: string;
  readonly face: string;
}

/** Names of crops by the id of their pair. */
export function decodePairs(text: string): Map<string, PairNames> {
  const rows = parse(text, { columns: true, bom: true, skip_empty_lines: true }) as Record<string, string>[];
  return new Map(
    rows.map((row) => [
      row["id"] ?? "",
      { hand: row["hand_image_name"] ?? "", face: row["face_image_name"] ?? "" },
    ]),
  );
}
