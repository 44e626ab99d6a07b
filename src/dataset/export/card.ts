// The README.md of an export: what is in it, and the lines that load it, with the head that Hugging Face's hub reads.

import { SPLITS } from "../../core/words.ts";
import { sha256 } from "../../machine/files.ts";
import { LAW_NOTE, lawMarkdown } from "../law.ts";
import { LABEL_NOTE } from "../show.ts";
import { type ExportKind, type ExportNote, HUB_SPLITS } from "./common.ts";

const LOADING: Readonly<Record<ExportKind, string>> = {
  parquet: 'load_dataset("parquet", data_dir="data")  # of the datasets library',
  webdataset: 'wds.WebDataset("train-000000.tar").decode("pil")  # of the webdataset library',
  imagefolder: 'load_dataset("imagefolder", data_dir=".")  # of the datasets library',
};

const PATTERNS: Readonly<Record<ExportKind, (split: string) => string>> = {
  parquet: (split) => `data/${split}-*.parquet`,
  webdataset: (split) => `${split}-*.tar`,
  imagefolder: (split) => `${split}/**`,
};

/** What their readers call the pictures. */
const PICTURES: Readonly<Record<ExportKind, string>> = {
  parquet: "`hand_image` and `face_image`",
  webdataset: "`hand.jpg` and `face.jpg`",
  imagefolder: "`hand_image` and `face_image`",
};

const REMOVED = [
  "Crops that cleaning took out are in `removed_faces.zip` and `removed_hands.zip`; `ledger.parquet` has the reason of",
  "each. They are no split: nothing that loads the pairs reads them.",
  "",
];

/**
 * What tells the entry of one content in a card's head from that of another. `datasets` keeps what it has read of a folder on disk by the folder's name
 * and its entry alone: without this, a folder of the same name with other people would be taken for the one that was read before.
 *
 * @param content - SHA-256 of the pairs of each split
 */
export const contentText = (content: ExportNote["content"]): string =>
  `content ${sha256(SPLITS.map((split) => content[split]).join())}`;

/** Markdown, deterministic. Splits without pairs are left out of the head. */
export function exportCard(
  kind: ExportKind,
  { pairs, content }: Pick<ExportNote, "pairs" | "content">,
  removed: boolean,
): string {
  const there = SPLITS.filter((split) => pairs[split] > 0);
  const files = there.flatMap((split) => [
    `      - split: ${HUB_SPLITS[split]}`,
    `        path: ${PATTERNS[kind](HUB_SPLITS[split])}`,
  ]);
  return [
    "---",
    "configs:",
    "  - config_name: default",
    `    description: ${contentText(content)}`,
    "    data_files:",
    ...files,
    "---",
    "",
    "# Face-hand pairs",
    "",
    ...SPLITS.map((split) => `- ${HUB_SPLITS[split]}: ${pairs[split]} pairs`),
    "",
    `Every record has the pictures ${PICTURES[kind]} of one subject, and the columns of the dataset's tables.`,
    `${LABEL_NOTE[0]!.toUpperCase()}${LABEL_NOTE.slice(1)}.`,
    "",
    "```python",
    LOADING[kind],
    "```",
    "",
    ...(removed ? REMOVED : []),
    lawMarkdown(LAW_NOTE),
    "",
    "`facehand data import` makes the dataset's own folder of it again. The terms of HaGRID and of what is derived from it",
    "apply: DATA-LICENSE.md of facehand.",
    "",
  ].join("\n");
}
