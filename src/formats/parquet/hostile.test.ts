// Parquet files of other programs, damaged in every byte or made to mean harm: each gives its rows or an AppError, soon.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { AppError } from "../../core/errors.ts";
import { Random } from "../../core/random.ts";
import { codecsWithin } from "./codecs.ts";
import { readParquet } from "./parquet.ts";
import { readRows } from "./rows.ts";

const goldens = fileURLToPath(new URL("../../../test/parity/goldens/formats/", import.meta.url));
const SCHEMA = { id: "string", sex: "int32", logit: "double", kept: "boolean" } as const;
let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-parquet-hostile-"));
  path = join(folder, "t.parquet");
});
afterAll(() => rm(folder, { recursive: true }));

const attempt = async (bytes: Uint8Array) => {
  await writeFile(path, bytes);
  return readParquet(path, SCHEMA).catch((error: unknown) => error);
};

/** A table of one column of four numbers in plain pages, as another program writes it. */
const small = () =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [{ name: "sex", data: [1, 0, 1, 1], type: "INT32", encoding: "PLAIN" }],
      statistics: false,
      codec: "UNCOMPRESSED",
    }),
  );

describe("a file of another program", () => {
  test.each(["none", "zstd", "gzip", "brotli", "lz4"])(
    "of the codec %s gives rows or an AppError when bytes of it are changed",
    async (codec) => {
      const good = await readFile(`${goldens}peer-${codec}.parquet`);
      const random = Random.of(11).split(codec);
      for (let n = 0; n < 60; n++) {
        const bytes = Uint8Array.from(good);
        for (let i = random.int(4); i >= 0; i--) bytes[random.int(bytes.length)] = random.int(256);
        const result = await attempt(bytes);
        if (result instanceof Error) expect(result).toBeInstanceOf(AppError);
        else expect((result as { id: unknown[] }).id).toHaveLength(500);
      }
    },
    60_000,
  );

  /** The header of the only page: fields 1 (type), 2 and 3 (sizes), zigzag. */
  const withPage = (change: (bytes: Uint8Array) => void) => {
    const bytes = small();
    expect([...bytes.subarray(4, 9)]).toEqual([0x15, 6, 0x15, 36, 0x15]);
    change(bytes);
    return bytes;
  };
  test.each([
    ["leads back before itself", "a page of -25 bytes", (bytes: Uint8Array) => bytes.fill(2 * 25 - 1, 9, 10)],
    [
      "has more values than its column",
      "a page of 46 values for 4",
      (bytes: Uint8Array) => {
        const counts = bytes.indexOf(0x5c, 9); // field 8, a struct: values, nulls, rows
        bytes[counts + 2] = 92;
      },
    ],
  ])("whose page %s is refused, and the next file is read", async (_what, got, change) => {
    await writeFile(path, withPage(change));
    await expect(readParquet(path, { sex: "int32" })).rejects.toThrow(`got ${got}`);
    await writeFile(path, small());
    expect(await readParquet(path, { sex: "int32" })).toEqual({ sex: [1, 0, 1, 1] });
  });

  test("whose footer has a list of 30 million values is refused before there is room for them", async () => {
    const bytes = Buffer.from(small());
    const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
    const list = bytes.indexOf(0x19, footer); // field 2, the schema
    bytes.set([0x19, 0xfc, 0xff, 0xff, 0xff, 0x0e], list);
    await writeFile(path, bytes);
    await expect(readParquet(path, { sex: "int32" })).rejects.toThrow("got a list of 31457279 values");
  });

  test("whose levels claim a billion values ends the process that decodes it, and the next one is read", async () => {
    const data = Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 7 : null));
    const columnData = [{ name: "sex", data, type: "INT32" as const, encoding: "PLAIN" as const }];
    const good = Buffer.from(parquetWriteBuffer({ columnData, codec: "UNCOMPRESSED", statistics: false }));
    await writeFile(path, good);
    expect(await readParquet(path, { sex: "int32?" })).toEqual({ sex: data });
    const levels = good.indexOf(Buffer.from([0x55, 0x55, 0x55, 0x55, 0x55, 0x55])); // every other value is there
    const bytes = Buffer.from(good);
    bytes.set([0xfe, 0xff, 0xff, 0xff, 0x07], levels - 1); // a run of 2^30 - 1
    await writeFile(path, bytes);
    await expect(readParquet(path, { sex: "int32?" })).rejects.toMatchObject({ code: "PARQUET_DAMAGED" });
    await writeFile(path, good);
    expect(await readParquet(path, { sex: "int32?" })).toEqual({ sex: data });
  });

  test("may not hold a column twice", async () => {
    const data = [1, 2];
    const columnData = ["sex", "age"].map((name) => ({ name, data, type: "INT32" as const }));
    const bytes = Buffer.from(parquetWriteBuffer({ columnData }));
    for (let at = bytes.indexOf("age"); at >= 0; at = bytes.indexOf("age")) bytes.write("sex", at);
    await writeFile(path, bytes);
    await expect(readParquet(path, { sex: "int32" })).rejects.toThrow('got two columns "sex"');
  });

  test("is no table of pictures, whatever is asked of it", async () => {
    await writeFile(path, small());
    const rows = async () => {
      for await (const row of readRows(path, { hand: "image" })) expect(row).toBeUndefined();
    };
    await expect(rows()).rejects.toBeInstanceOf(AppError);
  });
});

