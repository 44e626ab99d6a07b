// The only file that joins dataset paths; raw HaGRID trees of other layouts are searched by raw-tree.ts.
// Source: the published folder of UnifiedGenderNet (README "Dataset") and HaGRID's own tree.
// Invariant: new sets are written in the first of IMAGE_FOLDERS; the second, which the published unzip step
// leaves behind, is only read.
import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { AppError, isNotFound } from "../core/errors.ts";
import { type Modality, SPLITS, type Split } from "../core/words.ts";
import { exists } from "../machine/files.ts";
import { insteadOfFolder, isSystemFile, unpackHint } from "../machine/sniff-file.ts";

/** Name of the published dataset's folder. */
export const DATASET_NAME = "Shared_Derived_HaGRID_unified_Model_For_Sex_Prediction";

/** What changed between versions of a dataset, as `release retract` or its publisher wrote it. */
export const CHANGELOG = "CHANGELOG.md";

/** Files of a dataset's own folder besides the images; `data check` reports others. */
export const DATASET_FILES: readonly string[] = [
  ...SPLITS.map((split) => `${split}.csv`),
  "manifest.json",
  "ledger.csv",
  "ledger.parquet",
  "fetched.json",
  CHANGELOG,
];

/** What a bundle (`release bundle`) has beside: it lies in a dataset that was fetched from one. */
export const BUNDLE_FILES: readonly string[] = [
  "aligned_dataset.zip",
  "removed_faces.zip",
  "removed_hands.zip",
  "README.md",
  "DATASHEET.md",
  "DATA-LICENSE.md",
  "ATTRIBUTION.txt",
  "croissant.json",
  "release.json",
  "SHA256SUMS",
];

/** Folder of a bundle's Parquet shards. */
export const SHARD_FOLDER = "data";

/** True for the name of a Parquet shard of a bundle, which holds what its tables and its archive hold. */
export const isShard = (name: string) => /^data\/(train|validation|test)-\d{5}-of-\d{5}\.parquet$/.test(name);

/**
 * True for a file that the format of datasets explains, by its path below the dataset; and for locks: of a process that
 * works in a mounted folder now, and of version 0.1, which left them there.
 */
export function isDatasetFile(name: string): boolean {
  const isLock = /^\.fetch-\d+\.lock$|^\.facehand-lock-/.test(name);
  return DATASET_FILES.includes(name) || BUNDLE_FILES.includes(name) || isShard(name) || isLock;
}

/** Folders of the crops that cleaning took out, and names of the archives that they are published as. */
export const REMOVED_FOLDERS = { face: "removed_faces", hand: "removed_hands" } as const;

/** What cleaning and repairs took out: part of a dataset, not of its pairs. */
export const DATASET_FOLDERS: readonly string[] = [...Object.values(REMOVED_FOLDERS), "removed"];

const IMAGE_FOLDERS = [
  join("images", "content", "aligned_dataset"),
  join("images", "content", "content", "aligned_dataset"),
] as const;

/** Where the parts of one paired dataset lie; all paths absolute. */
export interface Layout {
  readonly root: string;
  readonly csv: Readonly<Record<Split, string>>;
  /** Folder of the aligned images of one modality. */
  readonly images: Readonly<Record<Modality, string>>;
  /** Recipe and counts, written by `derive`; the published set has none. */
  readonly manifest: string;
  /** One row per input frame, written by `derive`; the published set has none. */
  readonly ledger: string;
  /** The same with typed columns. */
  readonly ledgerParquet: string;
  /** True if the images lie in the doubled `content/content` folder. */
  readonly doubled: boolean;
}

/** Paths of a dataset to be written at `root`; touches nothing. */
export function planLayout(root: string): Layout {
  return layoutAt(resolve(root), IMAGE_FOLDERS[0]);
}

