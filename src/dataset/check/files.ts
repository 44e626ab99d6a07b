// The files of a dataset against its rows: images that no row names, rows whose image is missing, files that do not
// belong. Invariant: nothing is opened here but folders and tables.
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import { MODALITIES, type Modality } from "../../core/words.ts";
import { readCsv } from "../../formats/csv.ts";
import { exists, sha256File } from "../../machine/files.ts";
import { isSystemFile } from "../../machine/sniff-file.ts";
import {
  cleanedFolder,
  DATASET_FOLDERS,
  imagePath,
  isDatasetFile,
  type Layout,
  SHARD_FOLDER,
} from "../layout.ts";
import { readManifest } from "../manifest.ts";
import { type Finding, finding } from "./findings.ts";
import { isImageName, type ScannedRow, stemOf } from "./tables.ts";

export interface FileScan {
  readonly findings: readonly Finding[];
  /** Images that no row names, absolute. */
  readonly orphans: readonly { readonly modality: Modality; readonly path: string }[];
  /** Rows with at least one image that is not there. */
  readonly incomplete: ReadonlySet<ScannedRow>;
}

/** Compares files and rows. */
export async function scanFiles(layout: Layout, rows: readonly ScannedRow[]): Promise<FileScan> {
  const findings: Finding[] = [];
  const orphans: { modality: Modality; path: string }[] = [];
  const incomplete = new Set<ScannedRow>();
  if (layout.doubled) {
    const file = pathIn(layout, layout.images.hand).replace(/\/hands$/, "");
    const e = { expected: "images/content/aligned_dataset", name: "the folder of the images", got: file };
    findings.push(finding("LAYOUT_DOUBLED", { file }, e));
  }
  for (const modality of MODALITIES) {
    const present = new Map<string, Dirent>();
    for (const entry of await readdir(layout.images[modality], { withFileTypes: true })) {
      present.set(entry.name, entry);
    }
    findings.push(...missingImages(rows, modality, present, incomplete));
    const named = new Set(rows.map(({ cells }) => cells[`${modality}_image_name`]));
    for (const [name, entry] of [...present].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const path = imagePath(layout, modality, name);
      if (entry.isFile() && named.has(name)) continue;
      if (entry.isFile() && /\.(jpe?g|png)$/i.test(name) && !isSystemFile(name)) {
        orphans.push({ modality, path });
        const e = { expected: "an image that a row names", name: `the ${modality} images`, got: name };
        findings.push(finding("IMAGE_ORPHAN", { file: pathIn(layout, path) }, e));
      } else findings.push(unknown(layout, path, entry));
    }
  }
  findings.push(
    ...(await strangers(layout)),
    ...(await cleanedStrangers(layout)),
    ...(await manifestFindings(layout)),
  );
  return { findings, orphans, incomplete };
}

function missingImages(
  rows: readonly ScannedRow[],
  modality: Modality,
  present: ReadonlyMap<string, unknown>,
  incomplete: Set<ScannedRow>,
): Finding[] {
  const column = `${modality}_image_name` as const;
  return rows
    .filter(({ cells }) => !present.has(cells[column]))
    .map((row) => {
      incomplete.add(row);
      const expected = `an image that exists in the folder ${modality}s`;
      const e = { expected, name: `column ${column}`, got: row.cells[column] };
      return finding("IMAGE_MISSING", row.place, e);
    });
}

/** Entries of the dataset's own folders that nothing of the format explains. */
async function strangers(layout: Layout): Promise<Finding[]> {
  const out: Finding[] = [];
  const inside = [layout.images.hand, layout.images.face].map((path) => pathIn(layout, path));
  const visit = async (dir: string): Promise<void> => {
    const entries = await readdir(dir, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(dir, entry.name);
      const at = pathIn(layout, path);
      if (entry.isDirectory()) {
        if (inside.includes(at) || DATASET_FOLDERS.includes(at)) continue;
        if (at === SHARD_FOLDER || inside.some((folder) => folder.startsWith(`${at}/`))) await visit(path);
        else out.push(unknown(layout, path, entry));
      } else if (!entry.isFile() || !isDatasetFile(at)) out.push(unknown(layout, path, entry));
    }
  };
  await visit(layout.root);
  return out;
}

/** Crops that cleaning took out, by the ledger; whatever else is in their folders does not belong there. */
async function cleanedStrangers(layout: Layout): Promise<Finding[]> {
  const out: Finding[] = [];
  let ids: ReadonlySet<string> | undefined;
  for (const modality of MODALITIES) {
    const folder = cleanedFolder(layout, modality);
    if (!(await exists(folder))) continue;
    ids ??= await removedIds(layout);
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const listed = isImageName(`${modality}_image_name`, entry.name) && ids.has(stemOf(entry.name));
      if (!entry.isFile() || !listed) out.push(unknown(layout, join(folder, entry.name), entry));
    }
  }
  return out;
}

async function removedIds({ ledger }: Layout): Promise<Set<string>> {
  const ids = new Set<string>();
  if (!(await exists(ledger))) return ids;
  for await (const { values } of readCsv(ledger, ["image_id", "status"], { allowOthers: true })) {
    if (values.status === "removed") ids.add(values.image_id);
  }
  return ids;
}

function unknown(layout: Layout, path: string, entry: Dirent): Finding {
  const what = entry.isFile() ? "a file" : entry.isDirectory() ? "a folder" : "a link or device";
  const left = isSystemFile(entry.name) ? ", which an operating system left there: remove it" : "";
  const got = `${what} ${basename(path)}${left}`;
  const expected = "only what the dataset's tables and ledger name";
  return finding("FILE_UNKNOWN", { file: pathIn(layout, path) }, { expected, name: "its folder", got });
}

/** Tables that are not those of the manifest. */
async function manifestFindings(layout: Layout): Promise<Finding[]> {
  const manifest = await readManifest(layout.root);
  const out: Finding[] = [];
  for (const [file, expected] of Object.entries(manifest?.files ?? {})) {
    const got = await hashOf(join(layout.root, file));
    if (got === expected) continue;
    const e = { expected: `SHA-256 ${expected}`, name: "a table of manifest.json", got };
    out.push(finding("MANIFEST_TABLE", { file }, e));
  }
  return out;
}

async function hashOf(path: string): Promise<string> {
  return (await exists(path)) ? await sha256File(path) : "no such file";
}

/** A path as findings name it: relative to the dataset, with `/`. */
export function pathIn({ root }: Layout, path: string): string {
  return relative(root, path).split(sep).join("/");
}
