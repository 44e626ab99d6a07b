import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { foreignLibraries, removeForeignLibraries } from "./foreign-libraries.ts";
import { libraryFolder } from "./ort-node.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "facehand-foreign-"));
  for (const [system, bytes] of [
    ["linux/x64", 10],
    ["linux/arm64", 20],
    ["win32/x64", 30],
  ] as const) {
    mkdirSync(join(root, system), { recursive: true });
    writeFileSync(join(root, system, "library"), new Uint8Array(bytes));
  }
  writeFileSync(join(root, "README"), "");
  mkdirSync(join(root, "plan9/x64"), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const seen = async (own: string) => (await foreignLibraries(own)).map(({ system, bytes }) => [system, bytes]);

describe("libraries of other systems", () => {
  it("are recognised by system and size, and removed, once; nothing else is", async () => {
    const own = join(root, "linux/x64");
    const foreign = [
      ["linux/arm64", 20],
      ["win32/x64", 30],
    ];
    expect(await seen(own)).toEqual(foreign);
    expect((await removeForeignLibraries(own)).map(({ system, bytes }) => [system, bytes])).toEqual(foreign);
    const left = ["linux/x64/library", "README", "plan9/x64", "linux/arm64", "win32"].map((path) =>
      existsSync(join(root, path)),
    );
    expect(left).toEqual([true, true, true, false, false]);
    expect(await removeForeignLibraries(own)).toEqual([]);
  });

  it("are left alone where this system has none of its own, and behind links", async () => {
    expect(await removeForeignLibraries(join(root, "darwin/arm64"))).toEqual([]);
    mkdirSync(join(root, "darwin"));
    symlinkSync(join(root, "linux/x64"), join(root, "darwin/x64"), "junction");
    expect(await seen(join(root, "linux/x64"))).toEqual([
      ["linux/arm64", 20],
      ["win32/x64", 30],
    ]);
  });

  it("are searched for beside the library that runs here", async () => {
    const systems = (await foreignLibraries()).map(({ system }) => system);
    expect(systems).not.toContain(`${process.platform}/${process.arch}`);
    expect(existsSync(libraryFolder())).toBe(true);
  });
});