function layoutAt(root: string, imageFolder: string): Layout {
  const csv = (split: Split) => join(root, `${split}.csv`);
  return {
    root,
    csv: { train: csv("train"), val: csv("val"), test: csv("test") },
    images: { hand: join(root, imageFolder, "hands"), face: join(root, imageFolder, "faces") },
    manifest: join(root, "manifest.json"),
    ledger: join(root, "ledger.csv"),
    ledgerParquet: join(root, "ledger.parquet"),
    doubled: imageFolder === IMAGE_FOLDERS[1],
  };
}

/** Path of one aligned image; `name` is a file name such as `H_<uuid>.jpg`. */
export function imagePath(layout: Layout, modality: Modality, name: string): string {
  return join(layout.images[modality], name);
}

/**
 * Finds the parts of a paired dataset.
 *
 * @param dir - the dataset's folder, or the folder that holds it under DATASET_NAME
 * @throws AppError("data", "DATASET_MISSING" | "DATASET_CSV_MISSING" | "DATASET_IMAGES_MISSING")
 *   with what was expected and what was found
 * @example (await locate("data")).csv.train
 */
export async function locate(dir: string): Promise<Layout> {
  const root = await findRoot(resolve(dir));
  const { csv } = planLayout(root);
  const absent: string[] = [];
  for (const split of SPLITS) if (!(await exists(csv[split]))) absent.push(`${split}.csv`);
  if (absent.length > 0) {
    throw await layoutError("DATASET_CSV_MISSING", `train.csv, val.csv and test.csv in ${root}`, root, {
      what: `no ${absent.join(", ")}`,
      hint: `give the folder ${DATASET_NAME} or its parent`,
    });
  }
  return layoutAt(root, await findImages(root));
}

async function findRoot(dir: string): Promise<string> {
  const found = await list(dir);
  if (found === undefined) {
    const { got, hint } = await insteadOfFolder(dir);
    throw new AppError("data", "DATASET_MISSING", `Expected a dataset folder at ${dir}, got ${got}`, {
      hint: hint ?? "check the path; `facehand data sample` and `facehand derive` make datasets",
    });
  }
  const here = SPLITS.some((split) => found.includes(`${split}.csv`)) || basename(dir) === DATASET_NAME;
  return !here && found.includes(DATASET_NAME) ? join(dir, DATASET_NAME) : dir;
}

async function findImages(root: string): Promise<string> {
  for (const folder of IMAGE_FOLDERS) {
    const layout = layoutAt(root, folder);
    if ((await exists(layout.images.face)) && (await exists(layout.images.hand))) return folder;
  }
  const begun = [];
  for (const folder of IMAGE_FOLDERS) if (await exists(join(root, folder))) begun.push(folder);
  const seen = begun[0] === undefined ? root : join(root, begun[0]);
  throw await layoutError(
    "DATASET_IMAGES_MISSING",
    `folders faces and hands in ${join(root, IMAGE_FOLDERS[0])}`,
    seen,
    { what: "not both", hint: "unpack aligned_dataset.zip into the folder images of the dataset" },
  );
}

async function layoutError(
  code: string,
  expected: string,
  seen: string,
  { what, hint }: { what: string; hint: string },
): Promise<AppError> {
  const entries = ((await list(seen)) ?? []).filter((name) => !name.startsWith(".")).sort();
  const shown = entries.slice(0, 8).join(", ") + (entries.length > 8 ? `, … (${entries.length} in all)` : "");
  const found = `${seen} holds ${shown === "" ? "nothing" : shown}`;
  return new AppError("data", code, `Expected ${expected}, got ${what} (${found})`, {
    hint: await unpackHint(seen, hint),
  });
}

async function list(dir: string): Promise<string[] | undefined> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Where derivation puts the crops of one modality that cleaning took out, e.g. `<root>/removed_faces`. */
export function cleanedFolder({ root }: Layout, modality: Modality): string {
  return join(root, REMOVED_FOLDERS[modality]);
}

/** Where a repair puts images of one modality that no row names. */
export function removedFolder({ root }: Layout, modality: Modality): string {
  return join(root, "removed", `${modality}s`);
}

