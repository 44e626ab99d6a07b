import { expect, it } from "vitest";
import { BGR, letterbox, type Placed, planes, planesPlain, RGB, whole } from "./letterbox.ts";

const round = (v: number) => Number(v.toFixed(4));
const filled = (width: number, height: number, rgb: readonly [number, number, number]) => ({
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => rgb[i % 3]!),
});

/** The red, green and blue of the ground's pixels, [height, width, 3]. */
const pixels = (placed: Placed) => {
  const values = planes(placed, { channels: RGB, scale: 1, offset: 0 });
  const size = placed.widthPx * placed.heightPx;
  return (x: number, y: number) => [0, 1, 2].map((c) => values[c * size + y * placed.widthPx + x]);
};

it("centres a wide photo between black bars and finds the way back", () => {
  const fit = letterbox(filled(40, 20, [200, 100, 50]), { widthPx: 8, heightPx: 8, place: "centre" });
  expect(Array.from({ length: 8 }, (_, y) => pixels(fit)(0, y))).toEqual(
    [0, 0, 1, 1, 1, 1, 0, 0].map((k) => [200 * k, 100 * k, 50 * k]),
  );
  expect(fit.toPhoto(0, 2)).toEqual({ x: 0, y: 0 });
  expect(fit.toPhoto(8, 6)).toEqual({ x: 40, y: 20 });
  expect([fit.scaleX, fit.scaleY]).toEqual([5, 5]);
});

it("puts a tall photo into the corner", () => {
  const fit = letterbox(filled(3, 9, [9, 9, 9]), { widthPx: 9, heightPx: 18, place: "corner" });
  expect(fit.toPhoto(6, 18)).toEqual({ x: 3, y: 9 });
  const column = (x: number) => pixels(fit)(x, 17)[0];
  expect([column(0), column(5), column(6)]).toEqual([9, 9, 0]);
});

it("keeps at least one pixel of an extreme strip", () => {
  const fit = letterbox(filled(1000, 1, [7, 7, 7]), { widthPx: 32, heightPx: 32, place: "corner" });
  expect(fit.scaleY).toBe(1);
  expect(fit.image.data[0]).toBe(7);
});

it("makes planes in the order and range a network wants", () => {
  const image = { width: 2, height: 1, data: Uint8Array.of(0, 51, 255, 255, 102, 0) };
  expect(Array.from(planes(whole(image), { channels: BGR, scale: 1, offset: 0 }))).toEqual([
    255, 0, 51, 102, 0, 255,
  ]);
  expect(Array.from(planes(whole(image), { channels: RGB, scale: 1 / 127.5, offset: -1 }), round)).toEqual([
    -1, 1, -0.6, -0.2, 1, -1,
  ]);
});

it("leaves nothing of what the memory held before", () => {
  const out = new Float32Array(3 * 64).fill(7);
  const fit = letterbox(filled(40, 20, [255, 0, 0]), { widthPx: 8, heightPx: 8, place: "centre" });
  const shape = { channels: RGB, scale: 1, offset: 0.5 } as const;
  expect(planes(fit, shape, out)).toBe(out);
  expect(out).toEqual(planes(fit, shape));
  expect([out[0], out[16], out[64 + 16]]).toEqual([0.5, 255.5, 0.5]);
});

it("makes the same floats with vectors and without", () => {
  const { left, top, ...rest } = letterbox(filled(31, 17, [250, 3, 128]), {
    ...{ widthPx: 27, heightPx: 27, place: "centre" },
  });
  const data = Uint8Array.from({ length: rest.image.data.length }, (_, i) => (i * 37) & 255);
  const placed = { ...rest, left, top, image: { ...rest.image, data } };
  for (const channels of [RGB, BGR]) {
    const shape = { channels, scale: 2 / 255, offset: -1 };
    expect(planes(placed, shape)).toEqual(planesPlain(placed, shape, new Float32Array(3 * 27 * 27)));
  }
});
