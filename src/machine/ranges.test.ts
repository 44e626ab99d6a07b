import { mkdtemp, open, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRanges } from "./ranges.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-ranges-"));
});
afterAll(() => rm(dir, { recursive: true }));

test("reads parts in chunks of any size, each in order", async () => {
  const path = join(dir, "a");
  await writeFile(
    path,
    Uint8Array.from({ length: 20 }, (_, i) => i),
  );
  for (const chunkBytes of [1, 3, 100]) {
    const file = await openRanges(path, "a test file", chunkBytes);
    const seen: number[] = [];
    const part = await file.read(5, 7, (chunk) => seen.push(...chunk));
    expect([...part]).toEqual([5, 6, 7, 8, 9, 10, 11]);
    expect(seen).toEqual([...part]);
    expect(part.buffer.byteLength).toBe(7);
    expect(file.sizeBytes).toBe(20);
    expect([...(await file.read(20, 0))]).toEqual([]);
    await file.close();
  }
});

test("a file that became shorter is an error, never filled with zeros", async () => {
  const path = join(dir, "short");
  await writeFile(path, new Uint8Array(10).fill(7));
  const file = await openRanges(path, "a test file");
  await truncate(path, 4);
  await expect(file.read(0, 10)).rejects.toMatchObject({
    kind: "data",
    code: "READ_FAILED",
    message: `Expected to read a test file at ${path}, got 4 bytes where more were`,
  });
  await file.close();
});

test("errors of absent files and folders name what they should be", async () => {
  await expect(openRanges(join(dir, "none"), "a test file")).rejects.toMatchObject({
    code: "FILE_MISSING",
    message: `Expected a test file at ${join(dir, "none")}, got no such file`,
  });
  await expect(openRanges(dir, "a test file")).rejects.toMatchObject({ code: "READ_FAILED" });
});

test("positions beyond 4 GiB are read where they are", async () => {
  const path = join(dir, "sparse");
  await writeFile(path, "");
  await truncate(path, 5e9); // a hole: takes no space
  const handle = await open(path, "r+");
  await handle.write(Uint8Array.of(1, 2, 3), 0, 3, 4_999_999_997);
  await handle.close();
  const file = await openRanges(path, "a test file");
  expect([...(await file.read(4_999_999_996, 4))]).toEqual([0, 1, 2, 3]);
  await file.close();
});
