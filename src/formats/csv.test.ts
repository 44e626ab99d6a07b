import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AppError } from "../core/errors.ts";
import { type CsvOptions, type CsvRow, readCsv, readCsvHeader, readRecords, writeCsv } from "./csv.ts";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-csv-"));
  path = join(folder, "t.csv");
});
afterAll(() => rm(folder, { recursive: true }));

async function read(content: string | Uint8Array, columns = ["id", "age"], options: CsvOptions<string> = {}) {
  await writeFile(path, content);
  const rows: CsvRow<string, string>[] = [];
  for await (const row of readCsv(path, columns, options)) rows.push(row);
  return rows;
}

async function fault(content: string | Uint8Array, columns?: string[], options?: CsvOptions<string>) {
  const error = await read(content, columns, options).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

describe("readCsv", () => {
  test("gives values by column in any order of the header, with their line", async () => {
    expect(await read("age,id\n20-29,a\n,b\n")).toEqual([
      { row: 2, values: { id: "a", age: "20-29" } },
      { row: 3, values: { id: "b", age: "" } },
    ]);
  });

  test("reads a byte order mark, CRLF, quotes, a last line without end, and passes over empty lines", async () => {
    const text = '\ufeffid,age\r\n"a,""x""","1\r\n2"\r\n\r\n"b\nc\nd",4\r\né,5';
    expect(await read(text)).toEqual([
      { row: 2, values: { id: 'a,"x"', age: "1\r\n2" } },
      { row: 5, values: { id: "b\nc\nd", age: "4" } },
      { row: 8, values: { id: "é", age: "5" } },
    ]);
  });

  test("leaves absent optional columns out and reads present ones", async () => {
    const options = { optional: ["race", "labels"] };
    expect(await read("id,race,age\na,x,1\n", undefined, options)).toEqual([
      { row: 2, values: { id: "a", race: "x", age: "1" } },
    ]);
  });

  test("ignores other columns only if asked to", async () => {
    expect((await read("id,,age\na,0,1\n", undefined, { allowOthers: true }))[0]?.values).toEqual({
      id: "a",
      age: "1",
    });
    const error = await fault("id,agee,age\n");
    expect(error.code).toBe("CSV_COLUMNS");
    expect(error.message).toBe(`Expected only id, age in ${path}, got the columns id, agee, age (${path}:1)`);
    expect(error.hint).toBe('remove or rename the column "agee"');
  });

  test("names a missing column and lists the found ones", async () => {
    const error = await fault("id,Age\na,1\n", undefined, { allowOthers: true });
    expect(error.message).toBe(`Expected column age in ${path}, got the columns id, Age (${path}:1)`);
    expect(error.hint).toBe('rename the column "Age"');
    expect((await fault("id\n")).hint).toBe("add the column age");
  });

  test("refuses a column twice, an empty file and a missing file", async () => {
    expect((await fault("id,age,id\n")).message).toContain("Expected column id once");
    expect((await fault("")).message).toBe(`Expected a header with id, age for ${path}, got "an empty file"`);
    const none = readCsv(join(folder, "none.csv"), ["id"]).next();
    await expect(none).rejects.toMatchObject({ kind: "data", code: "FILE_MISSING" });
    const directory = readCsv(folder, ["id"]).next();
    await expect(directory).rejects.toMatchObject({ kind: "data", code: "READ_FAILED" });
  });

  test.each([
    ["too wide", "id,age\na,1\nb,2,3\n", 3],
    ["too narrow", "id,age\nb\n", 2],
    ["a quote that does not close", 'id,age\na,1\nb,"2\n', 3],
    ["a quote within a field", 'id,age\na,x"1\n', 2],
    ["too wide after a quoted line end", 'id,age\n"a\r\na",1\nb,2,3\n', 4],
  ])("refuses a row that is %s, with its line", async (_what, text, line) => {
    const error = await fault(text);
    expect(error.code).toBe("CSV_ROW");
    expect(error.message).toMatch(/^Expected a row as wide as the header, with closed quotes for /);
    expect(error.message).toContain(`(${path}:${line})`);
  });

  test("refuses bytes that are not UTF-8, also at the end", async () => {
    for (const tail of [[0xe9, 0x0a], [0xc3]]) {
      const error = await fault(Buffer.concat([Buffer.from("id,age\na,"), Buffer.from(tail)]));
      expect(error.code).toBe("CSV_ENCODING");
      expect(error.message).toContain("Expected UTF-8 text");
    }
  });

  const utf16 = (text: string, mark = "\ufeff") => Buffer.from(mark + text, "utf16le");
  test.each<[string, string | Buffer, string, string, string]>([
    ["UTF-16", utf16("id,age\na,1\n"), "CSV_ENCODING", "text in UTF-16", "save it again as UTF-8"],
    ["big-endian UTF-16", utf16("id,age\n").swap16(), "CSV_ENCODING", "text in UTF-16", "UTF-8"],
    ["UTF-16 without a mark", utf16("id,age\na,1\n", ""), "CSV_ENCODING", "NUL characters", "is UTF-16"],
    [
      "Latin-1",
      Buffer.from("id,age\n\xe9,1\n", "latin1"),
      "CSV_ENCODING",
      "other bytes",
      "it may be Latin-1",
    ],
    ["a spreadsheet", Buffer.from("PK\x03\x04rest"), "CSV_ENCODING", "a zip archive", "unpack it"],
    ["gzip", Buffer.from([0x1f, 0x8b, 8, 0]), "CSV_ENCODING", "a gzip file", "gunzip"],
    ["Parquet", Buffer.from("PAR1\x15\x04"), "CSV_ENCODING", "a Parquet file", ".parquet"],
    ["semicolons", "id;age\na;0,9\nb;0,8\n", "CSV_SEPARATOR", 'got "semicolons: id;age', "with commas"],
    ["quoted semicolons", '"id";"age"\n"a";"1"\n', "CSV_SEPARATOR", 'semicolons: \\"id', "with commas"],
    ["tabs", "id\tage\na\t1\n", "CSV_SEPARATOR", 'got "tabs: id', "with commas"],
    ["vertical bars", "id|age\na|1\n", "CSV_SEPARATOR", 'got "vertical bars: id|age', "with commas"],
    ["a declared separator", "sep=;\nid;age\na;1\n", "CSV_SEPARATOR", 'got "sep=;"', "remove this line"],
    ["a declared comma", "sep=,\nid,age\na,1\n", "CSV_SEPARATOR", 'got "sep=,"', "remove this line"],
    ["old line ends", "id,age\ra,1\r", "CSV_ROW", "r alone", "Unix"],
    [
      "NUL in a cell",
      "id,age\na,1\nb\0,2\n",
      "CSV_ROW",
      "Expected text without NUL characters for cell 1",
      "damaged",
    ],
  ])("names the cause of %s", async (_what, text, code, message, hint) => {
    const error = await fault(text, undefined, { allowOthers: true });
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.message).toContain(path);
    expect(error.hint).toContain(hint);
  });

  test("takes separators of others within cells for text", async () => {
    expect(await read("id,age\na;b,1|2\n")).toEqual([{ row: 2, values: { id: "a;b", age: "1|2" } }]);
  });

  test("bounds a row", async () => {
    expect((await fault(`id,age\na,"${"x\n".repeat(1 << 20)}`)).code).toBe("CSV_ROW");
  });

  test("stops reading when the caller does", async () => {
    await writeFile(path, `id\n${"a\n".repeat(200_000)}`);
    for await (const { row } of readCsv(path, ["id"])) if (row === 3) break;
  });
});

