// The card of a dataset, README.md of its bundle, with the head that the Hugging Face hub reads.
// Invariant: numbers come from DatasetFacts.

import { markdownText } from "../core/markdown-text.ts";
import { LAW_TEXT, lawMarkdown } from "../dataset/law.ts";
import type { CardFiles } from "./card-files.ts";
import { cardHead } from "./card-head.ts";
import { LABEL_SENTENCE } from "./datasheet.ts";
import type { DatasetFacts, ReleaseInfo } from "./facts.ts";
import { LICENCE_TEXTS } from "./licence.ts";
import { countsTable, paragraphs } from "./markdown.ts";

/**
 * The card as Markdown.
 *
 * @param files - what lies beside it; tables alone if left out
 */
export function datasetCard(info: ReleaseInfo, facts: DatasetFacts, files: CardFiles = {}): string {
  return [...cardHead(info, facts, files), ...body(info, facts, files)].join("\n");
}

function body(info: ReleaseInfo, facts: DatasetFacts, files: CardFiles): string[] {
  const { name, version, date, creator, licence, answers } = info;
  const { pairs, subjects, size, gestures, manifest } = facts;
  return [
    `# ${markdownText(name)}`,
    "",
    ...paragraphs(
      `Version ${version}, ${date}, by ${markdownText(answers?.publisher ?? creator)}. ${pairs} pairs of a face and a hand of ${subjects} subjects, ${size} ` +
        `px; gestures: ${markdownText(gestures.join(", "))}. Subjects are in one split only.`,
      `**The label.** ${LABEL_SENTENCE} A model trained on it predicts what such recorders would write, with their errors.`,
      ...(manifest?.drawn === true
        ? [
            "**Nobody in it is real.** Every picture is drawn; figures computed on it prove nothing about real ones.",
          ]
        : []),
      ...(answers?.contact === undefined ? [] : [`**Contact.** ${markdownText(answers.contact)}`]),
    ),
    "",
    "## Counts",
    "",
    ...countsTable(facts.counts),
    "",
    ...(files.tables === false ? [] : filesSection(files)),
    "## Law",
    "",
    ...paragraphs(...LAW_TEXT.map(lawMarkdown)),
    "",
    "## Licence and attribution",
    "",
    ...paragraphs(
      `${LICENCE_TEXTS[licence].name} (${LICENCE_TEXTS[licence].url}). ${LICENCE_TEXTS[licence].attribution}`,
      "What it asks of you: `DATA-LICENSE.md`.",
    ),
    "",
  ];
}

function filesSection({ sizes }: CardFiles): string[] {
  return [
    "## Files",
    "",
    "- `train.csv`, `val.csv`, `test.csv`: id, user_id, age, gender, race, labels, hand_image_name, face_image_name",
    "- `aligned_dataset.zip`: `aligned_dataset/faces/F_<id>.jpg` and `aligned_dataset/hands/H_<id>.jpg`; unpack it into",
    "  `images/content` beside the tables",
    ...(sizes === undefined
      ? []
      : [
          "- `data/*.parquet`: the same pairs once more, each row with its pictures as `hand_image` and `face_image`",
        ]),
    "- `DATASHEET.md`, `croissant.json`, `SHA256SUMS`, and where it was derived by facehand `manifest.json` and the ledger",
    "",
    ...(sizes === undefined
      ? []
      : [
          "```python",
          "from datasets import load_dataset",
          "",
          'pairs = load_dataset(".")  # this folder, or the name of this repository on the hub',
          "```",
          "",
        ]),
  ];
}
