import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { drawn } from "../../test/parity/pixels.ts";
import { plainJpegPixels } from "./picture-file.ts";

const source = () => sharp(drawn(60, 40, "smooth").data, { raw: { width: 60, height: 40, channels: 3 } });

describe("plainJpegPixels", () => {
  it("reads baseline, progressive, grey, CMYK, with Exif and a profile", async () => {
    const files = [
      source().jpeg(),
      source().jpeg({ progressive: true }),
      source().greyscale().jpeg(),
      source().toColourspace("cmyk").jpeg(),
      source().withMetadata({ orientation: 6 }).jpeg(),
      source().withIccProfile("p3").jpeg(),
    ];
    for (const file of files) expect(plainJpegPixels(await file.toBuffer())).toBe(2400);
  });

  it("leaves everything else to the decoder's own header: XMP (gain maps), other formats, cut files", async () => {
    const jpeg = await source().jpeg().toBuffer();
    const xmp = await source().withXmp("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>").jpeg().toBuffer();
    expect(plainJpegPixels(xmp)).toBeUndefined();
    expect(plainJpegPixels(await source().png().toBuffer())).toBeUndefined();
    expect(plainJpegPixels(new Uint8Array(0))).toBeUndefined();
    for (const length of [1, 2, 3, 10, 25, 100])
      expect(plainJpegPixels(jpeg.subarray(0, length))).toBeUndefined();
    const frame = jpeg.findIndex((value, k) => value === 0xff && jpeg[k + 1] === 0xc0);
    expect(plainJpegPixels(jpeg.map((value, k) => (k === frame + 4 ? 12 : value)))).toBeUndefined();
    expect(plainJpegPixels(jpeg.map((value, k) => (k === 2 ? 0 : value)))).toBeUndefined();
  });
});
