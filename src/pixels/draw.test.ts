import { describe, expect, it } from "vitest";
import { drawOutline } from "./draw.ts";

describe("drawOutline", () => {
  it("draws the sides of a turned square and nothing else, also beyond the edge", () => {
    const image = { width: 21, height: 21, data: new Uint8Array(21 * 21 * 3) };
    const corners = [
      { x: 10, y: -5 },
      { x: 25, y: 10 },
      { x: 10, y: 25 },
      { x: -5, y: 10 },
    ];
    drawOutline(image, corners, [1, 2, 3]);
    for (let y = 0; y < 21; y++) {
      for (let x = 0; x < 21; x++) {
        // Distance from |x - 10| + |y - 10| = 15, along an axis; the line is 3 px wide.
        const far = Math.abs(Math.abs(x - 10) + Math.abs(y - 10) - 15);
        const pixel = [...image.data.subarray(3 * (21 * y + x), 3 * (21 * y + x) + 3)];
        if (far === 0) expect([x, y, ...pixel]).toEqual([x, y, 1, 2, 3]);
        if (far > 2) expect([x, y, ...pixel]).toEqual([x, y, 0, 0, 0]);
      }
    }
  });
});
