// Further recorded groups of predicted images, from a table beside them, e.g. the measured skin tone in a ledger.
// Invariant: rows keep their order and fields; a table can only add fields, never change one.
import { unexpected } from "../core/errors.ts";
import { readRecords } from "../formats/csv.ts";
import type { Prediction } from "./prediction-row.ts";

/** Columns that may name the image, the first one that is there. */
const KEYS = ["id", "image_id"] as const;

/**
 * Adds the columns of a CSV file to predictions, as string fields. A row is found by the prediction's id, or by the id
 * of its pair (`<pair>/hand`, `<pair>/face`); what is not found, or not recorded, is the empty string.
 *
 * @param path - CSV with a column `id` or `image_id`, each image once
 * @throws AppError("data", "JOIN_KEY" | "JOIN_DUPLICATE" | "JOIN_NONE" | "FILE_MISSING" | "CSV_...")
 * @example await joinGroups(rows, "pairs/ledger.csv") // then summarize(..., { groups: [["skin_tone"]] })
 */
export async function joinGroups(rows: readonly Prediction[], path: string): Promise<Prediction[]> {
  const { columns, byId } = await readTable(path);
  const added = columns.filter((column) => rows.length === 0 || !(column in rows[0]!));
  let found = 0;
  const joined = rows.map((row) => {
    const values = byId.get(row.id) ?? byId.get(row.id.replace(/\/(hand|face)$/, ""));
    if (values !== undefined) found++;
    const fields = added.map((column) => [column, values?.[columns.indexOf(column)] ?? ""] as const);
    return { ...row, ...Object.fromEntries(fields) };
  });
  if (found > 0 || rows.length === 0) return joined;
  throw unexpected("data", {
    code: "JOIN_NONE",
    expected: `rows for the predicted images (such as ${rows[0]!.source}'s)`,
    name: path,
    got: `none of ${rows.length} images`,
    hint: "join the table of the data that was predicted",
  });
}

async function readTable(path: string): Promise<{ columns: string[]; byId: Map<string, string[]> }> {
  const byId = new Map<string, string[]>();
  let columns: string[] = [];
  let key = -1;
  for await (const { record, row } of readRecords(path)) {
    if (key === -1) {
      columns = record;
      key = columns.indexOf(KEYS.find((name) => columns.includes(name)) ?? "");
      if (key !== -1) continue;
      const got = columns.join(", ");
      const where = `${path}:1`;
      throw unexpected("data", {
        code: "JOIN_KEY",
        expected: "a column id or image_id",
        name: path,
        got,
        where,
      });
    }
    const id = record[key]!;
    if (byId.has(id)) {
      const e = { code: "JOIN_DUPLICATE", expected: "each image once", name: "the joined table" };
      throw unexpected("data", { ...e, got: "one twice", where: `${path}:${row}` });
    }
    byId.set(id, record);
  }
  return { columns, byId };
}
