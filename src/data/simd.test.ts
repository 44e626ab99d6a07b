import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { simdCode } from "../../scripts/simd.mjs";
import goldens from "../../test/parity/goldens/pixels/jpeg.json" with { type: "json" };
import { drawn, expectSame } from "../../test/parity/pixels.ts";
import { readIfThere } from "../../test/source.ts";
import { Random } from "../core/random.ts";
import { ADJUSTMENTS, type Augmentation, augmentPacked } from "./jitter.ts";
import { type RgbImage, resizeBilinear, resizePacked } from "./pixels.ts";
import { reduceByTwo } from "./reduce.ts";
import { openSimd } from "./simd.ts";

const simd = openSimd()!;

/** A picture with edges and noise; any seed. */
function picture(width: number, height: number, seed: number): RgbImage {
  const random = Random.of(seed);
  const [wave, noise] = [random.uniform(0.01, 0.5), random.uniform(0, 200)];
  const data = new Uint8ClampedArray(width * height * 3).map(
    (_, i) => 128 + 110 * Math.sin(i * wave) + noise * (random.next() - 0.5),
  );
  return { width, height, data: new Uint8Array(data.buffer) };
}

/** Without a listing of all bytes when they differ. */
const equal = (a: RgbImage["data"], b: RgbImage["data"]) => Buffer.from(a).equals(Buffer.from(b));

const side = fc.integer({ min: 8, max: 90 });
const factor = fc.oneof(fc.constant(1), fc.double({ min: 0, max: 2.5, noNaN: true }));
const augmentation: fc.Arbitrary<Augmentation> = fc.record({
  mirror: fc.boolean(),
  jitter: fc.record({
    brightness: factor,
    contrast: factor,
    saturation: factor,
    order: fc.shuffledSubarray([...ADJUSTMENTS], { minLength: 3 }),
  }),
  degrees: fc.integer({ min: -200_000, max: 200_000 }).map((milli) => milli / 1000),
});

describe("the committed code", () => {
  it("is what simd/ compiles to (else: node scripts/simd.mjs)", async () => {
    expect(readIfThere("src/data/simd-code.ts")).toBe(await simdCode());
  });
});

