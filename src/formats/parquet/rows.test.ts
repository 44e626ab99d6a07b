import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetMetadata } from "hyparquet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openRowWriter, type ParquetRow, readRows } from "./rows.ts";
import { writeParquet } from "./write.ts";

let root: string;
const at = (name: string) => join(root, name);
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-rows-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const SCHEMA = { id: "string", hand: "image" } as const;
const row = (n: number): ParquetRow => ({
  id: n === 3 ? "" : `ä ${n}`,
  hand: { bytes: Uint8Array.from({ length: n * 2 }, (_, i) => (i * n) & 255), path: `H_${n}.jpg` },
});
const write = async (name: string, rows: readonly ParquetRow[]) => {
  const file = await openRowWriter(at(name), SCHEMA, { huggingface: "{}" });
  for (const one of rows) await file.add(one);
  await file.close();
};
const read = async (name: string, schema: Parameters<typeof readRows>[1] = SCHEMA) => {
  const out: ParquetRow[] = [];
  for await (const one of readRows(at(name), schema)) out.push(one);
  return out;
};

describe("rows", () => {
  const rows = Array.from({ length: 250 }, (_, n) => row(n));

  it("come back byte for byte, in groups of 100", async () => {
    await write("a.parquet", rows);
    await write("b.parquet", rows);
    expect(await read("a.parquet")).toEqual(rows);
    const bytes = await readFile(at("a.parquet"));
    expect(bytes.equals(await readFile(at("b.parquet")))).toBe(true);
    const { row_groups, key_value_metadata } = parquetMetadata(new Uint8Array(bytes).buffer);
    expect(row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([100, 100, 50]);
    expect(key_value_metadata).toEqual([{ key: "huggingface", value: "{}" }]);
  });

  it("may be none", async () => {
    await write("none.parquet", []);
    expect(await read("none.parquet")).toEqual([]);
  });

  it("are in no file before it is complete, which replaces what was there", async () => {
    await write("a.parquet", rows.slice(0, 1));
    const file = await openRowWriter(at("a.parquet"), SCHEMA, {});
    for (const one of rows) await file.add(one);
    expect(await read("a.parquet")).toEqual(rows.slice(0, 1));
    await file.discard();
    expect(await readdir(root)).toEqual(["a.parquet"]);
    expect(await read("a.parquet")).toEqual(rows.slice(0, 1));
  });

  it("of another kind, or cut off, are refused", async () => {
    await writeParquet(at("p.parquet"), { id: "string?", hand: "string" }, { id: [null], hand: ["x"] });
    await expect(read("p.parquet")).rejects.toThrow("Expected text for column id, got nothing");
    await expect(read("p.parquet", { hand: "image" })).rejects.toThrow(
      'Expected a picture with bytes and path for column hand, got "string"',
    );
    await write("a.parquet", rows);
    await writeFile(at("cut.parquet"), (await readFile(at("a.parquet"))).subarray(0, 999));
    await expect(read("cut.parquet")).rejects.toMatchObject({ code: "PARQUET_DAMAGED" });
    await expect(read("nothing.parquet")).rejects.toMatchObject({ code: "FILE_MISSING" });
  });
});
