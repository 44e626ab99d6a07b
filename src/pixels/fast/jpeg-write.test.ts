import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type HuffmanTable, optimalTable } from "./jpeg-write.ts";

/** jpeg_gen_optimal_table of libjpeg as it stands there: for each pair of nodes it looks through all of them. */
function libjpegTable(counts: Uint32Array): Pick<HuffmanTable, "counts" | "symbols"> {
  const weights = [...counts, 1];
  const lengths = new Array<number>(257).fill(0);
  const others = new Array<number>(257).fill(-1);
  const lightest = (but: number) => {
    let found = -1;
    for (let k = 0; k <= 256; k++) {
      if (weights[k]! > 0 && k !== but && (found < 0 || weights[k]! <= weights[found]!)) found = k;
    }
    return found;
  };
  for (;;) {
    let a = lightest(-1);
    let b = lightest(a);
    if (b < 0) break;
    weights[a]! += weights[b]!;
    weights[b] = 0;
    for (lengths[a]!++; others[a]! >= 0; lengths[a]!++) a = others[a]!;
    others[a] = b;
    for (lengths[b]!++; others[b]! >= 0; lengths[b]!++) b = others[b]!;
  }
  const bits = new Array<number>(64).fill(0);
  for (const length of lengths) if (length > 0) bits[length]!++;
  for (let i = 63; i > 16; i--) {
    while (bits[i]! > 0) {
      let j = i - 2;
      while (bits[j] === 0) j--;
      bits[i]! -= 2;
      bits[i - 1]!++;
      bits[j + 1]! += 2;
      bits[j]!--;
    }
  }
  bits[bits.findLastIndex((n) => n > 0)]!--;
  const symbols = Array.from({ length: 256 }, (_, k) => k).filter((k) => lengths[k]! > 0);
  symbols.sort((p, q) => lengths[p]! - lengths[q]! || p - q);
  return { counts: Uint8Array.from(bits.slice(1, 17)), symbols: Uint8Array.from(symbols) };
}

const expectLibjpegs = (counts: Uint32Array) => {
  const { codes, ...table } = optimalTable(counts);
  expect(table).toEqual(libjpegTable(counts));
  expect(codes.filter((code) => code > 0)).toHaveLength(table.symbols.length);
};

describe("optimalTable is libjpeg's", () => {
  it("of any counts, with many ties or hardly any", () => {
    const count = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 9999 }));
    const tied = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 256, maxLength: 256 });
    const mixed = fc.array(count, { minLength: 256, maxLength: 256 });
    fc.assert(
      fc.property(fc.oneof(tied, mixed), (list) => {
        fc.pre(list.some((n) => n > 0));
        expectLibjpegs(Uint32Array.from(list));
      }),
      { numRuns: 300 },
    );
  });

  it("of one symbol, and of all alike", () => {
    expectLibjpegs(Uint32Array.from({ length: 256 }, (_, k) => (k === 17 ? 5 : 0)));
    expectLibjpegs(new Uint32Array(256).fill(1));
    expectLibjpegs(new Uint32Array(256).fill(4_000_000));
  });

  it("of counts that would have codes longer than 16 bits", () => {
    const order = fc.shuffledSubarray(
      Array.from({ length: 256 }, (_, k) => k),
      { minLength: 40 },
    );
    fc.assert(
      fc.property(order, fc.double({ min: 1.45, max: 1.7, noNaN: true }), (places, growth) => {
        const counts = new Uint32Array(256);
        for (const [k, place] of places.slice(0, 40).entries()) counts[place] = Math.ceil(growth ** k);
        expectLibjpegs(counts);
        expect(libjpegTable(counts).counts[15]).toBeGreaterThan(0);
      }),
      { numRuns: 100 },
    );
  });
});
