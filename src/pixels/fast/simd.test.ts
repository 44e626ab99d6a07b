import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { simdCode } from "../../../scripts/simd.mjs";
import { withPlain, withSimd } from "../../../test/lent.ts";
import goldens from "../../../test/parity/goldens/pixels/jpeg.json" with { type: "json" };
import { drawn, expectSame, picture } from "../../../test/parity/pixels.ts";
import { readIfThere } from "../../../test/source.ts";
import { ADJUSTMENTS, type Augmentation } from "../jitter.ts";
import type { RgbImage } from "../pixels.ts";
import { augmentedIn, augmentInto } from "./augment.ts";
import { jpegOf } from "./encode.ts";
import type { Region } from "./memory.ts";
import { openMemory } from "./memory.ts";
import { Pictures, withPicture } from "./pictures.ts";

const pictures = new Pictures();

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
    for (const [path, code] of Object.entries(await simdCode())) expect(readIfThere(path)).toBe(code);
  });
});

function augmented(image: RgbImage, how: Augmentation | undefined, px: number, run = withSimd) {
  const out = new Uint8Array(px * px * 3);
  run(image, (picture) => augmentInto(picture, how, px, out));
  return out;
}

describe("augmented equals the plain code bit for bit", () => {
  it("without augmentation, to any size", () => {
    fc.assert(
      fc.property(side, side, fc.integer({ min: 1, max: 120 }), fc.nat(), (width, height, px, seed) => {
        const image = picture(width, height, seed);
        const plain = augmented(image, undefined, px, withPlain);
        expect(equal(augmented(image, undefined, px), plain)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("with any augmentation", () => {
    fc.assert(
      fc.property(side, side, side, augmentation, fc.nat(), (width, height, px, drawnOnce, seed) => {
        const image = picture(width, height, seed);
        const plain = augmented(image, drawnOnce, px, withPlain);
        expect(equal(augmented(image, drawnOnce, px), plain)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it("for a large picture, whose greys are added up in parts", () => {
    const image = drawn(700, 400, "noise");
    const order = ["brightness", "contrast", "saturation"] as const;
    const jitter = { brightness: 1.1, contrast: 0.9, saturation: 1.05, order };
    const once = { mirror: true, jitter, degrees: 9.5 };
    expect(equal(augmented(image, once, 224), augmented(image, once, 224, withPlain))).toBe(true);
  });

  it("and leaves quarter turns, wide strips and huge pictures to it", () => {
    const jitter = { brightness: 1, contrast: 1, saturation: 1, order: ADJUSTMENTS };
    const memory = openMemory()!;
    const region = (width: number, height: number): Region => ({
      width,
      height,
      decoded: false,
      at: () => 0,
    });
    const turned = { mirror: false, jitter, degrees: 90 };
    expect(augmentedIn(memory, region(9, 9), turned, 8)).toBeUndefined();
    expect(augmentedIn(memory, region(40_000, 2), undefined, 8)).toBeUndefined();
    expect(augmentedIn(memory, region(2049, 2049), undefined, 8)).toBeUndefined();
    for (const image of [picture(9, 9, 0), drawn(400, 2, "smooth")])
      expect(equal(augmented(image, turned, 8), augmented(image, turned, 8, withPlain))).toBe(true);
  });
});

describe("jpeg", () => {
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
        const file = withSimd(image, (lent) => jpegOf(lent, quality));
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
    const photo = pictures.plainJpeg(first)!;
    const image = withPicture(photo, (lent) => lent.copy());
    const wanted = await sharp(image.data, { raw: { width: 300, height: 300, channels: 3 } })
      .jpeg({ quality: 80, chromaSubsampling: "4:2:0" })
      .toBuffer();
    expect(equal(withPicture(photo, (lent) => jpegOf(lent, 80))!, wanted)).toBe(true);
  });
});

/** Pixels of a plain JPEG. */
function decode(file: Uint8Array): RgbImage | undefined {
  const photo = pictures.plainJpeg(file);
  return photo && withPicture(photo, (lent) => lent.copy());
}

describe("decode", () => {
  for (const golden of goldens.files) {
    it(`${golden.name}: the same bytes as Pillow, or none`, () => {
      const decoded = decode(Buffer.from(golden.base64, "base64"));
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
        expect(equal(decode(file)!.data, data)).toBe(true);
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
          const decoded = decode(file);
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
      expect(decode(file.subarray(0, length))).toBeUndefined();
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
    for (const file of files) expect(decode(await file.toBuffer())).toBeUndefined();
  });
});
