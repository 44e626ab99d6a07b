// ◇ Browser-safe. Figures of stored predictions: how they agree with the recorded labels.
// Invariants: one style; every axis says what it shows and in which unit; lines and texts take the colour of the page, so that
// dark pages work too.
import * as Plot from "@observablehq/plot";
import { MODALITIES, type Modality } from "../../core/words.ts";
import { withinWords } from "../../evaluate/analysis/strata.ts";
import type { GroupTableIntervals } from "../../evaluate/intervals/group-intervals.ts";
import { scores, THRESHOLD } from "../../evaluate/metrics/binary.ts";
import { BIN_COUNT, reliabilityBins } from "../../evaluate/metrics/calibration.ts";
import type { GroupTable } from "../../evaluate/metrics/groups.ts";
import { rocAucOf } from "../../evaluate/metrics/ranking.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { counted } from "../figure-text.ts";
import { rocPoints } from "./roc.ts";
import { COLORS, type FigureSpec, INK } from "./spec.ts";

const PROBABILITY = "probability of male as recorded";
const HISTOGRAM_BINS = 20;

/** Rows that a figure can use. */
type Labelled = Prediction & { readonly target: 0 | 1 };
const labelled = (rows: readonly Prediction[]) => rows.filter((row): row is Labelled => row.target !== null);

/**
 * How many images got which probability, by recorded label, one panel a modality.
 *
 * @param rows - predictions of one split
 * @param threshold - decided male from here; drawn as a line
 */
export function histogramSpec(rows: readonly Prediction[], threshold = THRESHOLD): FigureSpec {
  const data = labelled(rows).map(({ probability, target, modality }) => ({
    probability,
    label: target === 1 ? "male" : "female",
    modality,
  }));
  const thresholds = Array.from({ length: HISTOGRAM_BINS + 1 }, (_, i) => i / HISTOGRAM_BINS);
  return {
    title: "Probability by recorded label",
    legend: (["female", "male"] as const).map((label) => ({
      label: `recorded ${label}`,
      color: COLORS[label],
      shape: "square",
    })),
    plot: {
      x: { label: PROBABILITY, domain: [0, 1] },
      y: { label: "images", grid: true, tickFormat: "d" },
      fy: { label: null, domain: MODALITIES.filter((m) => data.some(({ modality }) => modality === m)) },
      marginRight: 44,
      marks: [
        Plot.rectY(
          data,
          Plot.binX<Plot.RectYOptions>(
            { y: "count" },
            {
              x: { value: "probability", thresholds },
              fy: "modality",
              fill: ({ label }: { label: "female" | "male" }) => COLORS[label],
              z: "label",
              insetLeft: 0.5,
              insetRight: 0.5,
            },
          ),
        ),
        Plot.ruleX([threshold], { stroke: INK, strokeDasharray: "3 3" }),
        Plot.ruleY([0], { stroke: INK }),
      ],
    },
  };
}

/**
 * Reliability diagram: share recorded as male against mean probability; a dot's area is its number of images.
 *
 * @param rows - predictions of one split, at least one labelled
 */
export function reliabilitySpec(rows: readonly Prediction[], bins = BIN_COUNT): FigureSpec {
  const data = byModality(rows).flatMap(({ modality, y, p }) =>
    reliabilityBins(y, p, "equal-width", bins).map((bin) => ({ ...bin, modality })),
  );
  return {
    title: "Calibration",
    legend: [...modalityLegend(data), { label: "agrees on average", color: INK, shape: "dash" }],
    plot: {
      x: { label: `mean ${PROBABILITY}`, domain: [0, 1], inset: 6 },
      y: { label: `share recorded as male (${bins} bins)`, domain: [0, 1], grid: true, inset: 6 },
      r: { range: [2.5, 11] },
      marks: [
        diagonal(),
        Plot.dot(data, {
          x: "meanProbability",
          y: "shareMale",
          r: "n",
          fill: ({ modality }: { modality: Modality }) => COLORS[modality],
          fillOpacity: 0.75,
        }),
      ],
    },
  };
}

/**
 * ROC curve of each modality, with its area.
 *
 * @param rows - predictions of one split
 * @returns a figure; a modality in which only one class occurs has no curve
 */
