import { expect, it } from "vitest";
import { letterbox, planes } from "./letterbox.ts";

const filled = (width: number, height: number, rgb: readonly [number, number, number]) => ({
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => rgb[i % 3]!),
});

it("centres a wide photo between black bars and finds the way back", () => {
  const fit = letterbox(filled(40, 20, [200, 100, 50]), { widthPx: 8, heightPx: 8, place: "centre" });
  const rows = Array.from({ length: 8 }, (_, y) => Array.from(fit.image.data.subarray(24 * y, 24 * y + 3)));
  expect(rows).toEqual([0, 0, 1, 1, 1, 1, 0, 0].map((k) => [200 * k, 100 * k, 50 * k]));
  expect(fit.toPhoto(0, 2)).toEqual({ x: 0, y: 0 });
  expect(fit.toPhoto(8, 6)).toEqual({ x: 40, y: 20 });
  expect([fit.scaleX, fit.scaleY]).toEqual([5, 5]);
});

it("puts a tall photo into the corner", () => {
  const fit = letterbox(filled(3, 9, [9, 9, 9]), { widthPx: 9, heightPx: 18, place: "corner" });
  expect(fit.toPhoto(6, 18)).toEqual({ x: 3, y: 9 });
  const column = (x: number) => fit.image.data[3 * (9 * 17 + x)];
  expect([column(0), column(5), column(6)]).toEqual([9, 9, 0]);
});

it("keeps at least one pixel of an extreme strip", () => {
  const fit = letterbox(filled(1000, 1, [7, 7, 7]), { widthPx: 32, heightPx: 32, place: "corner" });
  expect(fit.scaleY).toBe(1);
  expect(fit.image.data[0]).toBe(7);
});

it("makes planes in the order and range a network wants", () => {
  const image = { width: 2, height: 1, data: Uint8Array.of(0, 51, 255, 255, 102, 0) };
  expect(Array.from(planes(image, [2, 1, 0], 1, 0))).toEqual([255, 0, 51, 102, 0, 255]);
  expect(Array.from(planes(image, [0, 1, 2], 1 / 127.5, -1), (v) => Number(v.toFixed(4)))).toEqual([
    -1, 1, -0.6, -0.2, 1, -1,
  ]);
});
