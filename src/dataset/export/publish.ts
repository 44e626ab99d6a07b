// Tables, manifest and ledger of a dataset as they may be published: nobody who decided is named, and nothing that
// people wrote is in them. Invariants: the ids A1, A2 of who decided are those of the order in which the manifest names
// them, so that what was published once is published the same again; hashes in the manifest are those of the published files.
import { copyFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError, unexpected } from "../../core/errors.ts";
import { BETWEEN_NAMES, COLUMNS, SPLITS, type Split } from "../../core/words.ts";
import { openCsv, readCsv, readCsvHeader, writeCsv } from "../../formats/csv.ts";
import type { ParquetSchema } from "../../formats/parquet/parquet.ts";
import { openParquet } from "../../formats/parquet/write.ts";
import { exists, sha256File, writeJson } from "../../machine/files.ts";
import { mapOrdered } from "../../machine/pool.ts";
import type { Cells, ScannedRow } from "../check/tables.ts";
import type { Layout } from "../layout.ts";
import { LEDGER_COLUMNS, LEDGER_SCHEMA, type LedgerColumn } from "../ledger-columns.ts";
import { type Manifest, readManifest } from "../manifest.ts";
import type { Pseudonyms } from "../pseudonyms.ts";
import { datasetPairs, type ExportedPair, type PairSource, readPair } from "./common.ts";

/** A row of a ledger as CSV has it. */
export type TextRow = Partial<Record<LedgerColumn, string>>;
type Row = TextRow;

/** A dataset with the rows of its tables. */
interface Published {
  readonly layout: Layout;
  readonly rows: readonly ScannedRow[];
}

/** Columns that lead to a frame of a public set without its id: by its bytes, its look, or where things are in it. */
const LEADING = [
  ...(["sha256", "look", "hand_box", "hand_square", "hand_points"] as const),
  ...(["face_box", "face_square", "face_points"] as const),
] as const;

/** Who decided, by numbers. */
class Deciders {
  readonly #ids = new Map<string, string>();

  /** Of several who decided together each has an id. */
  idOf(names: string): string {
    return names
      .split(BETWEEN_NAMES)
      .map((name) => this.#idOfOne(name))
      .join(BETWEEN_NAMES);
  }

  #idOfOne(name: string): string {
    const id = this.#ids.get(name) ?? `A${this.#ids.size + 1}`;
    this.#ids.set(name, id);
    return id;
  }
}

/**
 * Writes manifest and ledger of a dataset into a folder that is published, where the dataset has them.
 *
 * @param dir - holds the tables already
 * @param pseudonyms - if ids are not to be published; rows are then in the order of these
 * @returns names of what was written
 * @throws AppError("data", "LEDGER_COLUMN") for a ledger with columns that no derivation writes
 * @example await publishRecords(layout, "release", undefined)
 */
export async function publishRecords(
  layout: Layout,
  dir: string,
  pseudonyms: Pseudonyms | undefined,
): Promise<string[]> {
  const manifest = await readManifest(layout.root);
  const deciders = new Deciders();
  const decisions = manifest && publicDecisions(manifest, pseudonyms, deciders);
  const names = await publishLedger(layout, dir, deciders, pseudonyms);
  if (manifest === undefined) return names;
  const files: Record<string, string> = {};
  for (const [name, hash] of Object.entries(manifest.files)) {
    const path = join(dir, name);
    files[name] = (await exists(path)) ? await sha256File(path) : hash;
  }
  const source = { ...manifest.source, ...(manifest.source.decisions === undefined ? {} : { decisions }) };
  await writeJson(join(dir, "manifest.json"), { ...manifest, source, files });
  return ["manifest.json", ...names];
}

/**
 * Writes the tables of pairs into a folder that is published: as they are, or by pseudonyms and in the order of these, since
 * theirs is that of public annotations.
 *
 * @returns names of what was written
 */
