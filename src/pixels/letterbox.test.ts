import { expect, it } from "vitest";
import { withPlain, withSimd } from "../../test/lent.ts";
import { type LetterboxShape, letterbox, wholePlanes } from "./letterbox.ts";
import type { RgbImage } from "./pixels.ts";
import { BGR, type PlaneShape, RGB } from "./planes.ts";

const round = (v: number) => Number(v.toFixed(4));
const filled = (width: number, height: number, rgb: readonly [number, number, number]) => ({
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => rgb[i % 3]!),
});
const AS_IS: PlaneShape = { channels: RGB, scale: 1, offset: 0 };

/** The letterbox, and the red, green and blue of the ground's pixels. */
function fitting(image: RgbImage, shape: LetterboxShape) {
  const { widthPx, heightPx } = shape;
  const size = widthPx * heightPx;
  const values = new Float32Array(3 * size);
  const fit = withSimd(image, (picture) => letterbox(picture, shape, AS_IS, values));
  return { ...fit, at: (x: number, y: number) => [0, 1, 2].map((c) => values[c * size + y * widthPx + x]) };
}

function planesOf(image: RgbImage, shape: PlaneShape, run = withSimd): Float32Array {
  const values = new Float32Array(3 * image.width * image.height);
  run(image, (picture) => wholePlanes(picture, shape, values));
  return values;
}

it("centres a wide photo between black bars and finds the way back", () => {
  const fit = fitting(filled(40, 20, [200, 100, 50]), { widthPx: 8, heightPx: 8, place: "centre" });
  expect(Array.from({ length: 8 }, (_, y) => fit.at(0, y))).toEqual(
    [0, 0, 1, 1, 1, 1, 0, 0].map((k) => [200 * k, 100 * k, 50 * k]),
  );
  expect(fit.toPhoto(0, 2)).toEqual({ x: 0, y: 0 });
  expect(fit.toPhoto(8, 6)).toEqual({ x: 40, y: 20 });
  expect([fit.scaleX, fit.scaleY]).toEqual([5, 5]);
});

it("puts a tall photo into the corner", () => {
  const fit = fitting(filled(3, 9, [9, 9, 9]), { widthPx: 9, heightPx: 18, place: "corner" });
  expect(fit.toPhoto(6, 18)).toEqual({ x: 3, y: 9 });
  const column = (x: number) => fit.at(x, 17)[0];
  expect([column(0), column(5), column(6)]).toEqual([9, 9, 0]);
});

it("keeps at least one pixel of an extreme strip", () => {
  const fit = fitting(filled(1000, 1, [7, 7, 7]), { widthPx: 32, heightPx: 32, place: "corner" });
  expect(fit.scaleY).toBe(1);
  expect(fit.at(0, 0)[0]).toBe(7);
});

it("makes planes in the order and range a network wants", () => {
  const image = { width: 2, height: 1, data: Uint8Array.of(0, 51, 255, 255, 102, 0) };
  expect(Array.from(planesOf(image, { ...AS_IS, channels: BGR }))).toEqual([255, 0, 51, 102, 0, 255]);
  expect(Array.from(planesOf(image, { channels: RGB, scale: 1 / 127.5, offset: -1 }), round)).toEqual([
    -1, 1, -0.6, -0.2, 1, -1,
  ]);
});

it("leaves nothing of what was in the memory before", () => {
  const out = new Float32Array(3 * 64).fill(7);
  const shape = { channels: RGB, scale: 1, offset: 0.5 };
  const input = { widthPx: 8, heightPx: 8, place: "centre" } as const;
  withSimd(filled(40, 20, [255, 0, 0]), (picture) => letterbox(picture, input, shape, out));
  expect([out[0], out[16], out[64 + 16]]).toEqual([0.5, 255.5, 0.5]);
});

it("makes the same floats by SIMD and without", () => {
  const data = Uint8Array.from({ length: 31 * 17 * 3 }, (_, i) => (i * 37) & 255);
  const image = { width: 31, height: 17, data };
  const input = { widthPx: 27, heightPx: 27, place: "centre" } as const;
  for (const channels of [RGB, BGR]) {
    const shape = { channels, scale: 2 / 255, offset: -1 };
    const [quick, plain] = [withSimd, withPlain].map((run) => {
      const values = new Float32Array(3 * 27 * 27);
      run(image, (picture) => letterbox(picture, input, shape, values).scaleX);
      return values;
    });
    expect(quick).toEqual(plain);
    expect(planesOf(image, shape)).toEqual(planesOf(image, shape, withPlain));
  }
});
