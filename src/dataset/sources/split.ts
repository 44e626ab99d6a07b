// ◇ Browser-safe. Subject-exclusive, stratified splits of single images, for training: shares of the subjects are exact.
// (Derived pairs are dealt differently, derive/tables/splits.ts: there shares of the pairs and of all groups count.)
// Invariant: all samples of one subject are in one split, over all sources together; the split depends on the
// seed and on the set of subjects, not on the order in which they are given.
import { AppError, unexpected } from "../../core/errors.ts";
import { Random } from "../../core/random.ts";
import { faultError } from "../../core/spelling.ts";
import { SubjectKeys } from "../../core/subject.ts";
import { type Sample, SPLITS, type Split } from "../../core/words.ts";
import type { Source } from "./sources.ts";

/** Share of the subjects in validation and in test; the rest trains. */
export interface SubjectShares {
  readonly val: number;
  readonly test: number;
}

/** Every fifth of the shuffled subjects validates, none tests, as in the comparison with PyTorch (bench/learning.ts). */
export const DEFAULT_SHARES: SubjectShares = { val: 0.2, test: 0 };

/** What of a source decides how it is dealt. */
export type Dealable = Pick<Source, "samples" | "split"> & { readonly kind: string };

/** How subjects are dealt into splits. */
export interface SplitOptions {
  readonly seed: number;
  /** For sources without a split of their own; DEFAULT_SHARES if not given. */
  readonly fractions?: SubjectShares | undefined;
}

export interface Subject {
  readonly id: string;
  /** Subjects of one stratum are spread evenly over the splits. */
  readonly stratum: string;
}

/**
 * Deals subjects into splits: each stratum is shuffled, the strata are put in a row by name, and of that row
 * every (1/val)-th subject validates and, of the others, every (1-val)/test-th tests. Counts are exact to one
 * subject over all, and to one in each stratum.
 *
 * @param subjects - ids must be unique
 * @throws AppError("input", "SPLIT_FRACTIONS") unless 0 <= val, 0 <= test and val + test < 1
 */
export function dealSubjects(
  subjects: readonly Subject[],
  { seed, fractions = DEFAULT_SHARES }: SplitOptions,
): Map<string, Split> {
  const { val, test } = fractions;
  if (!(val >= 0 && test >= 0 && val + test < 1)) {
    const e = { code: "SPLIT_FRACTIONS", expected: "val >= 0, test >= 0 and val + test < 1" };
    throw unexpected("input", { ...e, name: "split fractions", got: fractions });
  }
  const isVal = every(val);
  const isTest = every(test / (1 - val));
  const splits = new Map<string, Split>();
  for (const id of row(subjects, seed)) splits.set(id, isVal() ? "val" : isTest() ? "test" : "train");
  return splits;
}

function row(subjects: readonly Subject[], seed: number): string[] {
  const strata = new Map<string, string[]>();
  for (const { id, stratum } of subjects) {
    const ids = strata.get(stratum);
    if (ids === undefined) strata.set(stratum, [id]);
    else ids.push(id);
  }
  const names = [...strata.keys()].sort();
  return names.flatMap((name) => Random.of(seed).split("subjects", name).shuffle(strata.get(name)!.sort()));
}

/** True at a steady rate: for 0.2 at the 5th, 10th, ... call. */
function every(rate: number): () => boolean {
  let calls = 0;
  const due = (n: number) => Math.floor(n * rate + 1e-9); // 15 * 0.2 must count as 3
  return () => due(++calls) > due(calls - 1);
}

/**
 * Splits the samples of several sources. A source's own split is used; the subjects of the others are dealt
 * kind by kind, stratified by sex and modality.
 *
 * @returns samples by split, in the order of sources and samples
 * @throws AppError("data", "SUBJECT_IN_TWO_SPLITS") if two sources put one subject into different splits,
 *   AppError("data", "SUBJECT_SPELLING") if they write one subject in two ways,
 *   AppError("input", "SOURCE_TWICE") if two sources give the same sample,
 *   AppError("data", "SPLIT_EMPTY") if nothing is left to train on
 * @example splitSamples([await openSource("utkface:faces")], { seed: 42 })
 */
export function splitSamples(sources: readonly Dealable[], options: SplitOptions): Record<Split, Sample[]> {
  const out: Record<Split, Sample[]> = { train: [], val: [], test: [] };
  const placed = new Map<string, Split>();
  const paths = new Set<string>();
  const keys = new SubjectKeys();
  const dealt = dealKinds(sources, options);
  for (const source of sources) {
    for (const sample of source.samples) {
      const split = source.split === undefined ? dealt.get(sample.subject) : source.split.get(sample.id);
      if (split === undefined)
        throw new AppError("internal", "SPLIT_GAP", `No split for sample ${sample.id}`);
      checkSpelling(keys, sample);
      place(placed, sample, split);
      if (paths.has(sample.path)) throw twice(sample);
      paths.add(sample.path);
      out[split].push(sample);
    }
  }
  if (out.train.length === 0) {
    const counts = SPLITS.map((split) => `${split} ${out[split].length}`).join(", ");
    throw new AppError("data", "SPLIT_EMPTY", `Expected samples to train on, got ${counts}`, {
      hint: "add data, or give smaller fractions for val and test",
    });
  }
  return out;
}

/** Subjects of one kind are dealt together, so that two folders with the same people cannot disagree. */
function dealKinds(sources: readonly Dealable[], options: SplitOptions): Map<string, Split> {
  const open = sources.filter((source) => source.split === undefined);
  const kinds = [...new Set(open.map((source) => source.kind))];
  const dealt = kinds.map((kind) => {
    const samples = open.filter((source) => source.kind === kind).flatMap((source) => source.samples);
    return [...dealSubjects(subjectsOf(samples), options)];
  });
  return new Map(dealt.flat());
}

/** Images that are their own subjects are named by their files, which may differ in case alone. */
function checkSpelling(keys: SubjectKeys, { subject, source, id, path }: Sample): void {
  if (subject === `${source}:${id}`) return;
  const fault = keys.add(subject.slice(source.length + 1), path, source);
  if (fault !== undefined) throw faultError(fault, { name: "a subject", got: subject, where: path });
}

function place(placed: Map<string, Split>, sample: Sample, split: Split): void {
  const before = placed.get(sample.subject);
  if (before !== undefined && before !== split) {
    const expected = `split ${before}, where another source has this subject,`;
    const name = `subject ${sample.subject}`;
    throw unexpected("data", {
      code: "SUBJECT_IN_TWO_SPLITS",
      expected,
      name,
      got: split,
      where: sample.path,
    });
  }
  placed.set(sample.subject, split);
}

function twice(sample: Sample): AppError {
  const e = { code: "SOURCE_TWICE", expected: "each image once", name: "--data", got: sample.id };
  const hint = "name each folder once; data check names rows that share an image";
  return unexpected("input", { ...e, where: sample.path, hint });
}

/** The recorded sex of a subject may differ between images; the more frequent one decides the stratum. */
function subjectsOf(samples: readonly Sample[]): Subject[] {
  const found = new Map<string, { modalities: Set<string>; males: number; count: number }>();
  for (const { subject, modality, sex } of samples) {
    const entry = found.get(subject) ?? { modalities: new Set(), males: 0, count: 0 };
    entry.modalities.add(modality);
    entry.males += sex === "male" ? 1 : 0;
    entry.count++;
    found.set(subject, entry);
  }
  return [...found].map(([id, { modalities, males, count }]) => {
    const sex = males * 2 > count ? "male" : "female";
    return { id, stratum: `${sex}/${[...modalities].sort().join("+")}` };
  });
}
