// ◇ Browser-safe. What is said of a dataset, run or study at home: counts, dates and sizes as words.

import { SPLITS } from "../../core/words.ts";
import { count, counted } from "../../report/figure-text.ts";
import type { BySplit, DatasetFacts, Thing } from "../../server/api.ts";

/** One fact: what it is about, and what is so. */
export type Fact = readonly [name: string, value: string];

/** The facts of a thing, in order; those that are not known are left out. */
export function factsOf(thing: Thing, all: readonly Thing[]): Fact[] {
  const { kind, files, pictures } = thing;
  const own =
    kind === "dataset" ? datasetFacts(thing) : kind === "run" ? runFacts(thing) : studyFacts(thing, all);
  const size = bytes(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  const stored = kind === "dataset" ? `tables ${size}, ${counted(pictures, "picture")}` : size;
  return [...own, ["size", stored], ["changed", day(thing.changed)]];
}

function datasetFacts({ dataset }: Thing): Fact[] {
  if (dataset === undefined) return [];
  const { pairs, subjects, frames, removed } = dataset;
  return [
    ["pairs", `${count(total(pairs))} of ${counted(total(subjects), "subject")}`],
    ["by split", SPLITS.map((split) => ofSplit(split, dataset)).join(", ")],
    ["removed", `${count(removed)} of ${counted(frames, "frame")}`],
  ];
}

const ofSplit = (split: (typeof SPLITS)[number], { pairs, subjects }: DatasetFacts) =>
  `${split} ${count(pairs[split])} (${counted(subjects[split], "subject")})`;

function runFacts({ run, files }: Thing): Fact[] {
  if (run === undefined) return [];
  const { tag, arch, seed, epochs, sources } = run;
  const predicted = files.flatMap(({ name }) => /^predictions\/(\w+)\.parquet$/.exec(name)?.[1] ?? []);
  return [
    ["configuration", `${arch.toUpperCase()} ${tag}, seed ${seed}`],
    ["epochs", `${epochs.done} of ${epochs.planned}`],
    ["predicted", predicted.length === 0 ? "nothing yet" : predicted.join(", ")],
    ["learnt from", sources.map(({ kind, name }) => `${kind}:${name}`).join(", ")],
  ];
}

function studyFacts({ study, place }: Thing, all: readonly Thing[]): Fact[] {
  if (study === undefined) return [];
  const runs = runsBelow(place, all);
  const done = runs.filter(isPredicted).length;
  return [
    ["configurations", count(study.cells)],
    ["runs done", `${count(done)} of ${count(study.runs)}`],
    ...(runs.length > done ? [["under way or stopped", count(runs.length - done)] as const] : []),
  ];
}

/** Runs that lie below a place. */
export const runsBelow = (place: string, all: readonly Thing[]): Thing[] =>
  all.filter((thing) => thing.kind === "run" && isBelow(thing.place, place));

/** True for a run of a study that was found. */
export const isOfStudy = (run: Thing, all: readonly Thing[]): boolean =>
  all.some((thing) => thing.kind === "study" && isBelow(run.place, thing.place));

const isBelow = (inner: string, outer: string) =>
  outer === "." || (inner.startsWith(outer) && /[\\/]/.test(inner[outer.length] ?? ""));

/** True once a run has predicted its images, its last act. */
export const isPredicted = ({ files }: Thing): boolean =>
  files.some(({ name }) => name.startsWith("predictions/"));

const total = (by: BySplit) => by.train + by.val + by.test;

/** A size for people, in powers of 1000. */
export function bytes(n: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, n < 1 ? 0 : Math.floor(Math.log10(n) / 3));
  const value = n / 1000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

/** Day and minute, by this machine's clock: `2026-11-29 06:46`. */
export function day(iso: string): string {
  const at = new Date(iso);
  if (at.getTime() === 0) return "-";
  const two = (n: number) => String(n).padStart(2, "0");
  const date = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}`;
}
