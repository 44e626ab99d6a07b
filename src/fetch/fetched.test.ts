// Lists of files that lie on the disk and may be anybody's: what a fetch noted, and a dataset's manifest.
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fetchUnits } from "./fetch.ts";
import { openRecord, RECORD } from "./fetched.ts";
import { unitOf } from "./unit.ts";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-fetched-"));
});
afterEach(() => rm(dir, { recursive: true }));

const HASH = "0".repeat(64);
const file = { from: "mirror", sizeBytes: 1, sha256: HASH };
const folder = { archive: "a.zip", files: 1, bytes: 1, digest: HASH, leftOut: 0 };

describe("a record of fetched files", () => {
  it.each(["../a.bin", "/etc/hostname", "a\\b", "x/../../a", "out/a", "C:/a"])(
    "with the name %j is refused",
    async (name) => {
      await symlink(tmpdir(), join(dir, "out"));
      for (const record of [
        { files: { [name]: file }, folders: {} },
        { files: {}, folders: { [name]: folder } },
      ]) {
        await writeFile(join(dir, RECORD), JSON.stringify({ format: 1, ...record }));
        await expect(openRecord(dir)).rejects.toMatchObject({ kind: "data", code: "PATH_OUTSIDE" });
      }
    },
  );

  it("with a name that every object has already is one of a file like others", async () => {
    const text = `{"format":1,"files":{"constructor":${JSON.stringify(file)}},"folders":{}}`;
    await writeFile(join(dir, RECORD), text);
    const record = await openRecord(dir);
    expect([
      record.file("constructor")?.sizeBytes,
      record.file("toString"),
      record.folder("constructor"),
    ]).toEqual([1, undefined, undefined]);
  });
});

it("a mirror is no place to fetch into", async () => {
  await writeFile(join(dir, "a.bin"), "x");
  const unit = unitOf("a.bin", { url: "https://example.org/a.bin" });
  for (const out of [dir, join(dir, "deep"), join(dir, "..")])
    await expect(fetchUnits([unit], out, { mirror: dir })).rejects.toMatchObject({ code: "OUT_INSIDE" });
});
