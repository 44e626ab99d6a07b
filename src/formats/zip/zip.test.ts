import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeZip, type ZipPart } from "../../../test/zips.ts";
import { readTorch } from "../torch/torch.ts";
import { openZip } from "./zip.ts";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-zip-"));
  path = join(folder, "x.zip");
});
afterAll(() => rm(folder, { recursive: true }));

const zipOf = (parts: readonly ZipPart[]) => writeZip(path, parts);

async function readAll(name: string, limitBytes = 1000) {
  const zip = await openZip(path);
  try {
    return Buffer.from(await zip.read(name, limitBytes)).toString();
  } finally {
    await zip.close();
  }
}

describe("openZip", () => {
  test("lists files without folders and reads stored and compressed ones", async () => {
    await zipOf([
      { name: "a/" },
      { name: "a/b.txt", text: "hello" },
      { name: "c", text: "x".repeat(500), deflate: true },
    ]);
    const zip = await openZip(path);
    expect([...zip.entries.values()]).toEqual([
      { name: "a/b.txt", sizeBytes: 5, packing: "stored" },
      { name: "c", sizeBytes: 500, packing: "deflated" },
    ]);
    await zip.close();
    expect(await readAll("a/b.txt")).toBe("hello");
    expect(await readAll("c")).toBe("x".repeat(500));
  });

  test("names an absent entry and an absent file", async () => {
    await zipOf([{ name: "a" }]);
    await expect(readAll("b")).rejects.toMatchObject({
      code: "ZIP_ENTRY_MISSING",
      message: `Expected an entry b for ${path}, got nothing`,
    });
    await expect(openZip(join(folder, "none.zip"))).rejects.toMatchObject({ code: "FILE_MISSING" });
  });

  test.each([
    ["a wrong checksum", [{ name: "a", text: "hello", crc: 1 }], "Expected CRC-32 1 in a"],
    [
      "more bytes than allowed",
      [{ name: "a", text: "y".repeat(2000), deflate: true }],
      "at most 1000 bytes in a",
    ],
    [
      "more bytes than declared",
      [{ name: "a", text: "y".repeat(90), deflate: true, size: 9 }],
      "complete zip",
    ],
    ["fewer bytes than declared", [{ name: "a", text: "hey", deflate: true, size: 9 }], "complete zip"],
    ["a name twice", [{ name: "a" }, { name: "a" }], "Expected each name once"],
    ["a path that climbs out", [{ name: "../a" }], "complete zip"],
    ["an absolute path", [{ name: "/a" }], "complete zip"],
  ])("refuses %s", async (_what, parts, message) => {
    await zipOf(parts);
    const error = await readAll("a").catch((e: unknown) => e);
    expect(error).toMatchObject({ kind: "data", code: "ZIP_DAMAGED" });
    expect((error as Error).message).toContain(message);
  });
});

describe("torch files in odd archives", () => {
  const one = "\x80\x02K\x01.";
  test("the smallest one is read", async () => {
    await zipOf([
      { name: "x/data.pkl", text: one },
      { name: "x/byteorder", text: "little" },
    ]);
    expect(await readTorch(path)).toBe(1);
  });

  test.each([
    ["no pickle", [{ name: "x/version", text: "3" }], "Expected one data.pkl"],
    [
      "two pickles",
      [
        { name: "x/data.pkl", text: one },
        { name: "y/data.pkl", text: one },
      ],
      '"2 of them"',
    ],
    [
      "another compression",
      [{ name: "x/data.pkl", text: one, method: 12 }],
      "stored as torch.save does, or deflated",
    ],
    [
      "big-endian data",
      [
        { name: "x/data.pkl", text: one },
        { name: "x/byteorder", text: "big" },
      ],
      "byte order little",
      "TORCH_BYTE_ORDER",
    ],
  ])("refuses %s", async (_what, parts, message, code = "TORCH_DAMAGED") => {
    await zipOf(parts);
    const error = await readTorch(path).catch((e: unknown) => e);
    expect(error).toMatchObject({ kind: "data", code });
    expect((error as Error).message).toContain(message);
  });

  test("refuses entries that share their bytes to unpack to more than the file holds", async () => {
    const storage = (key: string) =>
      `(X\x07\x00\x00\x00storagectorch\nByteStorage\nX\x01\x00\x00\x00${key}X\x03\x00\x00\x00cpuM\x00\x10tQ`;
    const text = "0".repeat(4096);
    await zipOf([
      { name: "x/data.pkl", text: `\x80\x02(${["0", "1", "2"].map(storage).join("")}t.` },
      { name: "x/data/0", text },
      { name: "x/data/1", text, sameAs: 1 },
      { name: "x/data/2", text, sameAs: 1 },
    ]);
    await expect(readTorch(path)).rejects.toThrow(/Expected at most \d+ bytes in x\/data\/1/);
  });
});
