import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeImage, encodeJpeg } from "../image.ts";
import { type RgbImage, resizeBilinear } from "../pixels.ts";
import { halvingsFor, reduceByTwo } from "../reduce.ts";
import { copyOf, encodeQuick, resizeQuick, shrinkQuick, withPhoto } from "./resize.ts";

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

describe("shrinkQuick", () => {
  it("gives the bytes of reduceByTwo and resizeBilinear", () => {
    fc.assert(
      fc.property(side, side, fc.integer({ min: 1, max: 3 }), fc.nat(99), (width, height, halvings, seed) => {
        const image = noise(8 * width + (seed & 7), 8 * height + ((seed >> 3) & 7), seed);
        let plain = image;
        for (let k = 0; k < halvings; k++) plain = reduceByTwo(plain);
        plain = resizeBilinear(plain, width, height);
        expect(compare(shrinkQuick(image, width, height, halvings).data, plain.data)).toBe(0);
      }),
      { numRuns: 60, seed: 2 },
    );
  });

  it("means four pixels, rounded up from a half, without the odd column", () => {
    const data = Uint8Array.from([1, 10, 255, 2, 20, 255, 9, 9, 9, 3, 30, 254, 4, 41, 254, 9, 9, 9]);
    expect(reduceByTwo({ width: 3, height: 2, data })).toEqual({
      width: 1,
      height: 1,
      data: Uint8Array.from([3, 25, 255]),
    });
  });

  it("halves only where the resample still shrinks afterwards", () => {
    const to = { width: 192, height: 144 };
    const times = (scale: number) => halvingsFor({ width: 192 * scale, height: 144 * scale }, to);
    expect([0.5, 1, 4.9, 5, 9.9, 10, 11].map(times)).toEqual([0, 0, 0, 1, 1, 2, 2]);
    expect(halvingsFor({ width: 1000, height: 1 }, { width: 32, height: 1 })).toBe(0);
  });
});

describe("withPhoto", () => {
  it("gives the pixels of decodeImage, and its refusals", async () => {
    for (const chroma of ["4:2:0", "4:4:4"] as const) {
      const file = await encodeJpeg(noise(67, 45, 2), { quality: 90, chroma });
      const photo = await withPhoto(file, {}, async (image) => {
        resizeQuick(noise(500, 400, 5), 30, 20); // the pixels stay, and where the memory grows they are found again
        await encodeQuick(noise(640, 480, 6));
        return copyOf(image);
      });
      const { width, height, data } = await decodeImage(file);
      expect([photo.width, photo.height, compare(photo.data, data)]).toEqual([width, height, 0]);
      await expect(withPhoto(file.subarray(0, file.length / 2), {}, failing)).rejects.toMatchObject({
        code: "IMAGE_BROKEN",
      });
    }
    await expect(withPhoto(Buffer.from("<html>"), { name: "x" }, failing)).rejects.toMatchObject({
      code: "IMAGE_FORMAT",
    });
    const tooLarge = withPhoto(await encodeJpeg(noise(67, 45, 2)), { maxPixels: 100 }, failing);
    await expect(tooLarge).rejects.toMatchObject({ code: "IMAGE_TOO_LARGE" });
  });

  const failing = async () => expect.fail("worked on");

  it("hands a refused file's error over, and goes on with the next after a fault in the work", async () => {
    const refused = (error: unknown) => (error as { code: string }).code;
    expect(await withPhoto(new Uint8Array(0), { refused }, failing)).toBe("IMAGE_EMPTY");
    const file = await encodeJpeg(noise(40, 40, 2));
    await expect(withPhoto(file, {}, () => Promise.reject(new Error("in the work")))).rejects.toThrow("work");
    expect(await withPhoto(file, {}, async ({ width }) => width)).toBe(40);
  });

  it("ends a photo with its work: a later look throws", async () => {
    const file = await encodeJpeg(noise(40, 40, 2));
    const photo = await withPhoto(file, {}, async (image) => image);
    expect(() => photo.data).toThrow("Another picture was decoded before this one was done");
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
