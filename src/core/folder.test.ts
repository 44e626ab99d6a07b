import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeFolder } from "./folder.ts";

let root: string;
const at = (name: string) => join(root, name);
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-folder-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const put = (name: string) => async (dir: string) => {
  await writeFile(join(dir, name), "x");
  return name;
};

it("makes a folder, or fills an empty one", async () => {
  await mkdir(at("empty"));
  expect(await makeFolder(at("empty"), put("a"))).toBe("a");
  await makeFolder(at("deep/new"), put("b"));
  expect([await readdir(at("empty")), await readdir(at("deep"))]).toEqual([["a"], ["new"]]);
});

it("leaves nothing when the work fails", async () => {
  const fails = async (dir: string) => {
    await put("a")(dir);
    throw new Error("no");
  };
  await expect(makeFolder(at("out"), fails)).rejects.toThrow("no");
  expect(await readdir(root)).toEqual([]);
});

it("clears away what a kill left, and nothing else", async () => {
  await mkdir(at("out.partial"));
  await writeFile(at("out.partial/mine"), "x");
  await expect(makeFolder(at("out"), put("a"))).rejects.toThrow(
    `Expected no other files, got ${at("out.partial")} with files in it`,
  );
  await writeFile(at("out.partial/.facehand-partial"), "");
  await makeFolder(at("out"), put("a"));
  expect(await readdir(at("out"))).toEqual(["a"]);
});

it("does not write into a folder that has files", async () => {
  await makeFolder(at("out"), put("a"));
  await expect(makeFolder(at("out"), put("b"))).rejects.toMatchObject({ kind: "input", code: "OUT_EXISTS" });
});
