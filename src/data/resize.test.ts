import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeImage, encodeJpeg } from "./image.ts";
import { type RgbImage, resizeBilinear } from "./pixels.ts";
import { decodeQuick, encodeQuick, resizeQuick } from "./resize.ts";

function noise(width: number, height: number, seed: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  let state = seed + 1;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  return { width, height, data };
}

const compare = (a: RgbImage["data"], b: RgbImage["data"]) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const side = fc.integer({ min: 1, max: 90 });

describe("resizeQuick", () => {
  it("gives the bytes of resizeBilinear, to any size, and keeps them", () => {
    fc.assert(
      fc.property(side, side, side, side, fc.nat(99), (width, height, toWidth, toHeight, seed) => {
        const image = noise(width, height, seed);
        const small = resizeQuick(image, toWidth, toHeight);
        resizeQuick(noise(50, 40, 3), 30, 20); // does not write into what was given before
        expect(small).toEqual({ ...resizeBilinear(image, toWidth, toHeight), data: expect.anything() });
        expect(compare(small.data, resizeBilinear(image, toWidth, toHeight).data)).toBe(0);
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it("takes a frame larger than the vectors' memory", () => {
    const image = noise(2100, 2001, 1);
    expect(compare(resizeQuick(image, 64, 48).data, resizeBilinear(image, 64, 48).data)).toBe(0);
  });
});

describe("decodeQuick", () => {
  it("gives the pixels of decodeImage, and its refusals", async () => {
    for (const chroma of ["4:2:0", "4:4:4"] as const) {
      const file = await encodeJpeg(noise(67, 45, 2), { quality: 90, chroma });
      const image = await decodeQuick(file);
      await decodeQuick(await encodeJpeg(noise(67, 45, 5)));
      const { width, height, data } = await decodeImage(file);
      expect([image.width, image.height, compare(image.data, data)]).toEqual([width, height, 0]);
      await expect(decodeQuick(file.subarray(0, file.length / 2))).rejects.toMatchObject({
        code: "IMAGE_BROKEN",
      });
    }
    await expect(decodeQuick(Buffer.from("<html>"), { name: "x" })).rejects.toMatchObject({
      code: "IMAGE_FORMAT",
    });
    const tooLarge = decodeQuick(await encodeJpeg(noise(67, 45, 2)), { maxPixels: 100 });
    await expect(tooLarge).rejects.toMatchObject({ code: "IMAGE_TOO_LARGE" });
  });
});

describe("encodeQuick", () => {
  it("gives the bytes of encodeJpeg, for sizes and chroma of its own and others", async () => {
    for (const [width, height, chroma] of [
      [64, 48, "4:2:0"],
      [60, 30, "4:2:0"],
      [67, 45, "4:2:0"],
      [64, 48, "4:4:4"],
    ] as const) {
      const image = noise(width, height, 4);
      const file = await encodeQuick(image, { quality: 95, chroma });
      expect(compare(file, await encodeJpeg(image, { quality: 95, chroma }))).toBe(0);
    }
  });
});
