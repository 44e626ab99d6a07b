// Paired datasets as Parquet shards with the images inside, as `datasets.load_dataset` reads them.
// Source: Hugging Face's conventions: data/<split>-NNNNN-of-NNNNN.parquet, pictures as struct<bytes, path>, the types
// of the columns under the key `huggingface` of the file's metadata.
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { COLUMNS, SPLITS, type Split } from "../../core/words.ts";
import {
  countRows,
  openRowWriter,
  type ParquetImage,
  type ParquetRow,
  type RowSchema,
  readRows,
} from "../../formats/parquet/rows.ts";
import type { ParquetRows } from "../../formats/parquet/write.ts";
import type { Cells } from "../check/tables.ts";
import {
  type ExportedPair,
  type ExportNote,
  type ExportOptions,
  FIRST_EXPORT_FORMAT,
  HUB_SPLITS,
  type PairSource,
  SHARD_BYTES,
  shardsOf,
} from "./common.ts";
import { type HashedFile, openHashed } from "./hashed-file.ts";

/** Columns of the pictures, hand first. */
export const PICTURE_COLUMNS = ["hand_image", "face_image"] as const;
/** What the first version of exports called them. */
const FIRST_COLUMNS = ["hand", "face"] as const;
type Pictures = typeof PICTURE_COLUMNS | typeof FIRST_COLUMNS;

const schemaWith = (pictures: Pictures): RowSchema => ({
  ...Object.fromEntries(COLUMNS.map((column) => [column, "string" as const])),
  ...Object.fromEntries(pictures.map((column) => [column, "image" as const])),
});
const SCHEMA = schemaWith(PICTURE_COLUMNS);

const text = { dtype: "string", _type: "Value" };
const FEATURES = {
  ...Object.fromEntries(COLUMNS.map((column) => [column, text])),
  ...Object.fromEntries(PICTURE_COLUMNS.map((column) => [column, { _type: "Image" }])),
};
const METADATA = { huggingface: JSON.stringify({ info: { features: FEATURES } }) };

/** A written shard. */
export interface Shard {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/**
 * Writes the shards of all splits.
 *
 * @param dir - gets them in its folder `data`; undefined to learn their names, sizes and hashes only
 * @returns in the order of splits and rows
 */
export async function writeParquetShards(
  source: PairSource,
  dir: string | undefined,
  options: ExportOptions,
): Promise<Shard[]> {
  if (dir !== undefined) await mkdir(join(dir, "data"));
  const shards: Shard[] = [];
  for (const split of SPLITS) {
    const written = await writeShards(source, split, dir, options);
    for (const [index, { path, file }] of written.entries()) {
      const of = `${number(index)}-of-${number(written.length)}`;
      const name = `data/${HUB_SPLITS[split]}-${of}.parquet`;
      if (path !== undefined) await rename(path, join(dir!, name));
      shards.push({ name, ...file.result() });
    }
  }
  return shards;
}

const number = (n: number) => String(n).padStart(5, "0");

interface Written {
  readonly path: string | undefined;
  readonly file: HashedFile;
}

/** Shards under names that do not yet know how many there are. An empty split gets one without rows. */
async function writeShards(
  source: PairSource,
  split: Split,
  dir: string | undefined,
  { shardBytes = SHARD_BYTES }: ExportOptions,
): Promise<Written[]> {
  const written: Written[] = [];
  const open = async () => {
    const path = dir === undefined ? undefined : join(dir, "data", `${split}.${written.length}.tmp`);
    const file = await openHashed(path);
    written.push({ path, file });
    return openRowWriter(file, SCHEMA, METADATA);
  };
  let shard: ParquetRows<ParquetRow> = await open();
  let waiting = 0; // bytes of rows that are not in the file yet
  let before = 0;
  try {
    for await (const { cells, hand, face } of source(split)) {
      if (shard.sizeBytes + waiting >= shardBytes) {
        await shard.close();
        shard = await open();
        waiting = 0;
        before = 0;
      }
      await shard.add({
        ...cells,
        hand_image: { bytes: hand, path: cells.hand_image_name },
        face_image: { bytes: face, path: cells.face_image_name },
      });
      waiting = shard.sizeBytes > before ? 0 : waiting + hand.byteLength + face.byteLength;
      before = shard.sizeBytes;
    }
    await shard.close();
  } finally {
    await shard.discard();
  }
  return written;
}

/** Rows of one split's shards, from the files' footers. */
export async function countParquetPairs(
  dir: string,
  note: Pick<ExportNote, "files">,
  split: Split,
): Promise<number> {
  let rows = 0;
  for (const name of shardsOf(note, split, "parquet")) rows += await countRows(join(dir, name));
  return rows;
}

/** The pairs of one split, from shards whose hashes were checked. */
export async function* readParquetShards(
  dir: string,
  note: ExportNote,
  split: Split,
): AsyncGenerator<ExportedPair> {
  const pictures = note.format === FIRST_EXPORT_FORMAT ? FIRST_COLUMNS : PICTURE_COLUMNS;
  const [hand, face] = pictures;
  for (const name of shardsOf(note, split, "parquet")) {
    for await (const row of readRows(join(dir, name), schemaWith(pictures))) {
      const cells = Object.fromEntries(COLUMNS.map((column) => [column, row[column]])) as Cells;
      yield {
        split,
        cells,
        hand: (row[hand] as ParquetImage).bytes,
        face: (row[face] as ParquetImage).bytes,
      };
    }
  }
}
