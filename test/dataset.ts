// A small paired dataset on disk for tests. Image files hold a few bytes only: nothing here decodes them.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { COLUMNS, type Pair, SPLITS, type Split } from "../src/core/words.ts";
import { imagePath, planLayout } from "../src/dataset/layout.ts";
import { writePairs } from "../src/dataset/store.ts";

/** A pair whose fields follow from its id and subject, unless given. */
export function aPair(id: string, userId: string, more: Partial<Pair> = {}): Pair {
  const base = { id, userId, age: "20-29", gender: "male", race: "tan", gesture: "palm" } as const;
  return { ...base, handImage: `H_${id}.jpg`, faceImage: `F_${id}.jpg`, ...more };
}

/** Writes CSVs and images of a dataset. */
export async function layPairs(root: string, pairs: Readonly<Record<Split, readonly Pair[]>>): Promise<void> {
  await writePairs(root, pairs);
  await layImages(
    root,
    SPLITS.flatMap((split) => pairs[split].flatMap((pair) => [pair.handImage, pair.faceImage])),
  );
}

/** Writes image files; those whose name begins with H_ are hands. */
export async function layImages(root: string, names: readonly string[]): Promise<void> {
  const layout = planLayout(root);
  for (const dir of Object.values(layout.images)) await mkdir(dir, { recursive: true });
  for (const name of names) {
    await writeFile(imagePath(layout, name.startsWith("H_") ? "hand" : "face", name), "image");
  }
}

/** Writes the three CSVs from literal rows, each a list of cells in column order. */
export async function layRows(
  root: string,
  rows: Partial<Record<Split, readonly (readonly string[])[]>>,
  header: readonly string[] = COLUMNS,
): Promise<void> {
  for (const split of SPLITS) {
    const lines = [header, ...(rows[split] ?? [])].map((cells) => cells.join(","));
    await writeFile(join(root, `${split}.csv`), `${lines.join("\n")}\n`);
  }
}
