// Parts of cards and datasheets: tables of a dataset's counts, and the head of a model's card.

import { compareGroupValues } from "../core/group-order.ts";
import { markdownCell } from "../core/markdown-text.ts";
import { visible } from "../core/visible.ts";
import { SPLITS } from "../core/words.ts";
import { COUNTED, type DatasetCounts, SMALL_GROUP } from "../dataset/check/counts.ts";
import type { ModelFacts } from "../models/facts.ts";
import { parseTag } from "../models/tags.ts";
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

/** What the head of a card says of figures: those of all images of a split. */
interface HeadFigures {
  readonly split: string;
  readonly sources: readonly string[];
  readonly accuracy: number | null;
  readonly balancedAccuracy: number | null;
}

/** The head that model hubs read; figures as the tables show them, null ones left out. */
export function frontMatter(
  { tag, arch, backbone }: Pick<ModelFacts, "tag" | "arch" | "backbone">,
  { split, sources, accuracy, balancedAccuracy }: HeadFigures,
): string[] {
  const { pretrain } = parseTag(tag);
  const text = (value: string) => visible(JSON.stringify(value));
  const figures = [
    ["accuracy", "Accuracy", accuracy],
    ["balanced_accuracy", "Balanced accuracy", balancedAccuracy],
  ] as const;
  const found = figures.flatMap(([type, name, value]) =>
    value === null
      ? []
      : [`          - type: ${type}`, `            name: ${name}`, `            value: ${value.toFixed(3)}`],
  );
  return [
    "---",
    "library_name: facehand",
    "pipeline_tag: image-classification",
    ...(pretrain === NOT_PRETRAINED ? [] : [`base_model: ${text(`timm/${backbone}.${pretrain}`)}`]),
    "tags:",
    ...["hands", "faces", "fairness", arch].map((word) => `  - ${word}`),
    "model-index:",
    `  - name: ${text(tag)}`,
    "    results:",
    "      - task:",
    "          type: image-classification",
    "          name: agreement with the recorded label of apparent sex",
    "        dataset:",
    `          type: ${text(sources.join("+"))}`,
    `          name: ${text(sources.join(", "))}`,
    `          split: ${split}`,
    ...(found.length === 0 ? ["        metrics: []"] : ["        metrics:", ...found]),
    "---",
    "",
  ];
}
