// A summary as text: aligned tables for a terminal. The only place of this room that rounds. Browser-safe.
// Words: the label is apparent and recorded by machines or annotators; a figure is agreement with that record.
import type { BootstrapInterval, BootstrapIntervals, BootstrapMetric } from "./bootstrap.ts";
import type { ClassMetric } from "./class-intervals.ts";
import type { ClassMetrics } from "./classes.ts";
import type { GroupTableIntervals, SpreadIntervals } from "./group-intervals.ts";
import { type Comparison, type GroupMetrics, type GroupTable, SMALL_SUBJECTS } from "./groups.ts";
import { METRICS, type MetricName } from "./metrics.ts";
import type { SeedSummary } from "./seeds.ts";
import type { ImageCounts, Part, Summary, TargetSummary } from "./summary.ts";

/** Said wherever figures are shown. */
export const LABEL_NOTE =
  "The label is an apparent one, recorded by machines or annotators; it is never a person's identity.";

/** What tables call the metrics. */
export const METRIC_TITLES: Readonly<Record<MetricName, string>> = {
  accuracy: "accuracy",
  balancedAccuracy: "balanced accuracy",
  tprFemale: "TPR female",
  tprMale: "TPR male",
  tprGap: "TPR male - female",
  rocAuc: "ROC-AUC",
  prAuc: "PR-AUC",
  prAucFemale: "PR-AUC female",
  eer: "EER",
  f1Male: "F1 male",
  f1Female: "F1 female",
  f1Macro: "F1 macro",
  precisionMale: "precision male",
  precisionFemale: "precision female",
  mcc: "MCC",
  kappa: "kappa",
  decidedMale: "share decided male",
  meanError: "mean p - share male",
  brier: "Brier",
  nll: "NLL",
  ece: "ECE 15 bins",
  eceAdaptive: "ECE adaptive",
};

const GROUP_COLUMNS = ["accuracy", "balancedAccuracy", "tprFemale", "tprMale", "rocAuc", "ece"] as const;
const SPREAD_COLUMNS = ["accuracy", "balancedAccuracy", "tprFemale", "tprMale", "rocAuc"] as const;

/**
 * A summary as aligned text.
 *
 * @param images - how the images were chosen, for the first line
 * @returns lines without colour, no trailing newline
 * @example console.log(formatSummary(summarize(rows)))
 */
export function formatSummary(summary: Summary, images?: ImageCounts): string {
  return [
    heading(summary, images),
    LABEL_NOTE,
    formatParts([summary.overall, ...summary.byModality]),
    intervalNote(summary.overall),
    ...summary.byGroup.map((table, t) => formatGroups(table, summary.groupIntervals?.[t])),
    ...(summary.targets ?? []).map(formatTarget),
  ]
    .filter((block) => block !== "")
    .join("\n\n");
}

function heading(summary: Summary, images: ImageCounts | undefined): string {
  const { split, sources, threshold, overall, nUnlabelled, subjects } = summary;
  const which = images?.split === null ? "all images" : `split ${split}`;
  const remarks = [
    ...(nUnlabelled === 0 ? [] : [`${count(nUnlabelled)} images without a label left out`]),
    ...(images === undefined ? [] : [formatCounts(images), ...images.notes]),
    ...(subjects.note === "" ? [] : [subjects.note]),
  ];
  return [
    `Agreement with the recorded label, ${which}: ${count(overall.nImages)} images of ` +
      `${count(overall.nSubjects)} subjects (${sources.join(", ")}), male where p >= ${threshold.toFixed(2)}`,
    ...remarks,
  ].join("; ");
}

function formatCounts({ given, used, leftOut }: ImageCounts): string {
  const reasons = Object.entries(leftOut).map(([reason, n]) => `${reason} ${count(n)}`);
  const why = reasons.length === 0 ? "" : ` (not used: ${reasons.join(", ")})`;
  return `${count(used)} of ${count(given)} given images used${why}`;
}

function formatParts(parts: readonly Part[]): string {
  const counts: [string, (part: Part) => string][] = [
    ["images", (part) => count(part.nImages)],
    ["  female / male", (part) => `${count(part.metrics.nFemale)} / ${count(part.metrics.nMale)}`],
    ["subjects", (part) => count(part.nSubjects)],
  ];
  const gate = parts.some((part) => part.modalityAgreement !== null)
    ? [["own modality used", ...parts.map((part) => figure(part.modalityAgreement))]]
    : [];
  return alignColumns([
    ["", ...parts.map((part) => part.name)],
    ...counts.map(([title, of]) => [title, ...parts.map(of)]),
    ...METRICS.map((metric) => [METRIC_TITLES[metric], ...parts.map((part) => withInterval(part, metric))]),
    ...gate,
  ]);
}

function withInterval(
  { metrics, intervals }: Pick<Part, "metrics" | "intervals">,
  metric: MetricName,
): string {
  if (intervals === null) return figure(metrics[metric]);
  const interval = metric in intervals ? intervals[metric as BootstrapMetric] : undefined;
  return valueInterval(metrics[metric], interval ?? "none");
}

/** A figure with its interval; with blanks in its place where others of the column have one, with nothing for null. */
function valueInterval(value: number | null, interval: BootstrapInterval | "none" | null): string {
  if (interval === null) return figure(value);
  if (interval === "none" || interval.low === null)
    return figure(value) + " ".repeat(" [0.000, 0.000]".length);
  return `${figure(value)} [${figure(interval.low)}, ${figure(interval.high)}]`;
}

