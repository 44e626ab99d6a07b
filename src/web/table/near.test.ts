import { describe, expect, it } from "vitest";
import { fill, type Hashes } from "./column.ts";
import { nearestRows } from "./near.ts";

function hashes(texts: readonly (string | null)[]): Hashes {
  const filling = fill("hashes", texts.length);
  for (const [row, text] of texts.entries()) filling.put(row, text);
  return filling.done() as Hashes;
}
const hex = (last: string) => last.padStart(64, "0");

describe("nearestRows", () => {
  it("gives rows in the order of bits that differ, without the row itself and those without a hash", () => {
    const all = hashes([hex("0"), hex("f"), null, hex("1"), hex("ff00ff"), hex("1"), `7${"f".repeat(63)}`]);
    expect(nearestRows(all, 0, 3)).toEqual([
      { row: 3, bits: 1 },
      { row: 5, bits: 1 },
      { row: 1, bits: 4 },
    ]);
    expect(nearestRows(all, 0, 9).map(({ bits }) => bits)).toEqual([1, 1, 4, 16, 255]);
    expect(nearestRows(all, 2, 3)).toEqual([]);
  });
});
