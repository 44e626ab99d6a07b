// The documents that list files and dependencies list all of them: AGENTS.md and docs/dependencies.md.
import { describe, expect, it } from "vitest";
import { firstSentence, listSources } from "../scripts/tree.mjs";
import { ROOT, readIfThere } from "./source.ts";

describe("AGENTS.md", () => {
  const text = readIfThere("AGENTS.md")!;
  const headings = [...text.matchAll(/^`([\w/-]+)\/`$/gm)];
  /** Paths that the tree names. */
  const named = headings.flatMap(({ 1: folder, index }, i) => {
    const section = text.slice(index, headings[i + 1]?.index);
    return [...section.matchAll(/^- `([^`]+)`/gm)].map((match) => `${folder}/${match[1]}`);
  });

  it("names every source, and no file that is gone (else: node scripts/tree.mjs)", () => {
    const sources: string[] = listSources();
    expect(sources.length, ROOT).toBeGreaterThan(100);
    expect(sources.filter((path) => !named.includes(path))).toEqual([]);
    expect(named.filter((path) => !sources.includes(path))).toEqual([]);
  });

  it("says of every file what it is", () => {
    expect([...text.matchAll(/^- `[^`]+`\s*$/gm)].map(([line]) => line)).toEqual([]);
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
