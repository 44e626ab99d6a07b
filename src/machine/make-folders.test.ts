import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeZip } from "../../test/zips.ts";
import { unpackZip } from "../formats/zip/archive.ts";
import { makeFolders } from "./make-folders.ts";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-folders-"));
});
afterEach(() => rm(dir, { recursive: true }));

describe("makeFolders", () => {
  it("makes what is missing, and says what was the topmost of it", async () => {
    expect(await makeFolders(join(dir, "a", "b"))).toBe(join(dir, "a"));
    expect(await makeFolders(join(dir, "a", "b", "c"))).toBe(join(dir, "a", "b", "c"));
    expect(await makeFolders(join(dir, "a", "b"))).toBeUndefined();
  });

  it("reports a file on the way", async () => {
    await writeFile(join(dir, "a"), "");
    await expect(makeFolders(join(dir, "a", "b"))).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  const isRoot = process.getuid?.() === 0 && process.platform === "linux";
  it.skipIf(!isRoot)(
    "reports a disk without room for a folder as that (only root mounts a disk)",
    async () => {
      const disk = join(dir, "disk");
      const archive = join(dir, "a.zip");
      await writeZip(archive, [{ name: "a/b/c.txt", text: "x" }]);
      await makeFolders(disk);
      const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64m,nr_inodes=3", "tmpfs", disk]);
      expect(mounted.status).toBe(0);
      try {
        await expect(makeFolders(join(disk, "1", "2", "3"))).rejects.toMatchObject({ code: "ENOSPC" });
        await rm(join(disk, "1"), { recursive: true });
        // Once "a zip archive at ..., got no such file", of an archive that was being read.
        await expect(unpackZip(archive, join(disk, "out"))).rejects.toThrow(
          `Expected to unpack ${archive}, got ENOSPC: no space left on device, mkdir`,
        );
      } finally {
        spawnSync("umount", [disk]);
      }
    },
  );
});
