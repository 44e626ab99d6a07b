// What a card that is loaded says of the pairs beside it: how large the splits are, and which content this is.
// Source: `datasets`, whose num_bytes is the size of a split's Arrow table: the bytes of texts and images, and of each value's offset.
import { COLUMNS, MODALITIES, SPLITS, type Split } from "../core/words.ts";
import type { CheckedDataset } from "../dataset/check/check.ts";
import { type ExportNote, PairTally } from "../dataset/export/common.ts";
import { publishedPairs } from "../dataset/export/publish.ts";
import type { Pseudonyms } from "../dataset/pseudonyms.ts";

/** Of one split. */
export interface SplitSize {
  readonly split: Split;
  readonly pairs: number;
  readonly bytes: number;
}

/** What lies beside a card that loads by it. */
export interface CardFiles {
  /** Of the Parquet shards; undefined where there are none. */
  readonly sizes?: readonly SplitSize[] | undefined;
  /** SHA-256 of the pairs of each split. */
  readonly content?: ExportNote["content"] | undefined;
  /** False where the tables are elsewhere, as on a page; default true. */
  readonly tables?: boolean | undefined;
}

/** Bytes of an offset, of which a text has one and an image two, for its bytes and its name. */
const OFFSET_BYTES = 4;
const OFFSETS = COLUMNS.length + 2 * MODALITIES.length;

/**
 * Sizes and content of a published dataset, of which every picture is read.
 *
 * @returns splits with pairs, in order
 */
export async function cardFiles(
  checked: CheckedDataset,
  pseudonyms: Pseudonyms | undefined,
): Promise<Required<Pick<CardFiles, "sizes" | "content">>> {
  const tally = new PairTally();
  const source = tally.watch(publishedPairs(checked, pseudonyms), {});
  const sizes: SplitSize[] = [];
  for (const split of SPLITS) {
    let [pairs, bytes] = [0, 0];
    for await (const { cells, hand, face } of source(split)) {
      pairs++;
      bytes += OFFSETS * OFFSET_BYTES + hand.byteLength + face.byteLength;
      for (const column of COLUMNS) bytes += Buffer.byteLength(cells[column]);
      // Names of files stand in the pictures' structs too.
      for (const modality of MODALITIES) bytes += Buffer.byteLength(cells[`${modality}_image_name`]);
    }
    if (pairs > 0) sizes.push({ split, pairs, bytes });
  }
  return { sizes, content: tally.result().content };
}
