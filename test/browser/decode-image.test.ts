// Pictures decoded in a page, by the thread that views use: the bytes and the refusals of Node, and what a static host cannot read.
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import Vips from "wasm-vips";
import type { AppError } from "../../src/core/errors.ts";
import { decodeImage } from "../../src/pixels/image.ts";
import type { RgbImage } from "../../src/pixels/pixels.ts";
import goldens from "../parity/goldens/pixels/jpeg.json" with { type: "json" };
import { drawn, picture } from "../parity/pixels.ts";
import { pngClaiming } from "../png-claiming.ts";
import { CHROMIUM } from "./browser.ts";
import { buildInPage, type InPage, openInPage } from "./in-page.ts";

const raw = ({ width, height, data }: RgbImage) => sharp(data, { raw: { width, height, channels: 3 } });
const source = () => raw(picture(61, 43, 5));
const large = () => raw(picture(1301, 977, 7));

/** Files by what is special about them. */
async function files(): Promise<[name: string, bytes: Uint8Array][]> {
  const turned = [1, 2, 3, 4, 5, 6, 7, 8].map(
    (orientation) =>
      [`JPEG with EXIF ${orientation}`, source().withMetadata({ orientation }).jpeg()] as const,
  );
  const kinds = [
    ["baseline JPEG", source().jpeg()],
    ["baseline JPEG 4:4:4", source().jpeg({ chromaSubsampling: "4:4:4" })],
    ["large baseline JPEG", large().jpeg()],
    ["large progressive JPEG", large().jpeg({ progressive: true })],
    ["progressive JPEG 4:4:4", source().jpeg({ progressive: true, chromaSubsampling: "4:4:4" })],
    ["grey JPEG", source().greyscale().jpeg()],
    ["CMYK JPEG", source().toColourspace("cmyk").jpeg({ quality: 95 })],
    ["CMYK JPEG with its profile", source().withIccProfile("cmyk").toColourspace("cmyk").jpeg()],
    ["JPEG in Display P3", source().withIccProfile("p3").jpeg()],
    ["JPEG with sRGB's profile", source().withIccProfile("srgb").jpeg()],
    ...turned,
    ["PNG", source().png()],
    ["PNG turned by EXIF", source().withMetadata({ orientation: 6 }).png()],
    ["PNG in Display P3", source().withIccProfile("p3").png()],
    ["PNG with 16 bits", source().toColourspace("rgb16").png()],
    ["PNG with 16 bits in Display P3", source().toColourspace("rgb16").withIccProfile("p3").png()],
    ["grey PNG", source().greyscale().png()],
    ["grey PNG with 16 bits", source().toColourspace("grey16").png()],
    ["PNG with a palette", source().png({ palette: true, colours: 40 })],
    ["PNG with alpha", source().ensureAlpha(0.3).png()],
    ["grey PNG with alpha", source().greyscale().ensureAlpha(0.3).png()],
    ["WebP", source().webp()],
    ["WebP turned by EXIF", source().withMetadata({ orientation: 8 }).webp()],
    ["WebP without loss, with alpha", source().ensureAlpha(0.5).webp({ lossless: true })],
    ["GIF", source().gif()],
    ["TIFF", source().tiff({ compression: "lzw" })],
    ["TIFF with 16 bits", source().toColourspace("rgb16").tiff({ compression: "deflate" })],
    ["TIFF in CMYK", source().toColourspace("cmyk").tiff()],
    ["TIFF with 16 bits in Display P3", source().toColourspace("rgb16").withIccProfile("p3").tiff()],
  ] as const;
  const made = kinds.map(
    async ([name, image]) => [name, new Uint8Array(await image.toBuffer())] as [string, Uint8Array],
  );
  const pillow = goldens.files.map(
    ({ name, base64 }) =>
      [`Pillow's ${name}`, new Uint8Array(Buffer.from(base64, "base64"))] as [string, Uint8Array],
  );
  return [...(await Promise.all(made)), ...pillow, ["JPEG with a gain map", await withGainMap()]];
}

/** A JPEG as newer phones store it: with what a bright screen makes of it beside it. */
async function withGainMap(): Promise<Uint8Array> {
  const vips = await Vips({ dynamicLibraries: [] });
  const { width, height, data } = picture(163, 121, 9);
  const stored = vips.Image.newFromMemory(data as Uint8Array, width, height, 3, vips.BandFormat.uchar);
  const bright = stored.copy({ interpretation: "srgb" }).colourspace("scrgb").linear(2.5, 0).cast("float");
  const bytes = new Uint8Array(bright.copy({ interpretation: "scrgb" }).uhdrsaveBuffer({ Q: 85 }));
  vips.shutdown();
  expect((await sharp(bytes).metadata()).gainMap).toBeDefined();
  return bytes;
}

