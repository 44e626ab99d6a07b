import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { picture } from "../../../test/parity/pixels.ts";
import { Random } from "../../core/random.ts";
import { decodeImage, encodeJpeg, encodePng } from "../image.ts";
import { drawAugmentation, FULL_AUGMENT } from "../jitter.ts";
import type { RgbImage } from "../pixels.ts";
import { laplacianOf } from "../quality.ts";
import { reduceByTwo } from "../reduce.ts";
import { augmentInto } from "./augment.ts";
import { jpegOf } from "./encode.ts";
import { openPhoto } from "./open-photo.ts";
import type { Picture } from "./picture.ts";
import { type Photo, Pictures, withPicture } from "./pictures.ts";

const pictures = new Pictures();
const copyOf = (photo: Photo) => withPicture(photo, (lent) => lent.copy());

/** Without a listing of all bytes when they differ. */
const equal = (a: RgbImage["data"], b: RgbImage["data"]) => Buffer.from(a).equals(Buffer.from(b));

describe("a decoded picture, whose colours are made when they are read", () => {
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
    const other = new Pictures({ simd: false });
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
          const photo = pictures.plainJpeg(file)!;
          const { data } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
          const plain = { width, height, data: new Uint8Array(data) };
          const sampled = (lent: Picture) => lent.sampled(part, halvings, walk, 32).copy().data;
          const cut = (lent: Picture) =>
            lent.part({ ...part, left: left - 4, bottom: height + 2 }).copy().data;
          for (const part of [sampled, cut]) {
            const wanted = withPicture(other.photo(plain), part);
            expect(equal(withPicture(photo, part), wanted)).toBe(true);
          }
          expect(equal(copyOf(photo).data, plain.data)).toBe(true);
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
          const photo = pictures.plainJpeg(file);
          if (photo === undefined) left++;
          else {
            taken++;
            expect(equal(copyOf(photo).data, await sharp(file).raw().toBuffer())).toBe(true);
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
          const photo = pictures.plainJpeg(await encode(grey, chromaSubsampling))!;
          const small = withPicture(photo, (lent) => lent.resized(width >> k, height >> k, k).copy());
          expect(equal(small.data, halved(copyOf(photo), k).data)).toBe(true);
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
        const photo = pictures.plainJpeg(await encode(slope, chroma))!;
        const small = withPicture(photo, (lent) => lent.resized(width >> k, height >> k, k).copy()).data;
        const wanted = halved(copyOf(photo), k).data;
        expect(Math.max(...small.map((v, i) => Math.abs(v - wanted[i]!)))).toBeLessThan(3);
      }
    }
  });

  it("keeps what was made of it until the block ends", async () => {
    const part = { left: 3, top: 5, right: 80, bottom: 70 };
    const walk = { x: 0.5, y: 0.25, ux: 0.9, uy: 0.1, vx: -0.1, vy: 0.9 };
    const all = (lent: Picture) => {
      const small = lent.resized(45, 40);
      const crops = [64, 32].map((px) => lent.sampled(part, 0, walk, px));
      const tiny = small.resized(16, 16);
      const values = new Float32Array(3 * 24 * 24);
      crops[1]!.planes({ left: 0, top: 0, widthPx: 24, heightPx: 24, reversed: false }, 1, 0, values);
      const sharpness = laplacianOf(crops[0]!, 20); // works behind them
      return { made: [small, ...crops, tiny].map((one) => one.copy()), sharpness };
    };
    const photo = pictures.plainJpeg(await encode(picture(90, 80, 1), "4:2:0"))!;
    const plain = new Pictures({ simd: false }).photo(copyOf(photo));
    expect(withPicture(photo, all)).toEqual(withPicture(plain, all));
    expect(withPicture(photo, all)).toEqual(withPicture(plain, all)); // in another block, where the first one stays
    withPicture(photo, (lent) => lent.sampled(part, 0, walk, 64).copy()); // the small one lies behind others
    expect(withPicture(photo, all)).toEqual(withPicture(plain, all));
  });
});

