import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { sha256 } from "../../machine/files.ts";
import { readParquet } from "./parquet.ts";
import { openParquet, writeParquet } from "./write.ts";

const dir = await mkdtemp(join(tmpdir(), "facehand-parquet-stream-"));
afterAll(() => rm(dir, { recursive: true }));
const at = (name: string) => join(dir, name);
const SCHEMA = { id: "string", n: "int32?", x: "double?" } as const;
const row = (i: number) => ({
  id: `row ${i % 977}`,
  n: i % 5 === 0 ? null : i,
  x: i % 3 === 0 ? null : -i / 7,
});

async function stream(name: string, rows: number): Promise<void> {
  const file = await openParquet(at(name), SCHEMA);
  try {
    for (let i = 0; i < rows; i++) await file.add(row(i));
    await file.close();
  } finally {
    await file.discard();
  }
}

describe("openParquet", () => {
  it.each([0, 1, 999, 1000, 1001, 45_000])("writes %i rows that readParquet reads, sealed", async (rows) => {
    await stream("a.parquet", rows);
    const table = await readParquet(at("a.parquet"), SCHEMA);
    const all = Array.from({ length: rows }, (_, i) => row(i));
    expect(table.id).toEqual(all.map(({ id }) => id));
    expect(table.n).toEqual(all.map(({ n }) => n));
    expect(table.x).toEqual(all.map(({ x }) => x));
    const bytes = await readFile(at("a.parquet"));
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(at("bad.parquet"), bytes);
    await expect(readParquet(at("bad.parquet"), SCHEMA)).rejects.toMatchObject({ code: "PARQUET_DAMAGED" });
  });

  it.each([0, 1, 1000])("gives the bytes of writeParquet for %i rows", async (rows) => {
    await stream("s.parquet", rows);
    const all = Array.from({ length: rows }, (_, i) => row(i));
    const table = { id: all.map(({ id }) => id), n: all.map(({ n }) => n), x: all.map(({ x }) => x) };
    await writeParquet(at("w.parquet"), SCHEMA, table);
    expect(sha256(await readFile(at("s.parquet")))).toBe(sha256(await readFile(at("w.parquet"))));
  });

  it("leaves nothing of a file that is not closed, or of a value that is not of its type", async () => {
    const file = await openParquet(at("never.parquet"), { n: "int32" });
    await file.add({ n: 0.5 });
    await expect(file.close()).rejects.toThrow("Expected int32 for row 0 of column n, got 0.5");
    await file.discard();
    expect((await readdir(dir)).filter((name) => name.includes("never"))).toEqual([]);
  });
});