export function rocSpec(rows: readonly Prediction[]): FigureSpec {
  const parts = byModality(rows).flatMap(({ modality, y, p }) => {
    const auc = rocAucOf(scores(y, p));
    return auc === null ? [] : [{ modality, auc, points: rocPoints(y, p) }];
  });
  return {
    title: "ROC curve, male as positive",
    legend: [
      ...parts.map(({ modality, auc }) => ({
        label: `${modality}, area ${auc.toFixed(3)}`,
        color: COLORS[modality],
        shape: "line" as const,
      })),
      { label: "chance", color: INK, shape: "dash" },
    ],
    plot: {
      x: { label: "share of recorded females decided male", domain: [0, 1], inset: 6 },
      y: { label: "share of recorded males decided male", domain: [0, 1], grid: true, inset: 6 },
      marks: [
        diagonal(),
        ...parts.map(({ modality, points }) =>
          Plot.line(points, { x: "fpr", y: "tpr", stroke: COLORS[modality], strokeWidth: 2 }),
        ),
      ],
    },
  };
}

interface GroupDot {
  readonly name: string;
  readonly rate: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly label: "female" | "male";
}

/** Whether any rate of either recorded class is large enough to be drawn. */
export const hasDots = (table: GroupTable) =>
  table.groups.some(({ metrics }) => metrics.tprFemale !== null || metrics.tprMale !== null);

/**
 * Rates of both recorded classes by group, with images and subjects; rates that rest on too few subjects have no dot.
 *
 * @param table - of one set of keys, e.g. by gesture, of one modality
 * @param intervals - of the same table; drawn as lines through the dots
 */
export function groupDotsSpec(table: GroupTable, intervals?: GroupTableIntervals): FigureSpec {
  const named = table.groups.map((group, g) => ({
    ...group,
    name: groupName(group),
    drawn: intervals?.groups[g],
  }));
  const rates = { female: "tprFemale", male: "tprMale" } as const;
  const dots = named.flatMap(({ name, metrics, drawn }): GroupDot[] =>
    (["female", "male"] as const).flatMap((label) => {
      const rate = metrics[rates[label]];
      const { low = null, high = null } = drawn?.[rates[label]] ?? {};
      return rate === null ? [] : [{ name, rate, label, low, high }];
    }),
  );
  const hidden = named.flatMap(({ name, tooSmall }) => {
    const labels = (["female", "male"] as const).filter((label) => tooSmall.includes(rates[label]));
    return labels.length === 0 ? [] : [{ name, text: `too few subjects: ${labels.join(", ")}`, labels }];
  });
  const longest = Math.max(...named.flatMap(({ name }) => name.split("\n").map((line) => line.length)));
  return {
    title: `Right decisions by ${table.keys.join(" and ")}, ${withinWords(table.within)}`,
    heightPx: 70 + 40 * named.length,
    legend: (["female", "male"] as const).map((label) => ({
      label: `recorded ${label}`,
      color: COLORS[label],
      shape: "dot",
    })),
    plot: {
      marginLeft: 16 + 7 * longest,
      x: { label: "share decided as recorded", domain: [0, 1], grid: true, inset: 8 },
      y: { label: null, domain: named.map(({ name }) => name), tickSize: 0 },
      marks: [
        Plot.ruleY(named, { y: "name", stroke: INK, strokeOpacity: 0.2 }),
        // Side by side: equal rates would hide one another.
        ...(["female", "male"] as const).flatMap((label) => {
          const own = dots.filter((dot) => dot.label === label);
          const known = own.filter(({ low, high }) => low !== null && high !== null);
          const side = { y: "name", dy: label === "female" ? -5 : 5 } as const;
          return [
            Plot.ruleY(known, { ...side, x1: "low", x2: "high", stroke: COLORS[label], strokeWidth: 2 }),
            Plot.dot(own, { ...side, x: "rate", fill: COLORS[label], r: 5 }),
          ];
        }),
        Plot.text(hidden, { x: 0, y: "name", text: "text", textAnchor: "start", fill: INK, dy: -9 }),
      ],
    },
  };
}

function groupName(group: GroupTable["groups"][number]): string {
  const values = Object.values(group.group).map((value) => (value === "" ? "not recorded" : value));
  return `${values.join(", ")}\n${counted(group.nImages, "image")}, ${counted(group.nSubjects, "subject")}`;
}

function byModality(rows: readonly Prediction[]) {
  return MODALITIES.flatMap((modality) => {
    const own = labelled(rows).filter((row) => row.modality === modality);
    const y = own.map(({ target }) => target);
    return own.length === 0 ? [] : [{ modality, y, p: own.map(({ probability }) => probability) }];
  });
}

function modalityLegend(data: readonly { readonly modality: Modality }[]) {
  const found = MODALITIES.filter((m) => data.some(({ modality }) => modality === m));
  return found.map((label) => ({ label, color: COLORS[label], shape: "dot" as const }));
}

function diagonal(): Plot.Markish {
  const ends = [
    [0, 0],
    [1, 1],
  ] as const;
  return Plot.line(ends, { stroke: INK, strokeOpacity: 0.5, strokeDasharray: "4 4" });
}
