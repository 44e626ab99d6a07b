import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { withPlain, withSimd } from "../../test/lent.ts";
import { goldenPicture } from "../../test/parity/picture.ts";
import { Random } from "../core/random.ts";
import type { RgbImage } from "./pixels.ts";
import { clippedShare, highlight, laplacianVariance, luma, sharpness } from "./quality.ts";

const PATH = new URL("../../test/parity/goldens/derive.json", import.meta.url);
const goldens = JSON.parse(readFileSync(PATH, "utf8")) as {
  readonly sharpness: readonly {
    readonly width: number;
    readonly height: number;
    readonly variance: number;
  }[];
};

const flat = (size: number, value: number): RgbImage => ({
  width: size,
  height: size,
  data: new Uint8Array(size * size * 3).fill(value),
});

describe("sharpness", () => {
  it("has the bits of the plain code, shrunk or enlarged", () => {
    const random = Random.of(6);
    for (let k = 0; k < 20; k++) {
      const [width, height] = [20 + random.int(400), 20 + random.int(400)];
      const data = new Uint8Array(width * height * 3).map(() => random.int(256));
      const image = { width, height, data };
      expect(withSimd(image, sharpness)).toBe(withPlain(image, sharpness));
    }
  });

  it.each(goldens.sharpness)("is OpenCV's variance of the Laplacian: $width x $height", (golden) => {
    const { width, height, variance } = golden;
    expect(laplacianVariance(luma(goldenPicture(width, height)), width, height)).toBeCloseTo(variance, 6);
  });

  it("is measured at 128 px, and zero for a plain picture", () => {
    const picture = goldenPicture(128, 128);
    expect(withSimd(picture, sharpness)).toBe(laplacianVariance(luma(picture), 128, 128));
    expect(withSimd(flat(300, 90), sharpness)).toBeCloseTo(0, 9);
  });
});

describe("exposure", () => {
  it("counts clipped pixels in the middle of a crop only", () => {
    const image = flat(40, 100);
    const white = (x: number, y: number) => image.data.fill(255, 3 * (40 * y + x), 3 * (40 * y + x) + 3);
    for (let i = 0; i < 40; i++) white(i, 0); // at the edge
    for (let i = 10; i < 30; i++) white(i, 20);
    expect(clippedShare(image)).toBeCloseTo(20 / 400, 12);
    image.data[3 * (40 * 25 + 15)] = 255; // one channel is colour, not a clipped pixel
    expect(clippedShare(image)).toBeCloseTo(20 / 400, 12);
  });

  it("asks how light the light parts of a frame are, whatever is dark in it", () => {
    const image = flat(100, 12);
    expect(highlight(image)).toBeCloseTo(12, 9);
    for (let y = 0; y < 100; y++) image.data.fill(200, 3 * 100 * y, 3 * (100 * y + 10));
    expect(highlight(image)).toBeCloseTo(200, 9); // a tenth of the frame is enough
  });

  it("is the value at that place of all sampled ones, sorted", () => {
    for (const spread of [1, 3, 60, 256]) {
      const image = { ...goldenPicture(64, 64), data: goldenPicture(64, 64).data.map((v) => v % spread) };
      const sorted = luma(image).sort();
      expect(highlight(image)).toBe(sorted[Math.floor(0.95 * sorted.length)]);
    }
  });
});
