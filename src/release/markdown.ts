// Parts of cards and datasheets: tables of a dataset's counts, and the head of a model's card.

import { compareGroupValues } from "../core/group-order.ts";
import { markdownCell } from "../core/markdown-text.ts";
import { visible } from "../core/visible.ts";
import { SPLITS } from "../core/words.ts";
import { COUNTED, type DatasetCounts, SMALL_GROUP } from "../dataset/check/counts.ts";
import type { Summary } from "../evaluate/analysis/summary.ts";
import type { TargetSummary } from "../evaluate/analysis/target-summary.ts";
import type { ModelFacts } from "../models/facts.ts";
import { parseTag } from "../models/tags.ts";
import { TARGET_TITLES } from "../report/figure-text.ts";
import { withoutTwin } from "../report/format.ts";
import { AGE_NOTES, ageReportTables } from "../report/format-ages.ts";
import { toMarkdown } from "../report/render.ts";
import {
  count,
  INTERVAL_NOTE,
  intervalCell,
  type ReportTable,
  type TableCell,
  tooSmall,
  words,
} from "../report/table.ts";
import { NOT_PRETRAINED } from "../train/pretrained.ts";

const COLUMNS = [...SPLITS, "all"] as const;

/** Pairs (subjects) by split, and by each label; a star marks groups that are too small to compare. */
export function countsTable(counts: DatasetCounts): string[] {
  const cell = (n: { readonly pairs: number; readonly subjects: number } | undefined) =>
    n === undefined ? "-" : `${n.pairs} (${n.subjects}${n.subjects < SMALL_GROUP ? "*" : ""})`;
  const rows = [["all", ...COLUMNS.map((split) => cell(counts.splits.find((n) => n.split === split)))]];
  for (const by of COUNTED) {
    const of = counts.groups.filter((n) => n.by === by);
    for (const value of [...new Set(of.map((n) => n.value))].sort(compareGroupValues)) {
      const cells = COLUMNS.map((split) => cell(of.find((n) => n.split === split && n.value === value)));
      rows.push([`${by}: ${value === "" ? "unknown" : value}`, ...cells]);
    }
  }
  return [
    ...tableOf(["pairs (subjects)", ...COLUMNS], rows),
    "",
    `\\* fewer than ${SMALL_GROUP} subjects: too small to compare.`,
  ];
}

