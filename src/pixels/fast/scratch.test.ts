import { describe, expect, it } from "vitest";
import { withPlain, withSimd } from "../../../test/lent.ts";
import { blob } from "../../../test/pictures.ts";
import { hashOf } from "../phash.ts";
import { highlight } from "../quality.ts";
import { Scratch } from "./scratch.ts";

const IMAGES = ["a", "b", "c"].map((name, k) => blob(name, 90 - 20 * k));

describe("scratch memory", () => {
  it("is the same for the same use, larger where that is needed, and another's for another use", () => {
    const scratch = new Scratch();
    const [a, b] = [scratch.bytes("a", 24), scratch.doubles("b", 9)];
    expect([scratch.ints("a", 6).buffer, scratch.bytes("b", 1).buffer]).toEqual([a.buffer, b.buffer]);
    expect(scratch.ints("a", 6).buffer).toBe(a.buffer);
    expect(scratch.doubles("a", 4).buffer).not.toBe(a.buffer);
    expect(b.buffer).not.toBe(a.buffer);
    expect([a.length, b.length, scratch.ints("a", 7).length, scratch.bytes("b", 3).length]).toEqual([
      24, 9, 7, 3,
    ]);
  });

  it("does not change what is computed, whatever lies in it", () => {
    const scratch = new Scratch();
    for (const image of [...IMAGES, ...IMAGES]) {
      expect(highlight(image, scratch)).toBe(highlight(image));
      expect(withSimd(image, (lent) => hashOf(lent, scratch))).toEqual(
        withSimd(image, (lent) => hashOf(lent)),
      );
    }
  });
});

describe.each([withSimd, withPlain])("copy into a given array", (run) => {
  it("is the picture, there", () => {
    const out = new Uint8Array(90 * 90 * 3 + 5).fill(7);
    for (const image of IMAGES) {
      const copy = run(image, (lent) => lent.copy(out));
      expect(copy.data.buffer).toBe(out.buffer);
      expect(Buffer.from(copy.data)).toEqual(Buffer.from(image.data));
      expect([copy.width, copy.height, copy.data.length]).toEqual([
        image.width,
        image.height,
        image.data.length,
      ]);
    }
    expect(out.subarray(-5)).toEqual(new Uint8Array(5).fill(7));
    expect(() => run(IMAGES[0]!, (lent) => lent.copy(new Uint8Array(10)))).toThrow(RangeError);
  });
});
