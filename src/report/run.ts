// One model in the report: its curves, and the figures and tables of its stored predictions.
// Invariant: figures that rest on too few subjects are named and counted, but not shown (evaluate/metrics/small.ts).

import { withinWords } from "../evaluate/analysis/strata.ts";
import type { Part, Summary } from "../evaluate/analysis/summary.ts";
import type { GroupTable } from "../evaluate/metrics/groups.ts";
import { SMALL_SUBJECTS } from "../evaluate/metrics/small.ts";
import { GROUP_METRICS, type MetricName } from "../evaluate/metrics/table.ts";
import type { Prediction } from "../evaluate/stored/prediction-row.ts";
import type { TrainConfig } from "../train/config.ts";
import type { EpochLog } from "../train/runlog.ts";
import { accuracyCurves, lossCurves } from "./curves.ts";
import { FEW, intervalText, METRIC_TITLES, TOO_SMALL } from "./figure-text.ts";
import { groupDots, probabilityHistogram, reliabilityDiagram, rocCurve } from "./figures.ts";
import { groupName } from "./format-groups.ts";
import { html, type Insertable, type Markup, table, trusted } from "./markup.ts";

/** One trained model with its log and its stored test predictions. */
export interface ReportRun {
  /** E.g. `UMCC F1`. */
  readonly name: string;
  /** What it is, one sentence. */
  readonly about: string;
  readonly config: TrainConfig;
  readonly epochs: readonly EpochLog[];
  /** The split's predictions; every table is computed from them. */
  readonly rows: readonly Prediction[];
  readonly summary: Summary;
}

/** The section of one run. */
export function runSection({ name, about, config, epochs, rows, summary }: ReportRun): Markup {
  const best = epochs.findLast(({ best }) => best)?.epoch ?? 0;
  const { nImages, nSubjects } = summary.overall;
  return html`<h3>${name}</h3>
<p>${about} <code>${config.tag}</code>, ${config.imageSize} px, ${config.epochs} epochs (best: ${best}), batch ${config.batch},
learning rate ${config.lr}, seed ${config.seed}.</p>
<div class="figures">${[
    figure(lossCurves(epochs), lossNote(config.arch)),
    figure(
      accuracyCurves(epochs),
      `Mean of the shares of recorded females and males decided as recorded, for modalities with ${SMALL_SUBJECTS} validation subjects of each or more.`,
    ),
  ]}</div>
<p>Test split: ${nImages} images of ${nSubjects} subjects that the model never saw.</p>
${resultSection({ rows, summary }, ({ keys }) => keys.join() === summary.byGroup[0]?.keys.join())}`;
}

/**
 * Figures and tables of one set of predictions: metrics, ROC, calibration, groups within one modality.
 *
 * @param isDrawn - tables of groups that have a figure, too
 */
export function resultSection(
  { rows, summary }: Pick<ReportRun, "rows" | "summary">,
  isDrawn: (table: GroupTable) => boolean,
): Markup {
  const dots = summary.byGroup.filter(isDrawn);
  return html`${metricsTable(summary)}
<div class="figures">${[
    figure(
      probabilityHistogram(rows, summary.threshold),
      `Decided male to the right of ${summary.threshold.toFixed(2)}.`,
    ),
    figure(reliabilityDiagram(rows), "A larger dot stands for more images; few images make dots stray."),
    figure(rocCurve(rows), "Each point is a threshold. It depends on the order of the probabilities only."),
    ...dots.map((table) => figure(groupDots(table), smallNote(summary))),
  ]}</div>
${summary.byGroup.map(groupTable)}`;
}

const smallNote = ({ minSubjects }: Summary) =>
  `A rate that rests on under ${minSubjects} subjects is too small to be shown.`;

function lossNote(arch: ReportRun["config"]["arch"]): string {
  const gate = arch === "mag" ? " Training adds 0.3 times the gate's loss; validation does not." : "";
  return `Training is measured with augmentation and dropout, while the weights change.${gate}`;
}

function figure(svg: string, caption: string): Markup {
  return html`<figure>${trusted(svg)}<figcaption>${caption}</figcaption></figure>`;
}

/** Metrics of a report's table, in its order. */
export const METRIC_ROWS: readonly MetricName[] = [
  "balancedAccuracy",
  "accuracy",
  "tprFemale",
  "tprMale",
  "rocAuc",
  "prAuc",
  "f1Macro",
  "brier",
  "nll",
  "ece",
];

function metricsTable({ overall, byModality, minSubjects }: Summary): Markup {
  const parts = [overall, ...byModality];
  const gated = parts.some(({ modalityAgreement }) => modalityAgreement !== null);
  const interval = overall.intervals?.accuracy;
  const note =
    interval === undefined
      ? undefined
      : `In brackets: ${100 * interval.level} % percentile bootstrap over subjects, ${interval.replicates} draws (Wilson by subjects for a rate of 0 or 1; [?, ?]: cannot tell). Too small: of under ${minSubjects} subjects; ${FEW}: likewise, but of all images.`;
  return table(
    ["", ...parts.map(({ name }) => name)],
    [
      ["images", ...parts.map(({ nImages }) => nImages)],
      ["subjects", ...parts.map(({ nSubjects }) => nSubjects)],
      ...METRIC_ROWS.map((metric) => [METRIC_TITLES[metric], ...parts.map((part) => value(part, metric))]),
      ...(gated ? [["own modality used", ...parts.map((part) => shown(part.modalityAgreement))]] : []),
    ],
    note,
  );
}

function value({ metrics, tooSmall, few, intervals }: Part, metric: MetricName): Markup {
  if (tooSmall.includes(metric)) return html`<small>${TOO_SMALL}</small>`;
  const found = intervals === null ? undefined : Object.entries(intervals).find(([name]) => name === metric);
  const range = found === undefined ? html`` : html` <small>${intervalText(found[1])}</small>`;
  return html`${shown(metrics[metric])}${few.includes(metric) ? FEW : ""}${range}`;
}

const shown = (value: number | null) => (value === null ? "-" : value.toFixed(3));

const KEY_TITLES: Readonly<Record<string, string>> = {
  race: "skin-tone class (column race)",
  age: "age",
  gesture: "gesture",
  modality: "modality",
};

function groupTable({ keys, within, minSubjects, groups }: GroupTable): Markup {
  const title = `${keys.map((key) => KEY_TITLES[key] ?? key).join(" and ")}, ${withinWords(within)}`;
  const rated = GROUP_METRICS.filter((metric) => groups.some(({ metrics }) => metrics[metric] !== null));
  const out = GROUP_METRICS.length - rated.length;
  const rows = groups.map((group): Insertable[] => [
    groupName(group.group),
    group.nImages,
    group.nSubjects,
    `${group.nSubjectsFemale} / ${group.nSubjectsMale}`,
    ...rated.map((metric) => (group.tooSmall.includes(metric) ? TOO_SMALL : shown(group.metrics[metric]))),
  ]);
  const header = ["group", "images", "subjects", "female / male subjects"];
  const note = out === 0 ? "" : `: ${out} figures left out, of under ${minSubjects} subjects in every group`;
  return table([...header, ...rated.map((metric) => METRIC_TITLES[metric])], rows, `By ${title}${note}`);
}
