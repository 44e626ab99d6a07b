// Facets in which what cannot be there is distinguished from what was not recorded.
import { describe, expect, it } from "vitest";
import { type ColumnKind, fill, textAt, type Words } from "./column.ts";
import { applied } from "./derived.ts";
import { orderBy } from "./order.ts";

function column(kind: ColumnKind, values: readonly string[]) {
  const filling = fill(kind, values.length);
  for (const [row, value] of values.entries()) filling.put(row, value);
  return filling.done() as Words;
}

describe("applied", () => {
  const status = column("words", ["kept", "removed", "kept", "removed", "kept"]);
  const split = column("words", ["val", "", "", "", "train"]);

  it("sets frames apart that cannot have a value, which is as empty as one that was not recorded", () => {
    const { codes, words } = applied(split, "split", status);
    expect(words).toEqual(["", ...split.words.slice(1), ""]);
    expect([...codes]).toEqual([split.codes[0], 3, 0, 3, split.codes[4]]);
    expect(Array.from(codes, (_, row) => textAt({ kind: "words", codes, words }, row))).toEqual(
      Array.from(codes, (_, row) => textAt(split, row)),
    );
  });

  it("leaves a column alone that all frames have, and where nothing is known of their status", () => {
    expect(applied(split, "age", status)).toBe(split);
    expect(applied(split, "split", undefined)).toBe(split);
    expect(applied(split, "reason", column("words", ["kept", "kept", "kept", "kept", "kept"]))).toBe(split);
  });

  it("keeps both last in either order", () => {
    const set = applied(split, "split", status);
    expect([...orderBy(set, false)]).toEqual([4, 0, 1, 2, 3]);
    expect([...orderBy(set, true)]).toEqual([0, 4, 1, 2, 3]);
  });

  it("has room for as many words as there are", () => {
    const many = column(
      "words",
      Array.from({ length: 256 }, (_, i) => (i === 255 ? "" : `w${i}`)),
    );
    const all = column(
      "words",
      Array.from({ length: 256 }, (_, i) => (i === 255 ? "removed" : "kept")),
    );
    const { codes, words } = applied(many, "split", all);
    expect([codes[255], words.length]).toEqual([256, 257]);
  });
});
