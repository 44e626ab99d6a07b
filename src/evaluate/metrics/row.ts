// ◇ Browser-safe. What a row of the table of metrics (table.ts) states about a metric.
import type { Scores } from "./binary.ts";
import type { Confusion } from "./counts.ts";

/** Sums over images. */
export interface Sums {
  readonly n: number;
  readonly males: number;
  readonly probabilities: number;
  /** Squared differences of probability and target. */
  readonly squares: number;
  /** Negative log-likelihoods in nats, clipped. */
  readonly logs: number;
}

/** Subjects behind the denominators of metrics. */
export interface Subjects {
  readonly all: number;
  readonly female: number;
  readonly male: number;
  readonly decidedFemale: number;
  readonly decidedMale: number;
  /** Recorded or decided so: the denominator of F1. */
  readonly eitherFemale: number;
  readonly eitherMale: number;
}

/**
 * The interval over subjects: percentiles of draws, and what replaces them where they have no spread. Of a `rate`, Wilson's by
 * the subjects of its `denominator`; of the `mean` or `gap` of both TPRs, from both rates' intervals. `differences`: only
 * comparisons have one, since draws inflate the figure itself, and in a difference that cancels.
 */
export type IntervalKind =
  | { readonly interval: "rate"; readonly denominator: readonly (keyof Confusion)[] }
  | { readonly interval: "mean" | "gap" | "draws" | "differences" | "none" };

/** A metric of counts of decisions. */
export interface OfCounts {
  readonly from: "counts";
  /** The figure; null where these images do not define it. */
  of(counts: Confusion): number | null;
}

/** A metric of sums over images. */
export interface OfSums {
  readonly from: "sums";
  /** The figure. */
  of(sums: Sums): number;
}

/** A metric of the order of probabilities. */
export interface OfOrder {
  readonly from: "order";
  /** The figure; null where these images do not define it. */
  of(scores: Scores): number | null;
}

/** A metric of probabilities in bins. */
export interface OfBins {
  readonly from: "bins";
  /** The figure. */
  of(scores: Scores): number;
}

/** What it is computed from; those of the order of probabilities have a pass of their own in weighted.ts. */
export type MetricFrom = OfCounts | OfSums | OfOrder | OfBins;

/** One row. */
export type Metric = IntervalKind &
  MetricFrom & {
    /** What tables call it. */
    readonly title: string;
    /** Which value is the better one; `neither`: to compare only between groups of race or age. */
    readonly better: "higher" | "lower" | "nearer 0" | "neither";
    /** Whose subjects it rests on: of several the fewest. */
    readonly restsOn: readonly (keyof Subjects)[];
    /** A figure of one recorded or decided class: a part of a whole set, as a group is. */
    readonly ofOneClass?: true | undefined;
    readonly unit?: "nats" | undefined;
  };
