// Paired datasets as folders of images with a table beside, as Hugging Face's `imagefolder` reads them: in each split's
// folder `metadata.parquet`, whose columns `hand_image_file_name` and `face_image_file_name` become `hand_image` and `face_image`.
// Invariant: file names are those of the dataset, so that nothing has to be invented on the way back.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { COLUMNS, SPLITS, type Split } from "../../core/words.ts";
import { readParquet } from "../../formats/parquet/parquet.ts";
import { writeParquet } from "../../formats/parquet/write.ts";
import { readBytes, writing } from "../../machine/files.ts";
import { makeFolders } from "../../machine/make-folders.ts";
import { mapOrdered } from "../../machine/pool.ts";
import type { Cells } from "../check/tables.ts";
import { checkNames, type ExportedPair, type ExportNote, HUB_SPLITS, type PairSource } from "./common.ts";

const NAMES = [...COLUMNS, "hand_image_file_name", "face_image_file_name"] as const;
type Name = (typeof NAMES)[number];
const schemaOf = <N extends string>(names: readonly N[]) =>
  Object.fromEntries(names.map((name) => [name, "string"])) as Record<N, "string">;

/** Writes the folders into `dir`; returns the names of the tables. */
export async function writeImageFolders(source: PairSource, dir: string): Promise<string[]> {
  const names: string[] = [];
  for (const split of SPLITS) {
    const folder = join(dir, HUB_SPLITS[split]);
    for (const part of ["hands", "faces"]) await makeFolders(join(folder, part));
    const table = Object.fromEntries(NAMES.map((name) => [name, [] as string[]])) as Record<Name, string[]>;
    for await (const { cells, hand, face } of source(split)) {
      for (const column of COLUMNS) table[column].push(cells[column]);
      table.hand_image_file_name.push(`hands/${cells.hand_image_name}`);
      table.face_image_file_name.push(`faces/${cells.face_image_name}`);
      const paths = [
        join(folder, "hands", cells.hand_image_name),
        join(folder, "faces", cells.face_image_name),
      ];
      for (const [i, path] of paths.entries()) await writing(path, () => writeFile(path, [hand, face][i]!));
    }
    if (table.id.length === 0) continue; // a table without images is none to imagefolder
    await writeParquet(join(folder, "metadata.parquet"), schemaOf(NAMES), table);
    names.push(`${HUB_SPLITS[split]}/metadata.parquet`);
  }
  return names;
}

/** The pairs of one split, from a table whose hash was checked. */
export async function* readImageFolder(
  dir: string,
  note: ExportNote,
  split: Split,
): AsyncGenerator<ExportedPair> {
  const name = `${HUB_SPLITS[split]}/metadata.parquet`;
  if (note.files[name] === undefined) return;
  const folder = join(dir, HUB_SPLITS[split]);
  const table = await readParquet(join(dir, name), schemaOf(COLUMNS)); // the others follow from it
  const rows = table.id.map(
    (_, row) => Object.fromEntries(COLUMNS.map((column) => [column, table[column][row]])) as Cells,
  );
  for (const cells of rows) checkNames(cells, join(dir, name));
  const load = async (cells: Cells): Promise<ExportedPair> => ({
    split,
    cells,
    hand: await readBytes(join(folder, "hands", cells.hand_image_name), "an image"),
    face: await readBytes(join(folder, "faces", cells.face_image_name), "an image"),
  });
  yield* mapOrdered(rows, 4, load);
}
