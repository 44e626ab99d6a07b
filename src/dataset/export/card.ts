// The README.md of an export: what is in it, and the lines that load it, with the head that Hugging Face's hub reads.

import { SPLITS, type Split } from "../../core/words.ts";
import { LABEL_NOTE } from "../show.ts";
import { type ExportKind, HUB_SPLITS } from "./common.ts";

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

const REMOVED = [
  "Crops that cleaning took out are in `removed_faces.zip` and `removed_hands.zip`; `ledger.parquet` has the reason of",
  "each. They are no split: nothing that loads the pairs reads them.",
  "",
];

/** Markdown, deterministic. Splits without pairs are left out of the head. */
export function exportCard(
  kind: ExportKind,
  pairs: Readonly<Record<Split, number>>,
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
    "    data_files:",
    ...files,
    "---",
    "",
    "# Face-hand pairs",
    "",
    ...SPLITS.map((split) => `- ${HUB_SPLITS[split]}: ${pairs[split]} pairs`),
    "",
    "Every record has the pictures `hand` and `face` of one subject, and the columns of the dataset's tables.",
    `${LABEL_NOTE[0]!.toUpperCase()}${LABEL_NOTE.slice(1)}.`,
    "",
    "```python",
    LOADING[kind],
    "```",
    "",
    ...(removed ? REMOVED : []),
    "`facehand data import` makes the dataset's own folder of it again. The terms of HaGRID and of what is derived from it",
    "apply: DATA-LICENSE.md of facehand.",
    "",
  ].join("\n");
}
