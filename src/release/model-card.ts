// The card of one trained model, from its run folder: sections of Mitchell et al., "Model Cards for Model Reporting"
// (FAT* 2019), with unitary and intersectional tables. Invariant: every number is computed from the run's stored
// predictions, configuration and checkpoint; the texts hold none.

import { basename } from "node:path";
import { compareGroupValues } from "../core/group-order.ts";
import { markdownCode, markdownText } from "../core/markdown-text.ts";
import { LAW_TEXT, lawMarkdown } from "../dataset/law.ts";
import { type Part, type Summary, summarize } from "../evaluate/analysis/summary.ts";
import { REPLICATES } from "../evaluate/intervals/intervals.ts";
import { SMALL_SUBJECTS } from "../evaluate/metrics/small.ts";
import type { MetricName } from "../evaluate/metrics/table.ts";
import { formatSubjects } from "../evaluate/stored/subjects.ts";
import { sha256File } from "../machine/files.ts";
import type { SourceFacts } from "../models/facts.ts";
import { describeModel, type ModelDescription } from "../models/files/describe.ts";
import { modelPath } from "../predict/model-file.ts";
import { FEW, LABEL_NOTE, METRIC_TITLES } from "../report/figure-text.ts";
import { withoutTwin } from "../report/format.ts";
import { toMarkdown } from "../report/render.ts";
import {
  count,
  INTERVAL_NOTE,
  intervalCell,
  type ReportTable,
  rate,
  type TableCell,
  tooSmall,
  words,
} from "../report/table.ts";
import { analysisTables } from "../studies/report/analysis-tables.ts";
import { groupTables } from "../studies/report/group-tables.ts";
import { type Labelled, rowsOf } from "../studies/report/results.ts";
import type { TrainConfig } from "../train/config.ts";
import { storedPredictions } from "../train/exchange/evaluation.ts";
import { readLog, readRunConfig } from "../train/run.ts";
import { bestEpoch } from "../train/runlog.ts";
import { ageSection, frontMatter, type HeadFigure, targetTable } from "./markdown.ts";

/** How a card is written. */
export interface CardOptions {
  /** As of Judging. */
  readonly replicates?: number | undefined;
  readonly seed?: number | undefined;
  readonly minSubjects?: number | undefined;
  /** Of the model: an SPDX name or words, for the card's head. */
  readonly licence?: string | undefined;
}

/**
 * The card of a finished run as Markdown.
 *
 * @param dir - run folder
 * @throws AppError("data", "FILE_MISSING" | ...) if the run is not finished; ("input", "NOT_LABELLED") without labels
 * @example await modelCard("runs/umcc/seed_42")
 */
export async function modelCard(dir: string, options: CardOptions = {}): Promise<string> {
  const { replicates = REPLICATES, seed = 0, minSubjects = SMALL_SUBJECTS, licence } = options;
  const all = await storedPredictions(dir);
  const rows = all.filter((row): row is Labelled => row.target !== null);
  const split = rows.some((row) => row.split === "test") ? "test" : "val";
  const model = await describeModel(await modelPath(dir));
  const shown = { name: model.facts!.tag, suffix: "card", sources: [], rows };
  const summary = summarize(rowsOf(rows, split), { replicates, seed, minSubjects, groups: [] });
  const [accuracy, balancedAccuracy] = [
    headFigure(summary.overall, "accuracy"),
    headFigure(summary.overall, "balancedAccuracy"),
  ];
  const head = { split, sources: summary.sources, accuracy, balancedAccuracy, licence };
  return [
    ...frontMatter(model.facts!, head),
    `# Model card: ${markdownText(model.facts!.tag)}`,
    "",
    `> ${LABEL_NOTE} This model predicts what such recorders would write about a picture of a hand or a face, with their errors.`,
    "",
    ...(await details(dir, model)),
    ...INTENDED_USE,
    ...factors(rowsOf(rows, split)),
    ...metrics(split, minSubjects),
    ...data(rows, split, model.facts!.trainedOn),
    "## Quantitative analyses",
    "",
    toMarkdown(overallTable(summary)),
    ...(summary.targets ?? []).map((target) => toMarkdown(targetTable(target, summary))),
    ...ageSection(summary),
    ...groupTables(shown, split, { replicates, seed, minSubjects }).map(toMarkdown),
    ...analysisTables(shown, split, minSubjects).map(toMarkdown),
    ...ETHICS,
    ...LAW,
  ].join("\n");
}

