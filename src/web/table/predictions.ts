// ◇ Browser-safe. What runs predicted of pairs: files of predictions, read as columns and kept while the page is open.
// Invariants: a prediction is found by the id of its image (`<pair id>/hand`); a file is read when somebody asks, and once.
import { ROUTES, type Thing } from "../../server/api.ts";
import { urlOf } from "../app/source.ts";
import { type Column, numberAt, rowsOfTexts, textAt } from "./column.ts";
import { openPlace } from "./open.ts";

/** One prediction. */
export interface Predicted {
  readonly probability: number;
  /** Recorded label, 0 female or 1 male; NaN if there is none. */
  readonly target: number;
  readonly split: string;
}

/** Predictions of one file. */
export interface PredictionTable {
  readonly rows: number;
  /** By the ids of images; those that are not there are left out. */
  find(ids: readonly string[]): ReadonlyMap<string, Predicted>;
}

/** Files of predictions that a run has. */
export const predictionFiles = ({ files }: Thing): readonly string[] =>
  files.map(({ name }) => name).filter((name) => /^predictions\/\w+\.parquet$/.test(name));

const kept = new Map<string, Promise<PredictionTable>>();

/**
 * Reads a file of predictions.
 *
 * @param run - of the listing
 * @param name - e.g. `predictions/test.parquet`
 */
export function openPredictions(run: Thing, name: string): Promise<PredictionTable> {
  const key = `${run.id} ${run.changed} ${name}`;
  const known = kept.get(key) ?? read(run, name);
  kept.set(key, known);
  known.catch(() => kept.delete(key)); // asked again, it is read again
  return known;
}

async function read(run: Thing, name: string): Promise<PredictionTable> {
  const sizeBytes = run.files.find((file) => file.name === name)?.sizeBytes ?? 0;
  const open = await openPlace({ kind: "parquet", url: urlOf(ROUTES.file(run.id, name)), sizeBytes });
  try {
    return predictionTable(open.rows, await open.columns(["id", "probability", "target", "split"]));
  } finally {
    open.close();
  }
}

/** Predictions from their columns. */
export function predictionTable(rows: number, columns: ReadonlyMap<string, Column>): PredictionTable {
  const ids = columns.get("id");
  return {
    rows,
    find(wanted) {
      const found = ids?.kind === "texts" ? rowsOfTexts(ids, wanted) : new Map<string, number>();
      return new Map(
        Array.from(found, ([id, row]) => [
          id,
          {
            probability: numberAt(columns.get("probability"), row),
            target: numberAt(columns.get("target"), row),
            split: textAt(columns.get("split"), row),
          },
        ]),
      );
    },
  };
}
