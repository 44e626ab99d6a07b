// The card of a dataset, README.md of its bundle, with the head that the Hugging Face hub reads.
// Invariant: numbers come from DatasetFacts.

import { markdownText } from "../core/markdown-text.ts";
import { visible } from "../core/visible.ts";
import { LABEL_SENTENCE } from "./datasheet.ts";
import type { DatasetFacts, ReleaseInfo } from "./facts.ts";
import { LICENCE_TEXTS } from "./licence.ts";
import { countsTable, paragraphs } from "./markdown.ts";

/** Upper bounds of the hub's size categories, and their names. */
const SIZES = [
  [1e3, "n<1K"],
  [1e4, "1K<n<10K"],
  [1e5, "10K<n<100K"],
  [1e6, "100K<n<1M"],
  [Number.POSITIVE_INFINITY, "1M<n<10M"],
] as const;

/** The card as Markdown. */
export function datasetCard(info: ReleaseInfo, facts: DatasetFacts): string {
  return [...head(info, facts), ...body(info, facts)].join("\n");
}

function head({ name, licence }: ReleaseInfo, { pairs }: DatasetFacts): string[] {
  const size = SIZES.find(([limit]) => pairs < limit)![1];
  return [
    "---",
    `pretty_name: ${visible(JSON.stringify(name))}`,
    `license: ${licence === "drawn" ? "mit" : "other"}`,
    ...(licence === "drawn" ? [] : ["license_name: hagrid", `license_link: ${LICENCE_TEXTS.hagrid.url}`]),
    "task_categories:",
    "  - image-classification",
    "tags:",
    "  - hands",
    "  - faces",
    "  - fairness",
    "size_categories:",
    `  - ${size}`,
    "---",
    "",
  ];
}

function body(info: ReleaseInfo, facts: DatasetFacts): string[] {
  const { name, version, date, creator, licence } = info;
  const { pairs, subjects, size, gestures, manifest } = facts;
  return [
    `# ${markdownText(name)}`,
    "",
    ...paragraphs(
      `Version ${version}, ${date}, by ${markdownText(creator)}. ${pairs} pairs of a face and a hand of ${subjects} subjects, ${size} ` +
        `px; gestures: ${markdownText(gestures.join(", "))}. Subjects are in one split only.`,
      `**The label.** ${LABEL_SENTENCE} A model trained on it predicts what such recorders would write, with their errors.`,
      ...(manifest?.drawn === true
        ? [
            "**Nobody in it is real.** Every picture is drawn; figures computed on it prove nothing about real ones.",
          ]
        : []),
    ),
    "",
    "## Counts",
    "",
    ...countsTable(facts.counts),
    "",
    "## Files",
    "",
    "- `train.csv`, `val.csv`, `test.csv`: id, user_id, age, gender, race, labels, hand_image_name, face_image_name",
    "- `aligned_dataset.zip`: `aligned_dataset/faces/F_<id>.jpg` and `aligned_dataset/hands/H_<id>.jpg`; unpack it into",
    "  `images/content` beside the tables",
    "- `DATASHEET.md`, `croissant.json`, `SHA256SUMS`, and where it was derived by facehand `manifest.json` and the ledger",
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
