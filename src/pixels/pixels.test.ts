import { describe, expect, it } from "vitest";
import goldens from "../../test/parity/goldens/pixels/pixels.json" with { type: "json" };
import orders from "../../test/parity/goldens/pixels/resize-order.json" with { type: "json" };
import { drawn, expectSame } from "../../test/parity/pixels.ts";
import { sha256 } from "../machine/files.ts";
import { flipHorizontal, resizeBilinear } from "./pixels.ts";

describe("the order of passes is that of Pillow before version 13, whose pictures models were trained on", () => {
  const before = orders.pillow["11.3.0"];
  const since = orders.pillow["13.0.0"];
  const hash = ({ data }: { data: ArrayLike<number> }) => sha256(Uint8Array.from(data));

  it.each(before)("noise $from -> $to", ({ from, to, sha256: expected }) => {
    const [w, h, ow, oh] = [...from, ...to] as [number, number, number, number];
    expect(hash(resizeBilinear(drawn(w, h, "noise"), ow, oh))).toBe(expected);
  });

  it.each(since)(
    "Pillow 13 of $from -> $to is the same but for the order",
    ({ from, to, sha256: expected }) => {
      const [w, h, ow, oh] = [...from, ...to] as [number, number, number, number];
      const rowsFirst = h > oh && h - oh > 2 * (w - ow); // Resample.c, horizontal_first
      const image = drawn(w, h, "noise");
      const halfway = rowsFirst ? resizeBilinear(image, w, oh) : image;
      expect(hash(resizeBilinear(halfway, ow, oh))).toBe(expected);
    },
  );

  it("squares of both are the same", () => {
    const squares = (rows: typeof before) =>
      rows.filter(({ from, to }) => from[0] === from[1] && to[0] === to[1]).map(({ sha256 }) => sha256);
    expect(squares(before).length).toBeGreaterThan(0);
    expect(squares(since)).toEqual(squares(before));
  });
});

describe("resizeBilinear equals PIL bit for bit", () => {
  for (const golden of goldens.resize) {
    const [w, h] = golden.from_ as [number, number];
    const [ow, oh] = golden.to as [number, number];
    it(`${golden.kind} ${w}x${h} -> ${ow}x${oh}`, () => {
      const image = resizeBilinear(drawn(w, h, golden.kind), ow, oh);
      expect([image.width, image.height]).toEqual([ow, oh]);
      expectSame(image, golden);
    });
  }

  it("reads clamped arrays, as a canvas gives them, the same way", () => {
    const image = drawn(50, 40, "noise");
    const clamped = { ...image, data: new Uint8ClampedArray(image.data) };
    expect(resizeBilinear(clamped, 21, 33)).toEqual(resizeBilinear(image, 21, 33));
  });

  it("leaves the input as it was", () => {
    const image = drawn(30, 20, "noise");
    const before = image.data.slice();
    resizeBilinear(image, 11, 50);
    expect(image.data).toEqual(before);
  });
});

describe("flipHorizontal equals torchvision", () => {
  for (const golden of goldens.flip) {
    const [w, h] = golden.size as [number, number];
    it(`${w}x${h}`, () => expectSame(flipHorizontal(drawn(w, h, "noise")), golden));
  }
});
