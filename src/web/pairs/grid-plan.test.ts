// The grid's lines fill its width.
import { expect, it } from "vitest";
import { GAP_PX, planOf, SIZES } from "./grid-plan.ts";
import type { Sifted } from "./sift.ts";

const sifted = { rows: Uint32Array.from({ length: 100 }, (_, i) => i) } as unknown as Sifted;

it("stand side by side without a band at their right, as large as is asked for or larger", () => {
  for (let width = 120; width < 3000; width += 37)
    for (const askedPx of [SIZES.least, SIZES.usual, SIZES.most]) {
      const { across, sizePx, tilePx, list } = planOf(sifted, { width, height: 600 }, askedPx);
      const left = width - across * (tilePx.width + GAP_PX); // half a gap on both sides
      expect(left).toBeGreaterThanOrEqual(0);
      expect(left).toBeLessThan(across);
      if (across > 1) expect(sizePx).toBeGreaterThanOrEqual(askedPx);
      expect(width).toBeLessThan((across + 1) * (2 * askedPx + GAP_PX)); // no other one would have room
      expect(list.lines).toBe(Math.ceil(100 / across));
    }
});

it("have the size that is asked for where the grid was not measured yet", () => {
  expect(planOf(sifted, { width: 0, height: 0 }, 112)).toMatchObject({ across: 1, sizePx: 112 });
});
