// Real places: spellings of one folder, names that lead out, and outputs among inputs.
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkApart, isInside, placeBelow, truePath } from "./true-path.ts";

let root = "";
const at = (name: string) => join(root, name);
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "facehand-path-")));
  await mkdir(at("data/pairs/images"), { recursive: true });
  await mkdir(at("data/pairs-2"));
  await writeFile(at("secret"), "x");
  await symlink(at("data"), at("link"));
  await symlink(at("nowhere"), at("dangling"));
  await symlink(at("secret"), at("data/pairs/out.csv"));
  await symlink(at("data"), at("data/pairs/up"));
});
afterAll(() => rm(root, { recursive: true }));

it("follows links as far as there is anything", () => {
  expect(truePath(at("link/pairs/new/deep"))).toBe(at("data/pairs/new/deep"));
  expect(truePath(`${relative(process.cwd(), at("link"))}/`)).toBe(at("data"));
  expect(truePath(at("link/pairs/../x"))).toBe(at("data/x"));
  expect(truePath(at("dangling/deep"))).toBe(at("nowhere/deep"));
});

it.each([
  ["/a/b", "/a", true],
  ["/a", "/a", true],
  ["/a", "/a/b", false],
  ["/ab", "/a", false],
  ["/a/..b", "/a", true],
])("%s is inside %s: %s", (path, folder, expected) => expect(isInside(path, folder)).toBe(expected));

describe("checkApart", () => {
  it.each([
    ["data/pairs", 'got "the same place"'],
    ["data/pairs/", 'got "the same place"'],
    ["data/pairs/export", "which lies in it"],
    ["link/pairs/export/deep", "which lies in it"],
    ["data/pairs/up/pairs/x", "which lies in it"],
    ["data", "which holds it"],
    ["link", "which holds it"],
  ])("refuses %s for what reads data/pairs", (out, words) => {
    expect(() => checkApart(at(out), [at("elsewhere"), at("data/pairs")])).toThrow(words);
    expect(() => checkApart(at(out), [at("link/pairs")])).toThrow(words);
  });

  it.each(["data/pairs-2", "data/new", "data/pairs/up/new"])("takes %s", (out) => {
    expect(() => checkApart(at(out), [at("data/pairs")])).not.toThrow();
  });

  it("names the flag and what is read", () => {
    expect(() => checkApart(at("data"), [at("data/pairs")], "--pictures")).toThrow(
      `Expected a place apart from ${at("data/pairs")}, which is read, for --pictures`,
    );
  });
});

describe("placeBelow", () => {
  it.each([
    "/etc/passwd",
    "../secret",
    "images/../../secret",
    "./x",
    "a//b",
    "",
    "images\\x",
    "..\\secret",
    "C:/x",
    "c:x",
    "a\nb",
    "out.csv",
    "up/pairs-2/x",
  ])("refuses %j", (name) => {
    expect(() => placeBelow(at("data/pairs"), name, "list.json")).toThrow(
      "Expected names of files below its folder for list.json, got",
    );
  });

  it("gives the path of a name below, also where there is nothing yet, and through a link to the folder", () => {
    expect(placeBelow(at("data/pairs"), "images/new.jpg", "x")).toBe(at("data/pairs/images/new.jpg"));
    expect(placeBelow(at("link/pairs"), "images/new.jpg", "x")).toBe(at("link/pairs/images/new.jpg"));
  });
});
