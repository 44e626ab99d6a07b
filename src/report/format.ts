// ◇ Browser-safe. A summary as text: aligned tables for a terminal.
import { visible } from "../core/visible.ts";
import type { ImageCounts, Part, Summary } from "../evaluate/analysis/summary.ts";
import type { TargetPart, TargetSummary } from "../evaluate/analysis/target-summary.ts";
import type { BootstrapMetric } from "../evaluate/intervals/bootstrap.ts";
import type { ClassMetric } from "../evaluate/intervals/class-intervals.ts";
import type { ClassMetrics } from "../evaluate/metrics/classes.ts";
import { METRICS, type MetricName } from "../evaluate/metrics/table.ts";
import {
  alignTable,
  count,
  dropSmallColumns,
  FEW,
  figure,
  fitLines,
  intervalText,
  LABEL_NOTE,
  METRIC_TITLES,
  TARGET_TITLES,
  TOO_SMALL,
} from "./figure-text.ts";
import { formatAges } from "./format-ages.ts";
import { formatGroups } from "./format-groups.ts";

/**
 * A summary as aligned text.
 *
 * @param images - how the images were chosen, for the first line
 * @returns lines without colour, no trailing newline
 * @example console.log(formatSummary(summarize(rows)))
 */
export function formatSummary(summary: Summary, images?: ImageCounts): string {
  const parts = [summary.overall, ...summary.byModality];
  return [
    formatHeading(summary, images),
    LABEL_NOTE,
    formatParts(parts),
    partNotes(parts, summary.minSubjects),
    ...summary.byGroup.map((table, t) => formatGroups(table, summary.groupIntervals?.[t])),
    ...(summary.targets ?? []).flatMap((target) => [
      formatTarget(target, summary.minSubjects),
      formatAges(target.years ?? []),
    ]),
  ]
    .filter((block) => block !== "")
    .map(fitLines)
    .join("\n\n");
}

/** The first line of figures: of which images they are, and of which runs if of several. */
export function formatHeading(
  summary: Pick<Summary, "split" | "sources" | "threshold" | "nUnlabelled" | "subjects"> & {
    readonly overall: Pick<Part, "nImages" | "nSubjects">;
  },
  images: ImageCounts | undefined,
  runs = "",
): string {
  const { split, sources, threshold, overall, nUnlabelled, subjects } = summary;
  const ofOwn = images?.besideOthers === true ? " of the run's own sets, all of the others" : "";
  const which = images?.split === null ? "all images" : `split ${split}${ofOwn}`;
  const remarks = [
    ...(nUnlabelled === 0 ? [] : [`${count(nUnlabelled)} images without a label left out`]),
    ...(images === undefined ? [] : [formatImageCounts(images), ...images.notes]),
    ...(subjects.note === "" ? [] : [subjects.note]),
  ];
  return [
    `Agreement with the recorded label, ${which}${runs}: ${count(overall.nImages)} images of ` +
      `${count(overall.nSubjects)} subjects (${visible(sources.join(", "))}), male where p >= ${threshold.toFixed(2)}`,
    ...remarks,
  ].join("; ");
}

function formatImageCounts({ given, used, leftOut }: ImageCounts): string {
  const reasons = Object.entries(leftOut).map(([reason, n]) => `${reason} ${count(n)}`);
  const why = reasons.length === 0 ? "" : ` (not used: ${reasons.join(", ")})`;
  return `${count(used)} of ${count(given)} given images used${why}`;
}

/** Of images of one modality, its part would be the first one again. */
export const withoutTwin = <P>(parts: readonly P[]): readonly P[] =>
  parts.length === 2 ? parts.slice(0, 1) : parts;

function formatParts(all: readonly Part[]): string {
  const parts = withoutTwin(all);
  const counts: [string, (part: Part) => string][] = [
    ["images", (part) => count(part.nImages)],
    ["  female / male", (part) => `${count(part.metrics.nFemale)} / ${count(part.metrics.nMale)}`],
    ["subjects", (part) => count(part.nSubjects)],
    ["  female / male", (part) => `${count(part.nSubjectsFemale)} / ${count(part.nSubjectsMale)}`],
  ];
  const gate = parts.some((part) => part.modalityAgreement !== null)
    ? [["own modality used", ...parts.map((part) => figure(part.modalityAgreement))]]
    : [];
  return alignTable([
    ["", ...parts.map((part) => part.name)],
    ...counts.map(([title, of]) => [title, ...parts.map(of)]),
    ...METRICS.map((metric) => [METRIC_TITLES[metric], ...parts.map((part) => partFigure(part, metric))]),
    ...gate,
  ]);
}

