import { describe, expect, it } from "vitest";
import { Random } from "../core/random.ts";
import { HashList, nearPairs } from "./near.ts";
import { hashDistance } from "./phash.ts";

const random = Random.of(3);
const hash = () => Uint16Array.from({ length: 16 }, () => random.int(1 << 16));

/** A hash with that many of its bits flipped. */
function flipped(from: Uint16Array, bits: number): Uint16Array {
  const out = Uint16Array.from(from);
  const places = random.shuffle(Array.from({ length: 256 }, (_, i) => i)).slice(0, bits);
  for (const at of places) out[at >> 4]! ^= 1 << (at & 15);
  return out;
}

describe("nearPairs", () => {
  const hashes: Uint16Array[] = [];
  for (let i = 0; i < 60; i++) {
    const base = hash();
    hashes.push(base, flipped(base, i % 40), flipped(base, (i * 7) % 33));
  }
  const all = (radius: number) =>
    hashes.flatMap((b, second) =>
      hashes
        .slice(0, second)
        .map((a, first) => ({ first, second, bits: hashDistance(a, b) }))
        .filter(({ bits }) => bits <= radius),
    );

  it.each([0, 1, 7, 12, 15, 16, 24, 31])(
    "finds what comparing all with all finds, within %i bits",
    (radius) => {
      const expected = all(radius);
      expect(expected.length).toBeGreaterThan(0);
      expect([...nearPairs(HashList.of(hashes), radius)]).toEqual(expected);
    },
  );

  it("finds equal hashes once each, and nothing among none", () => {
    const same = [hash()].flatMap((one) => [one, one, one]);
    expect([...nearPairs(HashList.of(same), 3)].map(({ first, second }) => [first, second])).toEqual([
      [0, 1],
      [0, 2],
      [1, 2],
    ]);
    expect([...nearPairs(HashList.of([]), 24)]).toEqual([]);
  });

  it("refuses a radius that its index cannot answer", () => {
    expect(() => [...nearPairs(HashList.of(hashes), 32)]).toThrow("A radius of 32 is too wide for 16 words");
  });
});
