// ◇ Browser-safe. Runs of one configuration as one row: those that differ in their seed alone; and the order of rows.
// Invariants: a row is never of two configurations; what is not known sorts behind all that is.

import type { RunFacts, Thing } from "../../server/api.ts";
import { leastNames } from "../../studies/report/short-names.ts";

/** A run whose configuration could be read. */
export interface Run extends Thing {
  readonly run: RunFacts;
}

/** Runs of one configuration, by seed. */
export interface Configuration {
  readonly id: string;
  readonly facts: RunFacts;
  readonly runs: readonly Run[];
}

/** What parts of the view are given: some runs, and what their configurations are called by their ids. */
export interface RunsProps {
  readonly runs: readonly Run[];
  readonly names: ReadonlyMap<string, string>;
}

/** Splits that are predicted, the one that figures are of first. */
export const PREDICTED = ["test", "val", "train"] as const;

/** Name of a split's file of predictions. */
export const predictionsOf = (split: string): string => `predictions/${split}.parquet`;

/** True if a thing has predicted a split. */
export const hasPredicted = ({ files }: Thing, split: string): boolean =>
  files.some(({ name }) => name === predictionsOf(split));

/** True if a run has predicted anything: its last act. */
export const hasPredictions = ({ files }: Thing): boolean =>
  files.some(({ name }) => name.startsWith("predictions/"));

/** Things that are runs and can be read. */
export const readable = (things: readonly Thing[]): Run[] =>
  things.filter((thing): thing is Run => thing.kind === "run" && thing.run !== undefined);

/**
 * Runs by configuration, in the order in which the configurations come first.
 *
 * @example configurations(readable(listing.things)).map(({ runs }) => runs.length)
 */
export function configurations(runs: readonly Run[]): Configuration[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const key = `${run.run.configuration}/${folderOf(run)}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()].map((found) => {
    const own = found.toSorted((a, b) => a.run.seed - b.run.seed);
    return { id: own[0]!.id, facts: own[0]!.run, runs: own };
  });
}

/**
 * What tells configurations apart, by id: as few settings as do, with the folder of those that no setting tells apart.
 *
 * @example namesOf(configurations(runs)).get(id) // "hand umcc F1"
 */
export function namesOf(all: readonly Configuration[]): ReadonlyMap<string, string> {
  const names = leastNames(all.map(({ id, facts: { tag, axes } }) => ({ id, label: tag, axes })));
  const isOwn = (name: string) => all.filter(({ id }) => names.get(id) === name).length === 1;
  const folder = (runs: readonly Run[]) => (runs.length === 1 ? runs[0]!.place : folderOf(runs[0]!));
  return new Map(
    all.map(({ id, runs }) => {
      const name = names.get(id)!;
      return [id, isOwn(name) ? name : `${name}, ${folder(runs)}`];
    }),
  );
}

/** Seeds lie side by side; the same configuration somewhere else may have learnt from other images of the same name. */
const folderOf = ({ place }: Run) => place.replace(/[\\/]?[^\\/]*$/, "");

/** The backbone that a tag names. */
export const backboneOf = (tag: string): string => tag.split(/\.|_F[01]_/)[0]!;

/** Names of columns that sort. */
export const SORTS = ["configuration", "arch", "seeds", "epochs", "images", "figure", "changed"] as const;
export type Sort = (typeof SORTS)[number];

/** What a row is sorted by. */
export interface SortValues {
  readonly images?: number | undefined;
  readonly figure?: number | undefined;
}

/**
 * Rows in order.
 *
 * @param by - a column, with `-` before it from high to low
 */
export function sorted<R extends { readonly configuration: Configuration } & SortValues>(
  rows: readonly R[],
  by: string | undefined,
): R[] {
  const name = SORTS.find((sort) => sort === by?.replace(/^-/, ""));
  if (name === undefined) return [...rows];
  const sign = by!.startsWith("-") ? -1 : 1;
  return rows.toSorted((a, b) => {
    const [x, y] = [cellOf(a, name), cellOf(b, name)];
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
    return x === y ? 0 : sign * (x < y ? -1 : 1);
  });
}

function cellOf(
  row: { readonly configuration: Configuration } & SortValues,
  name: Sort,
): string | number | undefined {
  const { facts, runs } = row.configuration;
  if (name === "configuration") return facts.tag;
  if (name === "arch") return facts.arch;
  if (name === "seeds") return runs.length;
  if (name === "epochs") return Math.min(...runs.map(({ run }) => run.epochs.done));
  if (name === "changed")
    return runs
      .map(({ changed }) => changed)
      .sort()
      .at(-1);
  return row[name];
}