/** A figure of all images, with its interval and how many people it rests on. */
function headFigure(
  { metrics, intervals, nSubjects: subjects }: Part,
  metric: "accuracy" | "balancedAccuracy",
): HeadFigure {
  const { low, high, level } = intervals?.[metric] ?? {};
  const about = low == null || high == null ? { subjects } : { low, high, level, subjects };
  return { value: metrics[metric], about };
}

async function details(dir: string, model: ModelDescription): Promise<string[]> {
  const { facts, path } = model;
  const config = await readRunConfig(dir);
  const log = await readLog(dir);
  const best = bestEpoch(log);
  return [
    "## Model details",
    "",
    ...modelLines(model, config),
    `- Tag: ${markdownCode(facts!.tag)}, seed ${config.seed}; checkpoint ${markdownCode(basename(path))}, SHA-256 \`${await sha256File(path)}\`.`,
    `- Training: AdamW, batch ${config.batch}, ${log.length} of at most ${config.epochs} epochs; epoch ${best.epoch} chosen by validation balanced accuracy.`,
    "",
  ];
}

/** What holds of every seed of a configuration. */
export function modelLines(
  { facts, parameters }: ModelDescription,
  { weights, kernels }: TrainConfig,
): string[] {
  const { arch, backbone, flag, gating, pixels, threshold, output, targets } = facts!;
  const architecture =
    arch === "umcc" ? `UMCC, modality flag ${flag ? "on" : "off"}` : `MAG, ${gating} gating`;
  return [
    `- Architecture: ${architecture}, on ${markdownCode(backbone)}; ${parameters.toLocaleString("en-US")} parameters.`,
    `- Input: one RGB picture, resized to ${pixels.sizePx} x ${pixels.sizePx} px (${markdownText(pixels.interpolation)}, as Pillow), mean ${pixels.mean.join(", ")}, std ${pixels.std.join(", ")}.`,
    `- Output: ${markdownText(output)}; decided male from ${threshold} on.${targets === undefined ? "" : ` Beside it: ${targets.map(({ name }) => name).join(", ")}, as recorded.`}`,
    `- Initial weights: ${weights === undefined ? "random" : markdownCode(basename(weights))}.`,
    ...(kernels === undefined
      ? []
      : [
          "- Training's convolutions: in float32, 3x3 ones in Winograd's form, which rounds more than the plain one that figures are of.",
        ]),
  ];
}

/** Of every card. */
export const INTENDED_USE = [
  "## Intended use",
  "",
  "- Research on datasets of faces and hands, on how recorded labels and models agree, and on how unevenly they do.",
  "- Reproduction of published experiments.",
  "",
  "Out of scope: any decision about a person; telling a person's sex, gender or identity; surveillance, access control, advertising; pictures unlike those below.",
  "",
];

/** Groups that figures are broken down by. */
export function factors(rows: readonly Labelled[]): string[] {
  const lines = (["age", "race", "gesture", "source"] as const).flatMap((key) => {
    const values = [...new Set(rows.map((row) => row[key]))]
      .filter((value) => value !== "")
      .sort(compareGroupValues);
    return values.length === 0 ? [] : [`- ${key}, as recorded: ${markdownText(values.join(", "))}`];
  });
  return [
    "## Factors",
    "",
    "Groups that figures are broken down by. They are what somebody or some machine recorded, not what anyone is.",
    "",
    "- modality: hand, face",
    "- recorded label: female, male",
    ...lines,
    "",
  ];
}