function intervalNote({ intervals }: Part): string {
  if (intervals === null) return "";
  const { level, replicates } = intervals.accuracy;
  return `[low, high]: ${(100 * level).toFixed(0)} % percentile bootstrap over subjects, ${count(replicates)} draws; -: not defined.`;
}

function formatGroups(table: GroupTable, intervals?: GroupTableIntervals): string {
  const title = table.keys.join(" x ");
  const header = [
    title,
    "images",
    "subjects",
    "female / male subjects",
    ...GROUP_COLUMNS.map((m) => METRIC_TITLES[m]),
  ];
  const body = alignColumns([
    header,
    ...table.groups.map((group, g) => groupRow(group, intervals?.groups[g])),
  ]);
  const small = table.groups.filter((group) => group.small).length;
  const smallNote =
    small === 0
      ? []
      : [
          `too small: under ${SMALL_SUBJECTS} subjects (${small} of ${table.groups.length} groups), not compared`,
        ];
  const compared = table.comparisons.filter(({ metric }) =>
    (SPREAD_COLUMNS as readonly string[]).includes(metric),
  );
  const spread = compared.length === 0 ? [] : [formatComparisons(compared, intervals?.spreads)];
  return [body, ...smallNote, ...spread].join("\n");
}

function groupRow(group: GroupMetrics, intervals?: BootstrapIntervals): string[] {
  const label = Object.values(group.group)
    .map((value) => (value === "" ? "not recorded" : value))
    .join(" x ");
  return [
    label,
    count(group.nImages),
    count(group.nSubjects),
    `${count(group.nSubjectsFemale)} / ${count(group.nSubjectsMale)}`,
    ...GROUP_COLUMNS.map((metric) =>
      group.small
        ? "too small"
        : withInterval({ metrics: group.metrics, intervals: intervals ?? null }, metric),
    ),
  ];
}

function formatComparisons(
  comparisons: readonly Comparison[],
  spreads: readonly SpreadIntervals[] = [],
): string {
  const between = (c: Comparison) => {
    const interval = spreads.find(({ metric }) => metric === c.metric)?.difference;
    const known = interval !== undefined && interval.low !== null;
    return `${figure(c.difference)}${known ? ` [${figure(interval.low)}, ${figure(interval.high)}]` : ""}`;
  };
  return alignColumns([
    ["  between groups", "difference", "ratio", "error max/min", "error max/geomean", "worst group"],
    ...comparisons.map((c) => [
      `  ${METRIC_TITLES[c.metric]}`,
      between(c),
      figure(c.ratio),
      figure(c.errorMaxMin, 2),
      figure(c.errorMaxGeomean, 2),
      Object.values(c.worst).join(" x "),
    ]),
  ]);
}

/** What tables call the further targets. */
export const TARGET_TITLES = {
  age: "Apparent age, by bucket",
  race: "Apparent race or skin tone, by class",
} as const;

function formatTarget({ target, parts }: TargetSummary): string {
  const { metrics } = parts[0]!;
  const figures: [string, ClassMetric][] = [
    ["accuracy", "accuracy"],
    ["balanced accuracy", "balancedAccuracy"],
  ];
  const ordered: typeof figures = [
    ["within one class", "oneOffAccuracy"],
    ["mean classes off", "meanAbsoluteError"],
  ];
  const shown = metrics.oneOffAccuracy === null ? figures : [...figures, ...ordered];
  const table = [
    ["", ...parts.map(({ name }) => name)],
    ["images", ...parts.map((part) => count(part.metrics.nImages))],
    ["subjects", ...parts.map((part) => count(part.metrics.nSubjects))],
    ...shown.map(([title, metric]) => [
      title,
      ...parts.map((part) => valueInterval(part.metrics[metric], part.intervals?.[metric] ?? null)),
    ]),
  ];
  return [
    `${TARGET_TITLES[target]}: agreement with the recorded class`,
    alignColumns(table),
    leftOut(metrics),
    alignColumns([["recorded as", "images", "subjects", "recall"], ...metrics.classes.map(recallRow)]),
  ]
    .filter((block) => block !== "")
    .join("\n");
}

function recallRow({ name, nImages, nSubjects, small, recall }: ClassMetrics["classes"][number]): string[] {
  return [name, count(nImages), count(nSubjects), nImages > 0 && small ? "too small" : figure(recall)];
}

/** Images that are in no figure of a target, with the reason. */
function leftOut({ nUnlabelled, unknown }: ClassMetrics): string {
  const reasons = [
    ...(nUnlabelled === 0 ? [] : [`${count(nUnlabelled)} without a recorded class`]),
    ...Object.entries(unknown).map(([name, n]) => `${count(n)} as ${name}, which the model does not know`),
  ];
  return reasons.length === 0 ? "" : `left out: ${reasons.join(", ")}`;
}

/**
 * One figure over seeds as text, e.g. `0.911 ± 0.003 (n 3, sample std)`.
 *
 * @example formatSeeds(seedSummary([0.91, 0.9085, 0.9137]))
 */
export function formatSeeds({ n, mean, std }: SeedSummary): string {
  return std === null
    ? `${figure(mean)} (n 1)`
    : `${figure(mean)} ± ${figure(std)} (n ${n}, sample std, ddof 1)`;
}

/** A figure with its digits, `-` where it is not defined. */
export function figure(value: number | null, digits = 3): string {
  return value === null ? "-" : value.toFixed(digits);
}

/** Integer with thousands commas. */
function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Aligns cells in columns, the first one left, the others right; two blanks between. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, k) => Math.max(...rows.map((row) => row[k]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, k) => (k === 0 ? cell.padEnd(widths[k]!) : cell.padStart(widths[k]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
