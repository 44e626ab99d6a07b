// What `data repair` would do: only what needs no decision, each change with the finding that asks for it.
// Invariants: nothing on disk is changed here; no image is ever deleted, it goes to `removed/`; a row that has any
// fault which needs a decision stays, and so do the images that it may mean.
import { readdir } from "node:fs/promises";
import { basename, extname } from "node:path";
import { AppError, isNotFound } from "../../core/errors.ts";
import { COLUMNS, MODALITIES, SPLITS, type Split } from "../../core/words.ts";
import { isSystemFile } from "../../machine/sniff-file.ts";
import { type Layout, locate, removedFolder } from "../layout.ts";
import { pathIn, scanFiles } from "./files.ts";
import { FINDINGS, type Finding, placeText } from "./findings.ts";
import { checkBetweenRows } from "./subjects.ts";
import { type ScannedRow, scanTables, stemOf } from "./tables.ts";

/** One change, as it goes into `removed/repairs.csv`. */
export interface Repair {
  /** What is changed: `cell`, `header`, `row`, `image` or `folder`. */
  readonly what: "cell" | "header" | "row" | "image" | "folder";
  readonly file: string;
  /** Line before the repair; empty for files. */
  readonly row: number | "";
  /** The finding's code; IMAGE_MISSING too for the other image of a pair that is taken out. */
  readonly reason: string;
  readonly before: string;
  /** Empty for rows that are taken out. */
  readonly after: string;
}

/** All that a repair would change, and what it leaves. */
export interface RepairPlan {
  readonly layout: Layout;
  readonly repairs: readonly Repair[];
  /** Tables to write, with their rows. */
  readonly tables: ReadonlyMap<Split, readonly ScannedRow[]>;
  /** Files to move, relative to the dataset. */
  readonly moves: readonly { readonly from: string; readonly to: string }[];
  /** What is left for a person to decide. */
  readonly left: readonly Finding[];
}

/** A repair that would take out more than this share of the rows is a sign of images that were not unpacked. */
const MAX_SHARE = 0.5;

/**
 * Plans the repair of a dataset.
 *
 * @param dir - as for `locate`
 * @throws AppError("data", "REPAIR_TOO_MUCH") if most rows have no images, and what `locate` throws
 * @example (await planRepair("data")).repairs.length
 */
export async function planRepair(dir: string): Promise<RepairPlan> {
  const layout = await locate(dir);
  const scan = await scanTables(layout);
  const files = await scanFiles(layout, scan.rows);
  const findings = [...scan.findings, ...checkBetweenRows(scan.rows), ...files.findings];
  const left = findings.filter(({ code, severity }) => !FINDINGS[code].mended && severity !== "note");
  const undecided = new Set(left.flatMap((one) => (one.row === undefined ? [] : [placeText(one)])));
  const out = (row: ScannedRow) =>
    row.repeated || (files.incomplete.has(row) && !undecided.has(placeText(row.place)));
  const rest = scan.rows.filter((row) => !out(row));
  const incomplete = scan.rows.filter((row) => out(row) && !row.repeated);
  if (incomplete.length > scan.rows.length * MAX_SHARE) throw tooMuch(layout, incomplete.length, scan.rows);
  const images = scan.unread.size > 0 ? [] : await orphans(layout, rest);
  const folder = layout.doubled ? [folderRepair(layout)] : [];
  const repairs = [
    ...findings.flatMap(cellRepair),
    ...scan.rows.filter(out).map(rowRepair),
    ...images,
    ...folder,
  ];
  const touched = SPLITS.filter(
    (split) => scan.untidy.has(split) || scan.rows.some((row) => row.split === split && out(row)),
  );
  return {
    layout,
    repairs,
    tables: new Map(touched.map((split) => [split, rest.filter((row) => row.split === split)])),
    moves: [...images, ...folder].map(({ before, after }) => ({ from: before, to: after })),
    left: [...left, ...(await staying(findings, files.incomplete, out, scan.unread.size > 0))],
  };
}

/** Findings that are mended as a rule, but not here: their row or table needs a decision first. */
async function staying(
  findings: readonly Finding[],
  incomplete: ReadonlySet<ScannedRow>,
  out: (row: ScannedRow) => boolean,
  unread: boolean,
): Promise<Finding[]> {
  const stay = new Set([...incomplete].filter((row) => !out(row)).map(({ place }) => placeText(place)));
  return findings.filter(
    (one) =>
      (one.code === "IMAGE_MISSING" && stay.has(placeText(one))) || (one.code === "IMAGE_ORPHAN" && unread),
  );
}

function tooMuch(layout: Layout, count: number, rows: readonly ScannedRow[]): AppError {
  const message = `Expected images for most rows of ${layout.root}, got none for ${count} of ${rows.length}`;
  return new AppError("data", "REPAIR_TOO_MUCH", message, {
    hint: "unpack aligned_dataset.zip again, into the folder images of the dataset",
  });
}

const CELLS = ["FIELD_BLANKS", "GENDER_CASE", "LABEL_CASE", "SUBJECT_CASE", "IMAGE_FOLDER"];
const HEADERS = ["COLUMN_NAME", "TABLE_BOM"];

function cellRepair({ code, file, row, change }: Finding): Repair[] {
  if (change === undefined || !(CELLS.includes(code) || HEADERS.includes(code))) return [];
  const what = HEADERS.includes(code) ? "header" : "cell";
  return [{ what, file, row: row ?? "", reason: code, before: change.before, after: change.after }];
}

function rowRepair({ place, cells, repeated }: ScannedRow): Repair {
  const reason = repeated ? "ROW_DUPLICATE" : "IMAGE_MISSING";
  const before = JSON.stringify(COLUMNS.map((column) => cells[column]));
  return { what: "row", file: place.file, row: place.row ?? "", reason, before, after: "" };
}

/** Images on disk that no remaining row means, with the place they go to. */
async function orphans(layout: Layout, rest: readonly ScannedRow[]): Promise<Repair[]> {
  const stems = new Set(
    rest.flatMap(({ cells: { id, hand_image_name: hand, face_image_name: face } }) => [
      id,
      ...[hand, face].flatMap((name) => [stemOf(name), name.slice(0, name.length - extname(name).length)]),
    ]),
  );
  const out: Repair[] = [];
  for (const modality of MODALITIES) {
    const folder = removedFolder(layout, modality);
    const taken = new Set(await list(folder));
    const named = new Set(rest.map(({ cells }) => cells[`${modality}_image_name`]));
    for (const entry of await readdir(layout.images[modality], { withFileTypes: true })) {
      const { name } = entry;
      if (!entry.isFile() || named.has(name) || !/\.(jpe?g|png)$/i.test(name) || isSystemFile(name)) continue;
      if (stems.has(stemOf(name))) continue; // a row that needs a decision may mean it
      const target = freeName(name, taken);
      taken.add(target);
      const before = pathIn(layout, `${layout.images[modality]}/${name}`);
      const after = pathIn(layout, `${folder}/${target}`);
      out.push({ what: "image", file: before, row: "", reason: "IMAGE_ORPHAN", before, after });
    }
  }
  return out.sort((a, b) => (a.before < b.before ? -1 : 1));
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  const ending = extname(name);
  const stem = basename(name, ending);
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? name : `${stem}.${n}${ending}`;
    if (!taken.has(candidate)) return candidate;
  }
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

function folderRepair(layout: Layout): Repair {
  const before = pathIn(layout, layout.images.hand).replace(/\/hands$/, "");
  const after = before.replace("content/content", "content");
  return { what: "folder", file: before, row: "", reason: "LAYOUT_DOUBLED", before, after };
}
