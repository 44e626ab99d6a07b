import { describe, expect, it } from "vitest";
import { withSimd } from "../../test/lent.ts";
import { blob } from "../../test/pictures.ts";
import { decodeImage, encodeJpeg } from "./image.ts";
import { hashDistance, lookOf, thumbCorrelation } from "./phash.ts";
import { flipHorizontal, type RgbImage, resizeBilinear } from "./pixels.ts";

const mapped = (image: RgbImage, f: (v: number) => number) => ({ ...image, data: image.data.map(f) });
const compare = (a: RgbImage, b: RgbImage) => {
  const [x, y] = [withSimd(a, lookOf), withSimd(b, lookOf)];
  return { bits: hashDistance(x.hash, y.hash), correlation: thumbCorrelation(x.thumb, y.thumb) };
};

describe("a picture's look", () => {
  const image = blob("one", 300);

  it("has the bits of a DCT written the long way", () => {
    const { data } = resizeBilinear(image, 64, 64);
    const luma = (x: number, y: number) =>
      [0.299, 0.587, 0.114].reduce((sum, w, c) => sum + w * data[(y * 64 + x) * 3 + c]!, 0);
    const wave = (x: number, k: number) => Math.cos((Math.PI / 64) * (x + 0.5) * k);
    const values = Array.from({ length: 256 }, (_, i) => {
      let sum = 0;
      for (let y = 0; y < 64; y++)
        for (let x = 0; x < 64; x++) sum += luma(x, y) * wave(x, i % 16) * wave(y, Math.floor(i / 16));
      return sum;
    });
    const median = values.slice(1).sort((a, b) => a - b)[127]!;
    const expected = values.map((value, i) => (i > 0 && value > median ? 1 : 0));
    const { hash } = withSimd(image, lookOf);
    expect(expected.map((_, i) => (hash[i >> 4]! >> (i & 15)) & 1)).toEqual(expected);
    expect(expected.reduce<number>((a, b) => a + b, 0)).toBe(127);
  });

  it("hardly changes when a picture is scaled and compressed again", async () => {
    const again = await decodeImage(await encodeJpeg(resizeBilinear(image, 200, 200), { quality: 60 }));
    const { bits, correlation } = compare(image, again);
    expect(bits).toBeLessThanOrEqual(8);
    expect(correlation).toBeGreaterThan(0.99);
  });

  it("does not depend on brightness and contrast", () => {
    expect(
      compare(
        image,
        mapped(image, (v) => 40 + v / 2),
      ).bits,
    ).toBeLessThanOrEqual(4);
  });

  it("distinguishes other pictures, mirrored ones too", () => {
    expect(compare(image, blob("other", 300)).bits).toBeGreaterThan(60);
    expect(compare(image, flipHorizontal(image)).bits).toBeGreaterThan(60);
    expect(
      compare(
        image,
        mapped(image, (v) => 255 - v),
      ).correlation,
    ).toBeLessThan(-0.99);
  });

  it("of a flat picture is like no other's thumbnail", () => {
    const flat = mapped(image, () => 7);
    expect(compare(flat, flat).correlation).toBe(0);
  });
});
