// What of a dataset is a person's: their rows and frames, and what shows the same photograph under another id: frames that
// the ledger calls repeats of theirs (or theirs of them), and crops with the same bytes.
// Invariant: what cannot be distinguished from theirs is theirs.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { isNotFound } from "../../core/errors.ts";
import { foldName } from "../../core/file-names.ts";
import { MODALITIES } from "../../core/words.ts";
import { type ScannedRow, stemOf } from "../../dataset/check/tables.ts";
import { cleanedFolder, imagePath, type Layout } from "../../dataset/layout.ts";
import { Erasure } from "../../derive/judge/erase.ts";
import { readCsv } from "../../formats/csv.ts";
import { exists, sha256File } from "../../machine/files.ts";

/** What is to be taken out. */
export interface Taken {
  /** The person and all images; it has met them. */
  readonly erasure: Erasure;
  readonly stay: readonly ScannedRow[];
  readonly gone: readonly ScannedRow[];
  /** Frames under the person's id: rows of the ledger, or of the tables where there is none. */
  readonly frames: number;
  /** Frames under other ids that show the same photographs. */
  readonly alike: number;
}

/** A frame as far as it names its person, and the one that it repeats. */
export interface NamedFrame {
  readonly imageId: string;
  readonly userId: string;
  readonly twin: string;
}

/** All frames of the tables and of the ledger, each once. */
export async function namedFrames(layout: Layout, rows: readonly ScannedRow[]): Promise<NamedFrame[]> {
  const frames: NamedFrame[] = [];
  const known = new Set<string>();
  if (await exists(layout.ledger)) {
    const options = { optional: ["twin"] as const, allowOthers: true };
    for await (const { values } of readCsv(layout.ledger, ["image_id", "user_id"], options)) {
      const { image_id: imageId, user_id: userId, twin = "" } = values;
      frames.push({ imageId, userId, twin });
      known.add(foldName(imageId));
    }
  }
  for (const { cells } of rows) {
    if (known.has(foldName(cells.id))) continue;
    frames.push({ imageId: cells.id, userId: cells.user_id, twin: "" });
  }
  return frames;
}

/**
 * Finds all that is a person's.
 *
 * @param person - as the tables have the id
 * @param frames - of `namedFrames`
 */
export async function findTaken(
  layout: Layout,
  {
    person,
    rows,
    frames,
  }: {
    readonly person: string;
    readonly rows: readonly ScannedRow[];
    readonly frames: readonly NamedFrame[];
  },
): Promise<Taken> {
  const own = await erasing(person, [], frames);
  const repeats = repeatsOf(frames, own);
  const withRepeats = await erasing(person, repeats, frames);
  const same = await sameCrops(layout, rows, withRepeats);
  const erasure = await erasing(person, [...repeats, ...same], frames);
  const isGone = ({ cells: { id: imageId, user_id: userId } }: ScannedRow) =>
    erasure.has({ imageId, userId });
  const count = (of: Erasure) => frames.filter((frame) => of.has(frame)).length;
  return {
    erasure,
    stay: rows.filter((row) => !isGone(row)),
    gone: rows.filter(isGone),
    frames: count(own),
    alike: count(erasure) - count(own),
  };
}

async function erasing(
  person: string,
  images: readonly string[],
  frames: readonly NamedFrame[],
): Promise<Erasure> {
  const about = { who: "", when: "", what: "erase", why: "" } as const;
  const erasure = new Erasure([
    { ...about, user_id: person },
    ...images.map((image_id) => ({ ...about, image_id })),
  ]);
  await erasure.meet(each(frames), {});
  return erasure;
}

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

/** Images of others that are linked with theirs by being repeats, also over several steps. */
function repeatsOf(frames: readonly NamedFrame[], own: Erasure): string[] {
  const links = new Map<string, string[]>();
  const link = (a: string, b: string) => links.set(a, [...(links.get(a) ?? []), b]);
  for (const { imageId, twin } of frames) {
    if (twin === "") continue;
    link(foldName(imageId), foldName(twin));
    link(foldName(twin), foldName(imageId));
  }
  const theirs = frames.filter((frame) => own.has(frame)).map(({ imageId }) => foldName(imageId));
  const reached = new Set(theirs);
  const open = [...theirs];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const other of links.get(next) ?? []) {
      if (reached.has(other)) continue;
      reached.add(other);
      open.push(other);
    }
  }
  return frames
    .filter((frame) => !own.has(frame) && reached.has(foldName(frame.imageId)))
    .map(({ imageId }) => imageId);
}

/** Crops with the bytes of one of theirs: the ids of their frames. */
async function sameCrops(layout: Layout, rows: readonly ScannedRow[], theirs: Erasure): Promise<string[]> {
  const crops = await allCrops(layout, rows);
  const isTheirs = ({ id, userId }: Crop) => theirs.names(id) || theirs.has({ imageId: id, userId });
  const bySize = new Map<number, Set<string>>();
  for (const crop of crops.filter(isTheirs)) {
    const size = await sizeOf(crop.path);
    if (size !== undefined)
      bySize.set(size, (bySize.get(size) ?? new Set()).add(await sha256File(crop.path)));
  }
  const found: string[] = [];
  for (const crop of crops) {
    if (isTheirs(crop)) continue;
    const hashes = bySize.get((await sizeOf(crop.path)) ?? -1);
    if (hashes?.has(await sha256File(crop.path)) === true) found.push(crop.id);
  }
  return found;
}

/** Undefined where a row names an image that is not there. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

interface Crop {
  readonly id: string;
  readonly userId: string;
  readonly path: string;
}

async function allCrops(layout: Layout, rows: readonly ScannedRow[]): Promise<Crop[]> {
  const crops: Crop[] = [];
  for (const modality of MODALITIES) {
    for (const { cells } of rows) {
      const path = imagePath(layout, modality, cells[`${modality}_image_name`]);
      crops.push({ id: cells.id, userId: cells.user_id, path });
    }
    const folder = cleanedFolder(layout, modality);
    if (!(await exists(folder))) continue;
    for (const name of (await readdir(folder)).sort())
      crops.push({ id: stemOf(name), userId: "", path: join(folder, name) });
  }
  return crops;
}
