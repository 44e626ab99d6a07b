import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { skinOf } from "../../drawn/svg.ts";
import { Scratch } from "../../pixels/fast/scratch.ts";
import type { RgbImage } from "../../pixels/pixels.ts";
import { handSkinAngle, labOf, SKIN_TONES, skinAngle, skinTone } from "./skin.ts";

const PATH = new URL("../../../test/parity/goldens/derive.json", import.meta.url);
const goldens = JSON.parse(readFileSync(PATH, "utf8")) as {
  readonly lab: readonly {
    readonly rgb: readonly [number, number, number];
    readonly lab: readonly number[];
  }[];
};

function plain(rgb: readonly [number, number, number], size = 150): RgbImage {
  return {
    width: size,
    height: size,
    data: Uint8Array.from({ length: size * size * 3 }, (_, i) => rgb[i % 3]!),
  };
}

describe("labOf", () => {
  it("gives scikit-image's CIELAB", () => {
    for (const { rgb, lab } of goldens.lab) {
      const { l, a, b } = labOf(...rgb);
      for (const [i, value] of [l, a, b].entries()) expect(Math.abs(value - lab[i]!)).toBeLessThan(0.02);
    }
  });
});

describe("skinTone", () => {
  it("cuts at 55, 41, 28, 10 and -30 degrees", () => {
    expect([56, 55, 41.1, 41, 28, 10.5, 10, -29.9, -30, -80].map(skinTone)).toEqual([
      ...["very light", "light", "light", "intermediate", "tan", "tan", "brown", "brown", "dark", "dark"],
    ]);
  });
});

describe("skinAngle", () => {
  it("is atan((L* - 50) / b*) of the skin, for every class, at any size", () => {
    for (const [, low] of SKIN_TONES.slice(0, -1)) {
      const rgb = skinOf(low + 4).map(Math.round) as [number, number, number];
      const { l, b } = labOf(...rgb);
      const ita = (Math.atan((l - 50) / b) * 180) / Math.PI;
      expect(skinAngle(plain(rgb))).toBeCloseTo(ita, 9);
      expect(skinAngle(plain(rgb, 300))).toBeCloseTo(ita, 9);
      expect(Math.abs(ita - (low + 4))).toBeLessThan(1);
    }
  });

  it("leaves glints and shadows out", () => {
    const rgb = skinOf(34).map(Math.round) as [number, number, number];
    const chip = plain(rgb);
    const before = skinAngle(chip)!;
    for (let i = 0; i < chip.data.length; i += 3 * 10) chip.data.fill(252, i, i + 3); // grey glints
    for (let i = 6; i < chip.data.length; i += 3 * 10) chip.data.set([30, 12, 8], i); // shadows of skin's hue
    expect(skinAngle(chip)).toBeCloseTo(before, 9);
  });

  it("does not depend on the memory that it works in", () => {
    const scratch = new Scratch();
    for (const low of [60, 34, 10]) {
      const chip = plain(skinOf(low).map(Math.round) as [number, number, number], 150 + low);
      chip.data.set([30, 12, 8], 3 * 90 * 200);
      expect(skinAngle(chip, scratch)).toBe(skinAngle(chip));
    }
  });

  it("does not measure what is not like skin", () => {
    expect(skinAngle(plain([40, 160, 60]))).toBeUndefined();
    expect(skinAngle(plain([120, 120, 125]))).toBeUndefined();
    expect(skinAngle(plain([3, 1, 1]))).toBeUndefined();
  });
});

describe("handSkinAngle", () => {
  /** Wrist below, knuckles in a row above it, about a point; other landmarks far away. */
  const handAt = (x: number, y: number, width = 0.2) =>
    Array.from({ length: 21 }, (_, i) => {
      const knuckle = [5, 9, 13, 17].indexOf(i);
      if (i === 0) return { x, y: y + 0.2 } as const;
      return knuckle < 0 ? { x: 0.95, y: 0.02 } : { x: x + (knuckle / 3 - 0.5) * width, y: y - 0.05 };
    }) as unknown as Parameters<typeof handSkinAngle>[1];
  const rgbOf = (low: number) => skinOf(low).map(Math.round) as [number, number, number];

  it("is a face's angle of the same skin", () => {
    for (const [, low] of SKIN_TONES.slice(0, -1)) {
      const picture = plain(rgbOf(low + 4));
      expect(handSkinAngle(picture, undefined)).toBeCloseTo(skinAngle(picture)!, 9);
      expect(handSkinAngle(picture, handAt(0.5, 0.5))).toBeCloseTo(skinAngle(picture)!, 9);
    }
  });

  it("is measured between wrist and knuckles, wherever they are, and in the middle without them", () => {
    const size = 150;
    const picture = plain(rgbOf(50), size);
    const dark = rgbOf(-20);
    for (let y = 0; y < size; y++)
      for (let x = size / 2; x < size; x++) picture.data.set(dark, 3 * (y * size + x));
    const [light, deep] = [skinAngle(plain(rgbOf(50)))!, skinAngle(plain(dark))!];
    expect(handSkinAngle(picture, handAt(0.25, 0.5))).toBeCloseTo(light, 9);
    expect(handSkinAngle(picture, handAt(0.75, 0.5))).toBeCloseTo(deep, 9);
    const middle = handSkinAngle(picture, undefined)!;
    expect(middle).toBeGreaterThan(deep);
    expect(middle).toBeLessThan(light);
  });

  it("is not measured outside of the picture, nor of what has another colour", () => {
    expect(handSkinAngle(plain(rgbOf(50)), handAt(1.6, 0.5))).toBeUndefined();
    expect(handSkinAngle(plain([40, 160, 60]), handAt(0.5, 0.5))).toBeUndefined();
    expect(handSkinAngle(plain(rgbOf(50)), handAt(0.5, 0.5, 0))).toBeUndefined();
  });
});
