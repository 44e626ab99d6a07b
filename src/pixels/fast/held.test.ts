import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { picture } from "../../../test/parity/pixels.ts";
import type { RgbImage } from "../pixels.ts";
import { reduceByTwo } from "../reduce.ts";
import { openSimd } from "./simd.ts";

const simd = openSimd()!;

/** Without a listing of all bytes when they differ. */
const equal = (a: RgbImage["data"], b: RgbImage["data"]) => Buffer.from(a).equals(Buffer.from(b));

describe("a decoded picture, whose colours are made when they are looked at", () => {
  const drawnJpeg = fc.record({
    width: fc.integer({ min: 16, max: 120 }),
    height: fc.integer({ min: 16, max: 120 }),
    chromaSubsampling: fc.constantFrom("4:2:0", "4:4:4"),
    seed: fc.nat(),
  });
  const encode = ({ width, height, data }: RgbImage, chromaSubsampling: string) =>
    sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 95, chromaSubsampling })
      .toBuffer();

  it("is sampled in any part as the whole is", async () => {
    const other = openSimd()!;
    await fc.assert(
      fc.asyncProperty(
        drawnJpeg,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
        fc.nat(1),
        async ({ width, height, chromaSubsampling, seed }, [a, b, c, d], halvings) => {
          const file = await encode(picture(width, height, seed), chromaSubsampling);
          const [left, top] = [Math.floor(a! * (width - 12)), Math.floor(b! * (height - 12))];
          const [right, bottom] = [
            left + 11 + Math.floor(c! * (width - left - 11)),
            top + 11 + Math.floor(d! * (height - top - 11)),
          ];
          const part = { left, top, right: Math.min(right, width - 1), bottom: Math.min(bottom, height - 1) };
          const walk = { x: 0.3, y: 0.2, ux: 0.4, uy: 0.1, vx: -0.05, vy: 0.4 };
          const held = simd.decode(file)!;
          const { data } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
          const plain = { width, height, data: new Uint8Array(data) };
          const wanted = other.sample(plain, part, halvings, walk, 32)!;
          expect(equal(simd.sample(held, part, halvings, walk, 32)!, wanted)).toBe(true);
          expect(equal(held.data, plain.data)).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("is what sharp gives, or left to it, whatever the steps of quantisation say", async () => {
    let [taken, left] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        drawnJpeg,
        fc.array(fc.tuple(fc.constantFrom(0, 0, 1, 2, 9, 35, 63), fc.integer({ min: 1, max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        async ({ width, height, chromaSubsampling, seed }, changes) => {
          const file = await encode(picture(width, height, seed), chromaSubsampling);
          for (let at = file.indexOf("ffdb", 0, "hex"); at !== -1; at = file.indexOf("ffdb", at + 4, "hex")) {
            for (const [k, step] of changes) file[at + 5 + k] = step;
          }
          const held = simd.decode(file);
          if (held === undefined) left++;
          else {
            taken++;
            expect(equal(held.data, await sharp(file).raw().toBuffer())).toBe(true);
          }
        },
      ),
      { numRuns: 300, seed: 5 },
    );
    expect(Math.min(taken, left)).toBeGreaterThan(60);
  });

  const halved = (image: RgbImage, times: number): RgbImage =>
    times === 0 ? image : halved(reduceByTwo(image), times - 1);

  it("is halved as its colours are, to the byte where it is grey", async () => {
    await fc.assert(
      fc.asyncProperty(
        drawnJpeg,
        fc.integer({ min: 1, max: 3 }),
        async ({ width, height, chromaSubsampling, seed }, k) => {
          const grey = picture(width, height, seed);
          for (let i = 0; i < grey.data.length; i += 3) grey.data.fill(grey.data[i]!, i, i + 3);
          const held = simd.decode(await encode(grey, chromaSubsampling))!;
          const small = simd.resize(held, width >> k, height >> k, k)!.slice();
          expect(equal(small, halved({ width, height, data: held.data.slice() }, k).data)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("and within two levels where colours change slowly", async () => {
    for (const chroma of ["4:2:0", "4:4:4"]) {
      for (const [width, height, k] of [
        [96, 80, 1],
        [101, 67, 1],
        [97, 131, 2],
        [120, 120, 3],
      ] as const) {
        const slope = { width, height, data: new Uint8Array(width * height * 3) };
        for (let i = 0; i < width * height; i++) {
          const [x, y] = [i % width, Math.floor(i / width)];
          slope.data.set([2 * x, 255 - y, 128 + x - y / 2], 3 * i);
        }
        const held = simd.decode(await encode(slope, chroma))!;
        const small = simd.resize(held, width >> k, height >> k, k)!.slice();
        const wanted = halved({ width, height, data: held.data.slice() }, k).data;
        expect(small.reduce((most, v, i) => Math.max(most, Math.abs(v - wanted[i]!)), 0)).toBeLessThan(3);
      }
    }
  });

  it("keeps what was made of it, until another is decoded", async () => {
    const other = openSimd()!;
    const part = { left: 3, top: 5, right: 80, bottom: 70 };
    const walk = { x: 0.5, y: 0.25, ux: 0.9, uy: 0.1, vx: -0.1, vy: 0.9 };
    const held = simd.decode(await encode(picture(90, 80, 1), "4:2:0"))!;
    const plain = { width: 90, height: 80, data: held.data.slice() };
    const small = simd.resizeKept(held, 45, 40)!;
    const crops = [64, 32].map((px) => simd.sampleKept(held, part, 0, walk, px)!);
    const tiny = simd.resizeKept(small, 16, 16)!;
    simd.encode(picture(64, 64, 2), 90); // works behind them
    const file = simd.encode(crops[0]!, 95)!.slice();
    expect(equal(small.data, other.resize(plain, 45, 40)!)).toBe(true);
    expect(equal(crops[1]!.data, other.sample(plain, part, 0, walk, 32)!)).toBe(true);
    const wanted = { width: 64, height: 64, data: other.sample(plain, part, 0, walk, 64)!.slice() };
    expect(equal(crops[0]!.data, wanted.data)).toBe(true);
    expect(equal(file, other.encode(wanted, 95)!)).toBe(true);
    const copied = { width: 45, height: 40, data: small.data.slice() };
    expect(equal(tiny.data, other.resize(copied, 16, 16)!)).toBe(true);
    simd.decode(await encode(picture(20, 20, 2), "4:2:0"));
    for (const gone of [held, small, crops[0]!])
      expect(() => gone.data).toThrow("Another picture was decoded");
    expect(simd.resizeKept(picture(20, 20, 3), 8, 8)).toBeUndefined(); // nothing of this memory
  });
});
