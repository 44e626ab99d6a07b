// ◇ Browser-safe. Everything that draws, loaded when the first figure is shown: Observable Plot is larger than the rest of the page.
import * as Plot from "@observablehq/plot";
import type { Summary } from "../../evaluate/analysis/summary.ts";
import type { GroupTableIntervals } from "../../evaluate/intervals/group-intervals.ts";
import { SMALL_SUBJECTS } from "../../evaluate/metrics/small.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { accuracySpec, lossSpec } from "../../report/plots/curves.ts";
import {
  groupDotsSpec,
  hasDots,
  histogramSpec,
  reliabilitySpec,
  rocSpec,
} from "../../report/plots/figures.ts";
import { type FigureSpec, plotOptions } from "../../report/plots/spec.ts";
import { type EpochLog, isPartSmall } from "../../train/runlog.ts";
import { CURVES, type Curve, overlaySpec, type Series } from "./overlay.ts";

/** A figure with what is said below it. */
export interface Captioned {
  readonly spec: FigureSpec;
  readonly caption: string;
}

/** The plot of a figure; its style sheet is that of the page, whose policy lets no other in. */
export function draw(spec: FigureSpec): Element {
  const drawn = Plot.plot(plotOptions(spec));
  drawn.querySelector("style")?.remove();
  for (const mark of drawn.querySelectorAll("g[aria-label]")) mark.removeAttribute("aria-label"); // names of marks
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", spec.title);
  return drawn;
}

/** What a log's validation figures are of; a star where the rarer label has too few subjects. */
function validationNote({ val: { all } }: EpochLog): string {
  const { n, subjects } = all;
  if (subjects === undefined) return `Validation: ${n} images.`;
  const people = subjects.female + subjects.male;
  const few = isPartSmall(all) ? `; *: under ${SMALL_SUBJECTS} of one label` : "";
  return `Validation: ${n} images of ${people} subjects${few}.`;
}

/** Curves of one run. @param training - what its images had */
export function runCurves(epochs: readonly EpochLog[], training = "augmentation"): Captioned[] {
  const last = epochs.at(-1)!;
  const note = validationNote(last);
  const { all, hand, face } = last.val;
  // Where no modality has subjects enough, all images together are shown, as the whole of what was asked for always is.
  const isSmall = [hand, face].every((part) => part === null || isPartSmall(part));
  const star = isPartSmall(all) ? "*" : "";
  const whole = () => overlaySpec([{ label: `validation, all${star}`, logs: [epochs] }], "balancedAccuracy");
  return [
    {
      spec: lossSpec(epochs),
      caption: `${note} Training is measured with ${training}, while the weights change.`,
    },
    { spec: isSmall ? whole() : accuracySpec(epochs), caption: note },
  ];
}

/** Curves of several configurations. */
export function overlays(series: readonly Series[]): Captioned[] {
  const last = series.flatMap(({ logs }) => logs).flatMap((log) => log.at(-1) ?? [])[0];
  const note = last === undefined ? "No epoch is finished yet." : validationNote(last);
  return (Object.keys(CURVES) as Curve[]).map((curve) => ({
    spec: overlaySpec(series, curve),
    caption: `${note} The mean of the seeds, in a band from the lowest to the highest.`,
  }));
}

/** Figures of predictions. */
export function predictionFigures(rows: readonly Prediction[], summary: Summary): Captioned[] {
  const { overall, split, threshold, minSubjects, byGroup, groupIntervals = [] } = summary;
  const of = `${split}: ${overall.nImages} images of ${overall.nSubjects} subjects.`;
  const dots = byGroup.flatMap((table, i) => (hasDots(table) ? [[table, groupIntervals[i]] as const] : []));
  return [
    {
      spec: histogramSpec(rows, threshold),
      caption: `${of} Decided male to the right of ${threshold.toFixed(2)}.`,
    },
    { spec: reliabilitySpec(rows), caption: `${of} A larger dot stands for more images.` },
    { spec: rocSpec(rows), caption: `${of} Each point is a threshold.` },
    ...dots.map(([table, intervals]) => ({
      spec: groupDotsSpec(table, intervals),
      caption: `${of} ${linesNote(intervals)} Rates of under ${minSubjects} subjects are counted only.`,
    })),
  ];
}

const linesNote = (intervals: GroupTableIntervals | undefined) =>
  intervals === undefined ? "" : "Lines: 95 % intervals over subjects, 2,000 draws.";
