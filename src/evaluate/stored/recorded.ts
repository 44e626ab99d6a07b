// ◇ Browser-safe. One image in predictions of several runs: what was recorded of it is the same in all of them, or
// they are not runs on the same data, and no figure may compare the answers of one with the record of the other.
// Invariant: this is decided here, for seeds of one configuration, pairs of models and folds alike.
import type { Prediction } from "./prediction-row.ts";

/** What a row has from the data, not from the model. */
const RECORDED = ["subject", "modality", "target", "age", "race", "gesture"] as const;
type Recorded = (typeof RECORDED)[number];

/**
 * What two rows of one image record otherwise.
 *
 * @param columns - to compare; default all
 * @returns undefined if it is nothing; else in words
 * @example recordedOtherwise(ofSeed42, ofSeed123) // age 20-29 instead of 30-39
 */
export function recordedOtherwise(
  first: Pick<Prediction, Recorded>,
  second: Pick<Prediction, Recorded>,
  columns: readonly Recorded[] = RECORDED,
): string | undefined {
  const column = columns.find((name) => first[name] !== second[name]);
  return column === undefined
    ? undefined
    : `${column} ${word(first[column])} instead of ${word(second[column])}`;
}

const word = (value: string | number | null) => (value === null || value === "" ? "nothing" : String(value));
