// ◇ Browser-safe. Images in the order of their loss, and those of two models beside one another.
import { compareGroupValues } from "../../core/group-order.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { recordedOtherwise } from "../../evaluate/stored/recorded.ts";

/** A labelled image with what its prediction costs, nats. */
export interface Mistake {
  readonly row: Prediction & { readonly target: 0 | 1 };
  readonly loss: number;
}

/** Recorded fields that choose. */
export const CHOICES = ["modality", "age", "race", "gesture"] as const;
export type Choice = (typeof CHOICES)[number];

const isLabelled = (row: Prediction): row is Mistake["row"] => row.target !== null;

/** Loss of one prediction, from its logit, which does not round to nothing. */
export function lossOf({ target, logit }: Mistake["row"]): number {
  const against = target === 1 ? -logit : logit;
  return against > 30 ? against : Math.log1p(Math.exp(against));
}

/** True if an image is recorded as is chosen; an empty choice is all. */
export const isChosen = (row: Prediction, chosen: Readonly<Partial<Record<Choice, string>>>): boolean =>
  CHOICES.every((name) => chosen[name] === undefined || row[name] === chosen[name]);

/** Images that were not decided as recorded, the costliest first. */
export function worst(
  rows: readonly Prediction[],
  chosen: Readonly<Partial<Record<Choice, string>>>,
  threshold: number,
): Mistake[] {
  return rows
    .filter(isLabelled)
    .filter((row) => isChosen(row, chosen) && !isRight(row, threshold))
    .map((row) => ({ row, loss: lossOf(row) }))
    .sort((a, b) => b.loss - a.loss || (a.row.id < b.row.id ? -1 : 1));
}

/** True if an image is decided as recorded. */
export const isRight = ({ target, probability }: Prediction, threshold: number): boolean =>
  (probability >= threshold ? 1 : 0) === target;

/** Words that occur, in the order in which people read them. */
export const wordsOf = (rows: readonly Prediction[], name: Choice): string[] =>
  [...new Set(rows.map((row) => row[name]))].filter((word) => word !== "").sort(compareGroupValues);

/** Images that two models both predicted, recorded alike by both. */
export interface Paired {
  readonly rows: readonly Mistake["row"][];
  readonly others: readonly Mistake["row"][];
  /** Images of one of them alone, or recorded otherwise by the other. */
  readonly leftOut: number;
}

/** Pairs predictions by image. */
export function paired(first: readonly Prediction[], second: readonly Prediction[]): Paired {
  const keyOf = ({ source, id }: Prediction) => `${source} ${id}`;
  const known = new Map(second.filter(isLabelled).map((row) => [keyOf(row), row]));
  const both = first.filter(isLabelled).flatMap((row) => {
    const other = known.get(keyOf(row));
    return other === undefined || recordedOtherwise(row, other) !== undefined ? [] : [[row, other] as const];
  });
  const all = new Set([...first, ...second].map(keyOf)).size;
  return {
    rows: both.map(([row]) => row),
    others: both.map(([, other]) => other),
    leftOut: all - both.length,
  };
}

/** How two models decide an image. */
export const OUTCOMES = ["both", "first", "second", "neither"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Who decides an image as recorded. */
export function outcomeOf(row: Prediction, other: Prediction, threshold: number): Outcome {
  const [a, b] = [isRight(row, threshold), isRight(other, threshold)];
  return a ? (b ? "both" : "first") : b ? "second" : "neither";
}

/** Positions of images by outcome, those on which the two differ most first. */
export function byOutcome({ rows, others }: Paired, threshold: number): Record<Outcome, number[]> {
  const found: Record<Outcome, number[]> = { both: [], first: [], second: [], neither: [] };
  for (const [i, row] of rows.entries()) found[outcomeOf(row, others[i]!, threshold)].push(i);
  const apart = (i: number) => Math.abs(rows[i]!.probability - others[i]!.probability);
  for (const list of Object.values(found)) list.sort((a, b) => apart(b) - apart(a));
  return found;
}