describe("a picture that is lent", () => {
  const noise = picture(60, 40, 5);
  const photo = pictures.photo(noise);

  it("is no plain picture, and no block gives it or a promise away", async () => {
    const leaks = [
      // @ts-expect-error a promise continues when the picture is gone
      () => withPicture(photo, async (lent) => lent.copy()),
      // @ts-expect-error it does not outlive its block
      () => withPicture(photo, (lent) => lent),
      // @ts-expect-error nor does what was made of it
      () => withPicture(photo, (lent) => lent.resized(8, 8)),
    ];
    for (const leak of leaks) {
      expect(leak).toThrow(
        expect.objectContaining({
          code: "PICTURE_RESULT",
          message: expect.stringContaining("not what owns its bytes"),
        }),
      );
    }
    // @ts-expect-error it has no pixels of its own
    const taken = (lent: Picture): RgbImage => lent;
    // @ts-expect-error nor has a photo
    const owned = (of: Photo): RgbImage => of;
    expect([taken, owned]).toHaveLength(2);
    expect(withPicture(photo, (lent) => Object.keys(lent))).not.toContain("data");
  });

  it("does nothing more when its block has ended", () => {
    for (const owner of [pictures, new Pictures({ simd: false })]) {
      const leaked: Picture[] = [];
      withPicture(owner.photo(noise), (lent) => void leaked.push(lent, lent.resized(8, 8)));
      for (const lent of leaked) {
        const uses = [
          () => lent.copy(),
          () => lent.resized(4, 4),
          () => lent.part({ left: 0, top: 0, right: 1, bottom: 1 }),
          () => laplacianOf(lent, 8),
          () => augmentInto(lent, undefined, 4, new Uint8Array(48)),
        ];
        for (const use of uses) expect(use).toThrow(expect.objectContaining({ code: "PICTURE_ENDED" }));
      }
    }
  });

  it("has the memory to itself: no other photo comes in between", async () => {
    const file = await sharp(noise.data, { raw: { width: 60, height: 40, channels: 3 } })
      .jpeg()
      .toBuffer();
    const nested = expect.objectContaining({ code: "PICTURE_NESTED" });
    expect(() => withPicture(photo, () => copyOf(photo))).toThrow(nested);
    expect(() => withPicture(photo, () => void pictures.plainJpeg(file))).toThrow(nested);
    expect(copyOf(photo)).toEqual(noise); // works after a fault
    expect(() => pictures.photo({ ...noise, width: 61 })).toThrow(
      expect.objectContaining({ code: "NOT_AN_IMAGE" }),
    );
  });

  it("owns what it gives", () => {
    const whole = { left: 0, top: 0, right: 59, bottom: 39 };
    for (const owner of [pictures, new Pictures({ simd: false })]) {
      const of = owner.photo(noise);
      const parts = [
        (lent: Picture) => lent.copy(),
        (lent: Picture) => lent.part(whole).copy(),
        (lent: Picture) => lent.resized(60, 40).copy(),
      ];
      for (const part of parts) {
        withPicture(of, part).data.fill(0);
        expect(equal(withPicture(of, part).data, noise.data)).toBe(true);
      }
    }
    expect(equal(noise.data, picture(60, 40, 5).data)).toBe(true);
  });

  it("refuses a photo whose file was written to meanwhile", async () => {
    const file = await sharp(noise.data, { raw: { width: 60, height: 40, channels: 3 } })
      .jpeg()
      .toBuffer();
    const plain = pictures.plainJpeg(file)!;
    copyOf(photo);
    file.fill(0);
    expect(() => copyOf(plain)).toThrow(expect.objectContaining({ code: "PHOTO_CHANGED" }));
  });
});

describe("a memory that nothing else has made larger", () => {
  const side = fc.integer({ min: 1, max: 500 });

  it("has room for all that is read behind a picture, whatever it becomes", () => {
    const drawn = drawAugmentation(Random.of(1), FULL_AUGMENT);
    fc.assert(
      fc.property(side, side, side, side, (width, height, widthPx, heightPx) => {
        const image = { width, height, data: new Uint8Array(3 * width * height) };
        const photo = () => new Pictures().photo(image); // a new memory
        withPicture(photo(), (lent) => lent.resized(widthPx, heightPx).copy());
        withPicture(photo(), (lent) =>
          augmentInto(lent, drawn, widthPx, new Uint8Array(3 * widthPx * widthPx)),
        );
        withPicture(photo(), (lent) => jpegOf(lent, 80));
        if (width > 3 && height > 3)
          withPicture(photo(), (lent) => lent.resized(widthPx, heightPx, 1).copy());
        if (widthPx > 1) withPicture(photo(), (lent) => laplacianOf(lent, widthPx));
      }),
      { numRuns: 60, seed: 7, examples: [[265, 121, 216, 3]] },
    );
  });
});

describe("too large for the memory", () => {
  it("is worked on by the plain code", () => {
    const wide = picture(2100, 2001, 1);
    const parts = (lent: Picture) => [
      lent.resized(64, 48, 1),
      lent.part({ left: 9, top: 9, right: 40, bottom: 30 }),
    ];
    const copies = (lent: Picture) => parts(lent).map((one) => one.copy());
    const plain = new Pictures({ simd: false });
    expect(withPicture(pictures.photo(wide), copies)).toEqual(withPicture(plain.photo(wide), copies));
    const small = picture(20, 30, 2);
    const grown = (lent: Picture) => lent.resized(2100, 2001).resized(50, 50).copy();
    const far = (lent: Picture) =>
      lent.part({ left: -2000, top: -3, right: 999, bottom: 2000 }).resized(50, 50).copy();
    for (const one of [grown, far])
      expect(withPicture(pictures.photo(small), one)).toEqual(withPicture(plain.photo(small), one));
  }, 120_000);
});

describe("openPhoto", () => {
  it("gives the pixels of decodeImage, and its refusals", async () => {
    for (const chroma of ["4:2:0", "4:4:4"] as const) {
      const file = await encodeJpeg(picture(67, 45, 2), { quality: 90, chroma });
      expect(copyOf(await openPhoto(pictures, file))).toEqual(plainOf(await decodeImage(file)));
      await expect(openPhoto(pictures, file.subarray(0, file.length / 2))).rejects.toMatchObject({
        code: "IMAGE_BROKEN",
      });
    }
    await expect(openPhoto(pictures, Buffer.from("<html>"), { name: "x" })).rejects.toMatchObject({
      code: "IMAGE_FORMAT",
    });
    const file = await encodeJpeg(picture(67, 45, 2));
    await expect(openPhoto(pictures, file, { maxPixels: 100 })).rejects.toMatchObject({
      code: "IMAGE_TOO_LARGE",
    });
    await expect(openPhoto(pictures, new Uint8Array(0))).rejects.toMatchObject({ code: "IMAGE_EMPTY" });
    expect(copyOf(await openPhoto(pictures, await encodePng(picture(9, 9, 1))))).toEqual(picture(9, 9, 1));
  });
});

/** Without Buffer's methods. */
const plainOf = ({ width, height, data }: RgbImage) => ({ width, height, data: Uint8Array.from(data) });
