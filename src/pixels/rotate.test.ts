import { describe, expect, it } from "vitest";
import goldens from "../../test/parity/goldens/pixels/pixels.json" with { type: "json" };
import { drawn, expectSame } from "../../test/parity/pixels.ts";
import { rotate } from "./rotate.ts";

describe("rotate equals torchvision on PIL images bit for bit", () => {
  for (const golden of goldens.rotate) {
    const [w, h] = golden.size as [number, number];
    it(`${w}x${h} by ${golden.degrees}`, () => {
      const image = rotate(drawn(w, h, "noise"), golden.degrees);
      expect([image.width, image.height]).toEqual([w, h]);
      expectSame(image, golden);
    });
  }

  it("takes sides beyond 16.16 fixed point", () => {
    const image = rotate(drawn(70_000, 2, "noise"), 0.0001);
    expectSame(image, goldens.rotate_long);
  });
});