export async function publishTables(
  { layout, rows }: Published,
  dir: string,
  pseudonyms: Pseudonyms | undefined,
): Promise<string[]> {
  const names: string[] = [];
  for (const split of SPLITS) {
    const name = basename(layout.csv[split]);
    names.push(name);
    if (pseudonyms === undefined) await copyFile(layout.csv[split], join(dir, name));
    else {
      const hidden = hiddenRows(rows, split, pseudonyms).map(({ hid }) => hid);
      await writeCsv(join(dir, name), COLUMNS, hidden);
    }
  }
  return names;
}

/** The pairs as publishTables has them: by pseudonyms where ids are not to be published, in their order, with their file names. */
export function publishedPairs({ layout, rows }: Published, pseudonyms: Pseudonyms | undefined): PairSource {
  if (pseudonyms === undefined) return datasetPairs(layout);
  const load = async ({ own, hid }: PublishedRow, split: Split): Promise<ExportedPair> => ({
    ...(await readPair(layout, split, own)),
    cells: hid,
  });
  return (split) => mapOrdered(hiddenRows(rows, split, pseudonyms), 4, (row) => load(row, split));
}

/** A row as the dataset has it, and as it is published. */
export interface PublishedRow {
  /** The dataset's own cells, which lead to the images. */
  readonly own: Cells;
  readonly hid: Cells;
}

/** The rows of one split's table as publishTables has them. */
export function publishedRows(
  { rows }: Pick<Published, "rows">,
  split: Split,
  pseudonyms: Pseudonyms | undefined,
): PublishedRow[] {
  if (pseudonyms !== undefined) return hiddenRows(rows, split, pseudonyms);
  return rows.filter((row) => row.split === split).map(({ cells }) => ({ own: cells, hid: cells }));
}

function hiddenRows(rows: readonly ScannedRow[], split: Split, of: Pseudonyms): PublishedRow[] {
  return rows
    .filter((row) => row.split === split)
    .map(({ cells: own }) => {
      const hid = {
        ...own,
        id: of.image(own.id),
        user_id: of.subject(own.user_id),
        hand_image_name: of.file(own.hand_image_name),
        face_image_name: of.file(own.face_image_name),
      };
      return { own, hid };
    })
    .sort((a, b) => (a.hid.id < b.hid.id ? -1 : 1));
}

/** The decisions of a manifest as they are published: by A1, A2 and so on in the order of their first, without notes. */
export function publicDecisions(
  { source: { decisions = [] } }: Pick<Manifest, "source">,
  pseudonyms: Pseudonyms | undefined,
  deciders = new Deciders(),
): Readonly<Record<string, string>>[] {
  return decisions.map((one) => publicDecision(one, deciders, pseudonyms));
}

function publicDecision(
  { why: _, ...one }: Readonly<Record<string, string>>,
  deciders: Deciders,
  pseudonyms: Pseudonyms | undefined,
): Record<string, string> {
  const { who, image_id, user_id } = one;
  return {
    ...one,
    ...(who === undefined ? {} : { who: deciders.idOf(who) }),
    ...(pseudonyms === undefined || image_id === undefined ? {} : { image_id: pseudonyms.image(image_id) }),
    ...(pseudonyms === undefined || user_id === undefined ? {} : { user_id: pseudonyms.subject(user_id) }),
  };
}

function publishLedger(
  layout: Layout,
  dir: string,
  deciders: Deciders,
  pseudonyms: Pseudonyms | undefined,
): Promise<string[]> {
  return rewriteLedger(layout, dir, (columns) => publicRows(layout.ledger, columns, deciders, pseudonyms));
}

/**
 * Writes a dataset's ledger with other rows into another folder, in Parquet too where the dataset has that.
 *
 * @param rowsOf - the rows, of the columns that the ledger has
 * @returns names of what was written; none where there is no ledger
 * @throws AppError("data", "LEDGER_COLUMN" | "LEDGER_MISSING")
 */
