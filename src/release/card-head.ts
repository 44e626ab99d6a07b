// The head of a dataset's card, which the Hugging Face hub and `datasets` read: what is in which files, who made the labels, and what
// visitors of a gated repository agree to. Source: hub-docs, datasetcard.md. Invariant: numbers come from facts and sizes.
import { stringify } from "yaml";
import { visible } from "../core/visible.ts";
import { COLUMNS, SPLITS } from "../core/words.ts";
import { contentText } from "../dataset/export/card.ts";
import { HUB_SPLITS } from "../dataset/export/common.ts";
import { PICTURE_COLUMNS } from "../dataset/export/parquet.ts";
import { SHARD_FOLDER } from "../dataset/layout.ts";
import type { CardFiles } from "./card-files.ts";
import type { DatasetFacts, ReleaseInfo } from "./facts.ts";
import { LICENCE_TEXTS } from "./licence.ts";

/** Upper bounds of the hub's size categories, and their names. */
const SIZES = [
  [1e3, "n<1K"],
  [1e4, "1K<n<10K"],
  [1e5, "10K<n<100K"],
  [1e6, "100K<n<1M"],
  [Number.POSITIVE_INFINITY, "1M<n<10M"],
] as const;

/** The lines of the head, with the rules around it. */
export function cardHead(info: ReleaseInfo, facts: DatasetFacts, files: CardFiles): string[] {
  const { name, licence } = info;
  const drawn = licence === "drawn";
  const head = {
    ...(drawn
      ? { license: "mit" }
      : { license: "other", license_name: "hagrid", license_link: LICENCE_TEXTS.hagrid.url }),
    task_categories: ["image-classification"],
    tags: ["hands", "faces", "fairness"],
    size_categories: [SIZES.find(([limit]) => facts.pairs < limit)![1]],
    annotations_creators: annotators(info, facts),
    source_datasets: [drawn ? "original" : "extended|other-hagrid"],
    ...(drawn ? {} : GATE),
    ...contents(facts, files),
  };
  const lines = stringify(head, { lineWidth: 0 }).trimEnd().split("\n");
  return ["---", `pretty_name: ${visible(JSON.stringify(name))}`, ...lines, "---", ""];
}

/** By the hub's words. HaGRID's crowd took the photographs for a gesture each; gender, age and race are a machine's. */
function annotators({ answers }: ReleaseInfo, { manifest }: DatasetFacts): readonly string[] {
  if (manifest?.drawn === true) return ["machine-generated"];
  const labels = manifest === undefined ? (answers?.annotationsCreators ?? []) : ["machine-generated"];
  const judged = (manifest?.counts.decisions.frames ?? 0) > 0;
  return [...new Set(["crowdsourced", ...labels, ...(judged ? ["other"] : [])])];
}

/** What the hub shows and asks where access to the repository is gated. */
const GATE = {
  extra_gated_prompt:
    "These are pictures of real people, who can be recognised, with apparent labels that machines recorded. They are under HaGRID's " +
    "licence (DATA-LICENSE.md). The dataset is for research on datasets, models and their fairness. The law that the card names may " +
    "restrict other uses.",
  extra_gated_fields: {
    Name: "text",
    Affiliation: "text",
    Country: "country",
    "Research question": "text",
    "I will not identify the people shown, nor decide anything about a person by this dataset or a model of it":
      "checkbox",
    "I will delete the pictures of a person who is taken out of a later version": "checkbox",
    "I will name the sources and keep the licence, as DATA-LICENSE.md asks": "checkbox",
  },
} as const;

/** Where the pairs are, with the types and sizes of shards. */
function contents({ counts }: DatasetFacts, { sizes, content, tables = true }: CardFiles) {
  const named = content === undefined ? {} : { description: contentText(content) };
  const config = (files: readonly object[]) => ({
    configs: [{ config_name: "default", ...named, data_files: files }],
  });
  if (sizes === undefined) {
    if (!tables) return {};
    const there = SPLITS.filter((split) => counts.splits.some((n) => n.split === split && n.pairs > 0));
    return config(there.map((split) => ({ split: HUB_SPLITS[split], path: `${split}.csv` })));
  }
  const text = COLUMNS.map((name) => ({ name, dtype: "string" }));
  const pictures = PICTURE_COLUMNS.map((name) => ({ name, dtype: "image" }));
  return {
    ...config(
      sizes.map(({ split }) => ({
        split: HUB_SPLITS[split],
        path: `${SHARD_FOLDER}/${HUB_SPLITS[split]}-*.parquet`,
      })),
    ),
    dataset_info: {
      features: [...text, ...pictures],
      splits: sizes.map(({ split, bytes, pairs }) => ({
        name: HUB_SPLITS[split],
        num_bytes: bytes,
        num_examples: pairs,
      })),
      dataset_size: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
    },
  };
}
