import { expect, it } from "vitest";
import { type Box, boxArea, boxIou, boxToPx, boxToRel, distance } from "./geometry.ts";

const unit: Box<"px"> = { x: 0, y: 0, width: 10, height: 10 };

it("measures overlap", () => {
  expect(boxIou(unit, unit)).toBe(1);
  expect(boxIou(unit, { x: 5, y: 0, width: 10, height: 10 })).toBeCloseTo(50 / 150, 12);
  expect(boxIou(unit, { x: 10, y: 0, width: 10, height: 10 })).toBe(0);
  expect(boxIou({ x: 0, y: 0, width: 0, height: 0 }, { x: 0, y: 0, width: 0, height: 0 })).toBe(0);
  expect(boxArea({ x: 0, y: 0, width: -1, height: 4 })).toBe(0);
});

it("goes from fractions to pixels and back", () => {
  const px = boxToPx({ x: 0.25, y: 0.5, width: 0.5, height: 0.25 }, 640, 480);
  expect(px).toEqual({ x: 160, y: 240, width: 320, height: 120 });
  expect(boxToRel(px, 640, 480)).toEqual({ x: 0.25, y: 0.5, width: 0.5, height: 0.25 });
  expect(distance({ x: 0, y: 0 }, { x: 3, y: 4 })).toBe(5);
});

it("keeps the two coordinate spaces apart", () => {
  const rel: Box<"rel"> = { x: 0, y: 0, width: 1, height: 1 };
  // @ts-expect-error fractions are not pixels
  expect(boxIou(unit, rel)).toBeGreaterThan(0);
});
