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
  HUB_SPLITS,
  type PairSource,
  SHARD_BYTES,
  shardsOf,
} from "./common.ts";

const SCHEMA: RowSchema = {
  ...Object.fromEntries(COLUMNS.map((column) => [column, "string" as const])),
  hand: "image",
  face: "image",
};
const text = { dtype: "string", _type: "Value" };
const FEATURES = {
  ...Object.fromEntries(COLUMNS.map((column) => [column, text])),
  hand: { _type: "Image" },
  face: { _type: "Image" },
};
const METADATA = { huggingface: JSON.stringify({ info: { features: FEATURES } }) };

/** Writes the shards into `dir`; returns their names. */
export async function writeParquetShards(
  source: PairSource,
  dir: string,
  options: ExportOptions,
): Promise<string[]> {
  await mkdir(join(dir, "data"));
  const names: string[] = [];
  for (const split of SPLITS) {
    const written = await writeShards(source, split, dir, options);
    for (const [index, path] of written.entries()) {
      const of = `${number(index)}-of-${number(written.length)}`;
      const name = `data/${HUB_SPLITS[split]}-${of}.parquet`;
      await rename(path, join(dir, name));
      names.push(name);
    }
  }
  return names;
}

const number = (n: number) => String(n).padStart(5, "0");

/** Shards under names that do not yet know how many there are. An empty split gets one without rows. */
async function writeShards(
  source: PairSource,
  split: Split,
  dir: string,
  options: ExportOptions,
): Promise<string[]> {
  const { shardBytes = SHARD_BYTES } = options;
  const paths: string[] = [];
  const open = () => {
    const path = join(dir, "data", `${split}.${paths.length}.tmp`);
    paths.push(path);
    return openRowWriter(path, SCHEMA, METADATA);
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
        hand: { bytes: hand, path: cells.hand_image_name },
        face: { bytes: face, path: cells.face_image_name },
      });
      waiting = shard.sizeBytes > before ? 0 : waiting + hand.byteLength + face.byteLength;
      before = shard.sizeBytes;
    }
    await shard.close();
  } finally {
    await shard.discard();
  }
  return paths;
}

/** Rows of one split's shards, from the files' footers. */
export async function countParquetPairs(dir: string, note: ExportNote, split: Split): Promise<number> {
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
  for (const name of shardsOf(note, split, "parquet")) {
    for await (const row of readRows(join(dir, name), SCHEMA)) {
      const cells = Object.fromEntries(COLUMNS.map((column) => [column, row[column]])) as Cells;
      yield { split, cells, hand: (row.hand as ParquetImage).bytes, face: (row.face as ParquetImage).bytes };
    }
  }
}
