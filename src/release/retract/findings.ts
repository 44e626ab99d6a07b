// What the check of a dataset found, as far as a retraction has to do with it: faults of what stays, and rows that look like the
// person's. Invariant: nobody is recognised here: what looks alike is listed for people to look at.
import { AppError } from "../../core/errors.ts";
import type { CheckedDataset } from "../../dataset/check/check.ts";
import { type Finding, placeText } from "../../dataset/check/findings.ts";
import type { ScannedRow } from "../../dataset/check/tables.ts";
import type { Taken } from "./taken.ts";

const LOOKS = /^(IMAGE_DUPLICATE|NEAR_DUPLICATE|SUBJECT_TWO_IDS)/;

/** `train.csv:14` and the like in a message. */
const placesIn = (message: string): string[] => message.match(/\b(?:train|val|test)\.csv:\d+\b/g) ?? [];

const placesOf = (rows: readonly ScannedRow[]) => new Set(rows.map(({ place }) => placeText(place)));

/** The rows that a finding is about. */
const rowsOf = (one: Finding): string[] => [placeText(one), ...placesIn(one.message)];

/**
 * Refuses a dataset with serious faults that would be in the new version too.
 *
 * @throws AppError("data", "RETRACT_CHECK")
 */
export function checkRest({ root, findings }: CheckedDataset, { gone }: Taken): void {
  const theirs = placesOf(gone);
  const left = findings.filter(
    (one) => one.severity === "serious" && !rowsOf(one).some((place) => theirs.has(place)),
  );
  if (left.length === 0) return;
  const message = `Expected no serious findings about others in ${root}, got ${left.length}: ${left[0]!.message}`;
  throw new AppError("data", "RETRACT_CHECK", message, { hint: `facehand data check ${root}` });
}

/** Rows of others whose pictures look like one of the person's, as `train.csv:14`. */
export function lookAlikes({ findings }: CheckedDataset, { gone, stay }: Taken): string[] {
  const [theirs, others] = [placesOf(gone), placesOf(stay)];
  const linked = findings
    .filter(({ code }) => LOOKS.test(code))
    .map(rowsOf)
    .filter((places) => places.some((place) => theirs.has(place)))
    .flatMap((places) => places.filter((place) => others.has(place)));
  return [...new Set(linked)].sort();
}
