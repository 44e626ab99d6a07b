// Text for a terminal: tables and lines of at most 100 columns, with everything that was in them.
import { describe, expect, it } from "vitest";
import { MAX_COLUMNS } from "../core/visible.ts";
import { alignColumns, alignTable, fitLines } from "./figure-text.ts";

const widest = (text: string) => Math.max(...text.split("\n").map(({ length }) => length));
const words = (text: string) => text.split(/\s+/).filter((word) => word !== "");

describe("a table", () => {
  const figures = ["accuracy", "balanced accuracy", "TPR female", "TPR male", "ROC-AUC", "ECE 15 bins"];
  const groups = (cell: (k: number) => string) => [
    ["race x age, hands", "images", "subjects", "female / male subjects", ...figures],
    ["very light x 10-19", "1,234", "234", "117 / 117", ...figures.map((_, k) => cell(k))],
    ["dark x 70+", "3", "2", "2 / 0", ...figures.map(() => "-")],
  ];

  it("that fits is as it was", () => {
    const narrow = groups((k) => `0.93${k}`).map((row) => row.slice(0, 5));
    expect(alignTable(narrow)).toBe(alignColumns(narrow));
  });

  it("that is too wide has headers of several lines", () => {
    const table = groups((k) => `0.93${k}`);
    expect(widest(alignColumns(table))).toBeGreaterThan(MAX_COLUMNS);
    expect(alignTable(table).split("\n")).toEqual([
      "                                       female /                                                ECE",
      "                                           male            balanced     TPR    TPR              15",
      "race x age, hands   images  subjects   subjects  accuracy  accuracy  female   male  ROC-AUC   bins",
      "very light x 10-19   1,234       234  117 / 117     0.930     0.931   0.932  0.933    0.934  0.935",
      "dark x 70+               3         2      2 / 0         -         -       -      -        -      -",
    ]);
  });

  it("that is still too wide is divided, each part with the names of its rows", () => {
    const text = alignTable(groups((k) => `0.93${k} [0.830, 0.953]`));
    expect(widest(text)).toBeLessThanOrEqual(MAX_COLUMNS);
    const lines = text.split("\n");
    expect(lines.filter((line) => line.startsWith("race x age, hands "))).toHaveLength(3);
    expect(lines.filter((line) => line.startsWith("very light x 10-19 "))).toHaveLength(3);
    const cells = (k: number) => `0.93${k} [0.830, 0.953]`;
    for (const k of figures.keys()) expect(text).toContain(cells(k));
    for (const word of words(figures.join(" "))) expect(words(text)).toContain(word);
  });
});

describe("a line", () => {
  it("that fits, or cannot be broken, is as it was", () => {
    const path = `runs/${"x".repeat(MAX_COLUMNS)}`;
    const text = `one  two\n\n  three\n${path}`;
    expect(fitLines(text)).toBe(text);
  });

  it("that is too wide is broken at blanks", () => {
    const line = Array.from({ length: 60 }, (_, k) => `word${k}`).join(" ");
    const text = fitLines(`short\n${line}`);
    expect(widest(text)).toBeLessThanOrEqual(MAX_COLUMNS);
    expect(text.split("\n").slice(1).join(" ")).toBe(line);
  });
});
