// ◇ Browser-safe. The age target in years, as NIST's face analysis evaluation reports age estimation (FATE AEV, NIST IR 8525): mean
// absolute error by group, and the false positive rate of Challenge 25: of people under 18, how many are estimated at 25 or more, and
// so would not be asked for a document. Invariants: ages are recorded in buckets, and so is what a model predicts: a bucket stands for its middle,
// an estimate is the mean of the middles by the probabilities of the classes; who may be under 18 or not is in no false positive rate.
import { compareGroupValues } from "../../core/group-order.ts";
import { ageRange, SEXES } from "../../core/vocabulary.ts";
import { type BootstrapOptions, drawSubjects } from "../intervals/bootstrap.ts";
import { LEVEL, REPLICATES, wilson } from "../intervals/intervals.ts";
import { type BootstrapInterval, percentileInterval } from "../intervals/subject-intervals.ts";
import { SMALL_SUBJECTS } from "../metrics/small.ts";
import { numberNames } from "../metrics/weighted.ts";
import type { Prediction } from "../stored/prediction-row.ts";
import { strata } from "./strata.ts";

/** Who is under age, and from which estimate on nobody is asked, years. */
export const CHALLENGE = { legalYears: 18, challengeYears: 25 } as const;

/** A figure with its interval; both null where it rests on too few subjects or is not defined. */
export interface AgeFigure {
  readonly nImages: number;
  readonly nSubjects: number;
  /** Fewer subjects than the limit. */
  readonly small: boolean;
  readonly value: number | null;
  /** Null if none was asked for. */
  readonly interval: BootstrapInterval | null;
}

/** The figures of one recorded group. */
export interface AgeGroup {
  /** Empty: not recorded. */
  readonly value: string;
  /** Years between estimate and the middle of the recorded bucket. */
  readonly error: AgeFigure;
  /** Of the images recorded as under 18, the share that is estimated at 25 or more. */
  readonly challenge: AgeFigure;
}

/** The groups of one field, of one modality and, where sources record other words, of one source. */
export interface AgeTable {
  readonly key: (typeof KEYS)[number];
  readonly within: Readonly<Record<string, string>>;
  readonly all: AgeGroup;
  readonly groups: readonly AgeGroup[];
  /** Images whose bucket has years under 18 and others: in no false positive rate. */
  readonly undecided: number;
}

const KEYS = ["gender", "age", "race"] as const;

/**
 * The years in the middle of age buckets: someone of 20 to 29 is 20 up to 30, so 25. An open bucket is taken to be as wide as the one
 * before it: 70+ after 60-69 stands for 75.
 *
 * @returns undefined if one of them is no age bucket
 * @example middleYears(["10-19", "20+"]) // [15, 25]
 */
export function middleYears(buckets: readonly string[]): readonly number[] | undefined {
  const ranges = buckets.map(ageRange);
  if (ranges.some((range) => range === undefined)) return undefined;
  const known = ranges as readonly (readonly [number, number])[];
  const widths = known.flatMap(([low, high], k) =>
    isOpen(buckets[k]!) ? [] : [{ low, width: high - low + 1 }],
  );
  return known.map(([low, high], k) => {
    if (!isOpen(buckets[k]!)) return (low + high + 1) / 2;
    const before = widths.filter((one) => one.low < low).sort((a, b) => b.low - a.low)[0];
    return low + (before?.width ?? USUAL_WIDTH) / 2;
  });
}

const isOpen = (bucket: string) => bucket.endsWith("+");
/** Of an open bucket without another one before it. */
const USUAL_WIDTH = 10;

/** An image whose age was recorded and estimated. */
interface AgeRow {
  readonly subject: string;
  readonly modality: string;
  readonly source: string;
  readonly gender: string;
  readonly age: string;
  readonly race: string;
  readonly error: number;
  /** Recorded as under age; undefined if the bucket has other years too. */
  readonly minor: boolean | undefined;
  readonly passes: boolean;
}

/** How tables are made: as summaries are. */
export type AgeOptions = Pick<BootstrapOptions, "replicates" | "seed"> & {
  readonly minSubjects?: number | undefined;
};

