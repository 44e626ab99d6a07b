// ◇ Browser-safe. What programs may import from "facehand/evaluate": figures, intervals and groups from rows of predictions.
// Invariant: named re-exports and nothing else; every type that a signature names is among them (test/api.test.ts).
export { AppError, type ErrorKind, type ErrorOptions } from "../core/errors.ts";
export {
  type AgeFigure,
  type AgeGroup,
  type AgeOptions,
  type AgeTable,
  ageTables,
  middleYears,
} from "./analysis/ages.ts";
export {
  type SeedGroup,
  type SeedJudgement,
  type SeedMetrics,
  type SeedPart,
  type SeedRows,
  type SeedsSummary,
  type SeedTable,
  summarizeSeeds,
} from "./analysis/seed-summary.ts";
export {
  type Part,
  type Summary,
  type SummaryOptions,
  summarize,
} from "./analysis/summary.ts";
export type { TargetPart, TargetSummary } from "./analysis/target-summary.ts";
export {
  type BootstrapIntervals,
  type BootstrapMetric,
  type BootstrapOptions,
  bootstrapBySubject,
} from "./intervals/bootstrap.ts";
export {
  bootstrapClasses,
  CLASS_METRICS,
  type ClassIntervals,
  type ClassMetric,
} from "./intervals/class-intervals.ts";
export { type AucDifference, aucDifference, type ClusteredAuc, clusteredAuc } from "./intervals/clustered.ts";
export {
  type CompareOptions,
  compareArms,
  type PairedArms,
  type PairedComparison,
} from "./intervals/compare.ts";
export {
  bootstrapTables,
  type GroupTableIntervals,
  type SpreadIntervals,
} from "./intervals/group-intervals.ts";
export { type DeLong, delong, type Interval, wilson } from "./intervals/intervals.ts";
export { holm, type McNemar, mcnemar } from "./intervals/mcnemar.ts";
export { type SeedSummary, seedSummary } from "./intervals/seeds.ts";
export type { BootstrapInterval, IntervalMethod } from "./intervals/subject-intervals.ts";
export type { Scores } from "./metrics/binary.ts";
export { type ClassMetrics, type ClassRecall, decideClass, evaluateClasses } from "./metrics/classes.ts";
export type { Confusion } from "./metrics/counts.ts";
export {
  type Comparison,
  type GroupMetrics,
  type GroupOptions,
  type GroupTable,
  metricsByGroup,
  tablesByGroup,
} from "./metrics/groups.ts";
export { type BinaryMetrics, evaluateBinary } from "./metrics/metrics.ts";
export type {
  IntervalKind,
  Metric,
  MetricFrom,
  OfBins,
  OfCounts,
  OfOrder,
  OfSums,
  Subjects,
  Sums,
} from "./metrics/row.ts";
export type { Judged, Scored } from "./metrics/small.ts";
export { METRICS, type MetricName, type MetricValue, type MetricWith } from "./metrics/table.ts";
export type { ComparedMetric, WeightedMetric } from "./metrics/weighted.ts";
export type { ClassProbabilities, Prediction } from "./stored/prediction-row.ts";
export type { SubjectFacts } from "./stored/subjects.ts";
