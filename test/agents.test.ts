// The documents that list folders and dependencies list all of them: AGENTS.md and docs/dependencies.md.
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { firstSentence, listSources, tree } from "../scripts/tree.mjs";
import { ROOT, readIfThere, readSources } from "./source.ts";

describe("AGENTS.md", () => {
  const text = readIfThere("AGENTS.md")!;
  const { folders } = JSON.parse(readIfThere("rooms.json")!) as { folders: Record<string, string> };

  it("has the tree of rooms.json (else: node scripts/tree.mjs)", () => {
    expect(text).toContain(tree());
  });

  it("is short enough to be read: under 8 KB", () => {
    expect(Buffer.byteLength(text)).toBeLessThan(8 << 10);
  });

  it("names every folder of src, and none that is gone", () => {
    const real = new Set(readSources().map(({ file }) => dirname(file)));
    real.delete(".");
    expect(Object.keys(folders).sort()).toEqual([...real].sort());
  });
});

describe("every file", () => {
  it("states what it is at its head", () => {
    const sources: string[] = listSources();
    expect(sources.length, ROOT).toBeGreaterThan(100);
    expect(sources.filter((path) => firstSentence(readIfThere(path)!) === "")).toEqual([]);
  });
});

describe("the first sentence of a file", () => {
  it("ends at a full stop, not at an initial or inside a name", () => {
    expect(firstSentence("// Reads a.b (M. Afifi), over\n// two lines. Source: x.\nimport y;\n")).toBe(
      "Reads a.b (M. Afifi), over two lines",
    );
    expect(firstSentence("// ◇ Browser-safe. One thing.\ncode\n")).toBe("One thing");
    expect(firstSentence('"""Goldens of x.\n\nMore."""\n')).toBe("Goldens of x");
    expect(firstSentence("#!/usr/bin/env node\n// A program\ncode\n")).toBe("A program");
  });
});

describe("docs/dependencies.md", () => {
  it("has a line for every dependency of package.json, and for no other", () => {
    const { dependencies, devDependencies } = JSON.parse(readIfThere("package.json")!) as Record<
      "dependencies" | "devDependencies",
      Record<string, string>
    >;
    const lines = [...readIfThere("docs/dependencies.md")!.matchAll(/^\| `([^`]+)` +\| \S/gm)];
    const wanted = [...Object.keys(dependencies), ...Object.keys(devDependencies)].sort();
    expect(lines.map((match) => match[1]!).sort()).toEqual(wanted);
  });
});
