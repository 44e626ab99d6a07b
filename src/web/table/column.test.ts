import { describe, expect, it } from "vitest";
import {
  type Column,
  columnOf,
  fill,
  type Hashes,
  rowsOfTexts,
  rowsWithPart,
  type Texts,
  textAt,
} from "./column.ts";

const made = (kind: Column["kind"], values: readonly unknown[]) => {
  const filling = fill(kind, values.length);
  for (const [row, value] of values.entries()) filling.put(row, value);
  return filling.done();
};

describe("columns", () => {
  it("code words in the order in which people read them, what is missing first", () => {
    const column = made("words", ["70+", null, "9", "10-19", "9"]);
    expect(column).toMatchObject({ words: ["", "9", "10-19", "70+"], codes: Uint8Array.of(3, 0, 1, 2, 1) });
    expect([0, 1, 2].map((row) => textAt(column, row))).toEqual(["70+", "", "9"]);
  });

  it("take two bytes a code where there are more words than one has", () => {
    const words = Array.from({ length: 300 }, (_, i) => `w${i}`);
    const column = made("words", words);
    expect(column.kind === "words" && column.codes).toBeInstanceOf(Uint16Array);
    expect(words.map((_, row) => textAt(column, row))).toEqual(words);
  });

  it("keep numbers as they are, and what is none as NaN", () => {
    const column = made("numbers", [0.6, "0.1", "", null, 3n]);
    expect(column.kind === "numbers" && [...column.values]).toEqual([0.6, 0.1, Number.NaN, Number.NaN, 3]);
  });

  it("keep texts, those that are left out as empty, and find rows by text", () => {
    const filling = fill("texts", 5);
    filling.put(0, "H_é");
    filling.put(2, "abc-DEF");
    filling.put(3, "x".repeat(3000));
    const column = filling.done() as Texts;
    expect([0, 1, 2, 4].map((row) => textAt(column, row))).toEqual(["H_é", "", "abc-DEF", ""]);
    expect(rowsOfTexts(column, ["abc-DEF", "nowhere", "H_é"])).toEqual(
      new Map([
        ["H_é", 0],
        ["abc-DEF", 2],
      ]),
    );
  });

  it("find a part of a text in either case, and not across two texts", () => {
    const column = made("texts", ["aaB", "c", "xaab", ""]) as Texts;
    expect([...rowsWithPart(column, "aab")]).toEqual([1, 0, 1, 0]);
    expect([...rowsWithPart(column, "bc")]).toEqual([0, 0, 0, 0]);
  });

  it("keep hashes as bits, with a mark on those that are missing", () => {
    const { bits } = made("hashes", [`7${"f".repeat(63)}`, null, "8".padEnd(64, "0")]) as Hashes;
    expect([bits[0], bits[7], bits[8], bits[16]]).toEqual([0x7fffffff, 0xffffffff, 0x80000000, 0x80000000]);
  });

  it("are given by kind alone", () => {
    const table = { rows: 1, columns: new Map([["a", made("words", ["x"])]]) };
    expect(columnOf(table, "a", "numbers")).toBeUndefined();
    expect(columnOf(table, "a", "words")?.words).toEqual(["", "x"]);
  });
});