describe("prepare equals the plain code bit for bit", () => {
  it("without augmentation, to any size", () => {
    fc.assert(
      fc.property(side, side, fc.integer({ min: 1, max: 120 }), fc.nat(), (width, height, px, seed) => {
        const image = picture(width, height, seed);
        const { data } = resizeBilinear(image, px, px);
        expect(equal(simd.prepare(image, undefined, px)!, data)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("with any augmentation", () => {
    fc.assert(
      fc.property(side, side, side, augmentation, fc.nat(), (width, height, px, drawnOnce, seed) => {
        fc.pre(drawnOnce.degrees === 0 || drawnOnce.degrees % 90 !== 0);
        const image = picture(width, height, seed);
        const plain = resizePacked(augmentPacked(image, drawnOnce), px, px).data;
        expect(equal(simd.prepare(image, drawnOnce, px)!, plain)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it("for a large picture, whose greys are added up in parts", () => {
    const image = drawn(700, 400, "noise");
    const order = ["brightness", "contrast", "saturation"] as const;
    const jitter = { brightness: 1.1, contrast: 0.9, saturation: 1.05, order };
    const once = { mirror: true, jitter, degrees: 9.5 };
    const plain = resizePacked(augmentPacked(image, once), 224, 224).data;
    expect(equal(simd.prepare(image, once, 224)!, plain)).toBe(true);
  });

  it("and leaves quarter turns, wide strips and huge pictures to it", () => {
    const jitter = { brightness: 1, contrast: 1, saturation: 1, order: ADJUSTMENTS };
    expect(simd.prepare(picture(9, 9, 0), { mirror: false, jitter, degrees: 90 }, 8)).toBeUndefined();
    expect(simd.prepare(drawn(40_000, 2, "smooth"), undefined, 8)).toBeUndefined();
    expect(simd.prepare(drawn(2049, 2049, "smooth"), undefined, 8)).toBeUndefined();
  });
});

describe("encode", () => {
  const drawn = fc.record({
    width: fc.integer({ min: 1, max: 90 }),
    height: fc.integer({ min: 1, max: 90 }),
    quality: fc.integer({ min: 1, max: 100 }),
    kind: fc.constantFrom("picture", "extremes", "plain"),
    seed: fc.nat(),
  });
  const whole = (side: number) => Math.ceil(side / 8) % 2 === 0;

  it("gives sharp's bytes, of any picture, size and quality, or none", async () => {
    await fc.assert(
      fc.asyncProperty(drawn, async ({ width, height, quality, kind, seed }) => {
        let image = picture(width, height, seed);
        if (kind === "extremes") image = { ...image, data: image.data.map((v) => (v & 1) * 255) };
        if (kind === "plain") image.data.fill(seed & 255);
        const file = simd.encode(image, quality);
        expect(file === undefined).toBe(!(whole(width) && whole(height)));
        if (file === undefined) return;
        const source = sharp(image.data, { raw: { width, height, channels: 3 } });
        const wanted = await source.jpeg({ quality, chromaSubsampling: "4:2:0" }).toBuffer();
        expect(equal(file, wanted)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("takes a crop of the house's size, decoded in the same memory", async () => {
    const first = await sharp(picture(300, 300, 7).data, { raw: { width: 300, height: 300, channels: 3 } })
      .jpeg({ quality: 95, chromaSubsampling: "4:2:0" })
      .toBuffer();
    const image = simd.decode(first)!;
    const wanted = await sharp(image.data.slice(), { raw: { width: 300, height: 300, channels: 3 } })
      .jpeg({ quality: 80, chromaSubsampling: "4:2:0" })
      .toBuffer();
    expect(equal(simd.encode(image, 80)!, wanted)).toBe(true);
  });
});

describe("decode", () => {
  for (const golden of goldens.files) {
    it(`${golden.name}: the same bytes as Pillow, or none`, () => {
      const decoded = simd.decode(Buffer.from(golden.base64, "base64"));
      if (/progressive|4:2:2/.test(golden.name)) return expect(decoded).toBeUndefined();
      expect([decoded!.width, decoded!.height]).toEqual(golden.size);
      expectSame(decoded!, golden);
    });
  }

  const encoded = fc.record({
    width: fc.integer({ min: 8, max: 70 }),
    height: fc.integer({ min: 8, max: 70 }),
    quality: fc.integer({ min: 1, max: 100 }),
    chromaSubsampling: fc.constantFrom("4:2:0", "4:4:4"),
    optimiseCoding: fc.boolean(),
    seed: fc.nat(),
  });
  const jpeg = ({
    width,
    height,
    seed,
    ...options
  }: typeof encoded extends fc.Arbitrary<infer T> ? T : never) =>
    sharp(picture(width, height, seed).data, { raw: { width, height, channels: 3 } })
      .jpeg(options)
      .toBuffer();

  it("gives sharp's bytes, of any size, quality, chroma and tables", async () => {
    await fc.assert(
      fc.asyncProperty(encoded, async (options) => {
        const file = await jpeg(options);
        const { data } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
        expect(equal(simd.decode(file)!.data, data)).toBe(true);
      }),
      { numRuns: 80 },
    );
  });

  it("gives sharp's bytes of a damaged file, or none, and never fails", async () => {
    await fc.assert(
      fc.asyncProperty(
        encoded,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(255),
        async (options, at, by) => {
          const file = await jpeg(options);
          file[Math.floor(at * (file.length - 1))]! ^= by;
          const decoded = simd.decode(file);
          if (decoded === undefined) return;
          const { data } = await sharp(file, { failOn: "none" }).raw().toBuffer({ resolveWithObject: true });
          expect(equal(decoded.data, data)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("takes no file that was cut off", async () => {
    const file = await jpeg({
      width: 40,
      height: 30,
      seed: 1,
      quality: 80,
      chromaSubsampling: "4:2:0",
      optimiseCoding: false,
    });
    for (let length = 0; length < file.length; length += 7)
      expect(simd.decode(file.subarray(0, length))).toBeUndefined();
  });

  it("takes no other file: grey, CMYK, Exif, profile, PNG", async () => {
    const source = () => sharp(picture(20, 20, 3).data, { raw: { width: 20, height: 20, channels: 3 } });
    const files = [
      source().toColourspace("b-w").jpeg(),
      source().toColourspace("cmyk").jpeg(),
      source().withMetadata({ orientation: 6 }).jpeg(),
      source().withIccProfile("p3").jpeg(),
      source().png(),
    ];
    for (const file of files) expect(simd.decode(await file.toBuffer())).toBeUndefined();
  });
});

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

  it("cannot be looked at when another was decoded", async () => {
    const first = simd.decode(await encode(picture(20, 20, 1), "4:2:0"))!;
    simd.decode(await encode(picture(20, 20, 2), "4:2:0"));
    expect(() => first.data).toThrow("Another picture was decoded");
  });
});
