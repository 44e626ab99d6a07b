import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { countFiles, makeFolder } from "./folder.ts";
import { lockHolder } from "./lock.ts";

let root: string;
const at = (name: string) => join(root, name);
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "facehand-folder-")));
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

it("continues after a kill at any moment: in the middle of clearing away, before the name, and after it", async () => {
  await mkdir(at("out.partial/made"), { recursive: true });
  await writeFile(at("out.partial/.facehand-partial"), "");
  await makeFolder(at("out"), put("a"));
  expect(await readdir(root)).toEqual(["out"]);
  await mkdir(at("out.partial"));
  await writeFile(at("out.partial/.facehand-partial"), ""); // it had its name already
  await expect(makeFolder(at("out"), put("b"))).rejects.toMatchObject({ code: "OUT_EXISTS" });
  expect(await readdir(root)).toEqual(["out"]);
  await mkdir(at("out.partial")); // and its mark was away
  await expect(makeFolder(at("out"), put("b"))).rejects.toMatchObject({ code: "OUT_EXISTS" });
  expect(await readdir(root)).toEqual(["out"]);
});

it("does not write into a folder that has files", async () => {
  await makeFolder(at("out"), put("a"));
  await expect(makeFolder(at("out"), put("b"))).rejects.toMatchObject({ kind: "input", code: "OUT_EXISTS" });
});

it("is made by one at a time, and leaves nothing beside it", async () => {
  const one = makeFolder(at("out"), async (dir) => {
    await put("a")(dir);
    await expect(lockHolder(at("out"))).resolves.toMatchObject({ pid: process.pid });
  });
  const ends = await Promise.allSettled([one, makeFolder(`${at("out")}/`, put("b"))]);
  expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(await readdir(root)).toEqual(["out"]);
});

it("is made where a link leads", async () => {
  await mkdir(at("real"));
  await symlink(at("real"), at("link"));
  await makeFolder(at("link"), put("a"));
  expect([await readdir(at("real")), (await readdir(root)).sort()]).toEqual([["a"], ["link", "real"]]);
});

it("refuses to publish what is not all that was made, as a fault of ours", async () => {
  const make = async (dir: string) => {
    await put("a")(dir);
    await put("b")(dir);
  };
  const count = async (dir: string) => [{ what: "files", made: 3, found: await countFiles(dir) }];
  await expect(makeFolder(at("out"), make, { count })).rejects.toMatchObject({
    kind: "internal",
    code: "PUBLISH_COUNT",
    message: `Expected all 3 files for ${at("out")} before it gets its name, got 2`,
  });
  expect(await readdir(root)).toEqual([]);
});

it.each([
  [
    "a folder with files",
    async () => {
      await mkdir(at("out"));
      await put("mine")(at("out"));
    },
    "that appeared meanwhile",
  ],
  ["a file", () => writeFile(at("out"), "mine"), "which is a file or lies in one"],
])("does not publish over %s that came meanwhile", async (_, appear, words) => {
  const work = async (dir: string) => {
    await put("a")(dir);
    await appear();
  };
  await expect(makeFolder(at("out"), work)).rejects.toMatchObject({ kind: "input", code: "OUT_EXISTS" });
  expect(await readdir(root)).toEqual(["out"]);
  expect(await readFile(at("out"), "utf8").catch(() => "a folder")).toBe(
    words.includes("file or") ? "mine" : "a folder",
  );
});

it.each(["out", "out.partial"])("leaves somebody's file at %s alone", async (name) => {
  await writeFile(at(name), "of somebody");
  await expect(makeFolder(at("out"), put("a"))).rejects.toMatchObject({
    code: "OUT_EXISTS",
    message: expect.stringContaining("which is a file or lies in one"),
    hint: expect.stringContaining("another folder"),
  });
  expect(await readFile(at(name), "utf8")).toBe("of somebody");
});