describe("pages unpack to what they declare, within what the file may", () => {
  const zeros = Buffer.alloc(1 << 20);
  const zstd = (parts: readonly (number | Uint8Array)[]) =>
    Buffer.concat(parts.map((part) => (typeof part === "number" ? Buffer.from([part]) : Buffer.from(part))));
  const FRAME = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
  const rle = (last: number) =>
    Buffer.from([last | 2 | ((131072 & 31) << 3), (131072 >> 5) & 255, 131072 >> 13, 7]);

  test.each([
    ["GZIP", gzipSync(zeros)],
    ["BROTLI", brotliCompressSync(zeros)],
    ["ZSTD", zstd([FRAME, 0, 0x50, ...Array.from({ length: 400 }, (_, i) => rle(i === 399 ? 1 : 0))])],
    ["ZSTD", zstd([FRAME, 0, 0xa8, rle(1)])],
    ["ZSTD", zstd([FRAME, 0xe0, Buffer.alloc(8, 0x0f), rle(1)])],
  ] as const)("%s", (codec, input) => {
    expect(() => codecsWithin(1 << 30)[codec]!(input, 1000)).toThrow();
    expect(() => codecsWithin(999)[codec]!(input, 1000)).toThrow("pages that unpack to more than 999 bytes");
  });

  test("in gzip, Brotli and Zstandard", () => {
    expect(codecsWithin(1 << 20).GZIP!(gzipSync(zeros), zeros.length)).toHaveLength(zeros.length);
    expect(codecsWithin(1 << 20).BROTLI!(brotliCompressSync(zeros), zeros.length)).toHaveLength(zeros.length);
    const frame = zstd([FRAME, 0, 0x50, rle(1)]);
    expect(codecsWithin(1 << 20).ZSTD!(frame, 1 << 17)).toEqual(new Uint8Array(1 << 17).fill(7));
  });
});

describe("the library that decodes in this process", () => {
  test("is named where it does not load", async () => {
    const footer = parquetWriteBuffer({ columnData: [{ name: "a", data: [1, 2] }] });
    vi.doMock("hyparquet", () => Promise.reject(new Error("EMFILE: too many open files")));
    vi.resetModules();
    const { HERE } = await import("./apart.ts");
    const { guardParquet } = await import("./file.ts");
    const asked = guardParquet("a.parquet", () => HERE.footer(footer));
    await expect(asked).rejects.toMatchObject({
      ...{ kind: "data", code: "HYPARQUET_REFUSED" },
      message: expect.stringMatching(/^Expected the library hyparquet to load for Parquet files, got /),
      hint: "allow more open files (ulimit -n 4096), or install facehand again",
    });
    vi.doUnmock("hyparquet");
    vi.resetModules();
    const again = await import("./apart.ts");
    expect((await again.HERE.footer(footer)).num_rows).toBe(2n);
  });
});