export async function rewriteLedger(
  layout: Layout,
  dir: string,
  rowsOf: (columns: readonly LedgerColumn[]) => AsyncIterable<TextRow>,
): Promise<string[]> {
  if (!(await exists(layout.ledger))) return refuseParquet(layout);
  const columns = await ledgerColumns(layout.ledger);
  const hasParquet = await exists(layout.ledgerParquet);
  const schema = Object.fromEntries(
    columns.map((column) => [column, LEDGER_SCHEMA[column]]),
  ) as ParquetSchema;
  const csv = await openCsv(join(dir, "ledger.csv"), columns);
  const parquet = hasParquet ? await openParquet(join(dir, "ledger.parquet"), schema) : undefined;
  try {
    for await (const row of rowsOf(columns)) {
      await csv.add(row as Record<LedgerColumn, string>);
      await parquet?.add(typedRow(row, columns) as never);
    }
    await csv.close();
    await parquet?.close();
  } finally {
    await csv.discard();
    await parquet?.discard();
  }
  return ["ledger.csv", ...(hasParquet ? ["ledger.parquet"] : [])];
}

/** The same values stand in both; one alone could hold anything. */
async function refuseParquet({ ledger, ledgerParquet }: Layout): Promise<string[]> {
  if (!(await exists(ledgerParquet))) return [];
  const message = `Expected ledger.csv beside ${ledgerParquet}, got none`;
  throw new AppError("data", "LEDGER_MISSING", message, { hint: `bring ${ledger} back, or move both away` });
}

async function ledgerColumns(path: string): Promise<LedgerColumn[]> {
  const header = await readCsvHeader(path);
  const known = new Set<string>(LEDGER_COLUMNS);
  const other = header.find((column) => !known.has(column));
  if (other !== undefined) {
    const e = {
      code: "LEDGER_COLUMN",
      expected: "only columns that derive writes",
      name: "the ledger",
      got: other,
    };
    throw unexpected("data", {
      ...e,
      where: path,
      hint: "take the column out: what people wrote is not published",
    });
  }
  return header as LedgerColumn[];
}

/** Rows without what is private; by pseudonyms they are put in another order, for theirs is that of public annotations. */
async function* publicRows(
  path: string,
  columns: readonly LedgerColumn[],
  deciders: Deciders,
  pseudonyms: Pseudonyms | undefined,
): AsyncGenerator<Row> {
  const hidden: { readonly row: Row; readonly hid: Row }[] = [];
  for await (const { values } of readCsv(path, columns)) {
    const row = publicRow(values, deciders);
    if (pseudonyms === undefined) yield row;
    else hidden.push({ row, hid: hideIds(row, pseudonyms) });
  }
  const ids = new Map(hidden.map(({ row, hid }) => [row.image_id!, hid.image_id!]));
  for (const { hid } of hidden) {
    if (hid.detail) hid.detail = hid.detail.replace(/[0-9A-Za-z_-]+/g, (word) => ids.get(word) ?? word);
  }
  yield* hidden.map(({ hid }) => hid).sort((a, b) => ((a.image_id ?? "") < (b.image_id ?? "") ? -1 : 1));
}

function publicRow(row: Row, deciders: Deciders): Row {
  const out = { ...row };
  if (out.decided_by) out.decided_by = deciders.idOf(out.decided_by);
  if (out.decided_why) out.decided_why = "";
  if (out.detail && out.reason === "removed_by_decision") out.detail = ""; // it is why
  return out;
}

function hideIds(row: Row, pseudonyms: Pseudonyms): Row {
  const { image_id, user_id, twin } = row;
  const out = { ...row };
  for (const column of LEADING) if (column in out) out[column] = "";
  if (image_id !== undefined) out.image_id = pseudonyms.image(image_id);
  if (user_id !== undefined) out.user_id = pseudonyms.subject(user_id);
  if (twin) out.twin = pseudonyms.image(twin);
  return out;
}

/** Cells as Parquet has them. */
function typedRow(row: Row, columns: readonly LedgerColumn[]): Record<string, string | number | null> {
  const cells = columns.map((column) => {
    const [text = "", type] = [row[column], LEDGER_SCHEMA[column] as string];
    if (text === "" && type.endsWith("?")) return [column, null];
    return [column, type.startsWith("string") ? text : Number(text)];
  });
  return Object.fromEntries(cells);
}