function metrics(split: string, minSubjects: number): string[] {
  return [
    "## Metrics",
    "",
    `Agreement of decisions with the recorded label on split ${split}: accuracy, balanced accuracy, the rates of both recorded classes (TPR female, TPR male), areas under the ROC and precision-recall curves, and calibration (Brier, NLL, ECE). ${INTERVAL_NOTE} A figure of a group, a modality or a recorded label that rests on under ${minSubjects} subjects is counted and not judged; groups are compared within one modality. Temperatures and thresholds are fitted on validation images and applied frozen.`,
    "",
  ];
}

/** Of a run without test images. */
const CHOSEN_ON =
  " The best epoch was chosen on these images, which favours the model: figures of people on whom nothing was chosen (`train --test`) tend to be lower.";

/** What was judged and what was learnt from. */
export function data(rows: readonly Labelled[], split: string, trainedOn: readonly SourceFacts[]): string[] {
  const judged = rows.filter((row) => row.split === split);
  return [
    "## Evaluation data",
    "",
    `Split ${split}: ${formatSubjects(judged, "labelled images")}; no recorded subject of it was trained on.${split === "val" ? CHOSEN_ON : ""} Their predictions are stored with the run.`,
    "",
    "## Training data",
    "",
    ...trainedOn.map(
      ({ kind, images, manifestHash }) =>
        `- ${markdownText(kind)}: ${images} images before splitting; ${markdownCode(manifestHash.slice(0, 16))}`,
    ),
    "",
  ];
}

function overallTable({ overall, byModality, split, minSubjects }: Summary): ReportTable {
  const shown = [
    "accuracy",
    "balancedAccuracy",
    "tprFemale",
    "tprMale",
    "rocAuc",
    "prAuc",
    "f1Macro",
    "brier",
    "nll",
  ] as const;
  const parts = withoutTwin([overall, ...byModality]);
  const figures = [...shown, "ece"] as const;
  const few = overall.few.length === 0 ? "" : ` ${FEW}: of under ${minSubjects} subjects.`;
  return {
    id: "card-overall",
    title: `Overall and by modality, split ${split}`,
    note: `${INTERVAL_NOTE} ECE: 15 equal-width bins, without interval.${few}`,
    header: ["figure", ...parts.map(({ name }) => name)],
    rows: [
      { cells: [words("images"), ...parts.map(({ nImages }) => count(nImages))], sources: [] },
      { cells: [words("subjects"), ...parts.map(({ nSubjects }) => count(nSubjects))], sources: [] },
      ...figures.map((metric) => ({
        cells: [words(METRIC_TITLES[metric]), ...parts.map((part) => partCell(part, metric))],
        sources: [],
      })),
    ],
  };
}

function partCell({ metrics, tooSmall: hidden, few, intervals }: Part, metric: MetricName): TableCell {
  if (hidden.includes(metric)) return tooSmall;
  const interval = intervals?.[metric as keyof typeof intervals];
  const cell = interval === undefined ? rate(metrics[metric]) : intervalCell(interval);
  return few.includes(metric) ? { ...cell, text: `${cell.text}${FEW}` } : cell;
}

/** Of every card: the law's own words, not what they mean for anybody's use. */
export const LAW = ["## Law", "", ...LAW_TEXT.map((text) => `- ${lawMarkdown(text)}`), ""];

/** Of every card. */
export const ETHICS = [
  "## Ethical considerations",
  "",
  "- The label is binary and apparent. People whom it misdescribes are misdescribed by the model too, and the figures above cannot show it.",
  "- Labels of race, skin tone and age are coarse and recorded from pictures; a group's figure says as much of its record as of its people.",
  "- The pictures show people. Their licences and consent bind what may be done with this model: see the data's own terms.",
  "",
  "## Caveats and recommendations",
  "",
  "- Agreement with a record that machines made measures how alike two machines are.",
  "- A difference that is not detected is no evidence that groups are treated alike; read the intervals and the numbers of subjects.",
  "- Crops have to be made as in training (the checkpoint holds the recipe); on other pictures the figures do not hold.",
  "- Look at the worst group before the mean.",
  "",
];