const refusal = (bytes: Uint8Array, options = {}) =>
  decodeImage(bytes, { name: "picture", ...options }).then(
    () => undefined,
    ({ kind, code, message, hint }: AppError) => ({
      ...{ kind, code, hint },
      message: message.replace("tiff, heif)", "tiff)"), // which the page does not read
    }),
  );

describe.skipIf(CHROMIUM === undefined)("a picture in the page", () => {
  let built: string;
  let page: InPage;
  beforeAll(async () => {
    built = await buildInPage();
    page = await openInPage(built);
  });
  afterAll(async () => {
    await page?.close();
  });

  it("has the bytes that Node has, whatever the file", async () => {
    for (const [name, bytes] of await files()) {
      const wanted = await decodeImage(bytes);
      const { made, fault } = await page.tryAsk("decode", bytes, { name });
      expect([name, fault]).toEqual([name, undefined]);
      const { width, height, data, shared } = made as Awaited<ReturnType<typeof decodeImage>> & {
        shared: boolean;
      };
      expect([name, width, height, shared]).toEqual([name, wanted.width, wanted.height, false]);
      expect(Buffer.compare(Buffer.from(data), Buffer.from(wanted.data)), name).toBe(0);
    }
    expect(page.faults).toEqual([]);
  });

  it("loads libvips when it is first needed, once, from the page's own files", async () => {
    const fresh = await openInPage(built);
    const vips = () => fresh.asked.filter((path) => /\/vips-[^/]*\.wasm$/.test(path)).length;
    await fresh.ask("decode", new Uint8Array(await source().jpeg().toBuffer()), {});
    expect(vips()).toBe(0);
    const png = new Uint8Array(await source().png().toBuffer());
    await Promise.all([fresh.ask("decode", png, {}), fresh.ask("decode", png, {})]);
    expect(vips()).toBe(1);
    expect(fresh.asked.filter((path) => !path.startsWith("/assets/") && path !== "/")).toEqual([]);
    await fresh.close();
  });

  it("is refused as in Node", async () => {
    const noise = raw(drawn(200, 100, "noise"));
    const jpeg = new Uint8Array(await noise.jpeg().toBuffer());
    const webp = new Uint8Array(await noise.webp().toBuffer());
    const same: (readonly [Uint8Array, object])[] = [
      [new Uint8Array(), {}],
      [jpeg.subarray(0, 9000), {}],
      [webp.subarray(0, 3000), {}],
      [pngClaiming(20_000, 20_000), {}],
      [pngClaiming(9000, 9000), {}],
      [jpeg, { maxPixels: 19_999 }],
      [jpeg, { maxPixels: 0 }],
    ];
    for (const [bytes, options] of same) {
      const wanted = await refusal(bytes, options);
      const { fault } = await page.tryAsk("decode", new Uint8Array(bytes), { name: "picture", ...options });
      expect(fault).toEqual(wanted);
      expect(wanted).toBeDefined();
    }
    const avif = await source().avif().toBuffer();
    for (const [text, got, hint] of [
      ["<!doctype html><title>Quota exceeded</title>", /Google Drive's page/, /within a day/],
      ['<svg xmlns="http://www.w3.org/2000/svg"/>', /an SVG drawing/, /save it as PNG or JPEG/],
      [avif, /a HEIF or AVIF picture/, /.*/],
    ] as const) {
      const { fault } = await page.tryAsk("decode", new Uint8Array(Buffer.from(text)), { name: "picture" });
      expect(fault).toMatchObject({ kind: "data", code: "IMAGE_FORMAT" });
      expect(fault!.message).toMatch(got);
      expect(fault!.message).toContain("(jpeg, png, webp, gif, tiff)");
      expect(fault!.hint).toMatch(hint);
    }
    // What was refused leaves nothing behind that the next picture has.
    expect((await page.ask("decode", jpeg, {})).width).toBe(200);
  });

  it("of a host without the headers is read if it is a plain JPEG, and otherwise refused with the reason", async () => {
    const alone = await openInPage(built, { plain: true });
    const plain = new Uint8Array(await source().jpeg().toBuffer());
    const { data } = await alone.ask("decode", plain, {});
    expect(Buffer.compare(Buffer.from(data), Buffer.from((await decodeImage(plain)).data))).toBe(0);
    const { fault } = await alone.tryAsk("decode", new Uint8Array(await source().png().toBuffer()), {
      name: "a.png",
    });
    expect(fault).toMatchObject({
      kind: "input",
      code: "PAGE_ISOLATION",
      message: expect.stringContaining("(a.png)"),
    });
    expect(fault!.hint).toContain("Cross-Origin-Opener-Policy: same-origin");
    expect(alone.faults).toEqual([]);
    await alone.close();
  });
});
