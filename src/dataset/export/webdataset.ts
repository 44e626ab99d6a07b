// Paired datasets as tar shards, as the `webdataset` library reads them: three files with one key a pair,
// `<key>.hand.jpg`, `<key>.face.jpg` and `<key>.json` with the cells of its row.
// Invariant: a key has no dot and no slash; it is the pair's place in its table, since ids may have either.
import { extname, join } from "node:path";
import { z } from "zod";
import { type AppError, unexpected } from "../../core/errors.ts";
import { parseJson } from "../../core/schema.ts";
import { COLUMNS, SPLITS, type Split } from "../../core/words.ts";
import { openTarWriter, readTar, type TarEntry, type TarWriter } from "../../formats/tar.ts";
import {
  type ExportedPair,
  type ExportNote,
  type ExportOptions,
  HUB_SPLITS,
  type PairSource,
  SHARD_BYTES,
  shardsOf,
} from "./common.ts";

/** Larger than any picture of a pair. */
const MAX_FILE_BYTES = 512 * 1024 * 1024;
const cellsSchema = z.strictObject(
  Object.fromEntries(COLUMNS.map((column) => [column, z.string()])) as Record<
    (typeof COLUMNS)[number],
    z.ZodString
  >,
);

/** Writes the shards into `dir`; returns their names. */
export async function writeTarShards(
  source: PairSource,
  dir: string,
  options: ExportOptions,
): Promise<string[]> {
  const { shardBytes = SHARD_BYTES } = options;
  const names: string[] = [];
  for (const split of SPLITS) {
    let shards = 0;
    const open = (): TarWriter => {
      const name = `${HUB_SPLITS[split]}-${String(shards++).padStart(6, "0")}.tar`;
      names.push(name);
      return openTarWriter(join(dir, name));
    };
    let tar = open();
    let place = 0;
    try {
      for await (const pair of source(split)) {
        if (tar.sizeBytes >= shardBytes) {
          await tar.close();
          tar = open();
        }
        for (const entry of entriesOf(pair, `${HUB_SPLITS[split]}-${String(place++).padStart(8, "0")}`)) {
          await tar.add(entry);
        }
      }
      await tar.close();
    } finally {
      tar.discard();
    }
  }
  return names;
}

function entriesOf({ cells, hand, face }: ExportedPair, key: string): TarEntry[] {
  const ending = (name: string) => extname(name).toLowerCase();
  return [
    { name: `${key}.hand${ending(cells.hand_image_name)}`, data: hand },
    { name: `${key}.face${ending(cells.face_image_name)}`, data: face },
    { name: `${key}.json`, data: new TextEncoder().encode(JSON.stringify(cells)) },
  ];
}

/** Whole pairs of one split's shards. */
export async function countTarPairs(dir: string, note: ExportNote, split: Split): Promise<number> {
  let pairs = 0;
  for await (const _ of readTarShards(dir, note, split)) pairs++;
  return pairs;
}

/** The pairs of one split, from shards whose hashes were checked. */
export async function* readTarShards(
  dir: string,
  note: ExportNote,
  split: Split,
): AsyncGenerator<ExportedPair> {
  for (const name of shardsOf(note, split, "tar")) {
    const path = join(dir, name);
    let parts: TarEntry[] = [];
    for await (const entry of readTar(path, MAX_FILE_BYTES)) {
      parts.push(entry);
      if (!entry.name.endsWith(".json")) continue;
      yield toPair(parts, split, path);
      parts = [];
    }
    if (parts.length > 0) throw incomplete(path, parts);
  }
}

function toPair(parts: readonly TarEntry[], split: Split, path: string): ExportedPair {
  const [hand, face, row] = parts;
  const key = row?.name.slice(0, -".json".length);
  if (
    parts.length !== 3 ||
    !hand!.name.startsWith(`${key}.hand.`) ||
    !face!.name.startsWith(`${key}.face.`)
  ) {
    throw incomplete(path, parts);
  }
  const cells = parseJson(new TextDecoder().decode(row!.data), cellsSchema, `${path}, ${row!.name}`);
  return { split, cells, hand: hand!.data, face: face!.data };
}

function incomplete(path: string, parts: readonly TarEntry[]): AppError {
  return unexpected("data", {
    code: "TAR_PAIR",
    expected: "a hand, a face and a row with one key",
    name: path,
    got: parts.map(({ name }) => name).join(", "),
  });
}
