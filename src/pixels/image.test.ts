import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import goldens from "../../test/parity/goldens/pixels/jpeg.json" with { type: "json" };
import { drawn, expectSame } from "../../test/parity/pixels.ts";
import { pngClaiming } from "../../test/png-claiming.ts";
import { decodeImage, encodeJpeg, encodePng, imageSize, renderSvg } from "./image.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-image-"));
});
afterAll(() => rm(folder, { recursive: true }));

const image = drawn(60, 40, "smooth");
const source = () => sharp(image.data, { raw: { width: 60, height: 40, channels: 3 } });

/** Writes bytes to a file of its own. */
async function file(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

describe("decodeImage reads every kind of file to sRGB u8", () => {
  for (const golden of goldens.files) {
    it(`${golden.name}: the same bytes as Pillow`, async () => {
      const decoded = await decodeImage(Buffer.from(golden.base64, "base64"));
      expect([decoded.width, decoded.height]).toEqual(golden.size);
      expectSame(decoded, golden);
    });
  }

  it("PNG and 16-bit PNG without loss", async () => {
    const png16 = await source().toColourspace("rgb16").png().toBuffer();
    expect((await sharp(png16).metadata()).depth).toBe("ushort");
    for (const bytes of [await encodePng(image), png16]) {
      const decoded = await decodeImage(bytes);
      expect(decoded).toMatchObject({ width: 60, height: 40 });
      expect(largestDifference(decoded.data, image.data)).toBe(0);
    }
  });

  it("alpha dropped, palette resolved", async () => {
    const few = drawn(16, 8, "smooth");
    const small = sharp(few.data, { raw: { width: 16, height: 8, channels: 3 } });
    const alpha = await small.clone().ensureAlpha(0.2).png().toBuffer();
    const palette = await small.clone().png({ palette: true, dither: 0 }).toBuffer();
    expect((await sharp(alpha).metadata()).channels).toBe(4);
    expect((await sharp(palette).metadata()).isPalette).toBe(true);
    expect(largestDifference((await decodeImage(alpha)).data, few.data)).toBe(0);
    expect(largestDifference((await decodeImage(palette)).data, few.data)).toBeLessThanOrEqual(2);
  });

  it("CMYK JPEG", async () => {
    const bytes = await sharp({ create: { width: 32, height: 16, channels: 3, background: "#967864" } })
      .toColourspace("cmyk")
      .jpeg({ quality: 100 })
      .toBuffer();
    expect((await sharp(bytes).metadata()).space).toBe("cmyk");
    const { width, height, data } = await decodeImage(bytes);
    expect([width, height, data.length]).toEqual([32, 16, 32 * 16 * 3]);
    expect(largestDifference([...data.subarray(0, 3)], [150, 120, 100])).toBeLessThanOrEqual(10);
  });

  it("grey JPEG and 16-bit grey PNG as three equal channels", async () => {
    const jpeg = await source().greyscale().jpeg().toBuffer();
    const png = await source().toColourspace("grey16").png().toBuffer();
    expect((await sharp(png).metadata()).depth).toBe("ushort");
    for (const bytes of [jpeg, png]) {
      const { data } = await decodeImage(bytes);
      expect(data.length).toBe(60 * 40 * 3);
      expect([data[301], data[302]]).toEqual([data[300], data[300]]);
      expect(new Set(data).size).toBeGreaterThan(20);
    }
  });

  it("a wide-gamut profile is converted, an sRGB profile changes nothing", async () => {
    const srgb = await source().withIccProfile("srgb").png().toBuffer();
    expect((await sharp(srgb).metadata()).icc).toBeDefined();
    expect(largestDifference((await decodeImage(srgb)).data, image.data)).toBe(0);
    const red = await sharp({ create: { width: 4, height: 4, channels: 3, background: "#b43c3c" } })
      .withIccProfile("p3")
      .png()
      .toBuffer();
    const stored = await sharp(red, { ignoreIcc: true }).raw().toBuffer();
    expect(stored[0]).toBe(166); // the same red is a smaller number in the wider space
    expect(largestDifference((await decodeImage(red)).data.subarray(0, 3), [180, 60, 60])).toBeLessThan(3);
  });

  it("16 bits with a profile come out in sRGB too", async () => {
    for (const profile of ["srgb", "p3"]) {
      const bytes = await source().toColourspace("rgb16").withIccProfile(profile).png().toBuffer();
      const { depth, icc } = await sharp(bytes).metadata();
      expect([depth, icc !== undefined]).toEqual(["ushort", true]);
      expect(largestDifference((await decodeImage(bytes)).data, image.data)).toBeLessThanOrEqual(3);
    }
  });

  it("turns by EXIF orientation, in pixels and in imageSize", async () => {
    // Orientation 6: the top of the scene is the right side of the stored rows.
    const path = await file("turned.png", await source().withMetadata({ orientation: 6 }).png().toBuffer());
    const upright = await decodeImage(path);
    expect([upright.width, upright.height]).toEqual([40, 60]);
    const stored = (x: number, y: number) => [...image.data.subarray((y * 60 + x) * 3, (y * 60 + x) * 3 + 3)];
    const seen = (x: number, y: number) => [...upright.data.subarray((y * 40 + x) * 3, (y * 40 + x) * 3 + 3)];
    expect(seen(39, 0)).toEqual(stored(0, 0));
    expect(seen(0, 0)).toEqual(stored(0, 39));
    expect(seen(12, 34)).toEqual(stored(34, 27));
    expect(await imageSize(path)).toEqual({ width: 40, height: 60, format: "png" });
  });
});

describe("decodeImage refuses", () => {
  it("a bomb from its header, quickly", async () => {
    const path = await file("bomb.png", pngClaiming(20_000, 20_000));
    expect(await imageSize(path)).toEqual({ width: 20_000, height: 20_000, format: "png" });
    const before = process.memoryUsage.rss();
    await expect(decodeImage(path)).rejects.toMatchObject({
      kind: "data",
      code: "IMAGE_TOO_LARGE",
      message: expect.stringMatching(
        /^Expected at most 600\d{5} pixels for the image's size, got "20000 x 20000" \(/,
      ),
      hint: expect.stringContaining("shrink"),
    });
    expect(process.memoryUsage.rss() - before).toBeLessThan(200e6);
    // A small file of many pixels is one too, though cameras make pictures of so many.
    const plain = await file("plain.png", pngClaiming(9000, 9000));
    await expect(decodeImage(plain)).rejects.toMatchObject({ code: "IMAGE_TOO_LARGE" });
    await expect(decodeImage(await encodePng(image), { maxPixels: 2399, name: "x" })).rejects.toMatchObject({
      code: "IMAGE_TOO_LARGE",
    });
  });

  it("files cut off anywhere, in each format", async () => {
    const noise = drawn(200, 100, "noise");
    const raw = sharp(noise.data, { raw: { width: 200, height: 100, channels: 3 } });
    const whole = {
      jpeg: await raw.clone().jpeg().toBuffer(),
      progressive: await raw.clone().jpeg({ progressive: true }).toBuffer(),
      png: await raw.clone().png().toBuffer(),
      webp: await raw.clone().webp().toBuffer(),
    };
    for (const [name, bytes] of Object.entries(whole)) {
      for (const part of [0.3, 0.7, 0.98]) {
        const path = await file(`cut-${name}-${part}`, bytes.subarray(0, Math.floor(bytes.length * part)));
        await expect(decodeImage(path), `${name} ${part}`).rejects.toMatchObject({
          kind: "data",
          code: expect.stringMatching(/^IMAGE_(BROKEN|FORMAT)$/),
          message: expect.stringContaining(path),
          hint: expect.any(String),
        });
      }
    }
  });

  it("a truncated JPEG with the reason", async () => {
    const bytes = await encodeJpeg(drawn(200, 100, "noise"));
    await expect(decodeImage(bytes.subarray(0, 9000), { name: "upload" })).rejects.toMatchObject({
      code: "IMAGE_BROKEN",
      message: expect.stringMatching(
        /^Expected a complete image for the file's pixels, got "a JPEG picture without its end, cut off after 9000 bytes" \(upload\)$/,
      ),
    });
  });

  it("empty files", async () => {
    const path = await file("empty.jpg", new Uint8Array(0));
    const error = {
      kind: "data",
      code: "IMAGE_EMPTY",
      message: `Expected an image for the file, got "an empty file" (${path})`,
      hint: expect.stringContaining("nothing was stored"),
    };
    await expect(decodeImage(path)).rejects.toMatchObject(error);
    await expect(imageSize(path)).rejects.toMatchObject(error);
  });

  it("other files under an image's name, and SVG", async () => {
    const page = await file("page.jpg", Buffer.from("<!doctype html><title>Quota exceeded</title>"));
    const svg = await file("drawing.jpg", Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'));
    for (const [path, hint] of [
      [page, "within a day"],
      [svg, "save it as PNG or JPEG"],
    ] as const) {
      await expect(decodeImage(path)).rejects.toMatchObject({
        kind: "data",
        code: "IMAGE_FORMAT",
        message: expect.stringContaining(path),
        hint: expect.stringContaining(hint),
      });
    }
  });

  it("missing files", async () => {
    const path = join(folder, "nowhere.jpg");
    await expect(decodeImage(path)).rejects.toMatchObject({ kind: "data", code: "FILE_MISSING" });
    await expect(imageSize(path)).rejects.toMatchObject({ kind: "data", code: "FILE_MISSING" });
  });
});

describe("encoding", () => {
  it("JPEG: same bytes each time, no metadata, close at high quality", async () => {
    const bytes = await encodeJpeg(image, { quality: 95, chroma: "4:4:4" });
    expect(await encodeJpeg(image, { quality: 95, chroma: "4:4:4" })).toEqual(bytes);
    const { exif, icc } = await sharp(bytes).metadata();
    expect([exif, icc]).toEqual([undefined, undefined]);
    expect(largestDifference((await decodeImage(bytes)).data, image.data)).toBeLessThan(40);
    expect((await encodeJpeg(image, { quality: 40 })).length).toBeLessThan(bytes.length);
  });
});

describe("renderSvg", () => {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10">
    <rect x="0" y="0" width="10" height="10" fill="#ff0000"/></svg>`;

  it("draws at its own size on white", async () => {
    const { width, height, data } = await renderSvg(svg);
    expect([width, height]).toEqual([20, 10]);
    expect([...data.subarray(0, 3)]).toEqual([255, 0, 0]);
    expect([...data.subarray(-3)]).toEqual([255, 255, 255]);
  });

  it("draws sharp edges at a larger width, on the wanted background", async () => {
    const { width, height, data } = await renderSvg(svg, { widthPx: 640, background: "#0000ff" });
    expect([width, height]).toEqual([640, 320]);
    const row = 100 * 640 * 3;
    expect([...data.subarray(row + 317 * 3, row + 318 * 3)]).toEqual([255, 0, 0]);
    expect([...data.subarray(row + 322 * 3, row + 323 * 3)]).toEqual([0, 0, 255]);
  });

  it("refuses what is not a drawing", async () => {
    await expect(renderSvg("<svg")).rejects.toMatchObject({ kind: "data", code: "SVG_BROKEN" });
  });
});

describe("the library that decodes", () => {
  it("is named where it does not load, and asked for again by the next picture", async () => {
    const bytes = new Uint8Array(await source().png().toBuffer());
    vi.doMock("sharp", () => Promise.reject(new Error("EMFILE: too many open files")));
    vi.resetModules();
    const fresh = await import("./image.ts");
    const hint = "allow more open files (ulimit -n 4096), or install facehand again";
    for (const asked of [() => fresh.decodeImage(bytes), () => fresh.encodePng(image)])
      await expect(asked()).rejects.toMatchObject({ kind: "data", code: "SHARP_REFUSED", hint });
    await expect(fresh.decodeImage(bytes)).rejects.toThrow(
      "Expected the library sharp to load for pictures, got ",
    );
    vi.doUnmock("sharp");
    expect(await fresh.decodeImage(bytes)).toEqual(await decodeImage(bytes));
  });
});