/** A table with a head; text in cells is shown as it is. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(markdownCell).join(" | ")} |`;
  return [line(head), `| ${head.map(() => "---").join(" | ")} |`, ...rows.map(line)];
}

/** A paragraph of at most 110 letters a line; words are not broken. */
export function paragraph(text: string): string[] {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const longer = lines.at(-1) === "" ? word : `${lines.at(-1)} ${word}`;
    if (longer.length <= 110) lines[lines.length - 1] = longer;
    else lines.push(word.replace(/^(?=[#>+=*-]+$)|(?<=^\d+)(?=[.)]$)/, "\\")); // a line that begins so would be a block
  }
  return lines;
}

/** Paragraphs with empty lines between them. */
export function paragraphs(...texts: readonly string[]): string[] {
  return texts.flatMap((text, index) => [...(index === 0 ? [] : [""]), ...paragraph(text)]);
}

/** A figure of all images of a split, as far as it is known how sure it is. */
export interface HeadFigure {
  readonly value: number | null;
  /** What else is known of it: an interval, or its spread over seeds. */
  readonly about?: Readonly<Record<string, number | string | null | undefined>> | undefined;
}

/** What the head of a card says of figures: those of all images of a split. */
interface HeadFigures {
  readonly split: string;
  readonly sources: readonly string[];
  readonly accuracy: HeadFigure;
  readonly balancedAccuracy: HeadFigure;
  /** Of the model: an SPDX name or words; left out where nobody states one. */
  readonly licence?: string | undefined;
}

const yamlText = (value: string) => visible(JSON.stringify(value));

/** The head that model hubs read; figures as the tables show them, null ones left out. */
export function frontMatter(
  { tag, arch, backbone }: Pick<ModelFacts, "tag" | "arch" | "backbone">,
  { split, sources, accuracy, balancedAccuracy, licence }: HeadFigures,
): string[] {
  const { pretrain } = parseTag(tag);
  const found = [
    ...metricLines("accuracy", "Accuracy", accuracy),
    ...metricLines("balanced_accuracy", "Balanced accuracy", balancedAccuracy),
  ];
  return [
    "---",
    "library_name: facehand",
    "pipeline_tag: image-classification",
    ...(licence === undefined ? [] : licenceLines(licence)),
    ...(pretrain === NOT_PRETRAINED ? [] : [`base_model: ${yamlText(`timm/${backbone}.${pretrain}`)}`]),
    "tags:",
    ...["hands", "faces", "fairness", arch].map((word) => `  - ${word}`),
    "model-index:",
    `  - name: ${yamlText(tag)}`,
    "    results:",
    "      - task:",
    "          type: image-classification",
    "          name: agreement with the recorded label of apparent sex",
    "        dataset:",
    `          type: ${yamlText(sources.join("+"))}`,
    `          name: ${yamlText(sources.join(", "))}`,
    `          split: ${split}`,
    ...(found.length === 0 ? ["        metrics: []"] : ["        metrics:", ...found]),
    "---",
    "",
  ];
}

function metricLines(type: string, name: string, { value, about = {} }: HeadFigure): string[] {
  if (value === null) return [];
  const known = Object.entries(about).filter(([, each]) => each !== null && each !== undefined);
  const shown = (each: unknown) =>
    typeof each === "string"
      ? yamlText(each)
      : Number.isInteger(each)
        ? String(each)
        : (each as number).toFixed(3);
  return [
    ...[`          - type: ${type}`, `            name: ${name}`, `            value: ${value.toFixed(3)}`],
    ...(known.length === 0 ? [] : ["            args:"]),
    ...known.map(([key, each]) => `              ${key}: ${shown(each)}`),
  ];
}

/** Hubs know licences by SPDX's names, in small letters; any other is `other`, with its own. */
export function licenceLines(licence: string): string[] {
  if (/^[a-z0-9.-]+$/.test(licence)) return [`license: ${licence}`];
  return ["license: other", `license_name: ${yamlText(licence)}`];
}

/** Agreement with the record of one further target. */
export function targetTable(
  { target, parts: all }: TargetSummary,
  { split, minSubjects }: Pick<Summary, "split" | "minSubjects">,
): ReportTable {
  const figures = [
    ["accuracy", "accuracy"],
    ["balanced accuracy", "balancedAccuracy"],
    ["within one class", "oneOffAccuracy"],
    ["mean classes off", "meanAbsoluteError"],
  ] as const;
  const parts = withoutTwin(all);
  const { metrics } = parts[0]!;
  const row = (title: string, cells: readonly TableCell[]) => ({
    cells: [words(title), ...cells],
    sources: [],
  });
  return {
    id: `card-${target}`,
    title: `${TARGET_TITLES[target]}, split ${split}`,
    note: `Agreement with the recorded class. ${INTERVAL_NOTE} ${metrics.nUnlabelled} images without a recorded class are left out.`,
    header: ["figure", ...parts.map(({ name }) => name)],
    rows: [
      row(
        "images",
        parts.map((part) => count(part.metrics.nImages)),
      ),
      row(
        "subjects",
        parts.map((part) => count(part.metrics.nSubjects)),
      ),
      ...figures
        .filter(([, metric]) => metrics[metric] !== null)
        .map(([title, metric]) =>
          row(
            title,
            parts.map(({ intervals, metrics: own }, k) =>
              k > 0 && own.nSubjects < minSubjects ? tooSmall : intervalCell(intervals![metric]),
            ),
          ),
        ),
    ],
  };
}

/** Ages in years, with the convention. */
export function ageSection({ targets = [], split }: Pick<Summary, "targets" | "split">): string[] {
  const tables = ageReportTables(
    targets.flatMap(({ years = [] }) => years),
    split,
  );
  return tables.length === 0 ? [] : [...tables.map(toMarkdown), ...AGE_NOTES.flatMap((note) => [note, ""])];
}