describe("writeCsv", () => {
  test("writes the columns in order, quoting where needed, with \\n", async () => {
    await writeCsv(
      path,
      ["id", "age"],
      [
        { age: 3, id: "a" },
        { age: "x,y", id: 'q"' },
      ],
    );
    expect(await readFile(path, "utf8")).toBe('id,age\na,3\n"q""","x,y"\n');
    await writeCsv(path, ["id"], []);
    expect(await readFile(path, "utf8")).toBe("id\n");
  });

  test("leaves the old file when the rows fail, and no other", async () => {
    await writeCsv(path, ["id"], [{ id: "old" }]);
    async function* rows() {
      for (let i = 0; i < 5000; i++) yield { id: i };
      throw new AppError("data", "X", "the source failed");
    }
    await expect(writeCsv(path, ["id"], rows())).rejects.toThrow("the source failed");
    expect(await readFile(path, "utf8")).toBe("id\nold\n");
    expect(await readdir(folder)).toEqual(["t.csv"]);
  });

  test("round trip of any text", async () => {
    // "\ufeff" cannot begin a file; any other text must come back.
    const cell = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r", " ", "é", "😀", "'", ";") });
    const rows = fc.array(fc.record({ id: cell, age: cell }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(rows, fc.boolean(), async (wide, narrow) => {
        const columns = narrow ? ["id"] : ["id", "age"];
        await writeCsv(path, columns, wide);
        const expected = wide.map((row) => (narrow ? { id: row.id } : row));
        const back = [];
        for await (const { values } of readCsv(path, columns)) back.push(values);
        expect(back).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});

describe("a column that every object has already", () => {
  test.each(["__proto__", "constructor", "prototype", "toString", " hasOwnProperty "])(
    "is refused: %s",
    async (name) => {
      await writeFile(path, `id,${name}\n1,2\n`);
      const error = { kind: "data", code: "CSV_COLUMNS", hint: expect.stringMatching(/^rename the column/) };
      await expect(readCsvHeader(path)).rejects.toMatchObject(error);
      const rows = readCsv(path, ["id"], { allowOthers: true });
      await expect(rows.next()).rejects.toMatchObject(error);
      await expect(rows.next()).resolves.toMatchObject({ done: true });
      await expect(readRecords(path).next()).rejects.toThrow(
        `Expected another name for a column, got ${JSON.stringify(name)} (${path}:1)`,
      );
    },
  );

  test("is a word like others in a cell", async () => {
    await writeFile(path, "id\n__proto__\nconstructor\n");
    const ids: string[] = [];
    for await (const { values } of readCsv(path, ["id"])) ids.push(values.id);
    expect(ids).toEqual(["__proto__", "constructor"]);
  });
});