/** A figure with its interval; with blanks in its place where others of the column have one. */
function partFigure({ metrics, tooSmall, few, intervals }: Part, metric: MetricName): string {
  if (tooSmall.includes(metric)) return TOO_SMALL;
  const value = metrics[metric];
  const text = `${figure(value)}${few.includes(metric) ? FEW : ""}`;
  if (intervals === null) return text;
  const known = value !== null && metric in intervals ? intervals[metric as BootstrapMetric] : undefined;
  return `${text} ${(known === undefined ? "" : intervalText(known)).padEnd("[0.000, 0.000]".length)}`;
}

/** What stands below figures of parts: what is too small, what rests on few, how intervals were made. */
export function partNotes(
  parts: readonly (Pick<Part, "tooSmall" | "few"> & Partial<Pick<Part, "intervals">>)[],
  minSubjects: number,
): string {
  const { intervals = null } = parts[0]!;
  const lines: string[] = [];
  if (intervals !== null) {
    const { level, replicates } = intervals.accuracy;
    lines.push(
      `[low, high]: ${(100 * level).toFixed(0)} % percentile bootstrap over subjects, ${count(replicates)} draws, Wilson by subjects for a rate of 0 or 1; -: not defined; [?, ?]: the draws cannot tell (all are alike, or most have no value).`,
    );
  }
  if (parts.some(({ tooSmall }) => tooSmall.length > 0))
    lines.push(`${TOO_SMALL}: the figure rests on under ${minSubjects} subjects.`);
  if (parts.some(({ few }) => few.length > 0))
    lines.push(
      `${FEW}: of the whole set, but of under ${minSubjects} subjects; intervals of so few are too narrow.`,
    );
  return lines.join("\n");
}

function formatTarget({ target, parts: all }: TargetSummary, minSubjects: number): string {
  const parts = withoutTwin(all);
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
      ...parts.map((part, k) => targetFigure(part, metric, k === 0 ? 0 : minSubjects)),
    ]),
  ];
  const recalls = dropSmallColumns(recallTable(parts), minSubjects);
  return [
    `${TARGET_TITLES[target]}: agreement with the recorded class`,
    alignTable(table),
    leftOut(metrics),
    alignTable(recalls.rows),
    recalls.note ?? "",
  ]
    .filter((block) => block !== "")
    .join("\n");
}

/** A figure of a target; those of one modality are judged as groups are. */
function targetFigure({ metrics, intervals }: TargetPart, metric: ClassMetric, minSubjects: number): string {
  if (metrics.nSubjects < minSubjects) return TOO_SMALL;
  const value = metrics[metric];
  return intervals === null || value === null
    ? figure(value)
    : `${figure(value)} ${intervalText(intervals[metric])}`;
}

/** How often each class is decided as recorded: all images, and beside them each modality's. */
function recallTable(parts: readonly TargetPart[]): string[][] {
  const header = ["recorded as", "images", "subjects"];
  const names = parts.map(({ name }, k) => (k === 0 ? "recall" : `recall, ${name}s`));
  const rows = parts[0]!.metrics.classes.map(({ name, nImages, nSubjects }) => {
    const recalls = parts.map(({ metrics }) => {
      const own = metrics.classes.find((known) => known.name === name);
      if (own === undefined || own.nImages === 0) return "-";
      return own.small ? TOO_SMALL : figure(own.recall);
    });
    return [name, count(nImages), count(nSubjects), ...recalls];
  });
  return [[...header, ...names], ...rows];
}

/** Images that are in no figure of a target, with the reason. */
function leftOut({ nUnlabelled, unknown }: ClassMetrics): string {
  const reasons = [
    ...(nUnlabelled === 0 ? [] : [`${count(nUnlabelled)} without a recorded class`]),
    ...Object.entries(unknown).map(
      ([name, n]) => `${count(n)} as ${visible(name)}, which the model does not know`,
    ),
  ];
  return reasons.length === 0 ? "" : `left out: ${reasons.join(", ")}`;
}