/** Folder of a dataset that the published archive of images is unpacked into. */
export const IMAGES = "images";
/** Folder of a raw HaGRID tree that its archive of annotations is unpacked into. */
export const ANNOTATIONS = "annotations";

/** Where an entry of an archive of removed crops belongs, below the folder of that name; undefined for what is none. */
export function placeRemoved(folder: string): (entry: string) => string | undefined {
  return (entry) => {
    const [, above, image] = /^([^/]+)\/([^/]+\.(?:jpe?g|png))$/i.exec(entry) ?? [];
    return above !== folder || isHidden(entry) ? undefined : image;
  };
}

/** What archivers and file managers add. */
const isHidden = (entry: string) => entry.split("/").some(isSystemFile);

/**
 * Where an entry of the published archive of images belongs, below IMAGES, in whatever folders it stands there.
 *
 * @returns path with `/`; undefined for what is no aligned image
 */
export function placeImage(entry: string): string | undefined {
  const image = /(?:^|\/)aligned_dataset\/((?:faces|hands)\/[^/]+)$/.exec(entry)?.[1];
  return image === undefined || isHidden(entry) ? undefined : `content/aligned_dataset/${image}`;
}

/** Where an entry of HaGRID's archive of annotations belongs, below ANNOTATIONS; undefined for what is none. */
export function placeAnnotations(entry: string): string | undefined {
  const file = /(?:^|\/)((?:train|val|test)\/[^/]+\.json)$/.exec(entry)?.[1];
  return isHidden(entry) ? undefined : file;
}

/**
 * Where an entry of an archive of HaGRID's frames belongs, below the folder of its gesture.
 *
 * @param mixed - the archive holds all gestures, each in a folder of its name
 * @returns a file name; undefined for what is no frame of the gesture
 */
export function placeFrame(gesture: string, mixed: boolean): (entry: string) => string | undefined {
  return (entry) => {
    const [, folder, file] = /^(?:.*?\/)??(?:([^/]+)\/)?([^/]+\.jpe?g)$/i.exec(entry) ?? [];
    return isHidden(entry) || (mixed && folder !== gesture) ? undefined : file;
  };
}

/** Folder of one gesture's raw frames, e.g. `<root>/palm`. */
export function rawGesture(root: string, gesture: string): string {
  return join(root, gesture);
}

/** Path of one raw HaGRID frame, e.g. `<root>/palm/<id>.jpg`. */
export function rawFrame(root: string, gesture: string, id: string): string {
  return join(rawGesture(root, gesture), `${id}.jpg`);
}

/** Folder of one split's HaGRID annotation files, e.g. `<root>/annotations/train`. */
export function rawSplit(root: string, split: Split): string {
  return join(root, "annotations", split);
}

/** Path of one HaGRID annotation file, e.g. `<root>/annotations/train/palm.json`. */
export function rawAnnotations(root: string, split: Split, gesture: string): string {
  return join(rawSplit(root, split), `${gesture}.json`);
}

/** Path of a file that stands beside a raw set, e.g. the drawn sample's `face_landmarks.json`. */
export function rawExtra(root: string, name: "face_landmarks.json" | "sample.json" | "README.txt"): string {
  return join(root, name);
}

/** Where the images and the table of a UTKFace or 11K Hands folder may lie. */
export function handsFolders(dir: string): { readonly table: string; readonly images: readonly string[] } {
  const root = resolve(dir);
  return { table: join(root, "HandInfo.csv"), images: [join(root, "Hands"), root] };
}

/** FairFace: a table for each of its two splits; the folders `train` and `val` lie beside them, or as they are unpacked. */
export function fairfaceFiles(dir: string) {
  const root = resolve(dir);
  return {
    root,
    tables: { train: join(root, "fairface_label_train.csv"), val: join(root, "fairface_label_val.csv") },
    images: ["", "fairface-img-margin025-trainval", "fairface-img-margin125-trainval"].map((name) =>
      join(root, name),
    ),
  };
}
