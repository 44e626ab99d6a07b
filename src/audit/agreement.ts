// ◇ Browser-safe. How far people agree who judged the same things: percent agreement, Cohen's kappa of two, Krippendorff's
// alpha (nominal) of two and more, and intervals over subjects.
// Sources: Cohen 1960; Krippendorff 2011, "Computing Krippendorff's alpha-reliability" (coincidences, missing values).
// Invariants: a thing counts if two or more answered; a figure that chance alone would give (one class only) is not defined;
// subjects are drawn with all their things.
import { drawSubjects } from "../evaluate/intervals/bootstrap.ts";
import { wilson } from "../evaluate/intervals/intervals.ts";
import { type BootstrapInterval, percentileInterval } from "../evaluate/intervals/subject-intervals.ts";
import { numberNames } from "../evaluate/metrics/weighted.ts";

/** One thing with what people answered, by annotator; undefined where one did not. */
export interface Rated {
  readonly subject: string;
  /** [annotators] */
  readonly answers: readonly (string | undefined)[];
}

/** The figures of some things. */
export interface Figures {
  /** Mean over things of the share of pairs of answers that are alike; null without things. */
  readonly percent: number | null;
  /** Null but for two annotators, and where both gave one class only. */
  readonly kappa: number | null;
  /** Null where one class only was given. */
  readonly alpha: number | null;
}

/** Figures with intervals, and what they rest on. */
export interface Agreement {
  /** Things that two or more answered. */
  readonly things: number;
  readonly subjects: number;
  /** Who answered any of them, by number. */
  readonly annotators: readonly number[];
  readonly percent: BootstrapInterval;
  readonly kappa: BootstrapInterval;
  readonly alpha: BootstrapInterval;
}

/** How intervals are made. */
export interface AgreementOptions {
  /** Draws of subjects, 100 to 1,000,000. */
  readonly replicates: number;
  readonly seed: number;
  /** Coverage. */
  readonly level: number;
}

/** Things as numbers: classes of the answers, and by whom. */
interface Table {
  readonly classes: number;
  /** Of each thing the answers that there are. */
  readonly rows: readonly (readonly { readonly by: number; readonly value: number }[])[];
  /** Who answered, by number, ascending. */
  readonly people: readonly number[];
}

function tableOf(things: readonly Rated[]): Table {
  const names = new Map<string, number>();
  const rows = things.map(({ answers }) =>
    answers.flatMap((text, by) => {
      if (text === undefined) return [];
      const value = names.get(text) ?? names.size;
      names.set(text, value);
      return [{ by, value }];
    }),
  );
  const people = [...new Set(rows.flatMap((row) => row.map(({ by }) => by)))].sort((a, b) => a - b);
  return { classes: names.size, rows, people };
}

/**
 * Percent agreement, kappa and alpha.
 *
 * @param things - those with fewer than two answers are passed over
 * @example figuresOf([{ subject: "a", answers: ["male", "male"] }, { subject: "b", answers: ["male", "female"] }]).percent // .5
 */
export function figuresOf(things: readonly Rated[]): Figures {
  const rated = things.filter(isRated);
  return weighted(tableOf(rated), undefined);
}

const isRated = ({ answers }: Rated) => answers.filter((text) => text !== undefined).length >= 2;

/** @param weights - how often each thing counts; once if left out */
function weighted(table: Table, weights: ArrayLike<number> | undefined): Figures {
  const { classes, rows } = table;
  const coincidences = new Float64Array(classes * classes);
  let total = 0;
  let alike = 0;
  for (const [i, row] of rows.entries()) {
    const weight = weights?.[i] ?? 1;
    if (weight === 0) continue;
    const pairs = row.length * (row.length - 1);
    let same = 0;
    for (const a of row)
      for (const b of row) {
        if (a.by === b.by) continue;
        coincidences[a.value * classes + b.value]! += weight / (row.length - 1);
        if (a.value === b.value) same++;
      }
    total += weight;
    alike += (weight * same) / pairs;
  }
  const percent = total === 0 ? null : alike / total;
  return { percent, kappa: kappaOf(table, weights), alpha: alphaOf(coincidences, classes) };
}

/** 1 - observed / expected disagreement; values drawn without replacement, so that few values are not flattered. */
function alphaOf(coincidences: Float64Array, classes: number): number | null {
  const margins = new Float64Array(classes);
  let n = 0;
  let diagonal = 0;
  for (let a = 0; a < classes; a++)
    for (let b = 0; b < classes; b++) {
      const value = coincidences[a * classes + b]!;
      margins[a]! += value;
      n += value;
      if (a === b) diagonal += value;
    }
  const apart = n ** 2 - margins.reduce((sum, margin) => sum + margin ** 2, 0);
  if (apart <= 1e-9 * n ** 2) return null; // one class only
  return 1 - ((n - diagonal) * (n - 1)) / apart;
}

function kappaOf({ classes, rows, people }: Table, weights: ArrayLike<number> | undefined): number | null {
  if (people.length !== 2) return null;
  const [first] = people;
  const margins = [new Float64Array(classes), new Float64Array(classes)] as const;
  let total = 0;
  let alike = 0;
  for (const [i, [a, b]] of rows.entries()) {
    const weight = weights?.[i] ?? 1;
    const [one, two] = a!.by === first ? [a!, b!] : [b!, a!];
    margins[0][one.value]! += weight;
    margins[1][two.value]! += weight;
    total += weight;
    if (one.value === two.value) alike += weight;
  }
  if (total === 0) return null;
  const chance = margins[0].reduce((sum, value, at) => sum + value * margins[1][at]!, 0) / total ** 2;
  return 1 - chance <= 1e-9 ? null : (alike / total - chance) / (1 - chance);
}

/**
 * The figures with intervals: percentiles over draws of subjects. Where all answers are alike the draws cannot tell: percent
 * agreement has Wilson's interval by subjects then, kappa and alpha none.
 *
 * @param things - those with fewer than two answers are passed over
 * @example agreementOf(things, { replicates: 2000, seed: 0, level: 0.95 }).alpha.low
 */
export function agreementOf(
  things: readonly Rated[],
  { replicates, seed, level }: AgreementOptions,
): Agreement {
  const rated = things.filter(isRated);
  const { index, count: subjects } = numberNames(rated.map(({ subject }) => subject));
  const table = tableOf(rated);
  const estimates = weighted(table, undefined);
  const empty = () => new Float64Array(subjects < 2 ? 0 : replicates);
  const draws = { percent: empty(), kappa: empty(), alpha: empty() };
  if (subjects >= 2)
    drawSubjects(subjects, { replicates, seed }, (weights, draw) => {
      const figures = weighted(
        table,
        index.map((subject) => weights[subject]!),
      );
      for (const name of FIGURES) draws[name][draw] = figures[name] ?? Number.NaN;
    });
  const interval = (name: keyof Figures) => percentileInterval(estimates[name], draws[name], level);
  const percent = interval("percent");
  return {
    things: rated.length,
    subjects,
    annotators: table.people,
    percent:
      isBound(percent.estimate) && subjects >= 2
        ? { ...percent, ...byWilson(percent.estimate, subjects, level) }
        : percent,
    kappa: interval("kappa"),
    alpha: interval("alpha"),
  };
}

export const FIGURES = ["percent", "kappa", "alpha"] as const;

const isBound = (rate: number | null): rate is 0 | 1 => rate === 0 || rate === 1;

function byWilson(rate: 0 | 1, subjects: number, level: number) {
  const { low, high } = wilson(rate * subjects, subjects, level);
  return { low, high, method: "wilson" } as const;
}
