import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { parquetMetadata } from "hyparquet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AppError } from "../../core/errors.ts";
import { checkCodecs } from "./codec-names.ts";
import { readParquet } from "./parquet.ts";
import { encodeParquet, writeParquet } from "./write.ts";

const goldens = fileURLToPath(new URL("../../../test/parity/goldens/formats/", import.meta.url));
const SCHEMA = {
  id: "string",
  race: "string?",
  sex: "int32",
  age: "int32?",
  logit: "double",
  gate: "double?",
  kept: "boolean",
  seen: "boolean?",
} as const;
const TABLE = {
  id: ["a/hand", "", "é😀"],
  race: ["x", null, "x"],
  sex: [0, 1, -2147483648],
  age: [null, 20, 2147483647],
  logit: [0.1, -1e-300, Number.POSITIVE_INFINITY],
  gate: [null, Number.NaN, -0],
  kept: [true, false, true],
  seen: [null, null, false],
};

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-parquet-"));
  path = join(folder, "t.parquet");
});
afterAll(() => rm(folder, { recursive: true }));

describe("round trip", () => {
  test("every type, null, and edge values", async () => {
    await writeParquet(path, SCHEMA, TABLE);
    expect(await readParquet(path, SCHEMA)).toEqual(TABLE);
    expect(await readdir(folder)).toEqual(["t.parquet"]);
    expect(new Uint8Array(await readFile(path))).toEqual(await encodeParquet(SCHEMA, TABLE));
  });

  test("some columns, by name", async () => {
    await writeParquet(path, SCHEMA, TABLE);
    expect(await readParquet(path, { kept: "boolean", id: "string" })).toEqual({
      id: TABLE.id,
      kept: TABLE.kept,
    });
  });

  test("no rows", async () => {
    await writeParquet(path, { id: "string", x: "double?" }, { id: [], x: [] });
    expect(await readParquet(path, { id: "string", x: "double?" })).toEqual({ id: [], x: [] });
  });

  test("several row groups", async () => {
    const x = Array.from({ length: 120_000 }, (_, i) => i / 7);
    const id = x.map((_, i) => `subject-${i % 500}`);
    await writeParquet(path, { id: "string", x: "double" }, { id, x });
    const back = await readParquet(path, { id: "string", x: "double" });
    expect(back.x).toEqual(x);
    expect(back.id).toEqual(id);
  });

  test("repeated values, and -0 apart from 0", async () => {
    const x = Array.from({ length: 3000 }, (_, i) => (i % 2 === 0 ? 0 : -0));
    await writeParquet(path, { x: "double" }, { x });
    expect((await readParquet(path, { x: "double" })).x).toEqual(x);
  });

  test("any table", async () => {
    const row = fc.record({
      s: fc.option(fc.string({ unit: "grapheme" })),
      i: fc.option(fc.integer()),
      d: fc.double(),
      b: fc.boolean(),
    });
    const schema = { s: "string?", i: "int32?", d: "double", b: "boolean" } as const;
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 40 }), async (rows) => {
        const table = {
          s: rows.map((r) => r.s),
          i: rows.map((r) => r.i),
          d: rows.map((r) => r.d),
          b: rows.map((r) => r.b),
        };
        await writeParquet(path, schema, table);
        expect(await readParquet(path, schema)).toEqual(table);
      }),
      { numRuns: 60 },
    );
  });
});

test("reads a file written by pyarrow", async () => {
  expect(await readParquet(`${goldens}peer.parquet`, SCHEMA)).toEqual(TABLE);
});