/**
 * Tables of the age target in years.
 *
 * @param rows - predictions of models with the same classes of age
 * @param options - `replicates` 0: no intervals; `minSubjects`: figures that rest on fewer are not shown, default 20
 * @returns none if no row has an estimate and a recorded bucket, or if the classes are no age buckets
 * @example ageTables(rows, { seed: 42 }).find(({ key }) => key === "race")?.groups[0]?.error.value
 */
export function ageTables(rows: readonly Prediction[], options: AgeOptions = {}): AgeTable[] {
  const known = ageRows(rows);
  return KEYS.flatMap((key) =>
    strata(known, [key]).map(({ within, rows: own }): AgeTable => {
      const values = [...new Set(own.map((row) => row[key]))].sort(compareGroupValues);
      const groupOf = (value: string, part: readonly AgeRow[]) => figuresOf(value, part, options);
      return {
        ...{ key, within, all: groupOf("all", own) },
        groups: values.map((value) =>
          groupOf(
            value,
            own.filter((row) => row[key] === value),
          ),
        ),
        undecided: own.filter(({ minor }) => minor === undefined).length,
      };
    }),
  );
}

function ageRows(rows: readonly Prediction[]): AgeRow[] {
  return rows.flatMap((row): AgeRow[] => {
    const { subject, modality, source, target, age, race, ageProbabilities: probabilities } = row;
    const range = ageRange(age);
    if (probabilities === undefined || range === undefined) return [];
    const names = Object.keys(probabilities);
    const middles = middleYears(names);
    if (middles === undefined) return [];
    const weights = Object.values(probabilities);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const estimate = weights.reduce((sum, weight, k) => sum + weight * middles[k]!, 0) / total;
    const recorded = names.includes(age)
      ? middles[names.indexOf(age)]!
      : middleYears([...names, age])!.at(-1)!;
    const [low, high] = range;
    return [
      {
        ...{ subject, modality, source, age, race, gender: target === null ? "" : SEXES[target] },
        error: Math.abs(estimate - recorded),
        minor: high < CHALLENGE.legalYears ? true : low >= CHALLENGE.legalYears ? false : undefined,
        passes: estimate >= CHALLENGE.challengeYears,
      },
    ];
  });
}

function figuresOf(value: string, rows: readonly AgeRow[], options: AgeOptions): AgeGroup {
  const minors = rows.filter(({ minor }) => minor === true);
  return {
    value,
    error: figureOf(rows, (row) => row.error, options),
    challenge: figureOf(minors, ({ passes }) => (passes ? 1 : 0), options, "share"),
  };
}

/** A mean over images, with percentiles of draws of subjects; of a share of 0 or 1 Wilson's by subjects. */
function figureOf(
  rows: readonly AgeRow[],
  of: (row: AgeRow) => number,
  { replicates = REPLICATES, seed = 0, minSubjects = SMALL_SUBJECTS }: AgeOptions,
  kind: "mean" | "share" = "mean",
): AgeFigure {
  const { index, count } = numberNames(rows.map(({ subject }) => subject));
  const counts = { nImages: rows.length, nSubjects: count };
  const small = count < minSubjects;
  if (small || rows.length === 0) return { ...counts, small, value: null, interval: null };
  const [images, sums] = [new Float64Array(count), new Float64Array(count)];
  rows.forEach((row, i) => {
    images[index[i]!]! += 1;
    sums[index[i]!]! += of(row);
  });
  const value = sums.reduce((sum, one) => sum + one, 0) / rows.length;
  if (replicates === 0) return { ...counts, small, value, interval: null };
  const draws = new Float64Array(count < 2 ? 0 : replicates);
  const draw = (weights: Int32Array, k: number) => {
    let [n, sum] = [0, 0];
    for (let s = 0; s < count; s++) {
      n += weights[s]! * images[s]!;
      sum += weights[s]! * sums[s]!;
    }
    draws[k] = sum / n;
  };
  if (count >= 2) drawSubjects(count, { replicates, seed }, draw);
  const plain = percentileInterval(value, draws, LEVEL);
  const isBound = kind === "share" && count >= 2 && (value === 0 || value === 1);
  if (!isBound) return { ...counts, small, value, interval: plain };
  const { low, high } = wilson(value * count, count, LEVEL);
  return { ...counts, small, value, interval: { ...plain, low, high, method: "wilson" } };
}
