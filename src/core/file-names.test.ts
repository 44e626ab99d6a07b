import { describe, expect, it } from "vitest";
import { FileNames, foldName, nameTrouble, pathTrouble } from "./file-names.ts";

describe("nameTrouble", () => {
  it.each([
    ...[
      "",
      ".",
      "..",
      "...",
      "a/b",
      "a\\b",
      "a\u0000b",
      "a\nb",
      "a\u0085b",
      "a\u202eb",
      "a\u2066b",
      "\ud800",
    ],
    ...[
      "con",
      "CON",
      "nul.txt",
      "com1.jpg",
      "LPT9",
      "COM¹",
      "aux .txt",
      "conin$",
      "PRN.tar.gz",
      "a.",
      "a ",
      "a:b",
    ],
    ...["C:x", "__proto__", "x".repeat(256), "é".repeat(128)],
  ])("refuses %j", (name) => {
    expect(nameTrouble(name)).toMatch(/^(a|another) /);
  });

  it.each([
    "a.jpg",
    "Größe & mehr.zip",
    "console.log",
    "com10",
    "nullo",
    ".hidden",
    "x".repeat(255),
    "图.png",
    "a=b.pt",
  ])("takes %s", (name) => expect(nameTrouble(name)).toBeUndefined());
});

describe("pathTrouble", () => {
  it.each([
    ...["a/../b", "../a", "/a", "a//b", "a/", "./a", "a/con/b", `${"x/".repeat(600)}x`],
    ...[
      "fetched.json",
      "FETCHED.JSON",
      "fetched\u200b.json",
      "a.part",
      "a.PART",
      "a.part.json",
      "images.partial",
    ],
    ...[".a.12.tmp", ".fetch-1.lock", "deep/a.part", ".facehand-partial"],
  ])("refuses %j", (path) => {
    expect(pathTrouble(path)).toMatch(/^a /);
  });

  it.each(["a/b/c.jpg", "parts/a.part1.zip", "fetched.json.txt", "partial", "a/.b"])("takes %s", (path) => {
    expect(pathTrouble(path)).toBeUndefined();
  });
});

describe("FileNames", () => {
  it.each([
    ["the same", "a/b", "a/b"],
    ["case", "a/b.JPG", "a/B.jpg"],
    ["normalisation", "a/\u00e9", "a/e\u0301"],
    ["case folding", "stra\u00dfe", "STRASSE"],
    ["what is not seen", "a\u200cb", "ab"],
    ["a file and a folder", "a", "A/b"],
    ["a folder and a file", "A/b", "a"],
    ["folders", "A/x", "a/y"],
  ])("recognises one name by %s", (_, first, second) => {
    const names = new FileNames();
    expect(names.clash(first)).toBeUndefined();
    expect(names.clash(second)).toBeDefined();
  });

  it("keeps others apart", () => {
    const names = new FileNames();
    const all = ["a/b", "a/c", "b/a", "ab", "x2", "x²", "(1)", "(2)"];
    expect(all.filter((name) => names.clash(name) !== undefined)).toEqual([]);
    expect(foldName("Σς")).toBe(foldName("σΣ"));
  });
});