describe("reads what others write", () => {
  const rows = Array.from({ length: 500 }, (_, i) => i);
  const wide = {
    id: "string",
    sex: "int32",
    age: "int32?",
    logit: "double",
    kept: "boolean",
    seen: "string?",
  } as const;
  const values = {
    id: rows.map((i) => `subject-${i % 7}/hand`),
    sex: rows.map((i) => i % 2),
    age: rows.map((i) => (i % 5 === 0 ? null : i % 80)),
    logit: rows.map((i) => (i - 250) / 8),
    kept: rows.map((i) => i % 3 === 0),
    seen: rows.map(() => null),
  };

  test.each(["gzip", "zstd", "brotli", "lz4", "none"])("codec %s, with pandas' types", async (codec) => {
    expect(await readParquet(`${goldens}peer-${codec}.parquet`, wide)).toEqual(values);
  });

  test("yes and no for 1 and 0", async () => {
    const file = `${goldens}peer-zstd.parquet`;
    expect((await readParquet(file, { kept: "int32" })).kept).toEqual(values.kept.map(Number));
  });

  test("but no fraction for a whole number, no null where none may be, no number for a text", async () => {
    const file = `${goldens}peer-zstd.parquet`;
    await expect(readParquet(file, { logit: "int32" })).rejects.toThrow(
      "for row 0 of column logit, got -31.25",
    );
    await expect(readParquet(file, { age: "int32" })).rejects.toThrow("for row 0 of column age, got null");
    await expect(readParquet(file, { seen: "string" })).rejects.toThrow('for column seen, got "INT32 NULL"');
    await expect(readParquet(file, { sex: "string" })).rejects.toThrow('for column sex, got "INT64"');
  });

  test("and names a codec that it cannot read", async () => {
    const schema = { x: "int32" } as const;
    await writeParquet(path, schema, { x: [1, 2, 3] });
    const metadata = parquetMetadata((await readFile(path)).buffer.slice(0) as ArrayBuffer);
    const lzo = metadata.row_groups.map((group) => ({
      ...group,
      columns: group.columns.map((column) => ({
        ...column,
        meta_data: { ...column.meta_data!, codec: "LZO" as const },
      })),
    }));
    expect(() => checkCodecs({ ...metadata, row_groups: lzo }, "t.parquet")).toThrow(
      /^Expected pages compressed by UNCOMPRESSED, SNAPPY, .*ZSTD.* for t.parquet, got "LZO"$/,
    );
    expect(() => checkCodecs(metadata, "t.parquet")).not.toThrow();
  });
});

describe("writing refuses", () => {
  test.each([
    ["a fraction for int32", { x: "int32" }, { x: [1.5] }, "Expected int32 for row 0 of column x, got 1.5"],
    ["null where not allowed", { x: "double" }, { x: [1, null] }, "row 1 of column x, got null"],
    ["another type", { x: "boolean?" }, { x: ["a"] }, 'Expected boolean? for row 0 of column x, got "a"'],
    ["undefined", { x: "string?" }, { x: [undefined] }, "got nothing"],
    [
      "unequal lengths",
      { x: "double", y: "double" },
      { x: [1], y: [] },
      "Expected 1 rows for column y, got 0",
    ],
  ] as const)("%s", async (_what, schema, table, message) => {
    await expect(encodeParquet(schema, table as never)).rejects.toThrow(message);
  });
});

describe("reading refuses", () => {
  test("a missing column, naming it and listing the others", async () => {
    await writeParquet(path, { id: "string", y: "double" }, { id: ["a"], y: [1] });
    await expect(readParquet(path, { id: "string", x: "double" })).rejects.toMatchObject({
      kind: "data",
      code: "PARQUET_COLUMN",
      message: `Expected column x in ${path}, got the columns id, y`,
    });
  });

  test("a column of another type, and null where not allowed", async () => {
    await writeParquet(path, { a: "int32", b: "string?" }, { a: [1], b: [null] });
    await expect(readParquet(path, { a: "double" })).rejects.toThrow(
      `Expected type double for column a, got "INT32" (${path})`,
    );
    await expect(readParquet(path, { b: "string" })).rejects.toThrow(
      "type string for row 0 of column b, got null",
    );
  });

  test("a missing file and other files", async () => {
    await expect(readParquet(join(folder, "none"), {})).rejects.toMatchObject({ code: "FILE_MISSING" });
    await writeFile(path, "id,age\n");
    await expect(readParquet(path, {})).rejects.toMatchObject({ kind: "data", code: "PARQUET_DAMAGED" });
  });

  test("a change of any byte, unless the table is still right", async () => {
    const good = await encodeParquet(SCHEMA, TABLE);
    for (let at = 0; at < good.byteLength; at += 3) {
      const bytes = good.slice();
      bytes[at]! ^= 0x11;
      await writeFile(path, bytes);
      // The table is whole where only the name of its seal has changed.
      const result = await readParquet(path, SCHEMA).catch((e: unknown) => e);
      if (!(result instanceof AppError)) expect(result, String(at)).toEqual(TABLE);
      else expect(result.kind).toBe("data");
    }
  });

  test("cut files", async () => {
    const good = await encodeParquet(SCHEMA, TABLE);
    for (let length = 0; length < good.byteLength; length += 11) {
      await writeFile(path, good.subarray(0, length));
      const error = await readParquet(path, SCHEMA).catch((e: unknown) => e);
      expect(error, String(length)).toBeInstanceOf(AppError);
    }
  });
});
