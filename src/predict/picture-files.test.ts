import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listPictures } from "./picture-files.ts";

let dir = "";
const at = (name: string) => join(dir, name);
const list = async (...words: readonly string[]) => {
  const { paths, others } = await listPictures(words.map(at));
  return [paths.map((path) => path.slice(dir.length + 1)), others];
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-pictures-"));
  for (const folder of ["a/deep", "b", "none"]) await mkdir(at(folder), { recursive: true });
  const names = [
    "a/2.jpg",
    "a/10.JPG",
    "a/notes.txt",
    "a/._2.jpg",
    "a/deep/3.png",
    "b/1.webp",
    "b/x[1].jpg",
    "odd.xyz",
  ];
  for (const name of names) await writeFile(at(name), "");
});
afterAll(() => rm(dir, { recursive: true }));

describe("listPictures", () => {
  it("takes files, and folders with all below them, in the order of the words, each once", async () => {
    expect(await list("b/1.webp", "a", "a/2.jpg")).toEqual([
      ["b/1.webp", "a/10.JPG", "a/2.jpg", "a/deep/3.png"],
      1,
    ]);
    expect(await list("odd.xyz")).toEqual([["odd.xyz"], 0]); // named by itself
  });

  it("takes patterns of one folder, of any, and a file whose name resembles one", async () => {
    expect(await list("a/*")).toEqual([["a/10.JPG", "a/2.jpg"], 1]);
    expect(await list("*/?.*")).toEqual([["a/2.jpg", "b/1.webp"], 0]);
    expect(await list("**/[13].*")).toEqual([["a/deep/3.png", "b/1.webp"], 0]);
    expect(await list("a/**")).toEqual([["a/10.JPG", "a/2.jpg", "a/deep/3.png"], 1]);
    expect(await list("b/x[1].jpg")).toEqual([["b/x[1].jpg"], 0]);
  });

  it("refuses what means no picture", async () => {
    await expect(list("no.jpg")).rejects.toThrow(
      `Expected an image, or a folder of them, at ${at("no.jpg")}, got no such file`,
    );
    await expect(list("none")).rejects.toThrow(
      `Expected a folder with images for the image, got "nothing" (${at("none")})`,
    );
    await expect(list("a/[!0-9]*")).rejects.toThrow(
      'Expected a pattern that matches images for the image, got "1 files that are none"',
    );
    await expect(list("gone/*.jpg")).rejects.toMatchObject({ code: "NO_PICTURES" });
  });

  it("follows links to folders, and ends where they lead back", async () => {
    await mkdir(at("links/own"), { recursive: true });
    await writeFile(at("links/own/5.jpg"), "");
    await symlink("../../a", at("links/own/other"));
    await symlink("..", at("links/own/back"));
    const found = ["own/5.jpg", "own/other/10.JPG", "own/other/2.jpg", "own/other/deep/3.png"];
    expect(await list("links")).toEqual([found.map((name) => `links/${name}`), 1]);
  });

  it("takes folders whose names resemble patterns, and refuses sets that are none", async () => {
    await mkdir(at("c[1]"));
    await writeFile(at("c[1]/7.jpg"), "");
    expect(await list("c[1]/*.jpg")).toEqual([["c[1]/7.jpg"], 0]);
    await expect(list("a/[z-a].jpg")).rejects.toThrow(
      `Expected a pattern whose [sets] go upwards, as in [0-9], for the image, got "${at("a/[z-a].jpg")}"`.slice(
        0,
        90,
      ),
    );
    for (const odd of ["a/[\\].jpg", "a/[[].jpg", "a/[!\\].png"])
      await expect(list(odd)).rejects.toMatchObject({ code: "NO_PICTURES" });
  });
});
